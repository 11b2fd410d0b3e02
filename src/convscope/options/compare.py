"""Options of ``convscope compare``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convscope.core.devices import DeviceChoice
from convscope.core.options import AnyPath, Size, ValueLimits, check_options, option

from . import fields

MOST_TEST_IMAGES, MOST_DISTORTED = 10_000, 1_000
VARIANT_NAMES = (
    "convolution", "locally-connected", "partly-shared", "mlp-parameters", "mlp-macs", "no-pooling-mean",
    "no-pooling-connected", "pooling-max", "pooling-mean", "pooling-subset", "pooling-root-mean-square",
    "pooling-stochastic", "pooling-blurred-subset", "stride", "first-random", "first-kmeans-frozen", "first-kmeans",
    "by-hand-svm", "pixels-softmax", "pixels-svm", "convolution-distorted", "mlp-distorted",
    "start-frozen", "start-fine-tuned", "start-random",
)  # fmt: skip
"""Keys of `convscope.measures.comparison.variants.VARIANTS`, which a light ``--help`` does not import."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """What is compared, on which images, with which budget."""

    quick: bool = option(False, "Few images, a small network, 2 to 16 epochs: minutes on two cores.")
    variants: Sequence[str] = option(
        (),
        "Variants to compare, separated by commas; by default all, the last three with --start: "
        f"{', '.join(VARIANT_NAMES)}.",
        metavar="NAMES",
    )
    model: Any = option(
        None, "A model with the same classes, evaluated as it is beside the variants.", group="Network", metavar="MODEL"
    )
    start: Any = option(
        None,
        "A trained network, as for train: variants that start from it, frozen and fine-tuned, and its layers with "
        "random weights.",
        group="Network",
        metavar="NETWORK",
    )
    epochs: int | None = option(
        None, "Epochs of every network; chosen from the number of images by default.", metavar="N"
    )
    seconds: float | None = option(None, "Seconds of training of every network, in place of epochs.", metavar="S")
    seeds: int | None = option(
        None,
        "Trainings of each variant; 3 by default, 1 with --quick.",
        group="Training",
        metavar="N",
        least=1,
        most=100,
    )
    learning_curve: bool = option(False, "Measure accuracy by number of training images, too.", group="Measurement")
    layout: str | None = option(
        None, "Layout of the baseline; chosen from the dataset by default.", group="Network", metavar="TEXT"
    )
    size: Size | None = fields.size()
    channels: int | None = fields.channels()
    value_range: ValueLimits | None = fields.value_range()
    class_depth: int | None = fields.class_depth()
    images: int | None = option(
        None, "Largest number of training images; 5000 with --quick.", group="Data", metavar="N", least=20
    )
    test_images: int | None = option(
        None, "Largest number of test images; 10000 by default, 5000 with --quick.", group="Data", metavar="N", least=10
    )
    distorted: int | None = option(
        None,
        "Largest number of distorted test images; 1000 by default, 300 with --quick.",
        group="Measurement",
        metavar="N",
        least=0,
        most=MOST_TEST_IMAGES,
    )
    device: DeviceChoice = fields.device()
    output: AnyPath | None = fields.output("Folder of the results; runs/compare-<name> by default.", "FOLDER")
    force: bool = fields.force("Replace existing results; finished trainings are used again.")

    def __post_init__(self) -> None:
        check_options(self)
