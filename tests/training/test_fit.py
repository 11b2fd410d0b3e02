"""Command, estimator and comparison share one training: the same seed gives the same weights to the bit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from convscope.api.train import prepare, train
from convscope.core.context import Context
from convscope.core.errors import TrainingError
from convscope.estimators.classifier import ConvClassifier
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.options.train import TrainOptions
from convscope.training import loop
from convscope.training.fit import fit
from convscope.training.history import EpochRecord, History
from convscope.training.loop import Listener
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData

from .small import small_recipe, stripes


def fitted(
    data: TrainingData, recipe: Recipe, *, layout: str = "4C3-MP2-8N", seed: int = 0, listener: Listener | None = None
) -> tuple[Network, History]:
    """Return a network trained from new weights, and its history."""
    mean, std = data.moments
    height, width, channels = data.images.shape[1:]
    sizes = {"height": height, "width": width, "channels": channels, "classes": data.classes}
    network = Network(Layout.parse(layout), **sizes, mean=mean, std=std, seed=seed)
    return network, fit(network, data, recipe, listener, seed=seed)


def same(one: Network, other: Network) -> bool:
    """Return whether all weights are equal to the bit."""
    others = other.state_dict()
    return all(torch.equal(value, others[name]) for name, value in one.state_dict().items())


class Ending(Listener):
    """Ends training after some epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        return record.epoch < self.epochs


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    recipe = small_recipe(pretrain=("kmeans",))
    one, again, other = (fitted(stripes(), recipe, seed=seed)[0] for seed in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)
    assert not one.training, "it predicts"


def test_the_command_and_the_estimator_train_as_fit_does(tmp_path: Path) -> None:
    data = stripes(60, held_out=0)
    images, labels = data.images.numpy()[..., 0], data.labels.numpy()
    options = {"layout": "4C3-MP2-8N", "epochs": 2, "seed": 3, "threads": 1, "precision": "float32", "shift": 1}
    classifier = ConvClassifier(**options, flip=True).fit(images, labels)
    recipe = Recipe(**classifier.model_.training["recipe"] | {"augmentation": small_recipe().augmentation})
    recipe = replace(recipe, augmentation=replace(recipe.augmentation, rotate=0.0, scale=0.0, erase=0.0), pretrain=())
    assert same(fitted(data, recipe, seed=3)[0], classifier.model_.network)
    options |= {"flip": True, "validation": 0.2}
    context = Context(cache_dir=tmp_path / "c")
    prepared = prepare((images, labels), TrainOptions(**options), context)
    trained = train((images, labels), output=tmp_path / "run", context=context, **options)
    assert same(fitted(TrainingData.of(prepared.images), prepared.recipe, seed=3)[0], trained.model.network)


def test_a_listener_may_end_the_training() -> None:
    _, history = fitted(stripes(), small_recipe(epochs=4), listener=Ending(2))
    assert [record.epoch for record in history.epochs] == [1, 2]
    assert history.failure is None


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_failure_keeps_the_weights_of_the_last_finished_epoch(epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    step = loop._step

    def spoiled(state: TrainingState, *given: object) -> float:
        if state.epoch == epoch:
            state.network.classifier.bias.data.fill_(float("nan"))
        return step(state, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", spoiled)
    if epoch == 0:
        with pytest.raises(TrainingError, match="no model"):
            fitted(stripes(), small_recipe())
        return
    network, history = fitted(stripes(), small_recipe())
    assert history.failure is not None
    assert len(history.epochs) == epoch
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())
