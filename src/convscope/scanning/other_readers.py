"""Readers that other packages bring, where they are installed: Zarr, OpenSlide, GDAL (rasterio) and libvips."""

import importlib
import io
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import DataError
from convscope.core.extras import optional
from convscope.core.text import counted, printable

from .channels import CHANNELS, check_shape
from .georeference import GEOTIFF
from .pixel_size import UM
from .readers import ArrayReader, Reader, reading

_CACHE_BYTES = 64 << 20
_COLORS = {"gray", "red", "green", "blue", "alpha", "undefined"}  # of GDAL, that are read as they are


class _Other(ABC):
    """What these readers have in common.

    Attributes:
        pixel_um: rows and columns of a pixel in micrometers, where the file says so.
    """

    pixel_um: tuple[float, float] | None = None

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.name, self.shape = name, check_shape(shape, name)
        self.tags: dict[int, Any] = {}

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle.

        Raises:
            DataError: this part of the file is damaged or cut off.
        """
        with reading(self.name, row, column):
            return self._pixels(row, column, rows, columns)

    @abstractmethod
    def _pixels(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle."""


class SlideReader(_Other):
    """A whole slide that OpenSlide reads, at its full resolution, on the background that it names."""

    def __init__(self, path: Path, name: str, openslide: Any) -> None:
        self._slide = openslide.OpenSlide(str(path))
        if self._slide.properties.get("openslide.vendor") == "generic-tiff":
            raise ValueError("it is no slide: channels and georeference would be lost")
        columns, rows = self._slide.dimensions
        super().__init__(name, (rows, columns, 3))
        said = [self._slide.properties.get(f"openslide.mpp-{axis}") for axis in "yx"]
        self.pixel_um = (float(said[0]), float(said[1])) if said[0] and said[1] else None
        self._background = f"#{self._slide.properties.get('openslide.background-color', 'ffffff')}"

    def _pixels(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        region = self._slide.read_region((column, row), 0, (columns, rows))
        shown = Image.new("RGB", (columns, rows), self._background)
        shown.paste(region, mask=region.getchannel("A"))
        return np.asarray(shown)


class RasterReader(_Other):
    """An image that GDAL reads, with its georeference."""

    def __init__(self, path: Path, name: str, rasterio: Any) -> None:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has no georeference
            self._file = rasterio.open(path)
        if unknown := {one.name for one in self._file.colorinterp} - _COLORS:
            raise ValueError(f"its colors are {unknown}")
        super().__init__(name, (self._file.height, self._file.width, self._file.count))
        if self._file.crs is not None:
            self.tags = self._geotiff(rasterio)

    def _geotiff(self, rasterio: Any) -> dict[int, Any]:
        """Return the GeoTIFF tags that GDAL writes for the georeference, whatever format it was read from."""
        place = {"crs": self._file.crs, "transform": self._file.transform}
        with rasterio.MemoryFile() as file:
            with file.open(driver="GTiff", width=1, height=1, count=1, dtype="uint8", **place):
                pass
            with Image.open(io.BytesIO(file.read())) as image:
                found = image.tag_v2  # type: ignore[attr-defined]  # of a TIFF
                return {code: found[code] for code in GEOTIFF if code in found}

    def _pixels(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        found = self._file.read(window=((row, row + rows), (column, column + columns)))
        return np.moveaxis(found, 0, -1)  # C H W -> H W C


class VipsReader(_Other):
    """An image that libvips reads, in bounded memory."""

    def __init__(self, path: Path, name: str, pyvips: Any) -> None:
        image = pyvips.Image.new_from_file(str(path), fail_on="truncated").autorot()
        if image.interpretation in ("cmyk", "lab", "labs"):
            image = image.colourspace("srgb")
        kinds = {"uchar": np.uint8, "ushort": np.uint16}
        if image.format not in kinds:
            raise ValueError(f"its numbers are {image.format}")
        super().__init__(name, (image.height, image.width, image.bands))
        self._region, self._dtype = pyvips.Region.new(image), kinds[image.format]

    def _pixels(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        data = self._region.fetch(column, row, columns, rows)
        return np.frombuffer(data, self._dtype).reshape(rows, columns, -1)


_PACKAGES: tuple[tuple[str, Callable[[Path, str, Any], Reader]], ...] = (
    ("openslide", SlideReader),
    ("rasterio", RasterReader),
    ("pyvips", VipsReader),
)


def write_tiled(path: Path, output: Path) -> bool:
    """Write an image as a tiled TIFF, row by row; False if libvips is not installed or cannot."""
    try:
        image = importlib.import_module("pyvips").Image.new_from_file(
            str(path), access="sequential", fail_on="truncated"
        )
        image.tiffsave(str(output), tile=True, tile_width=256, tile_height=256, bigtiff=True)
    except Exception:  # noqa: BLE001  # whatever a library raises on what it cannot open
        return False
    return True


def other_reader(path: Path, name: str) -> Reader | None:
    """Return a reader of the first installed package that opens a file; None if there is none."""
    for package, kind in _PACKAGES:
        try:
            return kind(path, name, importlib.import_module(package))
        except DataError:
            raise
        except Exception:  # noqa: BLE001, S112  # not installed, or whatever a library raises on what it cannot open
            continue
    return None


def zarr_reader(path: Path, name: str) -> Reader:
    """Return the reader of a Zarr array, or of the finest level of an OME-Zarr image (last axes Y X, or Y X C)."""
    zarr = optional("zarr", needed_for="Folders to scan, which are Zarr arrays,", extra="large")
    try:
        found = zarr.open(str(path), mode="r")
        levels = found.attrs.get("multiscales") or dict(found.attrs.get("ome", {})).get("multiscales")
        if levels:
            found = found[levels[0]["datasets"][0]["path"]]
    except (KeyError, ValueError, OSError, AttributeError, TypeError, IndexError) as error:
        raise DataError(f"{name} cannot be scanned: as a Zarr array it is damaged or not whole.") from error
    shape = getattr(found, "shape", None)
    if shape is None:
        first = next(iter(sorted(found.array_keys())), "NAME")
        raise DataError(
            f"{name} cannot be scanned: it is a Zarr group without an OME image. Give an array of it, such as "
            f"{name}/{printable(first)}."
        )
    if len(shape) < 3 or (len(shape) == 3 and shape[2] in CHANNELS and not levels):
        return ArrayReader(found, name)
    return ChannelsFirst(found, name, _ome_size(levels[0]) if levels else None)


def _ome_size(level: Any) -> tuple[float, float] | None:
    """Return rows and columns of a pixel of an OME-Zarr image in micrometers; None if it does not say."""
    try:
        (scale,) = (one["scale"] for one in level["datasets"][0]["coordinateTransformations"] if one["type"] == "scale")
        down, across = (float(scale[axis]) * UM[level["axes"][axis]["unit"]] for axis in (-2, -1))
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return (down, across) if down > 0 and across > 0 else None


class ChannelsFirst(ArrayReader):
    """An array … C Y X, as OME-Zarr has them: the first time and depth, and the first channel of others than colors."""

    def __init__(self, array: Any, name: str, pixel_um: tuple[float, float] | None = None) -> None:
        self.array, self.name, self.tags, self.pixel_um = array, name, {}, pixel_um
        channels = array.shape[-3] if array.shape[-3] in CHANNELS else 1
        self.shape = check_shape((array.shape[-2], array.shape[-1], channels), name)
        left_out = array.shape[: -2 if channels == 1 else -3]
        if math.prod(left_out) > 1:
            self.note = (
                f"{name} is an array of {' x '.join(map(str, array.shape))}: the first of "
                f"{counted(math.prod(left_out), 'image')} is scanned"
            )

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle."""
        lead = (0,) * (len(self.array.shape) - 3)
        part = slice(0, self.shape[2]), slice(row, row + rows), slice(column, column + columns)
        with reading(self.name, row, column):
            found = self.array[(*lead, *part)]
        return np.moveaxis(np.asarray(found), 0, -1)
