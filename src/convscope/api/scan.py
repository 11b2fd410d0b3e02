"""A network at every position of an image of any size."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.arguments import PATH, check_value
from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import tuned
from convscope.core.memory import available_bytes
from convscope.core.numeric import at_least
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.records import from_json, to_json
from convscope.core.text import counted, printable, size_text
from convscope.networks.inputs import list_inputs
from convscope.networks.model import Model
from convscope.networks.model_file import opened as opened_model
from convscope.options.scan import Edges, ScanOptions, StoredType
from convscope.scanning.alarms import Alarms, Blank, false_alarms
from convscope.scanning.detections import Detection, candidates
from convscope.scanning.grid import Box
from convscope.scanning.maps_file import (
    MapsFile,
    StoredMaps,
    begun,
    clear_for,
    no_records,
    noted,
    opened,
    partial,
    record_of,
)
from convscope.scanning.opening import open_image, stamp_of
from convscope.scanning.preparing import Preparation, announced, bands_of, prepared
from convscope.scanning.receipt import Receipt, receipt_of
from convscope.scanning.reuse import EarlierTiles
from convscope.scanning.sweep import finished
from convscope.scanning.verification import Verified, verified

from .kept_inputs import keep_inputs
from .scan_beside import check_beside, check_outputs, outputs_of, search_of, write_beside
from .scan_windows import write_windows

_OF_BLANK = ("stride", "scale", "edges", "classes", "best", "dtype", "memory", "device")


@dataclass(frozen=True, kw_only=True, eq=False)
class Scan:
    """The result of a scan.

    Attributes:
        receipt: what was computed, how exactly, how fast.
        path: of the TIFF or Zarr folder; None where it is in memory only.
        found: the positions of the table, where one was asked for.
        windows: how many were written.
        stored: the bands, read where they are needed.
    """

    receipt: Receipt
    path: Path | None
    found: tuple[Detection, ...]
    stored: "StoredMaps | MapsInMemory"
    windows: int = 0

    def read(self, box: Box) -> NDArray[np.float32]:
        """Return the probability of every class at some positions; 0 where it is not stored."""
        return bands_of(self.receipt).probabilities(self.stored.box(box))

    @property
    def maps(self) -> NDArray[Any]:
        """The bands of all positions, rows × columns × bands, as they are stored."""
        rows, columns = self.receipt.grid.shape
        return self.stored.box(Box(row=0, column=0, rows=rows, columns=columns))

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The probability of every class at all positions, rows × columns × classes; 0 where it is not stored."""
        rows, columns = self.receipt.grid.shape
        return self.read(Box(row=0, column=0, rows=rows, columns=columns))


class MapsInMemory:
    """A result that is not written."""

    def __init__(self, receipt: Receipt) -> None:
        grid = receipt.grid
        size = grid.positions * len(receipt.bands) * np.dtype(receipt.dtype).itemsize
        if size > available_bytes() // 2:
            raise DataError(f"A result in memory must fit there. Got {size_text(size)}. Give output, a file.")
        self._grid = grid
        self._array = np.zeros((*grid.shape, len(receipt.bands)), receipt.dtype)
        self.records = no_records(grid)

    def write(self, index: int, values: NDArray[Any], record: Any, key: bytes) -> None:
        """Store the positions of a tile."""
        box = self._grid.box(index)
        self._array[box.row : box.row + box.rows, box.column : box.column + box.columns] = values
        self.records[index] = record_of(record)

    def box(self, box: Box) -> NDArray[Any]:
        """Return the numbers of some positions."""
        return self._array[box.row : box.row + box.rows, box.column : box.column + box.columns]


@documented(ScanOptions)
def scan(
    model: Model | str | os.PathLike[str],
    image: Any,
    *,
    output: AnyPath | None = None,
    stride: int | None = 1,
    scale: float | None = None,
    edges: Edges = "inside",
    classes: Sequence[str] = (),
    best: bool = False,
    dtype: StoredType = "uint8",
    stability: int = 0,
    positions: AnyPath | None = None,
    threshold: float = 0.5,
    distance: float | None = None,
    blank: Sequence[str] = (),
    per_megapixel: float | None = None,
    overlay: AnyPath | None = None,
    page: AnyPath | None = None,
    windows: AnyPath | None = None,
    uncertain: int = 0,
    hardest: int = 0,
    label: str | None = None,
    memory: str = "1G",
    check: int = 1_000,
    seed: int = 0,
    device: DeviceChoice = "auto",
    reuse: AnyPath | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> Scan:
    """Return the class probabilities of a network at every position of an image of any size.

    They are those of every window by itself, to rounding; the receipt has the largest difference. A scan to a file that
    was cut off goes on when it is started again.

    Args:
        model: a model, or the path of a run folder, model file or ONNX file.
        image: a path, an array H W C, a Zarr array, or an object with `shape`, `name`, `tags` and
            `read(row, column, rows, columns)`.
        progress: True shows progress on standard error.
        context: as for other commands.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> from convscope.images.preprocessing import Preprocessing
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3v-MP2-8N"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network.eval(), classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> found = scan(model, np.zeros((20, 30), np.uint8), scale=1)
        >>> found.maps.shape, found.receipt.center, found.receipt.check.holds
        ((13, 23, 2), (3.5, 3.5), True)
    """
    options, context = options_from(ScanOptions, locals()), context_of(context, progress=progress)
    target = None if options.output is None else Path(options.output)
    names = (path_of(model), path_of(image))
    used = opened_model(model, context.reporter, device=options.device)
    keep_inputs(outputs_of(options), models=[model], data=[image, options.blank, options.reuse])
    check_outputs(options, used)
    with tuned(), open_image(image, options.memory) as reader:
        before, written = _begun(target, force=force)
        earlier = None if options.reuse is None else EarlierTiles(Path(options.reuse))
        preparation = prepared(used, reader, options, names=names, before=before, earlier=earlier)
        check_beside(options, used, written)
        if target is not None:
            clear_for(target, force=force)
        if len(options.blank) and before is None:
            alarms = _alarms(used, preparation.receipt, options, context)
            preparation = replace(preparation, receipt=replace(preparation.receipt, alarms=alarms))
        return _scanned(preparation, options, context.reporter, target, is_new=before is None)


def verify(
    output: AnyPath,
    model: Model | str | os.PathLike[str] | None = None,
    image: Any = None,
    *,
    check: int = 1_000,
    seed: int | None = None,
    progress: bool | Reporter = False,
) -> Verified:
    """Return the comparison of a result of `scan`, finished or not, with its network at new positions.

    Args:
        output: the TIFF or Zarr folder.
        model, image: by default those that the receipt names.
        check: positions at random, and as many at joints of tiles, edges and corners.
        seed: of the positions; another one each time by default.
        progress: True shows progress on standard error.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    reporter, check = context_of(None, progress=progress).reporter, at_least(1, "check", check)
    check_value("output", output, PATH)
    receipt, _ = receipt_of(Path(output))
    model, image = model or receipt.model, receipt.image if image is None else image
    if not model or (isinstance(image, str) and not image):
        raise ParameterError("`model` and `image` must be given: the result is of ones in memory. Got none.")
    with tuned(), reporter.task("verifying", total=0):
        return verified(Path(output), opened_model(model, reporter), image, count=check, seed=seed)


def _alarms(model: Model, receipt: Receipt, options: ScanOptions, context: Context) -> Alarms:
    """Return the false alarms on blank images, which are scanned to files that are removed."""
    search, blanks = search_of(receipt, options), []
    wanted = ScanOptions(check=0, **{name: getattr(options, name) for name in _OF_BLANK})
    for image in list_inputs(options.blank).images:
        if not isinstance(image.content, str):
            raise DataError(f"`blank` must name images to scan. Got {image.name}: {image.error}.")
        with tempfile.TemporaryDirectory() as folder:
            with open_image(image.content, options.memory) as reader:
                preparation = prepared(model, reader, wanted)
                made = _maps(preparation, context.reporter, Path(folder) / "blank.tif")
            found = candidates(made.read, made.receipt.grid, search)
        rows, columns = made.receipt.image_size
        blanks.append(Blank(grid=made.receipt.grid, pixels=rows * columns, found=found))
    return false_alarms(blanks, search, rate=options.per_megapixel, step=bands_of(receipt).step)


def _begun(target: Path | None, *, force: bool) -> tuple[Receipt | None, frozenset[Path]]:
    """Return the receipt of a scan that was cut off, and the files that it began to write beside its maps."""
    request = None if target is None or force else begun(target)
    if target is None or request is None:
        return None, frozenset()
    before = from_json(Receipt, request)
    return before, frozenset(map(Path, noted(target, before.grid).get("beside", ())))


def path_of(given: Any) -> str:
    """Return the absolute path of a model or image; empty for one in memory."""
    is_path = isinstance(given, (str, os.PathLike))
    return os.path.abspath(os.fsdecode(given)) if is_path else ""  # noqa: PTH100  # links stay as they are


def _scanned(
    preparation: Preparation, options: ScanOptions, reporter: Reporter, target: Path | None, *, is_new: bool
) -> Scan:
    """Compute, write and describe the result."""
    speed, sentences = announced(preparation)
    for sentence in sentences:
        reporter.say(sentence)
    if is_new:
        preparation = replace(preparation, receipt=replace(preparation.receipt, speed=speed))

    def beside(made: Scan) -> Scan:
        windows = write_windows(made.receipt, made.read, preparation.sweep, options)
        found = write_beside(made.receipt, made.read, preparation.sweep, options)
        return replace(made, found=found, windows=windows)

    files = outputs_of(replace(options, output=None))
    return _maps(preparation, reporter, target, beside, [str(Path(file).resolve()) for file in files if file])


def _run(preparation: Preparation, file: MapsFile, reporter: Reporter) -> None:
    """Compute what is missing, and what is of an image file that was written again since.

    Raises:
        DataError: it was written again meanwhile.
    """
    sweep, receipt = preparation.sweep, preparation.receipt
    stamp = stamp_of(receipt.image)
    if file.said.get("stamp", stamp) != stamp and (others := sweep.changed(file, receipt, reporter)):
        reporter.say(f"the image has changed: {counted(len(others), 'tile')} of these will be computed again")
        file.drop(others)
    file.note(stamp=stamp)
    sweep.run(file, receipt, reporter)
    if stamp_of(receipt.image) != stamp:
        raise DataError(
            f"{printable(receipt.image)} changed while it was scanned. Give the same command again: what is of the old "
            "pixels is computed again."
        )


def _maps(
    preparation: Preparation,
    reporter: Reporter,
    target: Path | None,
    beside: Callable[[Scan], Scan] = lambda made: made,
    files: Sequence[str] = (),
) -> Scan:
    """Compute the maps, or what is missing of them; `beside` writes `files` before they have their name.

    So the same command goes on after a kill in between, too.
    """
    sweep, receipt = preparation.sweep, preparation.receipt
    bands = len(receipt.bands), receipt.dtype
    stored: StoredMaps | MapsInMemory
    if target is None:
        stored = MapsInMemory(receipt)
        sweep.run(stored, receipt, reporter)
        receipt = finished(receipt, stored)
        made = beside(Scan(receipt=receipt, path=target, found=(), stored=stored))
    else:
        with opened(
            target,
            receipt.grid,
            bands,
            preparation.tags,
            to_json(receipt),
            attributes=preparation.attributes,
        ) as file:
            if there := int((file.records["done"] > 0).sum()):
                reporter.say(f"going on: {there:,} tiles are there")
            receipt = replace(receipt, first=file.first)
            file.describe(finished(receipt, file))
            _run(preparation, file, reporter)
            receipt = finished(receipt, file)
            file.describe(receipt)
            file.note(beside=list(files))
            unnamed = StoredMaps(partial(target), receipt.grid, bands, receipt.first)
            made = beside(Scan(receipt=receipt, path=target, found=(), stored=unnamed))
        stored = StoredMaps(target, receipt.grid, bands, receipt.first)
    return replace(made, stored=stored)
