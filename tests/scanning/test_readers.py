"""Images behind one protocol, whichever package reads them; and how large a pixel is."""

import dataclasses
import io
import sys
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
import tifffile
from PIL import Image

from convscope.api.scan import scan
from convscope.core.errors import DataError, ParameterError
from convscope.images.decoding.decoder import decode
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.scanning.opening import open_image
from convscope.scanning.other_readers import ChannelsFirst, zarr_reader
from convscope.scanning.preparing import prepared
from convscope.scanning.readers import ArrayReader
from convscope.scanning.tiff_reader import TiffReader
from tests.checks.reporters import Heard
from tests.checks.scans import pixels, scan_model

COLOR = pixels(40, 50, channels=3)
PARTS = ((0, 0, 40, 50), (3, 7, 20, 30), (39, 49, 1, 1))


class Slide:
    dimensions = (50, 40)
    properties: ClassVar = {
        "openslide.mpp-x": "0.25",
        "openslide.mpp-y": "0.25",
        "openslide.background-color": "010203",
    }

    def __init__(self, path: str) -> None:
        opaque = np.full((40, 50, 1), 255, np.uint8)
        opaque[:2] = 0
        self._pixels = np.concatenate([COLOR, opaque], axis=2)

    def read_region(self, place: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        (x, y), (columns, rows) = place, size
        return Image.fromarray(self._pixels[y : y + rows, x : x + columns])


KEYS = {34735: (1, 1, 0, 1, 3072, 0, 1, 32632), 34737: "UTM 32N|"}


class Raster:
    height, width, count, crs = 40, 50, 3, "any"
    colorinterp = tuple(types.SimpleNamespace(name=name) for name in ("red", "green", "blue"))
    transform = (0.5, 0.0, 1000.0, 0.0, -0.5, 2000.0, 0.0, 0.0, 1.0)

    def read(self, window: Any) -> Any:
        (top, bottom), (left, right) = window
        return COLOR[top:bottom, left:right].transpose(2, 0, 1)


class GeoTiff:
    """What GDAL keeps in memory: a file of one pixel with the tags of a georeference."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def open(self, *, crs: str, transform: tuple[float, ...], **_: Any) -> Self:
        assert crs == Raster.crs
        wide, _turned, left, _also, tall, top = transform[:6]
        self._geo = {33550: (wide, -tall, 0.0), 33922: (0.0, 0.0, 0.0, left, top, 0.0), **KEYS}
        return self

    def read(self) -> bytes:
        tags = [(code, 2 if isinstance(one, str) else 12, len(one), one, True) for code, one in self._geo.items()]
        tifffile.imwrite(file := io.BytesIO(), np.zeros((1, 1), np.uint8), extratags=tags)
        return file.getvalue()


class Vips:
    height, width, bands, format, interpretation = 40, 50, 3, "uchar", "srgb"

    def autorot(self) -> "Vips":
        return self

    def fetch(self, x: int, y: int, columns: int, rows: int) -> bytes:
        return COLOR[y : y + rows, x : x + columns].tobytes()


class Sequential:
    """libvips where it writes an image as tiles."""

    @classmethod
    def new_from_file(cls, path: str, *, access: str, fail_on: str) -> "Sequential":
        assert (access, fail_on) == ("sequential", "truncated")
        made = cls()
        made.values = decode(Path(path)).values
        return made

    def tiffsave(self, path: str, *, tile: bool, tile_width: int, tile_height: int, bigtiff: bool) -> None:
        assert tile
        resolution = {"resolution": (72, 72), "resolutionunit": 2}
        tifffile.imwrite(path, self.values, bigtiff=bigtiff, tile=(tile_height, tile_width), **resolution)


FAKES = {
    "openslide": types.SimpleNamespace(OpenSlide=Slide),
    "rasterio": types.SimpleNamespace(
        Env=lambda **_: Raster.__new__(Closing), open=lambda path: Raster(), MemoryFile=GeoTiff
    ),
    "pyvips": types.SimpleNamespace(
        Image=types.SimpleNamespace(new_from_file=lambda path, **_: Vips()),
        Region=types.SimpleNamespace(new=lambda image: image),
    ),
}


class Closing(Raster):
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("package", sorted(FAKES))
def test_what_convscope_does_not_open_is_read_by_a_package_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for name, fake in FAKES.items():
        monkeypatch.setitem(sys.modules, name, fake if name == package else None)
    (tmp_path / "image.mrxs").write_bytes(b"anything")
    expected = COLOR.copy()
    if package == "openslide":
        expected[:2] = (1, 2, 3)
    with open_image(tmp_path / "image.mrxs") as reader:
        for row, column, rows, columns in PARTS:
            found = reader.read(row, column, rows, columns)
            assert np.array_equal(found, expected[row : row + rows, column : column + columns])
        assert getattr(reader, "pixel_um", None) == ((0.25, 0.25) if package == "openslide" else None)
        assert (33922 in reader.tags) == (package == "rasterio")
        if package == "rasterio":
            assert {code: reader.tags[code] for code in KEYS} == KEYS
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataError, match="cannot be scanned"), open_image(tmp_path / "image.mrxs"):
        pass


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_an_image_that_is_decoded_whole_is_counted_or_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    side, path = 2_000, tmp_path / f"image.{ending}"  # decoded in 32 MB
    Image.fromarray(pixels(side, side, channels=3)).save(path)
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(ParameterError, match=r"at least 351M to decode .*\. Got 350M\. Install pyvips"):
        scan(scan_model(), path, stride=64, memory="350M")
    with open_image(path, "351M") as reader:
        assert reader.held_bytes == 3 * side**2
        reader.held_bytes = 25 << 20
        network, options = scan_model("24C5-MP2-48C3-MP2-16N", side=16), ScanOptions(memory="351M")
        sides = [prepared(network, one, options).sweep.grid.tile for one in (reader, ArrayReader(reader.array))]
        assert sides[0] < sides[1]
    monkeypatch.setitem(sys.modules, "pyvips", types.SimpleNamespace(Image=Sequential))
    with open_image(path, "100M") as reader:
        assert isinstance(reader, TiffReader)
        assert reader.held_bytes > TiffReader.held_bytes  # what libvips keeps
        assert (reader.name, reader.tags, reader.pixel_um) == (str(path), {}, None)
        assert np.array_equal(reader.read(0, 0, side, side), decode(path).values)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("turned", [0.0, 2.0])
def test_the_georeference_is_that_of_gdal(tmp_path: Path, interleave: str, turned: float) -> None:
    rasterio = pytest.importorskip("rasterio")
    place = rasterio.Affine(10, turned, 500_000, turned, -10, 5_200_000)
    settings = {"width": 50, "height": 40, "count": 3, "dtype": "uint8", "crs": "EPSG:32632", "transform": place}
    for driver, name in (("GTiff", "image.tif"), ("HFA", "image.img")):
        more = {"interleave": interleave, "photometric": "RGB"} if driver == "GTiff" else {}
        with rasterio.open(tmp_path / name, "w", driver=driver, **settings, **more) as file:
            file.write(COLOR.transpose(2, 0, 1))
        scan(scan_model(), tmp_path / name, output=tmp_path / "maps.tif", force=True)
        with rasterio.open(tmp_path / "maps.tif") as maps:
            assert maps.crs == "EPSG:32632"
            middle = (50 - 8 + 1) / 2, (40 - 8 + 1) / 2
            assert maps.transform @ middle == pytest.approx(place @ (25, 20))


def test_a_part_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fake in FAKES.items():
        monkeypatch.setitem(sys.modules, name, fake if name == "rasterio" else None)
    (tmp_path / "image.jp2").write_bytes(b"anything")

    def cut_off(*_: Any, **__: Any) -> None:
        raise OSError("Read failed. See previous exception") from ValueError("premature end")

    with open_image(tmp_path / "image.jp2") as reader:
        monkeypatch.setattr(Raster, "read", cut_off)
        with pytest.raises(DataError, match=r"image\.jp2 cannot be read at x 7, y 3: .* damaged") as raised:
            reader.read(3, 7, 20, 30)
        assert "Read failed" in str(raised.value.__cause__)


def test_a_tiff_that_is_no_slide_is_not_read_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fake in FAKES.items():
        monkeypatch.setitem(sys.modules, name, fake if name == "openslide" else None)
    monkeypatch.setitem(Slide.properties, "openslide.vendor", "generic-tiff")
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((40, 50, 5), np.uint8), planarconfig="contig")
    with pytest.raises(DataError, match="channels"), open_image(tmp_path / "image.tif"):
        pass


class Group(dict[str, Any]):
    attrs: dict[str, Any]

    def array_keys(self) -> Iterable[str]:
        """Return the names of its arrays."""
        return self.keys()


def test_an_ome_zarr_image_is_read_at_its_finest_level(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group({"0": COLOR.transpose(2, 0, 1)[None]})  # T C Y X
    scale = {"type": "scale", "scale": [1, 1, 250, 250]}
    axes = [{"name": name, "unit": "nanometer"} for name in "tcyx"]
    group.attrs = {"multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}]}]}
    monkeypatch.setitem(sys.modules, "zarr", types.SimpleNamespace(open=lambda path, mode: group))  # type: ignore[arg-type]
    reader = zarr_reader(Path("image.zarr"), "image.zarr")
    assert isinstance(reader, ChannelsFirst)
    assert (reader.pixel_um, reader.note) == ((0.25, 0.25), "")
    for row, column, rows, columns in PARTS:
        found = reader.read(row, column, rows, columns)
        assert np.array_equal(found, COLOR[row : row + rows, column : column + columns])


@pytest.mark.parametrize(("shape", "count"), [((1, 1, 40, 50), 0), ((3, 2, 40, 50), 6), ((5, 3, 40, 50), 5)])
def test_what_of_a_zarr_array_is_left_out_is_said(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], count: int
) -> None:
    fake = types.SimpleNamespace(open=lambda path, mode: array)
    monkeypatch.setitem(sys.modules, "zarr", fake)  # type: ignore[arg-type]
    array = np.zeros(shape, np.uint8).view(Described)
    note = zarr_reader(Path("image.zarr"), "image.zarr").note
    assert (f"the first of {count} images is scanned" in note) == bool(count)
    assert bool(note) == bool(count)


class Described(np.ndarray[Any, Any]):
    """An array as Zarr has it."""

    attrs: ClassVar[dict[str, Any]] = {}


def test_what_zarr_says_of_a_folder_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Damaged(Described):
        def __getitem__(self, key: Any) -> Any:
            raise RuntimeError("error during blosc decompression: -1\\nheader=b'\\x00'")

    def no_node(path: str, mode: str) -> None:
        raise FileNotFoundError("No group found in store 'file://...' at path ''")

    group = Group({"mask": COLOR, "labels": COLOR})
    group.attrs = {}
    damaged = np.zeros((40, 50), np.uint8).view(Damaged)
    (tmp_path / "zarr.json").touch()
    for opened, word in ((no_node, "damaged or not whole"), (lambda path, mode: group, "such as .*/labels")):
        monkeypatch.setitem(sys.modules, "zarr", types.SimpleNamespace(open=opened))  # type: ignore[arg-type]
        with pytest.raises(DataError, match=word):
            scan(scan_model(), tmp_path)
    monkeypatch.setitem(sys.modules, "zarr", types.SimpleNamespace(open=lambda path, mode: damaged))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"at x 0, y 0: that part is damaged or missing\.$") as raised:
        scan(scan_model(), tmp_path)
    assert "blosc" in str(raised.value.__cause__)
    (tmp_path / "zarr.json").unlink()
    with pytest.raises(DataError, match="no Zarr array"):
        scan(scan_model(), tmp_path)


def said_of(path: Path) -> str:
    """Return what a scan says before it begins."""
    said = Heard()
    scan(scan_model(), path, scale=1, progress=said)
    return said.lines[0]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"photometric": "minisblack"}, "has 6 pages: page 1 is scanned"),
        ({"ome": True, "metadata": {"axes": "TZYX"}}, "has 3 depths, 2 times: the first of each is scanned"),
        ({"ome": True, "metadata": {"axes": "CZYX"}}, "has 3 depths, 2 channels: the first of each is scanned"),
        ({"imagej": True, "metadata": {"axes": "TZYX"}}, "has 3 depths, 2 times: the first of each is scanned"),
    ],
)
def test_the_images_of_a_tiff_that_are_left_out_are_said(tmp_path: Path, settings: dict[str, Any], word: str) -> None:
    images = np.stack([pixels(60, 70, seed=seed)[..., 0] for seed in range(6)])
    tifffile.imwrite(tmp_path / "image.tif", images.reshape(2, 3, 60, 70), **settings)
    assert word in said_of(tmp_path / "image.tif")
    with open_image(tmp_path / "image.tif") as reader:
        assert np.array_equal(reader.read(0, 0, 60, 70)[..., 0], images[0])


def test_the_levels_of_a_pyramid_and_previews_are_no_other_images(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    for subifds in (0, 2):
        with tifffile.TiffWriter(path) as file:
            file.write(COLOR, photometric="rgb", subifds=subifds)
            for step, kind in ((2, 1), (4, 0)):
                file.write(COLOR[::step, ::step], photometric="rgb", subfiletype=kind)
            if not subifds:
                file.write(COLOR[:30, :8], photometric="rgb", subfiletype=1)
        assert "1,419 positions" in said_of(path)
    with tifffile.TiffWriter(path) as file:
        file.write(COLOR, photometric="rgb")
        file.write(COLOR[:30], photometric="rgb")
    assert "has 2 pages" in said_of(path)


def test_the_frames_of_a_gif_that_are_left_out_are_said(tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels(40, 50, seed=seed)[..., 0]) for seed in range(3)]
    frames[0].save(tmp_path / "image.gif", save_all=True, append_images=frames[1:])
    assert "has more than one image: the first is scanned" in said_of(tmp_path / "image.gif")


def sized(um: float, side: int = 8) -> Model:
    """Return a model whose training images had pixels of so many micrometers, and sides of `side` pixels."""
    sizes = {"widths": [side] * 3, "heights": [side] * 3}
    return dataclasses.replace(scan_model(), training={"settings": {"pixel_size": um}, "sizes": sizes})


OME = {"axes": "YX", "PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}


@pytest.mark.parametrize(
    "settings",
    [
        {"ome": True, "metadata": OME},
        {"resolution": (40_000, 40_000), "resolutionunit": 3},
        {"resolution": (101_600, 101_600), "resolutionunit": 2},
        {"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}},
        {"description": "Aperio |AppMag = 40|MPP = 0.25|", "metadata": None},
    ],
)
def test_the_scale_is_that_of_the_pixels(tmp_path: Path, settings: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "image.tif", pixels(60, 70)[..., 0], **settings)
    assert scan(sized(0.5), tmp_path / "image.tif").receipt.scale == 0.5
    assert scan(sized(0.25), tmp_path / "image.tif").receipt.scale == 1
    assert scan(sized(0.25, side=16), tmp_path / "image.tif").receipt.scale == 0.5  # resized to half
    assert scan(sized(0.5), tmp_path / "image.tif", scale=1).receipt.scale == 1


def test_a_pixel_size_that_is_not_known_is_asked_for_in_one_sentence(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", pixels(60, 70)[..., 0])
    with pytest.raises(DataError, match=r"0\.5 µm, and .*does not say how large its pixels are\. Give --scale"):
        scan(sized(0.5), tmp_path / "image.tif")
    image = ArrayReader(pixels(60, 70))
    image.pixel_um = (0.25, 0.5)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="not square"):
        scan(sized(0.5), image)
    image.pixel_um = (352.0, 352.0)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="its own have 352 µm"):
        scan(sized(0.5), image)


@pytest.mark.parametrize("shape", [(0, 10), (10, 0), (0, 0, 3)])
def test_an_image_without_pixels_is_one_sentence(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="must have pixels"):
        scan(scan_model(), np.zeros(shape, np.uint8), scale=1)
