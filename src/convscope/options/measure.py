"""Options of ``convscope measure``: of distortions, of units, and of cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.devices import DeviceChoice
from convscope.core.options import AnyPath, Size, check_options, option

from . import fields

RECORD = "Write the record as JSON; a run folder keeps it by default, for look and draw."


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """Which distortions are measured, on how many images."""

    distortions: Sequence[str] = option(
        (),
        "Distortions, separated by commas, for example shift-x,rotation,shift@30; all by default.",
        metavar="NAMES",
    )
    strengths: Sequence[float] = option(
        (),
        "Strengths, separated by commas, in the unit of the --distortions, which must be given.",
        metavar="NUMBERS",
    )
    images: int | None = option(
        None, "Largest number of images to distort; by default 1,000, of large networks fewer.", metavar="N", least=1
    )
    margin: int = option(0, "Background around each image.", group="Measurement", metavar="PX", least=0)
    seed: int = fields.seed()
    class_depth: int | None = fields.class_depth()
    output: AnyPath | None = fields.output(RECORD)
    force: bool = fields.force()
    batch: int | None = fields.batch()
    device: DeviceChoice = fields.device()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class UnitsOptions:
    """What is measured of each unit."""

    top: int = option(9, "Patches saved for each unit.", group="Measurement", metavar="N", least=1)
    ablation: int = option(
        1_000, "Images on which each unit is ablated; 0 for none.", group="Measurement", metavar="N", least=0
    )
    layer: Sequence[str] = option(
        (),
        "Layers whose units are all ablated, separated by commas, by name, block or number. By default all of a "
        "layout; of other networks the units that matter most.",
        group="Measurement",
        metavar="NAMES",
    )
    probes: bool = option(True, "Train a linear probe on each stage.", group="Measurement")
    seed: int = fields.seed()
    class_depth: int | None = fields.class_depth()
    output: AnyPath | None = fields.output(RECORD)
    force: bool = fields.force()
    batch: int | None = fields.batch()
    device: DeviceChoice = fields.device()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class CostOptions:
    """The network and the timing of its cost."""

    size: Size | None = fields.size("Image size of a MODEL that is a layout, in pixels; 28 by default.")
    channels: int | None = fields.channels("Channels of a MODEL that is a layout; 1 by default.")
    classes: int | None = fields.classes()
    batch: int | None = fields.batch()
    repeats: int = option(5, "Timed batches; 0 only counts.", group="Measurement", metavar="N", least=0)
    output: AnyPath | None = fields.output(RECORD)
    force: bool = fields.force()

    def __post_init__(self) -> None:
        check_options(self)
