"""Features of a stage are the maps that the network itself goes on with."""

import numpy as np
import pytest
import torch

from convscope.core.errors import ParameterError
from convscope.features.reading import Reading, StageFeatures
from tests.checks.models import LAYOUTS, small_model, some_pixels


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_last_features_are_what_the_classifier_reads(layout: str) -> None:
    model, images = small_model(layout), some_pixels(5)
    (features,) = Reading().of(model, images)
    classifier = model.network.classifier
    with torch.inference_mode():
        scores = classifier(torch.from_numpy(features).flatten(1))
        expected = model.network(torch.from_numpy(images))
    np.testing.assert_allclose(scores.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shapes_names_and_depths_agree(layout: str) -> None:
    model, images = small_model(layout), some_pixels(2)
    stages = len(model.network.stages)
    for stage in range(-stages - 1, stages + 1):
        for pool in ("none", "mean", "max", "grid2"):
            reading = Reading(stage=stage, pool=pool)
            if not reading.fits(model.network):  # maps of one value
                continue
            (features,) = reading.of(model, images)
            assert features.shape[1:] == reading.shape(model.network)
            assert features.dtype == np.float32
            names = reading.names(model.network)
            assert len(set(names)) == len(names) == features[0].size
            assert reading.depth(model.network) == stage % (stages + 1)


def test_pools_keep_what_they_say() -> None:
    model, images = small_model("4C3-MP2"), some_pixels(3, 17, 14)
    (maps,), (mean,), (largest,), (grid,) = (
        Reading(pool=pool).of(model, images) for pool in ("none", "mean", "max", "grid2")
    )
    assert maps.shape == (3, 4, 8, 7)
    np.testing.assert_allclose(mean, maps.mean(axis=(2, 3)), rtol=1e-5)
    np.testing.assert_array_equal(largest, maps.max(axis=(2, 3)))
    np.testing.assert_allclose(grid[:, :, 0, 0], maps[:, :, :4, :4].mean(axis=(2, 3)), rtol=1e-5)
    np.testing.assert_allclose(grid[:, :, 1, 1], maps[:, :, 4:, 3:].mean(axis=(2, 3)), rtol=1e-5)


def test_the_number_of_images_at_once_changes_nothing() -> None:
    model, images = small_model("4C3-MP2-6N"), some_pixels(7)
    whole = np.concatenate(list(Reading().of(model, images)))
    one_by_one = np.concatenate(list(Reading().of(model, images, batch=1)))
    np.testing.assert_allclose(whole, one_by_one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [0, -5, 1.5])
def test_a_number_of_images_at_once_that_is_none_is_refused(batch: int) -> None:
    with pytest.raises(ParameterError, match="`batch` must be a whole number of at least 1"):
        list(Reading().of(small_model(), some_pixels(2), batch=batch))


def test_the_network_is_put_back_into_training() -> None:
    model = small_model()
    model.network.train()
    list(Reading().of(model, some_pixels(2)))
    assert all(module.training for module in model.network.modules())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stage": 1.0}, r"`stage` must be a whole number\. Got 1\.0\."),
        ({"pool": "median"}, r"`pool` must be one of none, mean, max, or grid2 .* Got 'median'\."),
        ({"pool": "grid0"}, r"Got 'grid0'"),
        ({"pool": None}, r"Got None"),
    ],
)
def test_what_nobody_knows_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Reading(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("stage", [3, -4])
def test_a_stage_that_is_not_there_is_refused(stage: int) -> None:
    with pytest.raises(ParameterError, match=rf"`stage` must be from 0 \(the pixels\) to 2, or .* Got {stage}\."):
        Reading(stage=stage).depth(small_model("4C3-MP2-6N").network)


def test_a_grid_of_more_parts_than_a_map_has_values_is_refused() -> None:
    model = small_model("4C3-MP2-6N")  # maps of 8 × 7
    assert StageFeatures(model, Reading(stage=1, pool="grid7")).shape == (4, 7, 7)
    assert StageFeatures(model, Reading(stage=2, pool="grid99")).shape == (6,)
    with pytest.raises(ParameterError, match=r"`pool` must be grid7 or smaller for maps of 7 × 8\. Got 'grid8'\. Give"):
        StageFeatures(model, Reading(stage=1, pool="grid8"))
    with pytest.raises(ParameterError, match="`pool` must be grid7 or smaller"):
        list(Reading(stage=1, pool="grid99").of(model, some_pixels(1)))
