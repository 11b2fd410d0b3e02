"""A result as OME-Zarr: what other readers see, the bits of the TIFF, and what a kill leaves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from convscope.api.scan import scan, verify
from convscope.core.errors import DataError, StorageError
from convscope.scanning import maps_file, ways
from convscope.scanning.georeference import GEOTIFF, geotiff_attributes, ground_size
from convscope.scanning.opening import open_image
from convscope.scanning.sweep import Sweep
from tests.checks.scans import kill_scan, pixels, scan_model

SIZE = (47, 79)  # six tiles of 32


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "TILES", (32,))


def by_the_specification(folder: Path) -> np.ndarray:
    """Return the array of a Zarr folder, C Y X, read as the text of Zarr 3 says: one shard, its index first."""
    array = json.loads((folder / "0" / "zarr.json").read_text())
    (codec,) = array["codecs"]
    settings, kind = codec["configuration"], np.dtype(array["data_type"]).newbyteorder("<")
    assert (codec["name"], settings["index_location"]) == ("sharding_indexed", "start")
    assert [one["name"] for one in settings["codecs"]] == ["transpose", "bytes"]
    whole, chunk = array["chunk_grid"]["configuration"]["chunk_shape"], settings["chunk_shape"]
    order = settings["codecs"][0]["configuration"]["order"]
    data = (folder / "0" / "c" / "0" / "0" / "0").read_bytes()
    counts = [side // part for side, part in zip(whole, chunk, strict=True)]
    index = np.frombuffer(data, "<u8", 2 * int(np.prod(counts))).reshape(*counts, 2)
    result = np.zeros(whole, kind)
    for place in np.ndindex(*counts):
        offset, size = (int(number) for number in index[place])
        values = np.frombuffer(data, kind, size // kind.itemsize, offset)
        values = values.reshape([chunk[axis] for axis in order]).transpose(np.argsort(order))
        result[tuple(slice(at * part, (at + 1) * part) for at, part in zip(place, chunk, strict=True))] = values
    return result[tuple(map(slice, array["shape"]))]


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"best": True, "stability": 2}])
def test_the_folder_has_the_bits_of_the_tiff(tmp_path: Path, options: dict[str, Any]) -> None:
    model, image = scan_model(), pixels(*SIZE)
    scan(model, image, output=tmp_path / "maps.tif", **options)
    found = scan(model, image, output=tmp_path / "maps.zarr", **options)
    expected = tifffile.imread(tmp_path / "maps.tif")
    assert np.array_equal(by_the_specification(tmp_path / "maps.zarr"), np.moveaxis(expected, -1, 0))
    assert np.array_equal(found.maps, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["maps.tif", "maps.zarr"]
    assert verify(tmp_path / "maps.zarr", model, image).check.holds


def test_other_readers_open_it(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    found = scan(scan_model(), pixels(*SIZE), output=tmp_path / "maps.zarr", dtype="float32")
    assert np.array_equal(zarr.open(tmp_path / "maps.zarr", mode="r")["0"][:], np.moveaxis(found.maps, -1, 0))
    with open_image(tmp_path / "maps.zarr") as reader:
        assert np.array_equal(reader.read(3, 30, 20, 10), found.maps[3:23, 30:40])


def test_it_says_how_large_a_position_is_and_where_the_first_one_lies(tmp_path: Path) -> None:
    image = tmp_path / "image.tif"
    tifffile.imwrite(image, pixels(60, 70)[..., 0], resolution=(20_000, 20_000), resolutionunit=3)  # 0.5 µm
    for source, unit, um in ((image, "micrometer", 0.5), (pixels(60, 70), None, 1)):
        scan(scan_model(), source, output=tmp_path / "maps.zarr", stride=2, edges="pad", force=True)
        ome = json.loads((tmp_path / "maps.zarr" / "zarr.json").read_text())["attributes"]["ome"]
        (level,) = ome["multiscales"]
        assert [axis.get("unit") for axis in level["axes"]] == [None, unit, unit]
        moved = level["datasets"][0]["coordinateTransformations"]
        assert moved[0] == {"type": "scale", "scale": [1, 2 * um, 2 * um]}
        assert moved[1] == {"type": "translation", "translation": [0, 0.5 * um, 0.5 * um]}  # 3 pixels are filled in
        assert [channel["label"] for channel in ome["omero"]["channels"]] == ["a", "b", "c"]


KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 3072, 0, 1, 32633, 3076, 0, 1, 9001)  # WGS 84 / UTM 33N, in meters


def test_the_georeference_is_in_the_folder_as_in_the_tiff(tmp_path: Path) -> None:
    image, extra = (
        tmp_path / "image.tif",
        [
            (33550, "d", 3, (0.5, 0.25, 0.0), True),
            (33922, "d", 6, (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0), True),
            (34735, "H", len(KEYS), KEYS, True),
            (34737, "s", 0, "WGS 84 / UTM 33N|", True),
        ],
    )
    tifffile.imwrite(image, pixels(60, 70)[..., 0], extratags=extra)
    for name in ("maps.zarr", "maps.tif"):
        scan(scan_model(), image, output=tmp_path / name, stride=2)
    attributes = json.loads((tmp_path / "maps.zarr" / "zarr.json").read_text())["attributes"]
    with tifffile.TiffFile(tmp_path / "maps.tif") as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags if tag.code in GEOTIFF}
    assert len(tags) == 4
    assert attributes["geotiff"] == geotiff_attributes(tags)
    assert attributes["geotiff"]["ModelTiepoint"][3:5] == [1000 + 3 * 0.5, 2000 - 3 * 0.25]  # (8 - 2) / 2 pixels
    (level,) = attributes["ome"]["multiscales"]
    assert [axis.get("unit") for axis in level["axes"]] == [None, "meter", "meter"]
    scale, translation = level["datasets"][0]["coordinateTransformations"]
    assert (scale["scale"], translation["translation"]) == ([1, 0.5, 1], [0, 3.5 * 0.25, 3.5 * 0.5])


@pytest.mark.parametrize("keys", [KEYS[:12], (1, 1), (*KEYS[:-1], 9999), ("a",) * 8])
def test_a_unit_that_is_not_known_is_not_said(keys: tuple[Any, ...]) -> None:
    assert ground_size({33550: (0.5, 0.5, 0.0), 34735: KEYS}) == ((0.5, 0.5), "meter")
    assert ground_size({33550: (0.5, 0.5, 0.0), 34735: keys}) is None


@pytest.mark.parametrize("at", [1, 3, 5, 9])
def test_a_killed_scan_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    model, image, whole, cut = scan_model(), pixels(*SIZE), tmp_path / "whole.zarr", tmp_path / "cut.zarr"
    monkeypatch.setattr(maps_file, "_SYNC_S", 0.0)
    scan(model, image, output=whole)
    kill_scan(model, image, cut, at=at)
    assert not cut.exists()
    scan(model, image, output=cut)
    shard = Path("0", "c", "0", "0", "0")
    assert (cut / shard).read_bytes() == (whole / shard).read_bytes()


def test_its_tiles_are_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image = scan_model(), pixels(*SIZE)
    scan(model, image, output=tmp_path / "maps.zarr")
    monkeypatch.setattr(Sweep, "_computed", None)  # nothing is computed
    again = scan(model, image, output=tmp_path / "again.tif", reuse=tmp_path / "maps.zarr")
    assert again.receipt.reused == again.receipt.positions


def test_a_folder_of_others_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "maps.zarr"
    scan(scan_model(), pixels(40, 40), output=path)
    with pytest.raises(StorageError, match="already there"):
        scan(scan_model(), pixels(40, 50), output=path)
    assert scan(scan_model(), pixels(40, 50), output=path, force=True).maps.shape[1] == 43
    (path / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match=r"notes\.txt"):
        scan(scan_model(), pixels(40, 40), output=path, force=True)
    assert (path / "notes.txt").read_text() == "mine"
    (path / "zarr.json").write_text('{"attributes": {}}')
    with pytest.raises(DataError, match="must be the result of a scan"):
        verify(path, scan_model(), pixels(40, 50))
