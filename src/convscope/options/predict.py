"""Options of ``convscope predict``."""

from dataclasses import dataclass
from typing import Any, Literal

from convscope.core.devices import DeviceChoice
from convscope.core.options import check_options, option
from convscope.core.precision import BackendPrecision

from . import fields

Backend = Literal["torch", "openvino", "onnxruntime", "auto"]


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """How to predict.

    Attributes:
        calibration: data of `convscope.train`, for int8.
    """

    top: int = option(1, "Number of classes to name, the most probable first.", metavar="K", least=1)
    tta: bool = option(
        False,
        "Test-time augmentation: average the probabilities of each image and its horizontal flip. Takes twice the "
        "time; more accurate where flips keep the class.",
    )
    background: str | None = fields.background()
    batch: int | None = fields.batch()
    workers: int | None = fields.workers()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class InferenceOptions:
    """How fast and how exactly a network computes."""

    precision: BackendPrecision = option(
        "float32",
        "Number format. bfloat16 is up to twice as fast where the processor has it (auto checks), int8 on any with "
        "--calibration; probabilities then have 2 to 3 digits.",
        group="Network",
    )
    backend: Backend = option(
        "auto",
        "Engine. auto is torch for few images and in shards, else the fastest that is installed and agrees with "
        "torch; openvino is an extra to install.",
        group="Network",
    )
    device: DeviceChoice = fields.device()
    calibration: Any = option(None, "Training data for int8; 500 images are read.", group="Network", metavar="DATA")

    def __post_init__(self) -> None:
        check_options(self)
