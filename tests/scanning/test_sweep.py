"""A scan gives what each window gives by itself, for every tile, stride, edge and scale, and its receipt says so."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from convscope.api.scan import MapsInMemory, scan
from convscope.core.errors import DataError, ParameterError
from convscope.core.progress import Silent
from convscope.images.preprocessing import Preprocessing
from convscope.images.values import ValueRange, ValueRanges
from convscope.scanning import sweep
from convscope.scanning.preparing import Preparation
from convscope.scanning.readers import ArrayReader, PaddedReader, ScaledReader
from convscope.scanning.room import parse_bytes
from convscope.scanning.sweep import Sweep, fitted
from convscope.scanning.ways import AppliedDensely
from tests.checks.laws import LAWS
from tests.checks.reporters import Heard
from tests.checks.scans import CLASSES, expected, pixels, preparation, scan_model


def with_tile(made: Preparation, tile: int, checks: int = 50) -> MapsInMemory:
    """Return the scan in tiles of another size, in float32."""
    grid = dataclasses.replace(made.sweep.grid, tile=tile)
    sweep = dataclasses.replace(made.sweep, grid=grid, checked=grid.checked(checks, 3))
    stored = MapsInMemory(dataclasses.replace(made.receipt, grid=grid))
    sweep.run(stored, made.receipt, Silent())
    return stored


@settings(LAWS, max_examples=15)
@given(
    st.sampled_from(["4C3v-MP2-8N", "4C3-MP2-+4C3-8N", "4C4/2-LPg", "3U3-MP2-4N"]),
    st.tuples(st.integers(8, 60), st.integers(8, 60)),
    st.integers(1, 4),
    st.sampled_from([13, 16, 31, 48, 96]),
)
def test_the_result_is_that_of_every_window_for_every_tile(
    text: str, size: tuple[int, int], stride: int, tile: int
) -> None:
    model, image = scan_model(text), pixels(*size)
    made = preparation(model, image, stride=stride, dtype="float32")
    stored = with_tile(made, tile)
    assert np.allclose(stored._array, expected(model, image, stride), atol=1e-5)
    assert stored.records["difference"].max() <= 1e-4 * stored.records["largest"].max()
    assert stored.records["random"].sum() == stored.records["nasty"].sum() == 50


def test_the_receipt_is_not_signed_when_a_value_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    model, image = scan_model(), pixels(30, 30)
    assert scan(model, image).receipt.check.holds
    logits = Sweep._computed
    made = preparation(model, image)
    right = type(made.sweep.applied).logits
    monkeypatch.setattr(type(made.sweep.applied), "logits", lambda self, region: right(self, region) + 1e-3)
    assert Sweep._computed is logits
    assert not scan(model, image).receipt.check.holds


def test_the_checked_positions_include_corners_and_joints() -> None:
    made = preparation(scan_model(), pixels(50, 60))
    grid = dataclasses.replace(made.sweep.grid, tile=16)
    nasty = {place for _, places in grid.checked(200, 1).values() for place in places}
    rows, columns = grid.shape
    assert {(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)} <= nasty
    at_joints = [
        row % 16 in (0, 15) or column % 16 in (0, 15) or row == rows - 1 or column == columns - 1
        for row, column in nasty
    ]
    assert all(at_joints)


def test_a_position_is_centered_on_its_window() -> None:
    model = scan_model(side=8)
    found = scan(model, pixels(20, 30), stride=2)
    assert found.receipt.center == (3.5, 3.5)
    assert found.maps.shape == (7, 12, 3)
    padded = scan(model, pixels(20, 30), edges="pad").receipt
    assert padded.grid.shape == (20, 30)  # a position for each pixel
    assert padded.center == (0.5, 0.5)
    assert padded.padded == 3
    assert scan(model, pixels(20, 30), scale=2).receipt.center == (1.5, 1.5)  # windows of 4 pixels


def test_edges_are_filled_with_the_background_of_the_network() -> None:
    model, image = scan_model(background=9), pixels(20, 30)
    framed = np.pad(image, ((3, 4), (3, 4), (0, 0)), constant_values=9)
    found = scan(model, image, edges="pad", dtype="float32")
    assert np.allclose(found.maps, expected(model, framed), atol=1e-5)


def test_a_stride_of_zero_is_that_of_the_network() -> None:
    assert scan(scan_model("4C3v-MP2-4C3v-MP2-8N", side=16), pixels(40, 40), stride=0).receipt.grid.stride == 4


@pytest.mark.parametrize(("dtype", "error"), [("uint8", 0.002), ("uint16", 1e-5), ("float16", 1e-3), ("float32", 1e-6)])
def test_a_stored_probability_has_the_digits_of_its_type(dtype: str, error: float) -> None:
    model, image = scan_model(), pixels(20, 30)
    exact = scan(model, image, dtype="float32").maps
    assert np.abs(scan(model, image, dtype=dtype).probabilities - exact).max() <= error


def test_classes_are_chosen_and_the_best_is_a_number_and_its_probability() -> None:
    model, image = scan_model(), pixels(20, 30)
    every = scan(model, image, dtype="float32").maps
    assert np.array_equal(scan(model, image, classes=["c", "a"], dtype="float32").maps, every[..., [2, 0]])
    best = scan(model, image, best=True, dtype="float32")
    assert best.receipt.bands == ("class", "probability")
    assert np.array_equal(best.maps[..., 0], every.argmax(axis=-1))
    assert np.array_equal(best.maps[..., 1], every.max(axis=-1))


def test_a_color_network_takes_gray_images_and_a_gray_one_takes_color_as_predict_does() -> None:
    gray, color = pixels(20, 30), pixels(20, 30, channels=3)
    wanted = expected(scan_model(channels=3), np.repeat(gray, 3, axis=2))
    assert np.allclose(scan(scan_model(channels=3), gray, dtype="float32").maps, wanted, atol=1e-5)
    luma = Preprocessing(height=20, width=30, channels=1)._match_channels(color)
    assert np.allclose(scan(scan_model(), color, dtype="float32").maps, expected(scan_model(), luma), atol=1e-5)


def test_sixteen_bits_are_scanned_by_their_full_range() -> None:
    image = pixels(20, 30)
    assert np.array_equal(scan(scan_model(), image.astype(np.uint16) * 257).maps, scan(scan_model(), image).maps)


def test_the_scale_is_never_guessed() -> None:
    model, image = scan_model(), pixels(20, 30)
    resized = dataclasses.replace(model, training={"sizes": {"widths": [16] * 3, "heights": [16] * 3}})
    with pytest.raises(DataError, match=r"0\.5 if they were cut out"):
        scan(resized, image)
    mixed = dataclasses.replace(model, training={"sizes": {"widths": [10, 20, 90], "heights": [16] * 3}})
    with pytest.raises(DataError, match="resized"):
        scan(mixed, image)
    with pytest.raises(DataError, match="does not say"):
        scan(dataclasses.replace(model, training={}), image)
    assert scan(resized, image, scale=1).receipt.scale == 1


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((7, 30), np.uint8), "as large"),
        (np.zeros((30, 30, 2), np.uint8), "channels"),
        (np.zeros((30, 30, 1), np.float64), "8 or 16 bits"),
        (np.zeros((30, 30, 1), np.int32), "8 or 16 bits"),
        (3, "must be a path"),
    ],
)
def test_an_image_that_cannot_be_scanned_is_one_sentence_and_leaves_nothing(
    image: object, word: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=word):
        scan(scan_model(), image, output=tmp_path / "maps.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_one_sentence(value: float, tmp_path: Path) -> None:
    image, ranges = pixels(40, 50).astype(np.float32), ValueRanges(float=ValueRange(low=0, high=255))
    model = dataclasses.replace(
        scan_model(), preprocessing=dataclasses.replace(scan_model().preprocessing, ranges=ranges)
    )
    expected = scan(model, image).maps
    image[30, 40] = value
    with pytest.raises(DataError, match="finite numbers"):
        scan(model, image, output=tmp_path / "maps.tif")
    image[30, 40] = pixels(40, 50)[30, 40]
    assert np.array_equal(scan(model, image, output=tmp_path / "maps.tif").maps, expected)


def test_what_does_not_fit_the_model_is_one_sentence() -> None:
    image = pixels(20, 30)
    with pytest.raises(ParameterError, match="classes"):
        scan(scan_model(), image, classes=["d"])
    with pytest.raises(ParameterError, match="memory"):
        scan(scan_model(), image, memory="lots")
    with pytest.raises(ParameterError, match="scale"):
        scan(scan_model(), image, scale=1000)
    each = dataclasses.replace(scan_model().preprocessing, ranges=ValueRanges(each=True))
    with pytest.raises(DataError, match="each"):
        scan(dataclasses.replace(scan_model(), preprocessing=each), image)


def test_less_memory_makes_smaller_tiles() -> None:
    model, image = scan_model("24C5-MP2-48C3-MP2-16N", side=16), pixels(600, 600)
    tiles = [preparation(model, image, memory=memory).sweep.grid.tile for memory in ("350M", "1G", "8G")]
    assert tiles == sorted(tiles)
    assert tiles[0] < tiles[1]
    assert parse_bytes("512M") == 1 << 29


@pytest.mark.parametrize("text", ["24C5-MP2-48C3-MP2-16N", "3U3-MP2-4N"])
def test_memory_without_room_for_the_least_tile_is_refused_with_what_is_needed(text: str, tmp_path: Path) -> None:
    model, image, path = scan_model(text, side=16), pixels(60, 60), tmp_path / "maps.tif"
    with pytest.raises(ParameterError, match=r"at least (\d+)M for tiles of 16 positions. Got 1K.$") as refused:
        scan(model, image, output=path, memory="1K")
    assert not list(tmp_path.iterdir())
    least = re.findall(r"\d+M", str(refused.value))[0]
    preparation(model, image, memory=least)
    with pytest.raises(ParameterError, match=f"at least {least}"):
        scan(model, image, memory=f"{int(least[:-1]) - 1}M")


def test_a_scan_in_the_tiles_of_an_earlier_one_claims_no_memory(tmp_path: Path) -> None:
    said = Heard()
    scan(scan_model(), pixels(60, 60), output=tmp_path / "maps.tif", progress=said)
    assert any("within 1G" in one for one in said.lines)
    said.lines.clear()
    scan(scan_model(), pixels(60, 60), reuse=tmp_path / "maps.tif", memory="1K", progress=said)
    assert said.lines
    assert not any("within" in one for one in said.lines)


@pytest.mark.parametrize("factor", [0.5, 0.37, 1.7])
def test_a_scaled_image_is_the_same_whatever_rectangle_is_read(factor: float) -> None:
    reader = ScaledReader(ArrayReader(pixels(90, 70, channels=3)), factor)
    rows, columns, _ = reader.shape
    whole = reader.read(0, 0, rows, columns).astype(int)
    for row, column in ((0, 0), (5, 3), (rows - 9, columns - 8)):
        part = reader.read(row, column, 9, 8).astype(int)
        assert np.abs(part - whole[row : row + 9, column : column + 8]).max() == 0


def test_a_frame_is_read_in_parts_as_a_whole() -> None:
    image = pixels(10, 12, channels=3)
    reader = PaddedReader(ArrayReader(image), (2, 1), (4, 3), (1, 2, 3))
    framed = np.empty((14, 15, 3), np.uint8)
    framed[:] = (1, 2, 3)
    framed[2:12, 1:13] = image
    assert np.array_equal(reader.read(0, 0, 14, 15), framed)
    assert np.array_equal(reader.read(0, 0, 2, 1), framed[:2, :1])
    assert np.array_equal(reader.read(9, 11, 5, 4), framed[9:, 11:])


def test_the_classes_of_the_checks_are_those_of_the_model() -> None:
    assert scan(scan_model(), pixels(20, 20)).receipt.classes == CLASSES


@settings(LAWS, max_examples=10)
@given(
    st.sampled_from(["4C3v-MP2-8N", "4C3-MP2-+4C3-8N"]),
    st.tuples(st.integers(8, 60), st.integers(8, 60)),
    st.integers(1, 2),
    st.integers(2, 20),
    st.sampled_from([16, 32, 48]),
)
def test_stability_is_the_share_of_the_shifts_that_name_the_same_class_for_every_tile(
    text: str, size: tuple[int, int], stride: int, radius: int, tile: int
) -> None:
    model, image = scan_model(text), pixels(*size)
    made = preparation(model, image, stride=stride, dtype="float32", stability=radius)
    stored = with_tile(made, tile)._array
    assert np.allclose(stored[..., :3], expected(model, image, stride), atol=1e-5)
    best, reach = stored[..., :3].argmax(axis=-1), radius // stride
    share = [
        (best[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] == own).mean()
        for (row, column), own in np.ndenumerate(best)
    ]
    assert np.allclose(stored[..., 3].ravel(), share, atol=1e-6)


def test_stability_is_a_band_of_every_kind_of_result() -> None:
    model, image = scan_model(), pixels(20, 30)
    plain, stable = scan(model, image), scan(model, image, stability=2)
    assert stable.receipt.bands == ("a", "b", "c", "stability")
    assert np.array_equal(stable.probabilities, plain.probabilities)
    best = scan(model, image, best=True, stability=2)
    assert best.receipt.bands == ("class", "probability", "stability")
    assert np.array_equal(best.maps[..., 2], stable.maps[..., 3])
    with pytest.raises(ParameterError, match="stability"):
        scan(model, image, stability=2, stride=3)


def test_a_model_scans_as_the_function_does() -> None:
    image = pixels(20, 30)
    assert np.array_equal(scan_model().scan(image, stride=2).maps, scan(scan_model(), image, stride=2).maps)


def test_a_strip_wider_than_any_image_of_a_network_is_converted() -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 20_000, 1), dtype=np.uint8)
    np.testing.assert_array_equal(fitted(Preprocessing(height=8, width=8, channels=1), values, "wide"), values)


def test_the_first_computation_waits_for_memory_and_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, seen, real = [0.0], set[tuple[object, ...]](), AppliedDensely.logits

    def logits(self: AppliedDensely, region: NDArray[np.uint8]) -> torch.Tensor:
        clock[0] += 1 if (id(self), region.shape) in seen else 10
        seen.add((id(self), region.shape))
        return real(self, region)

    monkeypatch.setattr(AppliedDensely, "logits", logits)
    monkeypatch.setattr(sweep, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    made = preparation(scan_model(), pixels(80, 90)).sweep
    assert sweep.measured(made.model, made.applied, made.grid).positions_s == made.grid.tile**2
