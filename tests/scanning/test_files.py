"""The files of a scan: a TIFF that every reader opens, a journal that outlives kills, readers that read in parts."""

import json
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from convscope.api.scan import scan, verify
from convscope.core.atomic import Output
from convscope.core.errors import DataError, MissingPackageError, ParameterError, StorageError
from convscope.images.decoding.decoder import decode
from convscope.networks.model_file import write_model
from convscope.scanning import maps_file, ways
from convscope.scanning.bigtiff import tiff_layout
from convscope.scanning.maps_file import journal_of, partial
from convscope.scanning.opening import open_image
from convscope.scanning.readers import ArrayReader
from convscope.scanning.receipt import receipt_of
from convscope.scanning.sweep import Sweep
from convscope.scanning.tiff_reader import TiffReader
from tests.checks.processes import small_files_only
from tests.checks.scans import kill_scan, pixels, scan_model

SIZE = (47, 79)  # six tiles of 32


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "TILES", (32,))


def data_of(path: Path) -> np.ndarray:
    return tifffile.imread(path)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_maps_are_a_tiff_that_others_open(tmp_path: Path, dtype: str) -> None:
    found = scan(scan_model(), pixels(*SIZE), output=tmp_path / "maps.tif", dtype=dtype)
    assert np.array_equal(data_of(tmp_path / "maps.tif"), found.maps)
    with tifffile.TiffFile(tmp_path / "maps.tif") as file:
        page = file.pages[0]
        assert file.is_bigtiff
        assert (page.tilewidth, page.samplesperpixel) == (32, 3)
        assert json.loads(page.description)["layout"] == "4C3v-MP2-8N"
    assert not list(tmp_path.glob("*.partial"))
    assert not list(tmp_path.glob("*.journal"))


def test_the_tiff_says_where_the_positions_lie(tmp_path: Path) -> None:
    image = tmp_path / "image.tif"
    extra = [
        (33550, "d", 3, (0.5, 0.5, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0), True),
    ]
    tifffile.imwrite(
        image, pixels(100, 120)[..., 0], tile=(32, 32), extratags=extra, resolution=(20, 20), resolutionunit=3
    )
    scan(scan_model(), image, output=tmp_path / "maps.tif", stride=2)
    with tifffile.TiffFile(tmp_path / "maps.tif") as file:
        tags = file.pages[0].tags
        assert tags[33550].value[:2] == (1.0, 1.0)
        assert tags[33922].value[3:5] == (1000 + 3 * 0.5, 2000 - 3 * 0.5)  # (8 - 2) / 2 pixels
        assert tags[282].value == (10, 1)  # positions a centimeter
        assert tags[286].value == (3, 20)  # 3 pixels, in centimeters


@pytest.mark.parametrize("at", [1, 2, 3, 4, 6, 9])
def test_a_killed_scan_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    model, image, whole, cut = scan_model(), pixels(*SIZE), tmp_path / "whole.tif", tmp_path / "cut.tif"
    monkeypatch.setattr(maps_file, "_SYNC_S", 0.0)
    scan(model, image, output=whole)
    kill_scan(model, image, cut, at=at)
    assert not cut.exists()
    scan(model, image, output=cut)
    assert np.array_equal(data_of(cut), data_of(whole))
    assert scan_receipt(cut)["computed"] == scan_receipt(whole)["positions"]


def scan_receipt(path: Path) -> dict[str, Any]:
    with tifffile.TiffFile(path) as file:
        return json.loads(file.pages[0].description)


def interrupted(model: Any, image: Any, path: Path, patch: pytest.MonkeyPatch, tiles: int) -> None:
    """Scan, and stop before tile number `tiles`."""
    write, count = maps_file.MapsFile.write, [0]

    def stopping(self: Any, *arguments: Any) -> None:
        count[0] += 1
        if count[0] > tiles:
            raise KeyboardInterrupt
        write(self, *arguments)

    with patch.context() as here:
        here.setattr(maps_file.MapsFile, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            scan(model, image, output=path)


def test_a_scan_that_was_stopped_can_be_verified_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image, path = scan_model(), pixels(*SIZE), tmp_path / "maps.tif"
    interrupted(model, image, path, monkeypatch, 3)
    found = verify(path, model, image, check=200)
    assert not found.whole
    assert found.check.holds
    assert 0 < found.check.random < 200
    assert found.receipt.computed == 32 * 72
    with pytest.raises(DataError, match="another image size"):
        scan(model, pixels(47, 80), output=path)
    other = scan_model("5C3v-MP2-8N")
    with pytest.raises(DataError, match="another model"):
        scan(other, image, output=path)
    done = scan(model, image, output=path)
    assert done.receipt.check.random == scan(model, image).receipt.check.random
    assert verify(path, model, image).whole


@pytest.mark.parametrize("name", ["maps.tif", "maps.zarr"])
def test_a_scan_that_was_stopped_computes_only_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    written, write = list[int](), maps_file.MapsFile.write

    def stopping(self: Any, index: int, *given: Any) -> None:
        if len(written) == 3:
            written.append(index)
            raise KeyboardInterrupt
        write(self, index, *given)
        written.append(index)

    monkeypatch.setattr(maps_file.MapsFile, "write", stopping)
    model, image, path = scan_model(), pixels(*SIZE), tmp_path / name
    with pytest.raises(KeyboardInterrupt):
        scan(model, image, output=path)
    scan(model, image, output=path)
    tiles = scan(model, image).receipt.grid.tiles
    assert sorted(written[:3] + written[4:]) == list(range(tiles[0] * tiles[1]))


def test_verification_sees_a_changed_number(tmp_path: Path) -> None:
    model, image, path = scan_model(), pixels(60, 60), tmp_path / "maps.tif"
    scan(model, image, output=path)
    assert verify(path, model, image, seed=4).check.holds
    data = bytearray(path.read_bytes())
    first = receipt_of(path)[0].first
    data[first : first + 64 * 64 * 3] = bytes(255 - byte for byte in data[first : first + 64 * 64 * 3])
    path.write_bytes(data)
    assert not verify(path, model, image, seed=4).check.holds
    with pytest.raises(DataError, match="other weights"):
        verify(path, scan_model("5C3v-MP2-8N"), image)
    with pytest.raises(DataError, match="60x60"):
        verify(path, model, pixels(60, 61))


@pytest.mark.parametrize("content", [b"", b"II", b"II*\0" + bytes(100), b"II+\0\x08\0\0\0" + bytes(40)])
def test_what_is_no_result_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "maps.tif").write_bytes(content)
    with pytest.raises(DataError, match="must be the result of a scan"):
        verify(tmp_path / "maps.tif", scan_model(), pixels(20, 20))


def test_a_full_disk_is_one_sentence_and_what_was_computed_stays(tmp_path: Path) -> None:
    model, image, path = scan_model(), pixels(*SIZE), tmp_path / "maps.tif"
    with small_files_only(75_000), pytest.raises(StorageError, match="larger than is allowed"):
        scan(model, image, output=path)
    scan(model, image, output=path)
    assert verify(path, model, image, check=50).check.holds


def test_a_result_that_the_disk_has_no_room_for_is_refused_before_it_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps_file.shutil, "disk_usage", lambda path: type("", (), {"free": 1_000}))
    with pytest.raises(StorageError, match="1 kB"):
        scan(scan_model(), pixels(40, 40), output=tmp_path / "maps.tif")
    assert not (tmp_path / "maps.tif").exists()


def test_an_existing_result_is_not_replaced_without_force(tmp_path: Path) -> None:
    path = tmp_path / "maps.tif"
    scan(scan_model(), pixels(40, 40), output=path)
    with pytest.raises(StorageError, match="already there"):
        scan(scan_model(), pixels(40, 50), output=path)
    assert scan(scan_model(), pixels(40, 50), output=path, force=True).maps.shape[1] == 43


def test_a_damaged_journal_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "maps.tif"
    interrupted(scan_model(), pixels(*SIZE), path, monkeypatch, 2)
    journal_of(path).write_bytes(b"x" + journal_of(path).read_bytes())
    with pytest.raises(DataError, match="journal"):
        scan(scan_model(), pixels(*SIZE), output=path)
    scan(scan_model(), pixels(*SIZE), output=path, force=True)
    assert not partial(path).exists()


@pytest.mark.parametrize(
    "options",
    [{"tile": (32, 48)}, {"tile": (96, 96)}, {"rowsperstrip": 7}, {"tile": (16, 16), "compression": "zlib"}],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_is_read_in_parts_as_a_whole(tmp_path: Path, options: dict[str, Any], channels: int) -> None:
    image = pixels(100, 130, channels=channels)
    tifffile.imwrite(tmp_path / "image.tif", image[..., 0] if channels == 1 else image, photometric=None, **options)
    with open_image(tmp_path / "image.tif") as reader:
        assert reader.shape == image.shape
        for row, column, rows, columns in ((0, 0, 100, 130), (31, 40, 35, 60), (99, 129, 1, 1)):
            found = reader.read(row, column, rows, columns)
            assert np.array_equal(found, image[row : row + rows, column : column + columns])


GRAY, RGB = pixels(48, 64), pixels(48, 64, channels=3)
RGBX = np.dstack([RGB, np.full((48, 64), 90, np.uint8)])


@pytest.mark.parametrize(
    ("image", "settings"),
    [
        (Image.fromarray(RGB).convert("P"), {}),
        (Image.fromarray(RGB).convert("CMYK"), {}),
        (Image.fromarray(RGB).convert("LAB"), {}),
        (Image.fromarray(GRAY[..., 0] > 100), {}),
        (255 - GRAY[..., 0], {"photometric": "miniswhite"}),
        (RGBX, {"photometric": "rgb", "extrasamples": [0], "tile": (16, 16)}),
        (RGBX, {"photometric": "rgb", "extrasamples": [1]}),
        (RGBX, {"photometric": "rgb", "extrasamples": [2], "tile": (16, 16)}),
        (RGB.transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate", "tile": (16, 16)}),
        *((RGB, {"photometric": "rgb", "extratags": [(274, 3, 1, turn, True)]}) for turn in range(1, 9)),
    ],
)
def test_the_colors_of_a_tiff_are_those_of_predict(tmp_path: Path, image: Any, settings: dict[str, Any]) -> None:
    path = tmp_path / "image.tif"
    image.save(path) if isinstance(image, Image.Image) else tifffile.imwrite(path, image, **settings)
    expected = decode(path).values
    with open_image(path) as reader:
        assert reader.shape == expected.shape
        assert np.array_equal(reader.read(3, 5, 30, 40), expected[3:33, 5:45])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_is_read_in_parts_and_its_resolution_is_turned_with_it(tmp_path: Path, orientation: int) -> None:
    tags = [(274, 3, 1, orientation, True)]
    settings: dict[str, Any] = {"resolution": (20_000, 40_000), "resolutionunit": 3, "tile": (16, 16)}
    tifffile.imwrite(tmp_path / "image.tif", RGB, photometric="rgb", extratags=tags, **settings)
    across, down = (20_000, 40_000) if orientation < 5 else (40_000, 20_000)  # pixels a centimeter
    with open_image(tmp_path / "image.tif") as reader:
        assert isinstance(reader, TiffReader)
        assert reader.pixel_um == pytest.approx((10_000 / down, 10_000 / across))
        assert [reader.tags[code][0] / reader.tags[code][1] for code in (282, 283)] == [across, down]
        assert np.array_equal(reader.read(0, 0, *reader.shape[:2]), decode(tmp_path / "image.tif").values)
    scan(scan_model(channels=3), tmp_path / "image.tif", output=tmp_path / "maps.tif", scale=1)
    with tifffile.TiffFile(tmp_path / "maps.tif") as file:
        found = [file.pages[0].tags[code].value for code in (282, 283)]
    assert [number[0] / number[1] for number in found] == [across, down]


def test_png_and_jpeg_are_scanned(tmp_path: Path) -> None:
    image = pixels(40, 50, channels=3)
    Image.fromarray(image).save(tmp_path / "image.png")
    found = scan(scan_model(), tmp_path / "image.png")
    assert np.array_equal(found.maps, scan(scan_model(), image).maps)
    Image.fromarray(image).save(tmp_path / "image.jpg")
    assert scan(scan_model(), tmp_path / "image.jpg").maps.shape == found.maps.shape


def test_a_tile_that_is_cut_off_is_one_sentence_and_what_was_computed_stays(tmp_path: Path) -> None:
    image, path = tmp_path / "image.tif", tmp_path / "maps.tif"
    tifffile.imwrite(image, pixels(*SIZE)[..., 0], tile=(64, 64))
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) - 3_000])
    with pytest.raises(DataError, match=r"Tile \d+ of .* cannot be read"):
        scan(scan_model(), image, output=path)
    assert verify(path, scan_model(), pixels(*SIZE)).receipt.computed > 0
    image.write_bytes(whole)
    scan(scan_model(), image, output=path)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("image.tif", b"", "file is empty"),
        ("image.tif", b"II*\0\x08\0\0\0", "damaged or cut off"),
        ("image.tif", b"a text, no image", "not an image"),
        ("image.svs", b"a text, no image", "not an image"),
        ("image.tif", b"%PDF-1.7 and so on", "a PDF document"),
        ("image.pdf", b"%PDF-1.7 and so on", "a PDF document"),
        ("image.png", b"nothing", "cannot be scanned"),
        ("image.png", b"", "file is empty"),
        ("missing.png", None, "not there"),
        ("missing.tif", None, "not there"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, word: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=word) as raised:
        scan(scan_model(), tmp_path / name)
    assert str(raised.value).count(": ") == 1
    assert not re.search(r"b'|\\|<|Error", str(raised.value).replace(str(tmp_path), ""))


@pytest.mark.parametrize("name", ["image.tif", "image.png", "image.jpg"])
def test_an_image_that_is_cut_off_is_one_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(pixels(400, 300)[..., 0]).save(path)
    whole = path.read_bytes()
    for size in range(1, len(whole) - 64, len(whole) // 40):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError) as raised:
            scan(scan_model(), path, stride=64)
        said = str(raised.value).replace(str(tmp_path), "")
        assert not re.search(r"b'|\\|<|Error|Errno", said), said


def test_a_file_with_the_ending_of_another_format_is_scanned_as_what_it_is(tmp_path: Path) -> None:
    Image.fromarray(pixels(40, 50)[..., 0]).save(tmp_path / "image.tif", "PNG")
    assert np.array_equal(scan(scan_model(), tmp_path / "image.tif").maps, scan(scan_model(), pixels(40, 50)).maps)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    (tmp_path / "zarr.json").touch()
    with pytest.raises(MissingPackageError, match=r"convscope\[large\]"):
        scan(scan_model(), tmp_path)


def test_the_result_of_files_can_be_verified_by_its_name_alone(tmp_path: Path) -> None:
    write_model(scan_model(), tmp_path / "model.safetensors")
    Image.fromarray(pixels(40, 50)[..., 0]).save(tmp_path / "image.png")
    scan(tmp_path / "model.safetensors", tmp_path / "image.png", output=tmp_path / "maps.tif", edges="pad", scale=1.5)
    assert verify(tmp_path / "maps.tif").check.holds


def computed_tiles(monkeypatch: pytest.MonkeyPatch, model: Any, image: Any, **options: Any) -> tuple[int, Any]:
    """Return how many tiles a scan computes, and the scan."""
    count, real = [0], Sweep._computed

    def counting(self: Sweep, *arguments: Any) -> Any:
        count[0] += 1
        return real(self, *arguments)

    with monkeypatch.context() as here:
        here.setattr(Sweep, "_computed", counting)
        found = scan(model, image, **options)
    return count[0], found


@pytest.mark.parametrize(("options", "beside"), [({}, 0), ({"stability": 3}, 4), ({"best": True}, 0)])
def test_a_scan_of_a_changed_image_computes_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], beside: int
) -> None:
    model, image, first = scan_model(), pixels(7 + 96, 7 + 128), tmp_path / "first.tif"  # 3 x 4 tiles of 32
    assert computed_tiles(monkeypatch, model, image, output=first, **options)[0] == 12
    edited = image.copy()
    edited[48, 48] ^= 255  # in the middle of the tile (1, 1), which only its windows cover
    extended = np.concatenate([edited, pixels(32, 7 + 128, seed=3)])
    for number, (changed, tiles) in enumerate([(image, 0), (edited, 1), (extended, 1 + 4 + beside)]):
        output = tmp_path / f"again{number}.tif"
        count, found = computed_tiles(monkeypatch, model, changed, output=output, reuse=first, **options)
        assert count == tiles
        assert np.array_equal(found.maps, scan(model, changed, **options).maps)
        assert found.receipt.reused == found.receipt.positions - tiles * 32 * 32
        assert verify(output, model, changed, check=50).check.holds
    with pytest.raises(DataError, match="another model digest"):
        scan(scan_model("5C3v-MP2-8N"), image, reuse=first, **options)
    with pytest.raises(DataError, match="another bands"):
        scan(model, image, reuse=first, **(options | {"classes": ["a"], "best": False}))


def test_the_tiles_of_a_scan_that_was_cut_off_are_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image, path = scan_model(), pixels(*SIZE), tmp_path / "maps.tif"
    interrupted(model, image, path, monkeypatch, 2)
    count, found = computed_tiles(monkeypatch, model, image, reuse=path)
    assert count == 6 - 2
    assert np.array_equal(found.maps, scan(model, image).maps)


def test_the_layout_of_millions_of_tiles_takes_little_more_memory_than_its_bytes() -> None:
    tracemalloc.start()
    try:
        layout = tiff_layout((20_000, 20_000, 2), "uint8", 16)
        assert tracemalloc.get_traced_memory()[1] < 3.2 * len(layout.head)
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    class Virtual(ArrayReader):
        def __init__(self, side: int, reads: int) -> None:
            self.shape, self.left, self.name, self.tags = (side, side, 1), reads, "virtual", {}

        def read(self, row: int, column: int, rows: int, columns: int) -> np.ndarray:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return (np.arange(rows)[:, None, None] + row * np.arange(columns)[:, None] + column).astype(np.uint8)

    peaks = []
    for side in (4_096, 100_000):
        path = tmp_path / f"{side}.tif"
        tracemalloc.start()
        with pytest.raises(KeyboardInterrupt):
            scan(scan_model(), Virtual(side, 3), output=path, stride=8, best=True, check=10)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / (12_500 // 32 + 1) ** 2 < 45  # bytes of a tile: journal, offset and size


def test_a_scan_that_is_killed_before_its_table_is_written_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    output, table = tmp_path / "maps.tif", tmp_path / "found.csv"
    with monkeypatch.context() as patch:
        patch.setattr("convscope.api.scan.write_beside", killed)
        with pytest.raises(KeyboardInterrupt):
            scan(scan_model(), pixels(*SIZE), output=output, positions=table)
    assert not output.exists()
    scan(scan_model(), pixels(*SIZE), output=output, positions=table)
    assert output.exists()
    assert table.exists()


def test_the_pixel_size_of_ome_is_in_the_resolution(tmp_path: Path) -> None:
    size = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "image.ome.tif", pixels(40, 50)[..., 0], ome=True, metadata=size)
    scan(scan_model(), tmp_path / "image.ome.tif", output=tmp_path / "maps.tif", stride=2)
    with tifffile.TiffFile(tmp_path / "maps.tif") as file:
        tags = file.pages[0].tags
        assert (tags[282].value, tags[283].value, tags[296].value) == ((10_000, 1), (20_000, 1), 3)


def command(folder: Path, **options: Any) -> None:
    """Scan with everything that can be written beside the maps."""
    folder.mkdir(exist_ok=True)
    files = {"positions": folder / "found.csv", "overlay": folder / "overlay.png", "page": folder / "page"}
    wanted = {"threshold": 0.0, "uncertain": 3, "windows": folder / "windows", **files, **options}
    scan(scan_model(), pixels(*SIZE), output=folder / "maps.tif", **wanted)


def beside(folder: Path) -> dict[str, bytes]:
    """Return what is beside the maps."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "maps.tif")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize("last", range(1, 11))
def test_a_scan_that_is_killed_between_the_files_beside_it_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    written, finish = [0], Output.finish

    def killed(self: Output) -> None:
        finish(self)
        written[0] += 1
        if written[0] == last:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Output, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            command(tmp_path / "cut")
    (tmp_path / "cut" / "mine.csv").write_text("mine")
    with pytest.raises(StorageError, match="already there"):
        command(tmp_path / "cut", positions=tmp_path / "cut" / "mine.csv")
    assert (tmp_path / "cut" / "mine.csv").read_text() == "mine"
    (tmp_path / "cut" / "mine.csv").unlink()
    command(tmp_path / "cut")
    command(tmp_path / "whole")
    assert beside(tmp_path / "cut") == beside(tmp_path / "whole")
    assert np.array_equal(data_of(tmp_path / "cut" / "maps.tif"), data_of(tmp_path / "whole" / "maps.tif"))
    with pytest.raises(StorageError, match="already there"):
        command(tmp_path / "cut")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"uncertain": 0, "windows": "windows"}, "windows"),
        ({"hardest": 3, "windows": "windows"}, "label"),
        ({"per_megapixel": 1.0}, "per_megapixel"),
        ({"classes": ["d"]}, "classes"),
        ({"overlay": "overlay.gif"}, "overlay"),
        ({"positions": "found.xlsx"}, "positions"),
        ({"stability": 1, "stride": 2}, "stability"),
        ({"memory": "lots"}, "memory"),
        ({"scale": 1_000.0}, "scale"),
    ],
)
def test_a_wrong_value_is_told_before_what_is_already_there(
    tmp_path: Path, wrong: dict[str, Any], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("maps.tif", "found.csv", "overlay.png", "overlay.gif", "found.xlsx"):
        Path(name).write_text("mine")
    options = {"positions": "found.csv", "overlay": "overlay.png", **wrong}
    with pytest.raises(ParameterError, match=f"`{word}`"):
        scan(scan_model(), pixels(*SIZE), output="maps.tif", **options)
    with pytest.raises(StorageError, match="already there"):
        scan(scan_model(), pixels(*SIZE), output="maps.tif", positions="found.csv")


def write_tiled(path: Path, image: np.ndarray) -> None:
    """Write a gray image; its file is another one than before."""
    tifffile.imwrite(path, image[..., 0], tile=(32, 32))
    os.utime(path, ns=(0, int(image.sum())))


def edited(image: np.ndarray) -> np.ndarray:
    """Return an image that differs in the first tile only."""
    changed = image.copy()
    changed[20, 20] ^= 255
    return changed


def test_a_scan_goes_on_with_an_image_that_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image, path = scan_model(), pixels(*SIZE), tmp_path / "maps.tif"
    write_tiled(tmp_path / "image.tif", image)
    interrupted(model, tmp_path / "image.tif", path, monkeypatch, 3)
    write_tiled(tmp_path / "image.tif", edited(image))
    count, found = computed_tiles(monkeypatch, model, tmp_path / "image.tif", output=path)
    assert count == 3 + 1
    assert np.array_equal(found.maps, scan(model, edited(image)).maps)
    assert verify(path, model, tmp_path / "image.tif").check.holds


def test_an_image_that_changes_while_it_is_scanned_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, image, path, write = scan_model(), pixels(*SIZE), tmp_path / "maps.tif", maps_file.MapsFile.write
    write_tiled(tmp_path / "image.tif", image)

    def changing(self: Any, index: int, *given: Any) -> None:
        if index == 3:
            write_tiled(tmp_path / "image.tif", edited(image))
        write(self, index, *given)

    with monkeypatch.context() as here:
        here.setattr(maps_file.MapsFile, "write", changing)
        with pytest.raises(DataError, match="changed while it was scanned"):
            scan(model, tmp_path / "image.tif", output=path)
    assert not path.exists()
    count, found = computed_tiles(monkeypatch, model, tmp_path / "image.tif", output=path)
    assert count == 1
    assert np.array_equal(found.maps, scan(model, edited(image)).maps)
