"""How values become gray levels: one range for a dataset, the same from every type, never one for each image."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from convscope import train
from convscope.core.errors import ParameterError, UnreadableImageError
from convscope.core.machine import tuned
from convscope.images.checks import inspect
from convscope.images.dataset import prepare
from convscope.images.decoding.decoder import decode
from convscope.images.sizes import ImageOptions
from convscope.images.sources.opening import open_source
from convscope.images.value_sample import ValueSample
from convscope.images.values import (
    BYTES,
    UNIT,
    ValueRange,
    ValueRanges,
    convention,
    parse_value_range,
)
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model

from .generated import png16

LEVELS = np.random.default_rng(7).integers(0, 256, (12, 9, 8), dtype=np.uint8)
LEVELS[:, 0, 0], LEVELS[:, 0, 1] = 0, 255
SAME = {
    "uint16 of 16 bits": (lambda a: a.astype("u2") * 257, 0),
    "uint16 of 12 bits": (lambda a: a.astype("u2") * 16, 1),
    "uint16 of 8 bits": (lambda a: a.astype("u2"), 0),
    "int16 with an offset": (lambda a: a.astype("i2") * 5 - 1000, 0),
    "int8": (lambda a: (a.astype("i2") - 128).astype("i1"), 0),
    "int32": (lambda a: a.astype("i4") * 1_000_000 - 7, 0),
    "uint32": (lambda a: a.astype("u4") * (2**24), 1),
    "float32 of 0...1": (lambda a: a.astype("f4") / 255, 0),
    "float32 beyond 1": (lambda a: a.astype("f4") / 255 * 1.05, 0),
    "float32 of 0...255": (lambda a: a.astype("f4"), 0),
    "float32 far away": (lambda a: a.astype("f4") * 1e-3 + 5, 1),
}
"""By what is written: how it is made of gray levels, and how far from them what is read may be."""


def _tiffs(folder: Path, images: NDArray[Any], **options: Any) -> Path:
    for number, image in enumerate(images):
        (folder / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / "ab"[number % 2] / f"{number:02}.tif", image, photometric="minisblack", **options)
    return folder


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.parametrize("source", ["files", "arrays", "npz"])
def test_a_set_is_the_same_in_every_type_of_number(kind: str, source: str, tmp_path: Path) -> None:
    made, error = SAME[kind]
    values = made(LEVELS)
    labels = np.arange(len(values)) % 2
    if source == "files":
        data: Any = _tiffs(tmp_path / "set", values)
    elif source == "npz":
        np.savez(tmp_path / "set.npz", x=values, y=labels)
        data = tmp_path / "set.npz"
    else:
        data = (values, labels)
    dataset = prepare(open_source(data), cache_dir=tmp_path / "cache")
    expected = LEVELS if source != "files" else np.concatenate([LEVELS[::2], LEVELS[1::2]])
    assert np.abs(dataset.images[..., 0].astype(int) - expected).max() <= error
    assert dataset.inspection.of_kind("duplicate") == ()
    if kind.startswith("uint16 of 8"):
        assert dataset.preprocessing.ranges.integer == BYTES


@pytest.mark.parametrize("kind", SAME)
def test_prediction_reads_each_image_as_training_did(kind: str, tmp_path: Path) -> None:
    values = SAME[kind][0](LEVELS)
    dataset = prepare(open_source(_tiffs(tmp_path / "set", values)), cache_dir=tmp_path / "cache")
    network = Network(Layout.parse("4C3"), height=9, width=8, channels=1, classes=2)
    model = Model(network=network, classes=dataset.classes, preprocessing=dataset.preprocessing)
    known = model.predict_proba(dataset.images)[:, 0]
    one_by_one = [model.predict(dataset.path(place), top=2)[0] for place in range(len(dataset))]
    every = model.predict([np.asarray(values[number]) for number in (*range(0, 12, 2), *range(1, 12, 2))], top=2)
    for predictions in (one_by_one, every):
        assert [dict(one.top)["a"] for one in predictions] == pytest.approx(known.tolist(), abs=1e-6)


@pytest.mark.slow
def test_digits_are_learned_as_well_in_every_type_of_number(tmp_path: Path) -> None:
    digits = load_digits()
    levels = (digits.images * 15).astype(np.uint8)
    forms = {
        "uint8": levels,
        "12 bits in uint16": levels.astype("u2") * 16,
        "floats of 0...1": levels / np.float32(255),
        "floats beyond 1": levels / np.float32(243),
        "int16 with an offset": levels.astype("i2") * 9 - 1024,
    }
    accuracies = {}
    for name, images in forms.items():
        np.savez(
            tmp_path / f"{name}.npz",
            x_train=images[:1200],
            y_train=digits.target[:1200],
            x_test=images[1200:],
            y_test=digits.target[1200:],
        )
        trained = train(tmp_path / f"{name}.npz", epochs=8, layout="16C3-MP2", output=tmp_path / name)
        accuracies[name] = trained.report.accuracy.fraction
    assert accuracies["uint8"] > 0.9
    assert {name: pytest.approx(accuracies["uint8"], abs=0.012) for name in forms} == accuracies, accuracies


def test_twelve_bits_in_sixteen_with_little_contrast_are_stretched_once_and_never_called_equal(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = (200 + 150 * rng.random((12, 16, 16)) + rng.normal(0, 10, (12, 16, 16))).astype("u2")  # of 0...4095
    dataset = prepare(open_source(_tiffs(tmp_path / "set", values)), cache_dir=tmp_path / "cache")
    assert len(np.unique(dataset.images)) > 100
    found = inspect(open_source(tmp_path / "set"))
    assert {problem.kind for problem in found.problems} == {"few images"}
    assert "integers from" in found.values[0]
    assert any(note.startswith("values: integers from") and "--value-range" in note for note in dataset.notes)


def test_the_same_tissue_is_as_bright_beside_metal(tmp_path: Path) -> None:
    slices = np.full((12, 8, 8), -1000, "i2")
    slices[:, 4:] = 40
    slices[::2, 0, 0] = 3000
    slices[:, 1, 1] = np.arange(12)
    dataset = prepare(open_source(_tiffs(tmp_path / "set", slices)), cache_dir=tmp_path / "cache")
    assert len(np.unique(dataset.images[:, 7, 7])) == len(np.unique(dataset.images[:, 2, 2])) == 1
    assert dataset.images[0, 7, 7] > dataset.images[0, 2, 2]


def test_hot_pixels_do_not_darken_a_set() -> None:
    values = np.random.default_rng(0).integers(100, 900, 200_000).astype("u2")
    values[0] = 65535
    assert ValueSample.of(values, count=10**6).range() == ValueRange(low=0, high=1023)


def test_a_range_beyond_what_a_type_can_hold_is_compared_in_wide_floats() -> None:
    span = ValueRange(low=-1e300, high=1e300)
    assert span.beyond(np.array([[1.0, 65504.0]], np.float16)) == 0
    assert span.beyond(np.array([[3e38]], np.float32)) == 0


def test_values_beyond_the_range_are_clipped_and_named(tmp_path: Path) -> None:
    images = (
        np.tile(np.linspace(0, 1, 64, dtype="f4").reshape(8, 8), (300, 1, 1)) * np.linspace(0.9, 1, 300)[:, None, None]
    )
    images = images.astype("f4")
    images[7] = 3
    images[7, 0] = 0
    prepared = prepare(open_source((images, np.arange(300) % 2)))
    assert prepared.preprocessing.ranges.float == UNIT
    assert prepared.images[7].max() == 255
    assert "1 image with more than 1 % of the values beyond the range" in " ".join(prepared.notes)
    assert prepared.inspection.of_kind("clipped")[0].name == "images[7]"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0.0, 1.0]), "0…1"),
        (np.array([0, 1], "i8"), "0…1"),
        (np.array([0.0, 0.0]), "0…0"),
        (np.array([0, 2], "i8"), "0…255"),
        (np.array([0, 255], "u2"), "0…255"),
        (np.array([0, 300], "u2"), "0…1023"),
        (np.array([0, 1200], "u2"), "0…4095"),
        (np.array([0, 60000], "u2"), "0…65535"),
        (np.array([500, 600], "u2"), "500…600"),
        (np.array([-5, 5], "i2"), "-5…5"),
        (np.array([0, 2**31], "u4"), "0…4.29497e+09"),
        (np.array([0, 0.5]), "0…1"),
        (np.array([0, 0.1]), "0…0.1"),
        (np.array([0, 1.05]), "0…1.05"),
        (np.array([0, 16.0]), "0…255"),
        (np.array([0.5, 100.5]), "0…255"),
        (np.array([0, 1e300]), "0…1e+300"),
        (np.array([-1.7e308, 1.7e308]), "-1.7e+308…1.7e+308"),
        (np.array([0.25, 0.25]), "0.25…0.25"),
    ],
)
def test_the_range_of_a_set_follows_its_values(values: NDArray[Any], expected: str) -> None:
    assert str(ValueSample.of(values).range()) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([3], "u1"), "0…255"),
        (np.array([3], "u2"), "0…65535"),
        (np.array([3], "i1"), "-128…127"),
        (np.array([3], "i2"), "0…255"),
        (np.array([300], "i2"), "None"),
        (np.array([0.5]), "0…1"),
        (np.array([1.4]), "0…1"),
        (np.array([200.0]), "0…255"),
        (np.array([300.0]), "None"),
    ],
)
def test_without_a_set_the_type_says_what_is_white(values: NDArray[Any], expected: str) -> None:
    assert str(convention(values)) == expected


def test_an_image_by_itself_is_not_stretched_by_its_own_values() -> None:
    soft = np.full((8, 8), -1000, "i2")
    soft[4:] = 40
    metal = soft.copy()
    metal[0, 0] = 3000
    first, second = (decode(_tiff(values)).pixels for values in (soft, metal))
    assert first[1, 1] == second[1, 1] < first[7, 7] == second[7, 7]


def test_what_no_rule_covers_is_refused_with_its_values() -> None:
    network = Network(Layout.parse("4C3"), height=8, width=8, channels=1, classes=2)
    model = Model(
        network=network,
        classes=("a", "b"),
        preprocessing=prepare(open_source((LEVELS[:, :8], np.arange(12) % 2))).preprocessing,
    )
    (prediction,) = model.predict([np.full((8, 8), -1000, "i2")])
    assert prediction.error is not None
    assert "integers from -1000 to -1000" in prediction.error


def test_a_range_that_is_given_holds_for_bytes_too() -> None:
    ranges = parse_value_range("0,63")
    prepared = prepare(open_source((LEVELS // 4, np.arange(12) % 2)), ImageOptions(ranges=ranges))
    assert np.abs(prepared.images[..., 0].astype(int) - LEVELS).max() <= 4
    assert prepared.images.max() == 255
    assert any("0…63 become the gray levels 0…255" in note for note in prepared.notes)


def test_each_image_is_stretched_by_itself_only_when_asked() -> None:
    dark = np.stack([LEVELS[0] // 8, LEVELS[1]] * 6)
    dark[:, 3, 3] = np.arange(12)
    asked = prepare(open_source((dark, np.arange(12) % 2)), ImageOptions(ranges=parse_value_range("each")))
    assert (asked.images.reshape(12, -1).max(1) == 255).all()
    plain = prepare(open_source((dark, np.arange(12) % 2)))
    assert np.array_equal(plain.images[..., 0], dark)


@pytest.mark.parametrize("text", ["", "1", "5,5", "9,1", "a,b", "0,nan", "0,inf", "1,2,3", "0,1e999", (1, 2, 3), 7])
def test_a_range_that_cannot_be_is_one_sentence(text: Any) -> None:
    with pytest.raises(ParameterError, match="`value_range` must be"):
        parse_value_range(text)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", ">u2", "i4", "u4", "i8", "f2", "f4", "f8"])
def test_large_and_small_arrays_are_levelled_alike(dtype: str) -> None:
    values = np.random.default_rng(3).integers(0, 127, 70_000).astype(dtype)
    span = ValueRange(low=3, high=99)
    small = np.concatenate([span.gray_levels(part) for part in np.array_split(values, 9)])
    exact = np.rint((np.clip(values.astype(float), 3, 99) - 3) / 96 * 255)
    assert np.array_equal(span.gray_levels(values), small)
    assert np.abs(small - exact).max() == 0


def test_tiny_values_are_read_alike_where_computing_flushes_them(tmp_path: Path) -> None:
    values = LEVELS.astype("f4") * np.float32(1e-44)
    assert 0 < values.max() < np.finfo("f4").tiny
    dataset = prepare(open_source(_tiffs(tmp_path / "set", values)), cache_dir=tmp_path / "cache")
    network = Network(Layout.parse("4C3"), height=9, width=8, channels=1, classes=2)
    model = Model(network=network, classes=("a", "b"), preprocessing=dataset.preprocessing)
    alone = model.predict([dataset.path(0)])
    with tuned():
        assert model.predict([dataset.path(0)]) == alone
        again = prepare(open_source(tmp_path / "set"), cache_dir=tmp_path / "other")
    assert np.array_equal(again.images, dataset.images)
    assert dataset.images.max() == 255


OPAQUE = {
    "u1": 255, "u2": 65535, "u2 of 12 bits": 4095, "i2": 255, "i4": 255, "i8": 255, "u4": 255, "f4": 1.0, "f8": 255.0,
}  # fmt: skip


@pytest.mark.parametrize("kind", OPAQUE)
def test_opaque_images_are_the_same_in_every_type_of_number(kind: str, tmp_path: Path) -> None:
    levels = np.random.default_rng(1).integers(0, 256, (12, 6, 5, 4), dtype=np.uint8)
    levels[..., 3] = 255
    levels[:, 0, 0, :3], levels[:, 0, 1, :3] = 0, 255
    values = (levels.astype("f8") / 255 * OPAQUE[kind]).astype(kind[:2])
    expected = prepare(open_source((levels, np.arange(12) % 2)))
    found = prepare(open_source((values, np.arange(12) % 2)), cache_dir=tmp_path)
    assert np.abs(found.images.astype(int) - expected.images).max() <= 1
    assert found.preprocessing.background == expected.preprocessing.background
    half = values.copy()
    half[0, 1, 1, 3] = half[0, 1, 1, 3] / 2
    assert prepare(open_source((half, np.arange(12) % 2)), cache_dir=tmp_path).images.shape == expected.images.shape


def test_opacity_keeps_its_own_scale() -> None:
    values = np.full((2, 2, 4), 100, "u2")
    values[0, 0, 3] = 65535
    levels = ValueRanges(integer=ValueRange(low=0, high=200)).gray_levels(values)
    assert levels is not None
    assert levels[0, 0].tolist() == [128, 128, 128, 255]
    assert levels[1, 1, 3] == 0


# --- values as files hold them


def _tiff(values: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **{"photometric": "minisblack", **options})
    return stream.getvalue()


WORDS = np.random.default_rng(5).integers(0, 65536, (5, 7, 4), dtype=np.uint16)
PACKED: list[dict[str, Any]] = [
    {},
    {"byteorder": ">"},
    {"compression": "zlib"},
    {"compression": "zlib", "predictor": True},
    {"compression": "zlib", "byteorder": ">"},
]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_of_sixteen_bits_keeps_all_of_them(channels: int) -> None:
    assert np.array_equal(decode(png16(WORDS[..., :channels])).values, WORDS[..., :channels])


def test_gray_with_opacity_of_sixteen_bits_keeps_all_of_them() -> None:
    assert np.array_equal(decode(png16(WORDS[..., [0, 3]])).values, WORDS[..., [0, 0, 0, 3]])
    opaque = WORDS[..., [0, 3]].copy()
    opaque[..., 1] = 65535
    assert np.array_equal(decode(png16(opaque)).values, opaque[..., :1])


def test_a_transparent_color_of_sixteen_bits_is_found_by_all_of_them() -> None:
    values = WORDS[..., :3].copy()
    values[0, 1] = values[0, 0] ^ 1  # the same upper bytes
    found = decode(png16(values, (b"tRNS", values[0, 0].astype(">u2").tobytes()))).values
    assert found[0, :2, 3].tolist() == [0, 65535]


def test_the_bits_in_use_that_a_png_tells_are_its_usual_range() -> None:
    assert decode(png16(WORDS[..., :1], (b"sBIT", b"\x0c"))).usual == ValueRange(low=0, high=4095)
    assert decode(png16(WORDS[..., :3], (b"sBIT", b"\x0a\x0a\x0a"))).usual == ValueRange(low=0, high=1023)
    assert decode(png16(WORDS[..., :1])).usual is None


@pytest.mark.parametrize("options", PACKED, ids=str)
def test_color_tiff_of_sixteen_bits_keeps_all_of_them(options: dict[str, Any]) -> None:
    assert np.array_equal(decode(_tiff(WORDS[..., :3], photometric="rgb", **options)).values, WORDS[..., :3])


@pytest.mark.parametrize("byteorder", "<>")
def test_planes_of_sixteen_bits_are_put_together(byteorder: str) -> None:
    planes = np.ascontiguousarray(np.moveaxis(WORDS[..., :3], 2, 0))
    data = _tiff(planes, photometric="rgb", planarconfig="separate", byteorder=byteorder)
    assert np.array_equal(decode(data).values, WORDS[..., :3])


@pytest.mark.parametrize("options", PACKED, ids=str)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "u4", "f4"])
def test_gray_tiff_has_the_values_that_were_written(dtype: str, options: dict[str, Any]) -> None:
    values = np.random.default_rng(2).integers(-(2**31), 2**31, (6, 5)).astype("i4").view("u4").astype(dtype)
    if dtype == "f4" and "predictor" in options:
        pytest.skip("tifffile writes this with a further package only")
    assert np.array_equal(decode(_tiff(values, **options)).values[:, :, 0], values)


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_where_zero_is_white_every_type_is_inverted(dtype: str, byteorder: str) -> None:
    kind = np.dtype(dtype)
    top = 1 if kind.kind == "f" else np.iinfo(kind).max
    values = (np.arange(12).reshape(3, 4) / 11 * top).astype(dtype)
    found = decode(_tiff(values, photometric="miniswhite", byteorder=byteorder)).values[:, :, 0]
    assert found.dtype.kind == kind.kind
    assert np.array_equal(found, -1 - values if kind.kind == "i" else top - values)


def test_planes_of_sixteen_bits_that_are_deflated_are_read_and_others_are_said_to_be_cut() -> None:
    planes = np.ascontiguousarray(np.moveaxis(WORDS[..., :3], 2, 0))
    for options in ({"compression": "zlib"}, {"compression": "zlib", "byteorder": ">"}):
        found = decode(_tiff(planes, photometric="rgb", planarconfig="separate", **options))
        assert np.array_equal(found.values, WORDS[..., :3])
        assert found.remarks == ()
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(stream, "TIFF", compression="tiff_lzw")
    assert decode(stream.getvalue()).remarks == ()


@pytest.mark.parametrize("most", [300, 4095, 65535])
def test_a_ppm_of_sixteen_bits_keeps_all_of_them(most: int) -> None:
    values = (WORDS[..., :3].astype(int) % (most + 1)).astype(">u2")
    data = f"P6 # a comment 99\n7\t5\n#another\n{most}\n".encode() + values.tobytes()
    found = decode(data)
    assert np.array_equal(found.values, np.rint(values.astype(float) / most * 65535))
    with pytest.raises(UnreadableImageError, match="cut off"):
        decode(data[:-1])


def test_signed_bytes_keep_their_order() -> None:
    pixels = decode(_tiff(np.array([[-100, -1, 0, 1, 100]] * 4, "i1"))).pixels[0, :, 0]
    assert (np.diff(pixels.astype(int)) > 0).all()


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UnreadableImageError, match="not finite numbers"):
        decode(_tiff(np.array([[1, np.inf]], "f4")))


def test_a_gray_pgm_of_sixteen_bits_is_read_as_such(tmp_path: Path) -> None:
    Image.fromarray(WORDS[..., 0]).save(tmp_path / "x.pgm")
    found = decode(tmp_path / "x.pgm")
    assert found.values.dtype == np.uint16
    assert np.array_equal(found.values[:, :, 0], WORDS[..., 0])
