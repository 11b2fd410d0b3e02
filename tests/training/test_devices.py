"""A network is trained on another device: everything is there, and nothing waits for it within an epoch."""

import dataclasses
import time
from typing import Any

import pytest
import torch

from convscope.core import devices
from convscope.core.errors import ParameterError
from convscope.training.loop import _step
from convscope.training.optimizer import Optimizer, RunningMean
from convscope.training.state import EpochSums, TrainingState
from tests.checks.elsewhere import Elsewhere, elsewhere  # noqa: F401  # the fixture
from tests.training.small import begin, small_recipe, stripes

LAYOUTS = ("4C3-MP2-8N", "4C3-ST2-8C3-+8C3-BPg-svm")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fits", [True, False], ids=["images there", "images here"])
def test_a_step_is_taken_on_the_device_and_does_not_wait_for_it(layout: str, fits: bool, elsewhere: Elsewhere) -> None:  # noqa: F811
    recipe, data = small_recipe(progressive_resizing=0.4 * ("BPg" in layout), balance=True), stripes()
    there = dataclasses.replace(
        data, images=data.images.to("meta") if fits else data.images, labels=data.labels.to("meta")
    )
    here, state = begin(data, recipe, layout=layout), begin(data, recipe, layout=layout)
    state.network.to("meta")
    state.optimizer, state.mean = Optimizer(state.network, decay=0.1), RunningMean(state.network, 0.1)
    here.optimizer, here.mean = Optimizer(here.network, decay=0.1), RunningMean(here.network, 0.1)
    state.sums._settled_s = time.monotonic() + 1_000
    weights = torch.tensor([0.5, 1.5])
    elsewhere.waits.clear()
    for number in range(3):
        indices = data.training[number : number + 16]
        _step(state, there, recipe, indices, weights.to("meta", non_blocking=True), 0)
        _step(here, data, recipe, indices, weights, 0)
    assert not elsewhere.waits
    state.sums.settle()
    assert len(elsewhere.waits) == 2  # for all losses, and all counts
    assert state.sums.loss == pytest.approx(here.sums.loss, rel=1e-5)
    assert _values(state) == pytest.approx(_values(here), abs=1e-5)


def _values(state: TrainingState) -> list[float]:
    """Return all weights."""
    return torch.cat([value.detach().cpu().flatten() for value in state.network.parameters()]).tolist()


def test_what_a_device_has_yet_to_compute_is_added_at_the_end() -> None:
    one, other = EpochSums(), EpochSums()
    other._settled_s = time.monotonic() + 1_000
    batches = [(torch.tensor(0.5), torch.tensor(3), 4), (torch.tensor(0.25), torch.tensor(2), 3)]
    for batch in batches:
        one.add(*batch)
    other._waiting = list(batches)
    other.settle()
    assert (one.loss, one.correct, one.seen) == (other.loss, other.correct, other.seen) == (2.75, 5, 7)


def test_a_device_is_what_torch_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    def there(cuda: bool) -> Any:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        return devices.choose_device("auto")

    assert [there(True), there(False)] == ["cuda", "cpu"]
    assert devices.choose_device("mps") == "mps"
    with pytest.raises(ParameterError, match="Got cuda"):
        devices.choose_device("cuda")
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert devices.own_device("cuda") == "cuda:3"
