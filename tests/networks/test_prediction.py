import gc
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.core.errors import ParameterError
from convscope.core.records import from_json, to_json
from convscope.images.decoding.decoder import decode
from convscope.networks import inputs, prediction
from convscope.networks.inputs import Input
from convscope.networks.prediction import Prediction, predict
from tests.checks.models import small_model, some_pixels


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Images of all sizes and kinds, three of them unusable."""
    made = []
    for place, (height, width, mode) in enumerate(
        [(17, 14, "RGB"), (90, 40, "L"), (8, 200, "RGBA"), (300, 300, "RGB")] * 20
    ):
        image = Image.fromarray(some_pixels(1, height, width, seed=place)[0]).convert(mode)
        path = tmp_path / f"{place:03}.png"
        image.save(path)
        made.append(str(path))
    (tmp_path / "cut.png").write_bytes(Path(made[3]).read_bytes()[:500])
    (tmp_path / "empty.jpg").touch()
    return [*made[:10], str(tmp_path / "cut.png"), *made[10:], str(tmp_path / "empty.jpg"), str(tmp_path / "none.jpg")]


def test_predictions_come_in_order_with_the_preprocessing_of_the_model(files: list[str]) -> None:
    model = small_model()
    for given in predict(model, files, top=3):
        assert given.image == files.pop(0)
        if given.error is None:
            pixels = model.preprocessing.apply(decode(Path(given.image), near=(17, 14)))
            expected = model.predict_proba(pixels[None])[0]
            assert given.label == given.top[0][0] == model.classes[int(expected.argmax())]
            assert given.probability == given.top[0][1]
            np.testing.assert_allclose([value for _, value in given.top], np.sort(expected)[::-1], atol=1e-5)
            assert {name for name, _ in given.top} == set(model.classes)
    assert files == []


def test_an_unreadable_image_is_a_row_with_its_error_and_the_rest_goes_on(files: list[str]) -> None:
    rows = list(predict(small_model(), files))
    wrong = {Path(row.image).name: row.error for row in rows if row.error is not None}
    assert set(wrong) == {"cut.png", "empty.jpg", "none.jpg"}
    assert wrong["empty.jpg"] == "the file is empty (0 bytes)"
    assert wrong["none.jpg"] == "the file is not there"
    for row in rows:
        assert (row.error is None) == (row.label is not None) == (row.probability is not None) == (len(row.top) == 1)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", [1, 7, 256])
def test_batch_and_workers_change_nothing(files: list[str], batch: int, workers: int) -> None:
    expected = list(predict(small_model(), files))
    found = list(predict(small_model(), files, batch=batch, workers=workers))
    assert [(row.image, row.label, row.error) for row in found] == [
        (row.image, row.label, row.error) for row in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_arrays_files_and_bytes_of_one_image_give_the_same(tmp_path: Path) -> None:
    pixels = some_pixels(1, 50, 60)[0]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    rows = list(predict(small_model(), [str(tmp_path / "a.png"), data, pixels, pixels / 255]))
    assert len({row.probability for row in rows}) == 1
    stack = list(predict(small_model(), pixels[None]))
    assert stack[0].label == rows[0].label
    assert stack[0].probability == pytest.approx(rows[0].probability, abs=1e-6)  # one image at once, not four


def test_nothing_gives_nothing_and_only_errors_need_no_network() -> None:
    assert list(predict(small_model(), [])) == []
    assert [row.error for row in predict(small_model(), [b"", b""])] == ["the file is empty (0 bytes)"] * 2


def test_no_more_classes_are_named_than_there_are() -> None:
    (row,) = predict(small_model(), some_pixels(1), top=99)
    assert len(row.top) == 3


@pytest.mark.parametrize(("name", "value"), [("top", 0), ("top", 1.5), ("workers", 0), ("batch", 0)])
def test_numbers_that_are_none_are_refused_before_anything_is_read(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=f"`{name}` must be a whole number of at least 1. Got {value}"):
        predict(small_model(), ["none"], **{name: value})


def test_a_prediction_goes_to_json_and_back(files: list[str]) -> None:
    for row in predict(small_model(), files, top=2):
        assert from_json(Prediction, to_json(row)) == row


def test_images_are_read_a_bounded_number_ahead() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"no image"

    rows = predict(small_model(), endless(), workers=2, batch=64)
    for _ in range(500):
        next(rows)
    assert taken < 500 + 64 * 16


def test_memory_does_not_grow_with_the_number_of_images() -> None:
    model, pixels = small_model(), some_pixels(1)[0]
    rows = predict(model, (pixels for _ in range(6_000)), workers=2)
    tracemalloc.start()
    try:
        peaks = []
        for place, _ in enumerate(rows):
            if place in (1_500, 5_500):
                peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 1_000_000


def test_leaving_early_ends_the_threads(files: list[str]) -> None:
    before = threading.active_count()
    rows = predict(small_model(), files * 20, batch=4, workers=3)
    next(rows)
    del rows
    gc.collect()
    assert threading.active_count() == before


def test_an_image_that_asks_for_too_much_memory_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(inputs, "decode", fails)
    (row,) = predict(small_model(), [b"x"])
    assert "memory" in row.error


def test_small_files_are_read_many_at_a_time_and_large_ones_one_by_one(files: list[str]) -> None:
    small = [Input(name="a", content=b"x")] * 130
    assert [len(run) for run in prediction._runs(small, 64)] == [64, 64, 2]
    large = [Input(name="a", content=bytes(2 << 20))] * 3
    assert [len(run) for run in prediction._runs(large, 64)] == [1, 1, 1]


def test_an_empty_name_is_a_row_that_says_so() -> None:
    (row,) = predict(small_model(), [""])
    assert row.image == "''"
    assert row.error == "the name is empty"
