"""Options of ``convscope look`` and ``convscope draw``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from convscope.core.options import AnyPath, Size, check_options, option

from . import fields

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True, kw_only=True)
class LookOptions:
    """What a page shows, and where it goes."""

    output: AnyPath | None = fields.output("The page; look.html in the run folder by default.")
    beside: Any = option(
        None,
        "A second model with the same classes and any layout, under the same images and sliders.",
        metavar="OTHER_MODEL",
    )
    lesson: bool = option(False, "Write the lesson alone, to lesson.html by default; it needs no model.")
    force: bool = fields.force()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """What a figure shows, and where it goes."""

    output: AnyPath | None = fields.output(
        "A .png, .svg or .pdf; for convolution a .gif, .mp4 or .png (a strip). Named after WHAT by default."
    )
    layer: str | int | None = option(
        None,
        "Layer by name or number, or the last one of a block by its name: the only one of maps and fields; of filters, "
        "patches and convolution the first with units by default.",
        metavar="LAYER",
    )
    unit: int = option(1, "Unit that convolution shows.", metavar="N", least=1)
    distortions: Sequence[str] = option(
        (), "Distortions of invariance and sensitivity, separated by commas; all by default.", metavar="NAMES"
    )
    theme: ThemeName = option("light", "Colors of the figure.", group="Output")
    size: Size | None = fields.size("Image size of a MODEL that is a layout, in pixels; 28 by default.")
    channels: int | None = fields.channels("Channels of a MODEL that is a layout; 1 by default.")
    classes: int | None = fields.classes()
    force: bool = fields.force()

    def __post_init__(self) -> None:
        check_options(self)
