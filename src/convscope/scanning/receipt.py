"""The receipt of a scan: what was computed, how far it is from window by window, and how fast it was."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import ConvscopeError, DataError
from convscope.core.records import from_json, strict_json
from convscope.core.text import printable
from convscope.networks.folding import fold
from convscope.networks.model import Model
from convscope.networks.tensor_file import content_digest

from .alarms import Alarms
from .bigtiff import read_description
from .grid import Box, Grid
from .maps_file import partial
from .ngff import read_receipt

CHECKED = 1_000
DIFFERENCE = 1e-4  # of the largest logit, that float32 may differ by


@dataclass(frozen=True, kw_only=True)
class Check:
    """How far the result is from window by window.

    Attributes:
        random, nasty: positions compared: anywhere; at joints of tiles, edges and corners of the image.
        difference: the largest, of logits in a scan, of stored probabilities in a verification.
        largest: the largest logit, or 1, which `difference` is to be compared with.
        allowed: the most that `difference` may be.
    """

    random: int = 0
    nasty: int = 0
    difference: float = 0.0
    largest: float = 0.0
    allowed: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the result is that of window by window."""
        return self.difference <= self.allowed


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Three numbers on speed; 0 where they were not measured, as of parts of several machines.

    Attributes:
        measured: positions per second, as a multiple of window by window in batches.
        arithmetic: the same by multiply-accumulate operations.
        share: of the rate of these operations at the network's own stride.
        positions_s: positions per second.
    """

    measured: float = 1.0
    arithmetic: float = 1.0
    share: float = 1.0
    positions_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a result says of itself; it is stored in its TIFF.

    Attributes:
        version: of convscope.
        model, image: their paths; empty for an array, or a model in memory.
        model_digest: of its weights.
        layout: its title.
        classes: names, in the order of the logits.
        bands: what is stored: names, and type.
        best: the two bands are the number of the most probable class, and its probability.
        dtype: of a band.
        stability: pixels of the image that windows are shifted by for the last band; 0 without it.
        image_size: rows and columns of the image, in its own pixels.
        grid: positions and tiles, in pixels of the scanned image.
        scale: pixels of the scanned image for each of the image.
        edges: ``inside`` or ``pad``.
        center: row and column of the center of position (0, 0), in pixels of the image, the first of which is at 0.
        padded: positions along each edge whose windows reach into what is filled in.
        way: ``dense``, ``families`` or ``windows``; ``tiles`` or ``strips`` of a network of maps.
        stripe: tiles side by side that are computed together, in strips; 0 for each by itself.
        macs, window_macs: for each position, and of one window by itself.
        positions: number of them.
        computed: of them that are there.
        reused: of these, taken from an earlier result.
        seconds: of computing them.
        first: offset of the first tile in the TIFF.
        check: comparison with window by window.
        speed: three numbers.
        alarms: false alarms on blank images, where there were any.
    """

    version: str
    model: str
    image: str
    model_digest: str
    layout: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    best: bool
    dtype: str
    stability: int
    image_size: tuple[int, int]
    scale: float
    edges: str
    grid: Grid = field(default_factory=lambda: Grid(image=(1, 1), window=(1, 1), stride=1, tile=16))
    center: tuple[float, float] = (0.0, 0.0)
    padded: int = 0
    way: str = ""
    stripe: int = 0
    macs: int = 0
    window_macs: int = 0
    positions: int = 0
    computed: int = 0
    reused: int = 0
    seconds: float = 0.0
    first: int = 0
    check: Check = Check()
    speed: Speed = Speed()
    alarms: Alarms | None = None


def receipt_of(path: Path) -> tuple[Receipt, Path]:
    """Return the receipt of a result, and the TIFF or Zarr folder that has it: `path`, or, if not whole, its part.

    Raises:
        DataError: there is no result of a scan.
    """
    if not path.exists() and partial(path).exists():
        path = partial(path)
    if not path.exists():
        raise DataError(f"There is no {printable(str(path))}. Name a scan as its -o does, also an unfinished one.")
    try:
        found = read_receipt(path) if path.is_dir() else strict_json(read_description(path) or "")
        return from_json(Receipt, found), path
    except (ConvscopeError, ValueError, RecursionError, TypeError):
        raise DataError(f"{printable(str(path))} must be the result of a scan. Got something else.") from None


def model_digest(model: Model) -> str:
    """Return 32 hexadecimal digits that stand for the weights of a network as it predicts."""
    folded = fold(model.to("cpu").network)
    own = {f"own.{name}": value for name, value in folded.named_buffers() if "." not in name}
    return content_digest(folded.plan.title, {**folded.tensors, **own})


def reference(model: Model, windows: NDArray[np.uint8]) -> torch.Tensor:
    """Return the logits of windows by the network itself, one batch, as it predicts: N K."""
    from convscope.core.machine import usual_settings
    from convscope.networks.image_network import evaluating

    from .ways import window_logits

    with usual_settings(), evaluating(model.network):
        return torch.cat([window_logits(model.network, windows[at : at + 256]) for at in range(0, len(windows), 256)])


def windows_in(region: NDArray[np.uint8], box: Box, places: list[tuple[int, int]], grid: Grid) -> NDArray[np.uint8]:
    """Return the windows of some positions of a tile from its region, N H W C."""
    rows, columns = grid.window
    corners = [((row - box.row) * grid.stride, (column - box.column) * grid.stride) for row, column in places]
    return np.stack([region[top : top + rows, left : left + columns] for top, left in corners])
