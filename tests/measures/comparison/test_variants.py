"""Every variant is made after the base with one thing changed; what cannot be made says why in a sentence."""

import dataclasses

import numpy as np
import pytest
import torch

from convscope.core.errors import LayoutError, ParameterError
from convscope.images.augmentation import Augmentation
from convscope.layers.pooling import POOLINGS
from convscope.measures.comparison.start_learning import randomized
from convscope.measures.comparison.start_network import StartNetwork
from convscope.measures.comparison.variants import BASELINE, VARIANTS, Baseline, learner_of, named_variants
from convscope.measures.distortions.family import GROUPS
from convscope.networks import variants as layouts
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training.recipe import Recipe
from convscope.training.training_data import TrainingData
from convscope.transfer.sizes import copied
from tests.transfer.test_start import start_model

MNIST = {"height": 28, "width": 28, "channels": 1, "classes": 10}
LAYOUT = "16C5-MP2-32C3-MP2-128N"


def base(text: str = LAYOUT, **pixels: int) -> Baseline:
    planned = plan(Layout.parse(text), **(MNIST | pixels))
    start = StartNetwork(name="a start", model=start_model(), digest="", most_images=64, flip=False, cache_dir=None)
    return Baseline(plan=planned, recipe=Recipe(epochs=2), augmentation=Augmentation(shift=2, rotate=15), start=start)


def layout_of(variant: str, of: Baseline) -> str:
    learner, reason = learner_of(VARIANTS[variant], of)
    assert learner is not None, reason
    assert learner.plan is not None
    return str(learner.plan.layout)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_a_description_and_can_be_made_on_mnist(name: str) -> None:
    variant = VARIANTS[name]
    learner, reason = learner_of(variant, base())
    assert learner is not None
    assert reason == ""
    assert variant.description.endswith(".")
    assert "," not in variant.title, "titles are in lists with commas"
    assert set(variant.purposes) <= {"accuracy", "parameters", "macs", *GROUPS}
    assert learner.text


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("text", ["softmax", "4N", "4U3-8N", "8C3", "8C3-+8C3-MP2-APg", "MP2-8C3/2v-tanh-nonorm"])
def test_what_cannot_be_made_says_why_in_a_sentence(name: str, text: str) -> None:
    learner, reason = learner_of(VARIANTS[name], base(text))
    assert (learner is None) == bool(reason)
    if reason:
        assert reason.endswith(".")
        assert len(reason) > 30


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("locally-connected", "16U5-MP2-32U3-MP2-128N"),
        ("partly-shared", "16U5:4-MP2-32U3:4-MP2-128N"),
        ("no-pooling-mean", "16C5-32C3-APg-128N"),
        ("no-pooling-connected", "16C5-32C3-128N"),
        ("stride", "16C5/2-32C3/2-128N"),
        ("pooling-blurred-subset", "16C5-BP2-32C3-BP2-128N"),
        ("pixels-svm", "svm"),
        ("convolution-distorted", LAYOUT),
    ],
)
def test_the_layout_of_a_variant(variant: str, expected: str) -> None:
    assert layout_of(variant, base()) == expected


def test_every_pooling_of_the_library_is_a_variant() -> None:
    found = {layout_of(name, base()).split("-")[1] for name in VARIANTS if name.startswith("pooling-")}
    assert found == {f"{code}2" for code in POOLINGS}


@pytest.mark.parametrize("count", ["parameters", "macs"])
def test_fully_connected_units_match_the_network_to_half_a_unit(count: str) -> None:
    target = base().plan
    like = plan(layouts.fully_connected_like(target, lambda planned: int(getattr(planned, count))), **MNIST)
    more = dataclasses.replace(like.layout, stages=(dataclasses.replace(like.layout.stages[0], units=1),))
    one, two = plan(more, **MNIST), plan(Layout.parse("2N"), **MNIST)
    per_unit = getattr(two, count) - getattr(one, count)
    assert abs(getattr(like, count) - getattr(target, count)) <= per_unit / 2


def test_a_network_too_small_to_be_matched_is_refused() -> None:
    with pytest.raises(LayoutError, match="0 units"):
        layouts.fully_connected_like(base("1C3-APg").plan, lambda planned: planned.parameters)


def test_a_network_that_is_matched_badly_is_refused() -> None:
    small = base("2C3-MP2", height=12, width=12, classes=3).plan
    with pytest.raises(LayoutError, match=r"within 10% of 239.*2 units, 148 each"):
        layouts.fully_connected_like(small, lambda planned: planned.parameters)


def test_too_many_parameters_are_refused_with_their_number() -> None:
    learner, reason = learner_of(VARIANTS["locally-connected"], base("64C5-MP2-64C3", height=224, width=224))
    assert learner is None
    assert "at most 50,000,000" in reason


def test_only_the_variants_called_distorted_train_on_distorted_images() -> None:
    of = base()
    for variant in VARIANTS.values():
        learner, _ = learner_of(variant, of)
        assert learner is not None
        assert (learner.recipe.augmentation != Augmentation()) == (variant.group == "distortions")


def test_a_first_stage_is_frozen_or_begun_with() -> None:
    recipes = {name: learner_of(VARIANTS[name], base())[0] for name in VARIANTS if name.startswith("first-")}
    said = {name: (one.recipe.pretrain, one.recipe.freeze) for name, one in recipes.items() if one is not None}
    assert said == {
        "first-random": (("random",), True),
        "first-kmeans-frozen": (("kmeans",), True),
        "first-kmeans": (("kmeans",), False),
    }


def test_variants_are_in_the_order_of_the_family_and_unknown_ones_are_refused() -> None:
    assert [variant.name for variant in named_variants(("locally-connected", BASELINE))] == [
        BASELINE,
        "locally-connected",
    ]
    assert len(named_variants(())) == len(VARIANTS)
    assert {one.name for one in named_variants((), start=False)} == {name for name in VARIANTS if "start-" not in name}
    with pytest.raises(ParameterError, match="Did you mean"):
        named_variants(("convolutoin",))


def test_variants_from_a_start_need_one() -> None:
    learner, reason = learner_of(VARIANTS["start-frozen"], dataclasses.replace(base(), start=None))
    assert learner is None
    assert "--start" in reason


def test_random_units_are_normalized_on_training_images() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (20, 24, 24, 3), dtype=np.uint8)
    data = TrainingData.of_arrays(images, np.arange(20) % 2, classes=2)
    before = copied(fold(start_model().network))
    network = randomized(before, data, seed=3)
    assert not torch.equal(network.tensors["convolution1.weight"], before.tensors["convolution1.weight"])
    with torch.inference_mode():
        logits = network(network.standardize(data.images))
    assert torch.allclose(logits.mean(dim=0), torch.zeros(7), atol=1e-4)
    assert torch.allclose(logits.std(dim=0), torch.ones(7), atol=1e-3)
    again = randomized(before, data, seed=3).tensors
    assert all(torch.equal(value, again[name]) for name, value in network.tensors.items())
