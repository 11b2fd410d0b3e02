"""The sweep over an image: tile after tile is read, computed, checked at some positions and written."""

import functools
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from convscope.core.errors import DataError, UnreadableImageError
from convscope.core.progress import Reporter
from convscope.core.text import printable
from convscope.images.decoding.decoder import Decoded
from convscope.images.preprocessing import Preprocessing
from convscope.images.values import kind_of
from convscope.networks.model import Model

from .bands import Bands
from .grid import Box, Grid
from .maps_file import REUSED, MapsFile
from .readers import Reader
from .receipt import DIFFERENCE, Check, Receipt, Speed, reference, windows_in
from .reuse import EarlierTiles, tile_key
from .stability import stability
from .ways import Answers, Applied, AppliedByWindow, applied, own_stride

Records = NDArray[Any]
_BLOCK = 4_096  # pixels down and across that are converted at once
_PROBE_S = 0.3  # of a measurement before the start


class Sink(Protocol):
    """Where finished tiles go."""

    records: Records

    def write(self, index: int, values: NDArray[Any], record: Mapping[str, float], key: bytes) -> None:
        """Take the positions of a tile; its record has no numbers if it was taken from an earlier result."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """Everything that a scan needs, chosen before it starts.

    Attributes:
        model: classifies windows.
        reader: of the image as it is scanned.
        grid: positions and tiles.
        bands: what is stored.
        applied: the network as it is applied.
        checked: positions to check by tile.
        reach: positions around each that its stability depends on; 0 for none.
        earlier: a result whose tiles are taken where their pixels are the same.
        lock: held while pixels are read.
    """

    model: Model
    reader: Reader
    grid: Grid
    bands: Bands
    applied: Applied
    checked: Mapping[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]]
    reach: int = 0
    earlier: EarlierTiles | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def region(self, box: Box) -> NDArray[np.uint8]:
        """Return the pixels that some positions depend on as the network takes them, uint8 H W C."""
        return self.pixels(self.applied.pixels(self.grid, self.grid.around(box, self.reach)))

    def pixels(self, box: Box) -> NDArray[np.uint8]:
        """Return a rectangle of pixels as the network takes them, uint8 H W C."""
        with self.lock:  # the next tile is read while one is checked, and files have one place to read at
            values = self.reader.read(box.row, box.column, box.rows, box.columns)
        return fitted(self.model.preprocessing, values, self.reader.name)

    def order(self, tiles: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return tiles, all of them by default, in the order in which they are computed."""
        every = np.arange(self.grid.tiles[0] * self.grid.tiles[1]) if tiles is None else np.sort(np.asarray(tiles))
        return self.applied.order(self.grid, every)

    def run(self, sink: Sink, receipt: Receipt, reporter: Reporter, *, tiles: Sequence[int] | None = None) -> None:
        """Compute `tiles`, or all that the sink does not have yet; the next one is read while one is computed."""
        left = self.order(np.flatnonzero(sink.records["done"] == 0) if tiles is None else tiles)
        answers = self.applied.begin(self.grid, self.pixels)
        read = functools.partial(self._read, receipt)
        with (
            reporter.task("scanning", self.grid.positions, "positions") as task,
            ThreadPoolExecutor(1) as ahead,
        ):
            task.update(self.grid.positions_of(sink.records["done"] > 0))
            waiting = ahead.submit(read, int(left[0])) if left.size else None
            for number, index in enumerate(map(int, left)):
                region, key = waiting.result() if waiting is not None else read(index)
                waiting = ahead.submit(read, int(left[number + 1])) if number + 1 < len(left) else None
                box = self.grid.box(index)
                before = None if self.earlier is None else self.earlier.tile(key)
                values, record = self._computed(index, box, region, answers) if before is None else (before, {})
                sink.write(index, values, record, key)
                task.advance(box.count)

    def changed(self, file: MapsFile, receipt: Receipt, reporter: Reporter) -> list[int]:
        """Return the tiles that a result has of other pixels than the image has now."""
        there, found = np.flatnonzero(file.records["done"]).tolist(), list[int]()
        with reporter.task("comparing with the image", len(there), "tiles") as task:
            for index in there:
                if self._read(receipt, index)[1] != file.key(index):
                    found.append(index)
                task.advance(1)
        return found

    def _read(self, receipt: Receipt, index: int) -> tuple[NDArray[np.uint8], bytes]:
        """Return the pixels of a tile, and its key."""
        box = self.grid.box(index)
        region = self.region(box)
        return region, tile_key(receipt, box, self.grid.around(box, self.reach), region)

    def _computed(
        self, index: int, box: Box, region: NDArray[np.uint8], answers: Answers
    ) -> tuple[NDArray[Any], dict[str, float]]:
        """Return what is stored of a tile, and its record."""
        began_s = time.perf_counter()
        wide = self.grid.around(box, self.reach)
        inner = box.inside(wide)
        logits = answers(wide, region)  # K R C
        found = probabilities(self.model, logits)
        stable = stability(found.argmax(axis=-1), self.reach)[inner] if self.reach else None
        stored = self.bands.encode(found[inner], stable)
        seconds = time.perf_counter() - began_s
        random, nasty = self.checked.get(index, ([], []))
        record = {"random": len(random), "nasty": len(nasty), "difference": 0.0, "largest": 0.0}
        if random or nasty:
            places = [*random, *nasty]
            expected = self._expected(places, wide, region)
            rows, columns = torch.tensor(places).T
            own = logits[:, rows - wide.row, columns - wide.column].T
            record |= {
                "difference": float((own - expected).abs().max()),
                "largest": float(expected.abs().max()),
            }
        return stored, {**record, "seconds": seconds, "checking": time.perf_counter() - began_s - seconds}

    def _expected(self, places: list[tuple[int, int]], box: Box, region: NDArray[np.uint8]) -> Tensor:
        """Return the logits of single positions, N K: of windows, or of tiles of one position of a network of maps."""
        if not self.model.is_dense:
            return reference(self.model, windows_in(region, box, places, self.grid))
        found = []
        for row, column in places:
            one = Box(row=row, column=column, rows=1, columns=1)
            pixels = self.pixels(self.applied.pixels(self.grid, one))
            found.append(self.applied.answers(self.grid, one, pixels).flatten(1).T)
        return torch.cat(found)


def fitted(preprocessing: Preprocessing, values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Return pixels as the network takes them, uint8 H W C: gray levels and channels, but nothing is resized.

    Raises:
        DataError: the numbers have no range that would be the same for every part of the image.
    """
    ranges = preprocessing.ranges
    if ranges.each:
        raise DataError(
            "The model must have one range of values for all images to scan. Got one that stretches each by itself. "
            "Train without --value-range each."
        )
    if getattr(ranges, kind_of(values.dtype)) is None and values.dtype not in (np.uint8, np.uint16, np.int8):
        raise DataError(
            f"{printable(name)} must have 8 or 16 bits, or the model a range for its values. Got {values.dtype}. "
            "Convert it, or train with --value-range LOW,HIGH."
        )
    rows, columns = values.shape[:2]
    if max(rows, columns) > _BLOCK:  # an image of a network is smaller than a strip of a huge image may be
        parts = [
            [
                fitted(preprocessing, values[row : row + _BLOCK, column : column + _BLOCK], name)
                for column in range(0, columns, _BLOCK)
            ]
            for row in range(0, rows, _BLOCK)
        ]
        return np.concatenate([np.concatenate(part, axis=1) for part in parts])
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(
            f"{printable(name)} must hold finite numbers to be scanned. Got NaN or infinity. Fill these pixels first."
        )
    here = replace(preprocessing, height=rows, width=columns)
    try:
        return here.apply(Decoded(values=values))
    except UnreadableImageError as error:
        raise DataError(f"{printable(name)} cannot be scanned: {error}.") from None


def probabilities(model: Model, logits: Tensor) -> NDArray[np.float32]:
    """Return the probabilities R C K of logits K R C, as the model gives them."""
    with torch.inference_mode():
        flat = logits.flatten(1).T.contiguous()  # K R C -> R*C K
        found = model.network.probabilities_of(flat)
    return found.cpu().numpy().reshape(*logits.shape[1:], -1)


def checked(records: Records) -> Check:
    """Return the comparison with window by window over all tiles that are there."""
    there = records[records["done"] > 0]
    largest = float(there["largest"].max(initial=0.0))
    return Check(
        random=int(there["random"].sum()),
        nasty=int(there["nasty"].sum()),
        difference=float(there["difference"].max(initial=0.0)),
        largest=largest,
        allowed=DIFFERENCE * max(largest, 1e-6),
    )


def finished(receipt: Receipt, sink: Sink) -> Receipt:
    """Return the receipt of the tiles that a result has."""
    done = sink.records["done"]
    return replace(
        receipt,
        computed=receipt.grid.positions_of(done > 0),
        reused=receipt.grid.positions_of(done == REUSED),
        seconds=round(float(sink.records["seconds"].sum()), 3),
        check=checked(sink.records),
    )


def measured(model: Model, used: Applied, grid: Grid) -> Speed:
    """Return a short measurement of speed, on pixels of noise, before the scan begins."""
    noise = np.random.default_rng(0)
    channels = model.preprocessing.channels

    def rate(network: Applied, stride: int) -> float:
        """Return the positions per second of a tile that takes a fraction of a second."""
        macs = network.way.macs
        side = grid.tile if macs * grid.tile**2 < 1.5e10 * _PROBE_S else max(2, int((1.5e10 * _PROBE_S / macs) ** 0.5))
        sides = [(min(side, 4 * grid.tile) - 1) * stride + window for window in grid.window]
        region = noise.integers(0, 256, (*sides, channels), dtype=np.uint8)
        network.logits(region).cpu()  # the first one waits for memory: it takes up to twice the time
        began_s = time.perf_counter()
        count = network.logits(region)[0].cpu().numel()  # a GPU is waited for
        return count / max(1e-9, time.perf_counter() - began_s)

    if model.is_dense:
        box = grid.box(0)
        pixels = used.pixels(grid, box)
        region = noise.integers(0, 256, (pixels.rows, pixels.columns, channels), dtype=np.uint8)
        began_s = time.perf_counter()
        used.answers(grid, box, region).cpu()
        count = pixels.count // grid.stride**2 if used.way.name == "strips" else box.count  # nothing is computed twice
        return Speed(positions_s=count / max(1e-9, time.perf_counter() - began_s))
    way, positions_s = used.way, rate(used, grid.stride)
    if isinstance(used, AppliedByWindow):
        return Speed(measured=1.0, arithmetic=1.0, share=1.0, positions_s=positions_s)
    windows_s = rate(AppliedByWindow(model, grid.stride), grid.stride)
    own = own_stride(model)
    at_own = applied(model, own, way=way.name)
    own_s = rate(at_own, own)
    return Speed(
        measured=positions_s / windows_s,
        arithmetic=way.ratio,
        share=positions_s * way.macs / (own_s * at_own.way.macs),
        positions_s=positions_s,
    )
