"""A network made ready to predict gives what the network gives, and can do nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from convscope.core.errors import ParameterError
from convscope.networks.build import Network
from convscope.networks.inference import FusedStage, optimize_for_inference
from convscope.networks.model_file import write_model
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import small_model, some_pixels, with_statistics


def images_for(case: Case, count: int = 5) -> torch.Tensor:
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.integers(0, 256, (count, case.height, case.width, case.channels), np.uint8))


@settings(LAWS, max_examples=100)
@given(cases())
def test_in_float32_scores_are_the_same_to_rounding(case: Case) -> None:
    network = with_statistics(Network(case.layout, **case.sizes, mean=(0.4,), std=(0.3,))).eval()
    images = images_for(case)
    with torch.inference_mode():
        expected, got = network(images), optimize_for_inference(network)(images)
    torch.testing.assert_close(got, expected, rtol=2e-4, atol=2e-4 * max(1.0, float(expected.abs().max())))


@pytest.mark.parametrize("layout", ["8C3-MP2-16C3-MP2-24N", "8C5-+8C3-AP2-8U3-svm", "6C3-BP2-12C3-MPg-nonorm-tanh"])
def test_in_bfloat16_probabilities_agree_to_its_digits(layout: str) -> None:
    model = small_model(layout)
    planned = model.network.plan
    images = np.random.default_rng(0).integers(0, 256, (40, planned.height, planned.width, planned.channels), np.uint8)
    difference = np.abs(model.optimize("bfloat16").predict_proba(images) - model.predict_proba(images))
    assert 0 < difference.max() < 0.05


def test_the_network_that_it_was_made_from_stays_as_it_is() -> None:
    model = small_model("8C3-MP2-16N")
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    model.optimize("bfloat16")
    after = model.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="Save the one it was made from"):
        write_model(small_model("8C3-MP2").optimize("float32"), tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layout", "fused"),
    [("8C3-MP2-+8C3-12N", 2), ("8C3-AP2-8C3", 1), ("8C3-tanh", 0), ("8U3-MP2", 0)],  # the mean must follow ReLU
)
def test_relu_is_computed_within_the_convolution_where_that_gives_the_same(layout: str, fused: int) -> None:
    model = small_model(layout)
    ready = optimize_for_inference(model.network)
    assert sum(isinstance(stage, FusedStage) for stage in ready.stages) == fused
    images = torch.from_numpy(some_pixels(9, 17, 14))
    torch.testing.assert_close(ready.probabilities(images), model.network.probabilities(images), atol=1e-5, rtol=1e-4)


def test_another_precision_is_refused() -> None:
    with pytest.raises(ParameterError, match="float32"):
        small_model("8C3-MP2").optimize("float16")  # type: ignore[arg-type]
