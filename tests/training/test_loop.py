"""The one loop: it goes on from wherever a state stands, and never learns from numbers that are none."""

import copy
import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from convscope.core.errors import TrainingError
from convscope.images.augmentation import Augmentation
from convscope.networks.classifiers import LINEAR_CLASSIFIERS
from convscope.training import loop
from convscope.training.loop import run, steps_per_epoch
from convscope.training.state import TrainingState, learning_rate_factor
from tests.training.small import Stopper, assert_same_bits, begin, everything, small_recipe, stripes


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def trained(**changes: object) -> TrainingState:
    data, recipe = stripes(), small_recipe(**changes)
    state = begin(data, recipe)
    run(state, data, recipe, Stopper(), seed=3)
    return state


@pytest.mark.parametrize(("images", "batch"), [(2, 2), (3, 2), (5, 2), (33, 32), (60_000, 256), (7, 1_000), (1_001, 3)])
def test_batches_are_of_equal_size_and_never_of_one_image(images: int, batch: int) -> None:
    sizes = [len(part) for part in torch.arange(images).tensor_split(steps_per_epoch(images, batch))]
    assert sum(sizes) == images
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2
    assert max(sizes) <= batch + 1


def test_the_network_learns_and_every_epoch_is_written_down() -> None:
    state = trained(epochs=25, learning_rate=0.02, augmentation=Augmentation())
    assert [record.epoch for record in state.history] == list(range(1, 26))
    assert state.history[-1].loss < 0.6 * state.history[0].loss
    assert state.history[-1].validation_accuracy == 1.0, state.history[-1]
    assert state.history[-1].learning_rate < state.history[12].learning_rate
    assert state.step == 25 * 3


@pytest.mark.parametrize(
    ("asked", "epochs", "highest"), [(None, 8, 3e-3), (None, 800, 3e-3 / 8**0.5), (0.01, 800, 0.01)]
)
def test_longer_trainings_have_a_smaller_learning_rate_unless_one_is_asked_for(
    asked: float | None, epochs: int, highest: float
) -> None:
    data, recipe = stripes(), small_recipe(epochs=epochs, learning_rate=asked)
    state = begin(data, recipe)  # 3 steps an epoch
    run(state, data, recipe, Stopper(steps=2), seed=0)
    assert state.learning_rate == pytest.approx(highest * learning_rate_factor(1.5 / (3 * epochs), recipe.warmup))
    state.clock.per_step = (1 - state.clock.fraction) / 1_600  # a budget of time was found to hold so many more
    rate = recipe.highest_rate(1_602) * learning_rate_factor(state.clock.midpoint, recipe.warmup)
    run(state, data, recipe, Stopper(steps=3), seed=0)
    assert state.learning_rate == pytest.approx(rate)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    assert_same_bits(trained(), trained())
    data, recipe = stripes(), small_recipe()
    other = begin(data, recipe)
    run(other, data, recipe, Stopper(), seed=4)
    assert not torch.equal(other.network.classifier.weight, trained().network.classifier.weight)


@pytest.mark.parametrize("steps", range(1, 10))
def test_a_run_stopped_after_any_step_and_gone_on_with_ends_with_the_same_bits(steps: int) -> None:
    data, recipe = stripes(), small_recipe()
    state = begin(data, recipe)
    run(state, data, recipe, Stopper(steps=steps), seed=3)
    assert state.step == steps
    run(state, data, recipe, Stopper(), seed=3)
    assert_same_bits(state, trained())


def test_what_is_left_to_chance_inside_the_network_is_drawn_again_after_a_stop_and_not_kept() -> None:
    data, recipe = stripes(), small_recipe()
    ends = []
    for steps in (4, 100):
        state = begin(data, recipe, layout="4C3-ST2-8N")
        run(state, data, recipe, Stopper(steps=steps), seed=3)
        torch.manual_seed(steps)
        run(state, data, recipe, Stopper(), seed=3)
        ends.append(state)
    assert_same_bits(*ends)
    copy.deepcopy(state.network)  # a generator that stayed in it could not be copied


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_listener_ends_training_after_an_epoch(epochs: int) -> None:
    data, recipe = stripes(), small_recipe(epochs=5)
    state = begin(data, recipe)
    run(state, data, recipe, Stopper(epochs=epochs), seed=3)
    assert (len(state.history), state.epoch, state.batch) == (epochs, epochs, 0)


def test_a_finished_run_does_nothing_more() -> None:
    state = trained()
    before = everything(state)
    listener = Stopper()
    run(state, stripes(), small_recipe(), listener, seed=3)
    assert not listener.losses
    assert not listener.records
    assert all(torch.equal(value, before[name]) for name, value in everything(state).items())


class Satisfied(Stopper):
    """Needs no step."""

    def is_satisfied(self, state: TrainingState) -> bool:
        return True


def test_a_satisfied_listener_ends_training_before_its_first_step() -> None:
    data, recipe = stripes(), small_recipe()
    state = begin(data, recipe)
    before = everything(state)
    run(state, data, recipe, Satisfied(), seed=3)
    assert (state.step, state.history) == (0, [])
    assert all(torch.equal(value, before[name]) for name, value in everything(state).items())


def test_one_step_alone_learns_and_its_weights_are_the_ones_kept() -> None:
    data, recipe = stripes(), small_recipe(epochs=1, batch=1_000)
    state = begin(data, recipe)
    start = everything(state)
    run(state, data, recipe, Stopper(), seed=3)
    assert state.step == 1
    assert not torch.equal(state.network.classifier.weight, start["network.classifier.weight"])
    assert torch.equal(state.best_weights()["classifier.weight"], state.network.classifier.weight)


@pytest.mark.parametrize("layout", ["4C3-8N", "4C3-MPg", "8N", "softmax", "4C3-8N-nonorm", "4C3-tanh"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_smallest_sets_are_learned_from(layout: str, count: int) -> None:
    data, recipe = stripes(count, held_out=0), small_recipe(epochs=2, batch=2)
    state = begin(data, recipe, layout=layout)
    run(state, data, recipe, Stopper(), seed=0)
    assert state.epoch == 2
    assert state.history[-1].validation_accuracy is None


def test_a_set_of_one_image_is_refused() -> None:
    data, recipe = stripes(3, held_out=2), small_recipe()
    with pytest.raises(TrainingError, match=r"Training needs at least two images\. Got 1\. Add some\."):
        run(begin(stripes(), recipe), data, recipe, Stopper(), seed=0)


@pytest.mark.parametrize("poison", ["weights", "images' deviation"])
def test_a_loss_that_is_no_number_ends_training_before_it_is_learned_from(poison: str) -> None:
    data, recipe = stripes(), small_recipe()
    state = begin(data, recipe)
    run(state, data, recipe, Stopper(epochs=1), seed=3)
    with torch.no_grad():
        (state.network.classifier.weight if poison == "weights" else state.network.std).fill_(math.nan)
    before = {name: value.clone() for name, value in state.network.named_parameters()}
    sentence = r"The loss is no longer a finite number \(nan\) in epoch 2, step 4, at learning rate .*smaller --learn"
    with pytest.raises(TrainingError, match=sentence):
        run(state, data, recipe, Stopper(), seed=3)
    for name, value in state.network.named_parameters():
        assert torch.equal(value.nan_to_num(), before[name].nan_to_num())


def test_a_far_too_large_learning_rate_is_a_sentence_and_leaves_the_epochs_before() -> None:
    data, recipe = stripes(), small_recipe(epochs=40, learning_rate=1e3, weight_decay=100.0, averaging=0.0)
    state = begin(data, recipe, layout="4C3-8N-nonorm")
    listener = Stopper()
    with pytest.raises(
        TrainingError, match=r"no longer (a finite number|finite numbers) .*Try a smaller --learning-rate\."
    ):
        run(state, data, recipe, listener, seed=3)
    assert all(math.isfinite(record.loss) for record in state.history)


def test_weights_spoiled_by_the_last_step_of_an_epoch_are_never_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    data, recipe = stripes(), small_recipe(epochs=1)
    state = begin(data, recipe)
    honest = loop._step

    def spoil(*arguments: object) -> float:
        loss = honest(*arguments)  # type: ignore[arg-type]  # handed through
        if state.step == 3:
            with torch.no_grad():
                state.network.classifier.weight[0, 0] = math.inf
        return loss

    monkeypatch.setattr(loop, "_step", spoil)
    listener = Stopper()
    with pytest.raises(
        TrainingError, match=r"The weights are no longer finite numbers \(classifier\.weight\) after epoch 1"
    ):
        run(state, data, recipe, listener, seed=3)
    assert not listener.records


def test_with_a_time_budget_no_epoch_without_steps_is_written_down() -> None:
    data, recipe = stripes(), small_recipe()
    state = begin(data, recipe, budget_s=0.3)
    run(state, data, recipe, Stopper(), seed=3)
    steps = [record.step for record in state.history]
    assert steps == sorted(set(steps))
    assert steps[-1] == state.step


def test_balanced_classes_weigh_alike_and_the_mean_weight_of_an_image_is_one() -> None:
    data = stripes(40, held_out=0)
    data = copy.copy(data)
    object.__setattr__(data, "labels", (torch.arange(40) < 4).long())
    weights = data.class_weights()
    counts = torch.bincount(data.labels).float()
    assert torch.allclose(weights * counts, torch.tensor([20.0, 20.0]))
    assert float((weights * counts).sum()) == pytest.approx(40)


def test_a_class_without_training_images_weighs_nothing() -> None:
    data = copy.copy(stripes(40, held_out=0))
    object.__setattr__(data, "classes", 3)
    weights = data.class_weights()
    assert weights.tolist() == [1.0, 1.0, 0.0]


def test_balancing_an_even_set_changes_nothing_that_matters() -> None:
    plain, balanced = trained(), trained(balance=True)
    assert torch.allclose(plain.network.classifier.weight, balanced.network.classifier.weight, atol=1e-5)


def test_moments_are_those_of_the_training_images_of_every_class() -> None:
    data = stripes(40, held_out=10)
    mean, std = data.moments
    pixels = data.images[:30].double() / 255
    assert mean == pytest.approx([float(pixels.mean())])
    assert std == pytest.approx([float(pixels.std(correction=0))])


def test_moments_of_a_large_set_in_the_order_of_classes_are_taken_from_all_of_it() -> None:
    from convscope.training.training_data import TrainingData

    images = torch.zeros(15_000, 1, 1, 1, dtype=torch.uint8)
    images[10_000:] = 255
    data = TrainingData.of_arrays(images.numpy(), (images.view(-1) > 0).long().numpy(), classes=2)
    assert data.moments[0][0] == pytest.approx(1 / 3, abs=1e-3)


def test_the_global_randomness_is_not_touched() -> None:
    data, recipe = stripes(), small_recipe(epochs=1)
    state = begin(data, recipe, layout="4C3-ST2-8N")
    before = torch.get_rng_state()
    run(state, data, recipe, Stopper(), seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("classifier", LINEAR_CLASSIFIERS)
def test_a_network_is_trained_and_evaluated_by_the_loss_of_its_classifier(classifier: str) -> None:
    data, compute = stripes(), LINEAR_CLASSIFIERS[classifier].loss
    recipe = small_recipe(augmentation=Augmentation(), batch=40, epochs=1, smoothing=0.0)
    listener, state = Stopper(), begin(data, recipe, layout=f"4C3-MP2-{classifier}")
    expected = [compute(state.network(data.images[data.training]), data.labels[data.training], None, 0.0).item()]
    state = begin(data, recipe, layout=f"4C3-MP2-{classifier}")
    run(state, data, recipe, listener, seed=0)
    with state.best_network(data, batch=recipe.batch) as network:
        expected += [compute(network(data.images[data.validation]), data.labels[data.validation], None, 0.0).item()]
    assert [listener.losses[0], listener.records[0].validation_loss] == pytest.approx(expected, rel=1e-4)


def seen_by(recipe_flip: bool, monkeypatch: pytest.MonkeyPatch) -> dict[int, list[bool]]:
    """Return for each image, epoch by epoch, whether the loop saw it flipped."""
    seen: dict[int, list[bool]] = {}
    take = loop.take

    def watched(images: Tensor, places: Tensor, change: Augmentation, *given: Any) -> Tensor:
        taken = take(images, places, change, *given)
        for place, image in zip(places.tolist(), taken, strict=True):
            same = torch.equal(image, images[place])
            assert same or torch.equal(image, images[place].flip(1))
            seen.setdefault(place, []).append(not same)
        return taken

    monkeypatch.setattr(loop, "take", watched)
    trained(epochs=4, augmentation=Augmentation(flip=recipe_flip))
    return seen


def test_the_loop_shows_each_image_one_way_in_an_epoch_and_the_other_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways = list(seen_by(True, monkeypatch).values())
    assert len(ways) == 40
    assert all(one != other for way in ways for one, other in itertools.pairwise(way))
    assert 8 < sum(way[0] for way in ways) < 32


def test_the_loop_flips_nothing_where_the_recipe_has_no_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(any(way) for way in seen_by(False, monkeypatch).values())
