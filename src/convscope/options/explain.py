"""Options of ``convscope explain``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convscope.core.devices import DeviceChoice
from convscope.core.options import AnyPath, check_options, option

from . import fields


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """What is explained, and how far it is to be checked."""

    target: str | None = option(
        None, "Class to explain, by name; for each image the predicted one by default.", metavar="CLASS"
    )
    methods: Sequence[str] = option(
        (),
        "Methods, separated by commas, for example occlusion,nearest; by default all that the network allows.",
        metavar="NAMES",
    )
    output: AnyPath | None = fields.output(
        "Folder for explain.json, explain.csv and a figure of each image.", metavar="FOLDER"
    )
    layer: str | None = option(
        None,
        "Layer whose maps Grad-CAM weighs, by name or block; the last maps before the classifier by default.",
        metavar="LAYER",
    )
    patch: int | None = option(
        None,
        "Side of the patches of occlusion; a seventh of the image's shorter side by default.",
        metavar="PX",
        least=1,
    )
    nearest: int = option(5, "Training images shown as the nearest.", metavar="N", least=1)
    faithfulness: int | None = option(
        None,
        "Test (or validation) images on which the faithfulness of the methods is measured; 0 for none, by default 50, "
        "of large networks fewer.",
        group="Measurement",
        metavar="N",
        least=0,
    )
    data: Any = option(
        None,
        "Dataset of the training and test images; the one that the run was trained on by default.",
        group="Data",
        metavar="DATA",
    )
    class_depth: int | None = fields.class_depth()
    seed: int = fields.seed()
    force: bool = fields.force()
    batch: int | None = fields.batch("Patches or images computed at once; as memory allows by default.")
    device: DeviceChoice = fields.device()

    def __post_init__(self) -> None:
        check_options(self)
