"""Options of ``convscope features``."""

from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.devices import DeviceChoice
from convscope.core.options import AnyPath, check_options, option

from . import fields

CLASSIFIER_NAMES = ("softmax", "svm", "rbf-svm", "knn", "forest", "lda", "boosting")
"""Keys of `convscope.features.classifiers.CLASSIFIERS`, which a light ``--help`` does not import."""


@dataclass(frozen=True, kw_only=True)
class FeaturesOptions:
    """Which features of which layer, and where they go."""

    stage: int = option(-1, "Stage: 1 is the first, -1 the last, 0 the pixels.", metavar="N")
    layer: str | None = option(
        None, "Layer or block by name, for example layer3.1.conv2, in place of the stage.", metavar="NAME"
    )
    pool: str = option("none", "Pooling of each map: none (all values), mean, max or grid2 (2 x 2).", metavar="POOL")
    background: str | None = fields.background()
    output: AnyPath | None = fields.output("A .npz, .npy, .csv or .parquet.")
    force: bool = fields.force()
    batch: int | None = fields.batch()
    device: DeviceChoice = fields.device()
    class_depth: int | None = fields.class_depth()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions:
    """Which classifiers learn from the features."""

    classifiers: Sequence[str] = option(
        (),
        f"Classifiers to evaluate on the features, separated by commas: {', '.join(CLASSIFIER_NAMES)}.",
        metavar="NAMES",
    )
    save: AnyPath | None = option(
        None,
        "Save the network with the best of the --classifiers as a model file; it cannot hold forest and boosting.",
        group="Output",
        metavar="FILE",
    )
    seed: int = fields.seed()

    def __post_init__(self) -> None:
        check_options(self)
