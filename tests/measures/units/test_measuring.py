"""What units respond to is what going through every value one by one finds."""

import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.core.errors import DataError, ParameterError
from convscope.core.records import from_json, to_json
from convscope.measures.units import patches
from convscope.measures.units.measuring import measure_units, unit_layers
from convscope.measures.units.patches import cut, pixels_of, with_patches
from convscope.measures.units.records import TopPatch, UnitsRecord
from convscope.networks.folding import fold
from convscope.networks.model import Model
from tests.checks.models import maps_of, small_model, some_pixels

IMAGES = 13
TEXTS = (
    "4C3-MP2-6N",
    "MP2-4C3/2-SS2-AP2-4N-gelu",
    "4C3-+4C3-MP2-+4C2-APg-tanh-nonorm",
    "3U4:2-BP2-5N-3N-elu-svm",
)


def labels_of(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) % 3


def one_by_one(model: Model, images: np.ndarray, place: int) -> np.ndarray:
    """Return the maps of one layer, N units rows columns, image after image."""
    return np.concatenate([maps_of(model.network, image[None])[place + 1] for image in images])


@pytest.fixture(scope="module", params=TEXTS)
def measured(request: Any) -> tuple[Model, np.ndarray, UnitsRecord]:
    model, images = small_model(request.param), some_pixels(IMAGES, seed=3)
    return model, images, measure_units(model, images, labels=labels_of(IMAGES), top=4, batch=5)


def test_the_units_are_those_of_convolutions_and_connected_layers(measured: Any) -> None:
    model, _, found = measured
    assert [layer.layer - 1 for layer in found.layers] == list(unit_layers(fold(model.network).graph))
    assert [len(layer.units) for layer in found.layers] == [
        model.network.plan.layers[place].maps for place in unit_layers(fold(model.network).graph)
    ]


def test_the_top_patches_are_the_images_with_the_largest_values(measured: Any) -> None:
    model, images, found = measured
    for layer in found.layers:
        values = one_by_one(model, images, layer.layer - 1)
        for unit in layer.units:
            peaks = sorted(((values[place, unit.unit].max(), -place) for place in range(IMAGES)), reverse=True)
            expected = [(value, -place) for value, place in peaks[:4] if value > 0]
            assert [top.value for top in unit.top] == pytest.approx([value for value, _ in expected], abs=1e-5)
            for top in unit.top:
                assert top.value == pytest.approx(values[top.image, unit.unit, top.row, top.column], abs=1e-5)
                assert top.name == f"[{top.image}]"
            assert len({top.image for top in unit.top}) == len(unit.top)
            assert unit.largest == pytest.approx(values[:, unit.unit].max(), abs=1e-5)


def test_silence_histogram_and_classes_are_counted_over_all_values(measured: Any) -> None:
    model, images, found = measured
    labels = labels_of(IMAGES)
    for layer in found.layers:
        values = one_by_one(model, images, layer.layer - 1)
        for unit in layer.units:
            own = values[:, unit.unit]
            assert unit.silent == pytest.approx((own <= 0).mean(), abs=2 / own.size)
            assert unit.silent_images == (own.max(axis=(1, 2)) <= 0).mean()
            assert sum(unit.histogram) == np.count_nonzero(own)
            edges = layer.first_edge + layer.bin_width * np.arange(len(unit.histogram) + 1)
            counts, _ = np.histogram(own[own != 0], edges)
            assert np.abs(counts - unit.histogram).sum() <= 2, "but for rounding at an edge"
            means = [np.maximum(own[labels == label], 0).mean() for label in range(3)]
            assert unit.class_means == pytest.approx(means, abs=1e-5)
            best = max(means)
            others = (sum(means) - best) / 2
            if best > 0:
                assert unit.selectivity == pytest.approx((best - others) / (best + others), abs=1e-4)
            else:
                assert unit.selectivity is None


def test_the_histogram_has_between_16_and_32_bins_on_the_side_of_its_largest_value(measured: Any) -> None:
    model, images, found = measured
    for layer in found.layers:
        largest = np.abs(one_by_one(model, images, layer.layer - 1)).max()
        assert 16 * layer.bin_width <= largest * (1 + 1e-5)
        assert largest < 32 * layer.bin_width * (1 + 1e-5)
        assert math.log2(layer.bin_width).is_integer()


def test_nothing_depends_on_how_many_images_go_through_at_once(measured: Any) -> None:
    model, images, found = measured
    for batch in (1, 13):
        again = measure_units(model, images, labels=labels_of(IMAGES), top=4, batch=batch)
        for layer, same in zip(found.layers, again.layers, strict=True):
            assert (layer.first_edge, layer.bin_width) == (same.first_edge, same.bin_width)
            for unit, twin in zip(layer.units, same.units, strict=True):
                assert [top.image for top in unit.top] == [top.image for top in twin.top]
                assert np.abs(np.subtract(unit.histogram, twin.histogram)).sum() <= 2
                assert unit.silent == pytest.approx(twin.silent, abs=2e-3)


def test_a_value_depends_on_its_patch_and_on_nothing_else(measured: Any) -> None:
    model, images, found = measured
    random = np.random.default_rng(0)
    for layer in found.layers:
        fields = layer.field_rows, layer.field_columns
        for unit in layer.units[:2]:
            for top in unit.top[:2]:
                other = random.integers(0, 256, images.shape[1:], dtype=np.uint8)
                rows = slice(max(0, top.top), top.top + fields[0].size)
                columns = slice(max(0, top.left), top.left + fields[1].size)
                other[rows, columns] = images[top.image][rows, columns]
                value = maps_of(model.network, other[None])[layer.layer][0, unit.unit, top.row, top.column]
                assert value == pytest.approx(top.value, abs=1e-5)
                patch = cut(images[top.image], fields, (top.row, top.column), (1, 2, 3))
                assert patch.shape == (fields[0].size, fields[1].size, 3)
                inside = patch[rows.start - top.top :, columns.start - top.left :]
                kept = other[rows, columns]
                np.testing.assert_array_equal(inside[: kept.shape[0], : kept.shape[1]], kept)


def test_what_lies_outside_the_image_is_background() -> None:
    model = small_model("4C3-MP2-6N")
    layer = measure_units(model, some_pixels(2)).layers[1]
    image = np.full((17, 14, 3), 200, np.uint8)
    patch = cut(image, (layer.field_rows, layer.field_columns), (0, 0), (1, 2, 3))
    assert layer.field_rows.start < 0
    assert (patch[0] == (1, 2, 3)).all()
    assert int((patch == 200).all(axis=2).sum()) == 17 * 14
    far = cut(image, (layer.field_rows, layer.field_columns), (50, 50), (1, 2, 3))
    assert (far == (1, 2, 3)).all()


def test_patches_are_kept_as_they_were_cut_and_large_ones_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = small_model("4C3-MP2-6N"), some_pixels(5, seed=3)
    record = with_patches(measure_units(model, images, top=3), images, (1, 2, 3))
    layer = record.layers[0]
    for top in layer.units[0].top:
        fields = layer.field_rows, layer.field_columns
        expected = cut(images[top.image], fields, (top.row, top.column), (1, 2, 3))
        assert np.array_equal(pixels_of(top), expected)
    assert from_json(UnitsRecord, json.loads(json.dumps(to_json(record)))) == record
    monkeypatch.setattr(patches, "LARGEST_SIDE", 8)
    monkeypatch.setattr(patches, "MOST_VALUES", 8 * 8 * 3 * 6 * 2)
    small = with_patches(measure_units(model, images, top=3), images, (1, 2, 3)).layers[1]
    kept = [[pixels_of(top) for top in unit.top] for unit in small.units]
    assert {one.shape for unit in kept for one in unit[:2] if one is not None} == {(8, 8, 3)}
    assert all(one is None for unit in kept for one in unit[2:]), "more would be too large"


@pytest.mark.parametrize("text", ["!", "aGVsbG8=", "iVBORw0KGgo="])
def test_a_patch_that_is_no_small_png_is_refused(text: str) -> None:
    top = TopPatch(image=0, name="", row=0, column=0, top=0, left=0, value=1.0, png=text)
    with pytest.raises(DataError, match=r"`png` must be a PNG of at most 40 pixels a side\. Got another\."):
        pixels_of(top)


def test_a_patch_of_another_size_is_refused() -> None:
    stream = io.BytesIO()
    Image.new("L", (41, 3)).save(stream, "PNG")
    text = base64.b64encode(stream.getvalue()).decode()
    top = TopPatch(image=0, name="", row=0, column=0, top=0, left=0, value=1.0, png=text)
    with pytest.raises(DataError, match="at most 40 pixels"):
        pixels_of(top)


def test_of_equal_values_the_first_image_is_kept() -> None:
    model, images = small_model("4C3-MP2"), np.repeat(some_pixels(1), 7, axis=0)
    found = measure_units(model, images, top=3, batch=1)  # in other batches equal images are equal to rounding only
    tops = [[top.image for top in unit.top] for unit in found.layers[0].units if unit.top]
    assert tops
    assert all(top == [0, 1, 2] for top in tops)


def test_without_classes_there_is_no_selectivity_and_the_record_comes_back_from_json() -> None:
    found = measure_units(small_model(), some_pixels(3), data="x")
    assert {(unit.class_means, unit.selectivity) for layer in found.layers for unit in layer.units} == {((), None)}
    assert found.layers[0].mean_selectivity is None
    assert from_json(UnitsRecord, json.loads(json.dumps(to_json(found)))) == found


def test_a_network_without_units_has_none() -> None:
    assert measure_units(small_model("softmax"), some_pixels(3)).layers == ()


def test_what_cannot_be_measured_is_refused_in_one_sentence() -> None:
    model = small_model()
    with pytest.raises(DataError, match=r"`images` must be a uint8 array N 17 14 3 of at least one image\. Got uint8"):
        measure_units(model, some_pixels(2, 8, 8))
    with pytest.raises(DataError, match=r"of at least one image\. Got uint8 \(0, 17, 14, 3\)\."):
        measure_units(model, some_pixels(0))
    with pytest.raises(DataError, match=r"`labels` must be one class from 0 to 2 an image, 2\. Got 2 from 0 to 3\."):
        measure_units(model, some_pixels(2), labels=np.array([0, 3]))
    with pytest.raises(ParameterError, match=r"`top` must be a whole number of at least 1\. Got 0\."):
        measure_units(model, some_pixels(2), top=0)
    model.network.stages[0].convolution.weight.data.fill_(math.nan)
    with pytest.raises(DataError, match=r"The network must compute finite numbers"):
        measure_units(model, some_pixels(2))
