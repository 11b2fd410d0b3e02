"""After few steps, what normalization remembers is measured anew for the weights as they are."""

import numpy as np
import pytest
import torch

from convscope.images.augmentation import Augmentation
from convscope.networks.build import Network
from convscope.training.calibration import FEW_STEPS, recalibrate_batch_norm
from convscope.training.loop import evaluate, run
from convscope.training.training_data import TrainingData
from tests.training.small import Stopper, begin, everything, small_recipe, stripes


def remembered(network: Network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items() if "running" in name}


def test_it_remembers_the_mean_and_variance_of_the_training_images_and_changes_nothing_else() -> None:
    data, recipe = stripes(), small_recipe()
    network = begin(data, recipe, layout="4C3").network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items() if "running" not in name}
    recalibrate_batch_norm(network, data, steps=3, batch=64)
    with torch.no_grad():
        maps = network.stages[0].convolution(network.standardize(data.images[data.training]))
    values = maps.permute(1, 0, 2, 3).flatten(1)
    found = remembered(network)
    assert torch.allclose(found["stages.0.normalization.running_mean"], values.mean(1), atol=1e-5)
    assert torch.allclose(found["stages.0.normalization.running_var"], values.var(1), rtol=1e-4)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())
    assert not network.training


def test_several_batches_count_the_same_and_chance_inside_the_network_makes_no_difference() -> None:
    data, recipe = stripes(), small_recipe()
    one, other = (begin(data, recipe, layout="4C3-ST2-8N").network for _ in range(2))
    for number, network in enumerate((one, other)):
        torch.manual_seed(number)
        recalibrate_batch_norm(network, data, steps=3, batch=10)
    assert all(torch.equal(value, remembered(other)[name]) for name, value in remembered(one).items())
    whole = begin(data, recipe, layout="4C3-ST2-8N").network
    recalibrate_batch_norm(whole, data, steps=3, batch=40)
    name = "stages.0.normalization.running_mean"
    assert torch.allclose(remembered(one)[name], remembered(whole)[name], atol=1e-5)


@pytest.mark.parametrize(("steps", "layout"), [(FEW_STEPS, "4C3-MP2-8N"), (3, "4C3-MP2-8N-nonorm")])
def test_after_many_steps_or_without_normalization_nothing_is_done(steps: int, layout: str) -> None:
    data = stripes()
    state = begin(data, small_recipe(), layout=layout)
    before = everything(state)
    recalibrate_batch_norm(state.network, data, steps=steps, batch=16)
    assert all(torch.equal(value, before[name]) for name, value in everything(state).items())


def test_a_network_of_few_steps_is_as_good_on_images_held_out_as_what_it_learned_says() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 120, (60, 24, 24, 3), dtype=np.uint8)
    images[labels == 1, 8:16, 8:16] += 40
    both = TrainingData.of_arrays(images, labels.astype(np.int64), classes=2)
    places = torch.arange(60)
    data = TrainingData(images=both.images, labels=both.labels, training=places[:40], validation=places[40:], classes=2)
    recipe = small_recipe(epochs=5, batch=20, learning_rate=0.01, augmentation=Augmentation())
    state = begin(data, recipe, layout="16C5-MP2-32C3-+32C3-MP2-64C3-MPg")
    run(state, data, recipe, Stopper(), seed=0)
    assert state.history[-1].validation_accuracy == 1.0
    state.network.load_state_dict(state.best_weights())
    _, alone = evaluate(state.network.eval(), data, data.validation)  # what the running means alone would say
    assert alone < 0.8
