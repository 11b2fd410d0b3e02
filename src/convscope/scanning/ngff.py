"""The layout of an OME-Zarr image (NGFF 0.5, Zarr 3) that is filled in place, as the BigTIFF is.

All chunks lie in one shard. Its index is at its start, and no chunk is compressed, so that every byte has its place
before the first tile is computed. A chunk has the bytes of a tile of the TIFF; the codec `transpose` says that channels
vary fastest.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.records import strict_json

from .bigtiff import TileLayout

CHUNKS = Path("0", "c", "0", "0", "0")
"""The shard, within the folder."""
ARRAY, GROUP = Path("0", "zarr.json"), Path("zarr.json")
OWN = frozenset({CHUNKS, ARRAY, GROUP})
_RECEIPT = "convscope"
_LARGEST_JSON = 1 << 24


def is_zarr(path: Path) -> bool:
    """Return whether a result with this name is a Zarr folder."""
    return path.name.lower().endswith(".zarr")


def tiles_file(path: Path) -> Path:
    """Return the file of a result, a TIFF or a Zarr folder, that has its tiles."""
    return path / CHUNKS if path.is_dir() else path


def zarr_layout(shape: tuple[int, int, int], dtype: str, tile: int) -> TileLayout:
    """Return the layout of the shard with rows × columns × bands in square tiles."""
    rows, columns, bands = shape
    count = -(-rows // tile) * -(-columns // tile)
    tile_bytes = tile * tile * bands * np.dtype(dtype).itemsize
    first = -(-16 * count // 4096) * 4096
    offsets = first + np.arange(count, dtype="<u8") * np.uint64(tile_bytes)
    index = np.stack([offsets, np.full(count, tile_bytes, "<u8")], axis=1)
    head = bytearray(first)
    head[: index.nbytes] = index.tobytes()
    return TileLayout(head=head, description=0, first=first, tile_bytes=tile_bytes, total=first + count * tile_bytes)


def array_json(shape: tuple[int, int, int], dtype: str, tile: int) -> str:
    """Return the metadata of the array, bands × rows × columns."""
    rows, columns, bands = shape
    whole = [bands, *(-(-size // tile) * tile for size in (rows, columns))]
    plain = {"name": "bytes", "configuration": {"endian": "little"}}
    sharding = {
        "chunk_shape": [bands, tile, tile],
        "codecs": [{"name": "transpose", "configuration": {"order": [1, 2, 0]}}, plain],
        "index_codecs": [plain],
        "index_location": "start",
    }
    return json.dumps(
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [bands, rows, columns],
            "data_type": dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": whole}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0,
            "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
            "dimension_names": ["c", "y", "x"],
        }
    )


def ome_metadata(
    bands: tuple[str, ...],
    dtype: str,
    *,
    center: tuple[float, float],
    step: float,
    pixel: tuple[float, float],
    unit: str,
) -> dict[str, Any]:
    """Return what OME-Zarr says of an image: its channels, the size of its pixels, and where the first one lies.

    Args:
        bands: their names.
        dtype: of a band.
        center: row and column of the center of position (0, 0), in pixels of the image, whose first one is at 0.
        step: pixels of the image between two positions.
        pixel: rows and columns of a pixel of the image.
        unit: of these; empty for pixels.
    """
    places = [at * size for at, size in zip(center, pixel, strict=True)]
    moved = [
        {"type": "scale", "scale": [1.0, *(step * size for size in pixel)]},
        {"type": "translation", "translation": [0.0, *places]},
    ]
    said = {"unit": unit} if unit else {}
    axes = [{"name": "c", "type": "channel"}, *({"name": name, "type": "space", **said} for name in "yx")]
    most = int(np.iinfo(dtype).max) if dtype.startswith("uint") else 1
    window = {"min": 0, "max": most, "start": 0, "end": most}
    channels = [
        {"label": name, "color": "FFFFFF", "active": not index, "window": window} for index, name in enumerate(bands)
    ]
    return {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": moved}]}],
        "omero": {"channels": channels},
    }


def group_json(attributes: Mapping[str, Any], receipt: Any) -> str:
    """Return the metadata of the folder, with the receipt."""
    return json.dumps(
        {"zarr_format": 3, "node_type": "group", "attributes": {**attributes, _RECEIPT: receipt}}, ensure_ascii=False
    )


def read_receipt(folder: Path) -> Any:
    """Return the receipt in a folder.

    Raises:
        ValueError: there is none.
    """
    try:
        if (folder / GROUP).stat().st_size > _LARGEST_JSON:
            raise ValueError("large")
        return strict_json((folder / GROUP).read_bytes())["attributes"][_RECEIPT]
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from None
