"""Options of ``convscope scan``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from convscope.core.devices import DeviceChoice
from convscope.core.options import AnyPath, check_options, option

from . import fields

Edges = Literal["inside", "pad"]
StoredType = Literal["uint8", "uint16", "float16", "float32"]


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """How an image is scanned, and what is written."""

    output: AnyPath | None = fields.output(
        "Write the maps to this BigTIFF, or OME-Zarr if it ends in .zarr, one band per class.", "MAPS.tif"
    )
    stride: int | None = option(
        1, "Pixels between neighboring positions; 0 for the network's own stride.", metavar="PX", least=0, most=4_096
    )
    scale: float | None = option(
        None,
        "Pixels of the network for each pixel of the image; needed unless the network was trained on unscaled images.",
        group="Data",
        metavar="FACTOR",
    )
    edges: Edges = option(
        "inside", "Windows within the image only, or a frame of the background around it.", group="Data"
    )
    classes: Sequence[str] = option(
        (),
        "Classes to store and to show, separated by commas; by default all, but one named background is not shown.",
        group="Output",
        metavar="NAMES",
    )
    best: bool = option(False, "Store the most probable class and its probability only.", group="Output")
    dtype: StoredType = option("uint8", "Number format of a band; integers stand for 0 to 1.", group="Output")
    stability: int = option(
        0,
        "Add a band: the fraction of shifts up to PX pixels with the same predicted class.",
        group="Output",
        metavar="PX",
        least=0,
        most=256,
    )
    positions: AnyPath | None = option(
        None,
        "Write a table of the positions found, where the mean probability around is largest, to this .csv or .geojson.",
        group="Output",
        metavar="FILE",
    )
    threshold: float = option(
        0.5, "Least probability of a position in the table.", group="Output", metavar="P", least=0, most=1
    )
    distance: float | None = option(
        None,
        "Least distance of two positions in the table, in pixels; half a window by default.",
        group="Output",
        metavar="PX",
        least=0,
    )
    blank: Sequence[str] = option(
        (),
        "Images that hold none of the classes, files, folders or patterns separated by commas: counts false alarms.",
        group="Measurement",
        metavar="IMAGES",
    )
    per_megapixel: float | None = option(
        None,
        "Raise each class's threshold until it has at most RATE false alarms per megapixel on the blank images.",
        group="Measurement",
        metavar="RATE",
        least=0,
    )
    overlay: AnyPath | None = option(
        None, "Write the image with the classes in color to this .png or .jpg.", group="Output", metavar="FILE"
    )
    page: AnyPath | None = option(
        None,
        "Write a page of the image with the classes in color into this folder; a position opens in the explorer.",
        group="Output",
        metavar="FOLDER",
    )
    windows: AnyPath | None = option(
        None,
        "Write the windows of uncertain and hardest into this folder, one folder per class, with a table and a page to "
        "go through them.",
        group="Output",
        metavar="FOLDER",
    )
    uncertain: int = option(
        0,
        "Windows to write where an object is more probable than around, but two classes are nearly as probable.",
        group="Output",
        metavar="N",
        least=0,
        most=10_000,
    )
    hardest: int = option(
        0,
        "Number of windows to write whose prediction differs most from --label.",
        group="Output",
        metavar="N",
        least=0,
        most=10_000,
    )
    label: str | None = option(None, "True class of the whole image, for --hardest.", group="Output", metavar="CLASS")
    reuse: AnyPath | None = option(
        None,
        "Take the tiles of this earlier result whose pixels have not changed; only the others are computed. An image "
        "may have become larger to the right or below, not above or to the left.",
        metavar="MAPS.tif",
    )
    memory: str = option("1G", "Memory for the scan, for example 512M; it sets the size of the tiles.", metavar="SIZE")
    check: int = option(
        1_000,
        "Positions compared with window by window, and as many at joints and edges; 0 for none.",
        group="Measurement",
        metavar="N",
        least=0,
        most=100_000,
    )
    seed: int = fields.seed()
    device: DeviceChoice = fields.device()
    force: bool = fields.force()

    def __post_init__(self) -> None:
        check_options(self)
