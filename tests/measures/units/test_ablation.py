"""What the network loses without a unit is what running all of it with that unit's map set to 0 shows."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch

from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.measures.timing import _functions
from convscope.measures.units.ablation import AblationRecord, measure_ablation
from convscope.networks.model import Model
from tests.checks.models import small_model, some_pixels
from tests.checks.reporters import Counting

IMAGES = 40


def whole_network(model: Model, images: np.ndarray, off: tuple[int, int] | None) -> np.ndarray:
    """Return the answers, image after image, with one unit (layer from 0, unit) off."""
    answers = []
    with torch.no_grad():
        for image in images:
            maps = model.network.standardize(torch.from_numpy(image[None].copy()))
            for place, layer in enumerate(_functions(model.network)):
                maps = layer(maps)
                if off is not None and off[0] == place:
                    maps[:, off[1]] = 0
            answers.append(int(maps.argmax()))
    return np.array(answers)


@pytest.mark.parametrize("text", ["4C3-MP2-6N", "3C3-+3C3-AP2-tanh", "2U3-MP2-3N-4N-svm"])
@pytest.mark.parametrize("batch", [None, 7])
def test_every_unit_is_turned_off_in_turn(text: str, batch: int | None) -> None:
    model, images = small_model(text), some_pixels(IMAGES, seed=1)
    labels = whole_network(model, images, None)
    labels[::4] = (labels[::4] + 1) % 3  # a quarter is wrong
    found = measure_ablation(model, images, labels, batch=batch)
    count: Callable[[np.ndarray], list[int]] = lambda correct: np.bincount(labels[correct], minlength=3).tolist()  # noqa: E731
    assert list(found.images) == np.bincount(labels, minlength=3).tolist()
    assert list(found.correct) == count(whole_network(model, images, None) == labels)
    assert found.accuracy.fraction == 0.75
    assert found.accuracy.interval[0] < 0.75 < found.accuracy.interval[1]
    differ = 0
    for layer in found.layers:
        for unit in layer.units:
            correct = whole_network(model, images, (layer.layer - 1, unit.unit)) == labels
            assert list(unit.correct) == count(correct)
            assert found.loss(unit) == pytest.approx(0.75 - correct.mean())
            differ += unit.correct != found.correct
    assert differ > 0
    assert from_json(AblationRecord, json.loads(json.dumps(to_json(found)))) == found


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"`labels` must be one class from 0 to 2 an image, 2\. Got 3 from 0 to 0\."):
        measure_ablation(small_model(), some_pixels(2), np.zeros(3, np.int64))


def test_progress_counts_every_unit_of_every_batch() -> None:
    told = Counting()
    found = measure_ablation(
        small_model("4C3-MP2-6N"), some_pixels(IMAGES), np.zeros(IMAGES, np.int64), batch=30, reporter=told
    )
    units = sum(len(layer.units) for layer in found.layers)
    assert told.told == [("without each unit", IMAGES * units, "predictions"), *[30] * units, *[10] * units]
