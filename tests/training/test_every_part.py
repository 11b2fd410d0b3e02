"""Every word of a layout trains, is cut off and goes on to the same bits, is saved, read back and predicts."""

from pathlib import Path

import numpy as np
import pytest
import torch

from convscope.features.reading import Reading
from convscope.images.preprocessing import Preprocessing
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.pooling import POOLINGS
from convscope.networks.classifiers import LINEAR_CLASSIFIERS
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from convscope.training.loop import run
from convscope.training.state import TrainingState
from tests.training.small import Stopper, assert_same_bits, begin, small_recipe, stripes

PARTS = [
    *(f"4C3-{code}{window}" for code in POOLINGS for window in ("2", "3/2", "g")),
    *(f"4C3-MP2-6N-{name}" for name in NONLINEARITIES),
    *(f"4C3-MP2-{name}" for name in LINEAR_CLASSIFIERS),
    *LINEAR_CLASSIFIERS,  # without any stage
    "4C3", "4C3/2", "4C3v-nonorm", "4U3-MP2", "4U3:3-MP2", "4C3-+4U3:2-ST2-nonorm-abs-hinge",
    "9N", "9N-6N-nonorm-tanh-svm",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("layout", PARTS)
def test_it_learns_goes_on_to_the_same_bits_and_is_read_back(layout: str, tmp_path: Path) -> None:
    data, recipe = stripes(), small_recipe(epochs=2)

    def trained(steps: int | None, state: TrainingState) -> TrainingState:
        run(state, data, recipe, Stopper(steps=steps), seed=3)
        return state

    whole = trained(None, begin(data, recipe, layout=layout))
    save_checkpoint(trained(4, begin(data, recipe, layout=layout)), Checkpoint(path=tmp_path / "state", run="this"))
    resumed = begin(data, recipe, layout=layout)
    load_checkpoint(resumed, Checkpoint(path=tmp_path / "state", run="this"))
    assert_same_bits(trained(None, resumed), whole)

    before = begin(data, recipe, layout=layout).network.state_dict()
    after = whole.network.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in after if name.endswith("weight"))
    step = Preprocessing(height=8, width=8, channels=1)
    model = Model(network=whole.network.eval(), classes=("a", "b"), preprocessing=step)
    write_model(model, tmp_path / "m.safetensors")
    back, images = read_model(tmp_path / "m.safetensors"), data.images.numpy()
    probabilities = back.predict_proba(images)
    np.testing.assert_array_equal(probabilities, model.predict_proba(images))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    features = np.concatenate(list(Reading().of(back, images)))
    assert np.isfinite(features).all()
    assert len(features) == len(images)
