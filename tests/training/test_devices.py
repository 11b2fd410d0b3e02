"""A network is trained on another device: everything is there, and nothing waits for it within an epoch.

There is no GPU here; torch's device ``meta`` has shapes and no values, refuses to mix with the processor's tensors, and
cannot be waited for.
"""

import contextlib
import dataclasses
import time
from typing import Any

import numpy as np
import pytest
import torch

from convscope.core import devices
from convscope.core.errors import ParameterError
from convscope.images.preprocessing import Preprocessing
from convscope.networks import backends
from convscope.networks.model import Model
from convscope.training import loop
from convscope.training.loop import _step
from convscope.training.optimizer import Optimizer, RunningMean
from convscope.training.state import EpochSums
from tests.training.small import begin, small_recipe, stripes


@pytest.mark.parametrize("layout", ["4C3-MP2-8N", "4C3-ST2-8C3-+8C3-MPg-svm"])
def test_a_step_is_taken_on_the_device_and_does_not_wait_for_it(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "autocast", lambda *_: contextlib.nullcontext())  # which knows no such device
    recipe, data = small_recipe(progressive_resizing=0.4 * ("MPg" in layout), balance=True), stripes()
    state = begin(data, recipe, layout=layout)
    state.network.to("meta")
    state.optimizer, state.mean = Optimizer(state.network, decay=0.1), RunningMean(state.network, 0.1)
    state.sums._settled_s = time.monotonic() + 1_000
    there = dataclasses.replace(data, images=data.images.to("meta"), labels=data.labels.to("meta"))
    weights = torch.ones(2, device="meta")
    for number in range(3):
        _step(state, there, recipe, data.training[number : number + 16], weights, 0)
    assert state.step == 3
    assert len(state.sums._waiting) == 3
    with pytest.raises(RuntimeError, match="meta"):
        state.sums.settle()


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


def test_predictions_of_another_device_are_those_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convscope.networks.model.choose_device", lambda asked: asked)  # as if there were a GPU
    monkeypatch.setattr(backends, "own_device", lambda device: "cpu")
    data = stripes()
    network = begin(data, small_recipe(), layout="4C3-+4C3-MP2-8N").network.eval()
    model = Model(
        network=network, classes=("down", "across"), preprocessing=Preprocessing(height=8, width=8, channels=1)
    )
    images = data.images.numpy()
    there = model.optimize("float32", device="cuda")
    assert there.runner is not None
    assert np.allclose(there.predict_proba(images), model.predict_proba(images), atol=1e-5)
    with pytest.raises(ParameterError, match="has the back end torch"):
        model.optimize("int8", backend="auto", device="cuda")
