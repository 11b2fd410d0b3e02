"""Options of ``convscope convert``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from convscope.core.options import AnyPath, Size, check_options, option

from . import fields


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """What an ONNX file does not say, and how one is written."""

    output: AnyPath | None = fields.output("A .safetensors for a model file, or an .onnx.")
    classes: AnyPath | None = option(
        None,
        "Names of the classes: UTF-8 text with one name per line, or a JSON list; class 1 to class N by default.",
        metavar="FILE",
    )
    mean: Sequence[float] = option(
        (),
        "Mean that the network subtracts, one number a channel, separated by commas.",
        group="Data",
        metavar="NUMBERS",
    )
    std: Sequence[float] = option(
        (),
        "Standard deviation that it divides by, one number a channel, separated by commas.",
        group="Data",
        metavar="NUMBERS",
    )
    scale: Literal["255", "1"] | None = option(
        None,
        "Largest pixel value in the units of the network, --mean and --std: 255 or 1; 1 by default.",
        group="Data",
        metavar="255|1",
    )
    color: Literal["rgb", "bgr"] | None = option(
        None, "Order of its channels: rgb or bgr; rgb by default.", group="Data", metavar="rgb|bgr"
    )
    size: Size | None = option(
        None, "Size of its images in pixels, where the file leaves it open.", group="Data", metavar="SIDE|WxH"
    )
    up_to: str | None = option(
        None,
        "Take the network up to this layer, part or output.",
        group="Network",
        metavar="LAYER",
    )
    opset: int | None = option(
        None, "Version of the operators in an .onnx; 17 by default.", group="Output", metavar="N", least=13
    )
    preprocessing: Literal["inside", "outside"] | None = option(
        None,
        "What an .onnx takes and gives: uint8 pixels N H W C and probabilities (inside, by default), or standardized "
        "floats N C H W and logits (outside).",
        group="Output",
        metavar="inside|outside",
    )
    force: bool = fields.force()

    def __post_init__(self) -> None:
        check_options(self)
