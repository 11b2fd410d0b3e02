"""The first convolutions give what whitening and unit give, at every place, and stay so where they are frozen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convscope.core.errors import ParameterError
from convscope.layers.patch_learning import WAYS, learn_layer
from convscope.layers.patch_learning.layer import layer_of_patches
from convscope.layers.patch_learning.patches import random_patches
from convscope.layers.patch_learning.whitening import Whitening
from convscope.layers.unit import HiddenLayer
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training import pretraining
from convscope.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from convscope.training.loop import run, steps_per_epoch
from convscope.training.pretraining import check_pretraining, pretrain_convolutions, put_units
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData
from tests.oracles import stages as oracle
from tests.training.small import Stopper, assert_same_bits, small_recipe, stripes

ONE = "6C3-MP2-8N"
TWO = "6C3-MP2-7C3-8N"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def random_images(channels: int, count: int = 40) -> TrainingData:
    """Return stripes in colors that differ in mean and strength."""
    gray = stripes(count).images.numpy()
    scaled = [gray[..., 0] // (1 + channel) + 20 * channel for channel in range(channels)]
    images = np.stack(scaled, axis=-1).astype(np.uint8)
    return TrainingData.of_arrays(images, np.arange(count) % 2, classes=2)


def network(data: TrainingData, layout: str) -> Network:
    mean, std = data.moments
    height, width, channels = data.images.shape[1:]
    sizes = {"height": height, "width": width, "channels": channels, "classes": data.classes}
    return Network(Layout.parse(layout), **sizes, mean=mean, std=std, seed=1)


def begin(data: TrainingData, layout: str = ONE, *, learn: bool = True, **changes: Any) -> TrainingState:
    recipe = small_recipe(**{"pretrain": ("kmeans",), **changes})
    net = network(data, layout)
    if learn:
        pretrain_convolutions(net, data, recipe, seed=4)
    return TrainingState.begin(net, recipe, steps=recipe.epochs * steps_per_epoch(len(data.training), recipe.batch))


@pytest.mark.parametrize("layout", ["6C3", "6C4", "6C3v-nonorm", "6C4-nonorm", "6C5/2-nonorm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_at_1000_places_the_stage_of_the_network_gives_what_whitening_and_unit_give(layout: str, channels: int) -> None:
    data, random = random_images(channels), np.random.default_rng(0)
    stage = Layout.parse(layout).stages[0]
    side, images = stage.patch, data.images.numpy()
    rows = random_patches(images, side=side, count=500)
    white = Whitening.learn(rows)
    weights, biases = random.normal(size=(6, rows.shape[1])), random.normal(size=6)
    folded, folded_biases = white.fold(weights, biases)
    layer = HiddenLayer(weights=folded.reshape(6, side, side, channels), biases=folded_biases)
    net = network(data, layout).double().eval()
    put_units(net, net.stages[0], layer)
    with torch.no_grad():
        maps = net.stages[0].convolution(_padded(net, data)).numpy()
    before, after = stage.window.before, stage.window.after
    edge = [(0, 0), (before, after), (before, after), (0, 0)]
    mean = net.mean.numpy()
    pixels = np.pad(images / 255 - mean, edge) + mean  # beyond the edge: the mean image
    lengths = np.linalg.norm(folded.reshape(6, -1, channels) * net.std.numpy(), axis=(1, 2))
    for _ in range(1_000):
        number, row, column = random.integers(0, (len(images), *maps.shape[2:]))
        top, left = row * stage.stride, column * stage.stride
        patch = pixels[number, top : top + side, left : left + side].reshape(1, -1)
        expected = white.apply(patch)[0] @ weights.T + biases
        if net.layout.normalization:  # lengths are 1; the mean is taken out by what follows
            at_mean = white.apply(np.tile(mean, side * side)[None])[0] @ weights.T + biases
            expected = (expected - at_mean) / lengths
        np.testing.assert_allclose(maps[number, :, row, column], expected, rtol=0, atol=1e-9)


def _padded(net: Network, data: TrainingData) -> torch.Tensor:
    maps = net.standardize(data.images)
    pad = net.stages[0].pad
    return pad(maps) if pad else maps


@pytest.mark.parametrize("by", WAYS)
def test_every_way_sets_the_units_that_it_finds_for_the_training_images(by: str) -> None:
    data = random_images(3)
    held_back = replace(data, training=data.training[::2])
    net = network(data, "6C3-nonorm")
    pretrain_convolutions(net, held_back, small_recipe(pretrain=(by,)), seed=4)
    layer = learn_layer(data.images.numpy()[::2], units=6, side=3, by=by, patches=20 * 6 * 6, seed=4)
    with torch.no_grad():
        sums = net.stages[0].convolution(net.standardize(data.images[:5])).numpy()
    expected = replace(layer, nonlinearity=lambda values: values).everywhere(data.images[3].numpy() / 255)
    np.testing.assert_allclose(sums[3, :, 1:-1, 1:-1].transpose(1, 2, 0), expected, atol=2e-4)


def test_before_a_normalization_units_have_length_1_which_muon_keeps() -> None:
    data = random_images(1)
    state = begin(data)
    weight = state.network.stages[0].convolution.weight
    np.testing.assert_allclose(weight.detach().flatten(1).norm(dim=1).numpy(), 1, atol=1e-6)
    before = weight.detach().clone()
    state.optimizer.step(1, 0.0)
    torch.testing.assert_close(weight.detach(), before)


def test_labels_are_not_looked_at_and_images_held_out_neither() -> None:
    data = stripes(40, held_out=10)
    images = data.images.clone()
    images[30:] = 255
    other = replace(data, labels=1 - data.labels, images=images)
    first = [network(data, TWO) for _ in range(2)]
    for net, some in zip(first, (data, other), strict=True):
        pretrain_convolutions(net, some, small_recipe(pretrain=("kmeans", "rica")), seed=4)
    for one, two in zip(first[0].parameters(), first[1].parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("layout", [ONE, ONE + "-nonorm"])
@pytest.mark.parametrize("averaging", [0.0, 0.1])
def test_frozen_weights_keep_every_bit_and_all_others_change(layout: str, averaging: float) -> None:
    data = stripes()
    state = begin(data, layout, freeze=True, averaging=averaging)
    before = {name: value.clone() for name, value in state.network.named_parameters()}
    recipe = small_recipe(pretrain=("kmeans",), freeze=True, averaging=averaging)
    run(state, data, recipe, Stopper(), seed=3)
    frozen = {name for name in before if name.startswith("stages.0.convolution.")}
    assert len(frozen) == (2 if "nonorm" in layout else 1)
    best = state.best_weights()
    for name, value in state.network.named_parameters():
        assert torch.equal(value, before[name]) == (name in frozen), name
        assert torch.equal(best[name], before[name]) == (name in frozen), name
    assert not any(name.startswith(tuple(frozen)) for name in state.optimizer.tensors())


def test_not_frozen_they_are_learned_on_from_where_they_began() -> None:
    data = stripes()
    state, other = begin(data), begin(data, pretrain=("random",))
    before = state.network.stages[0].convolution.weight.detach().clone()
    run(state, data, small_recipe(pretrain=("kmeans",)), Stopper(steps=1), seed=3)
    after = state.network.stages[0].convolution.weight.detach()
    assert not torch.equal(after, before)
    turned = (after * before).sum() / after.norm() / before.norm()
    far = (other.network.stages[0].convolution.weight.detach() * before).sum() / before.norm() ** 2
    assert turned > 0.95 > far


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("steps", [0, 2, 4])
def test_a_run_put_back_ends_with_the_same_bits_and_learns_nothing_twice(
    steps: int, freeze: bool, tmp_path: Path
) -> None:
    data, options = stripes(), {"pretrain": ("kmeans", "random"), "freeze": freeze}
    recipe = small_recipe(**options)
    state = begin(data, TWO, **options)
    if steps:
        run(state, data, recipe, Stopper(steps=steps), seed=3)
    save_checkpoint(state, Checkpoint(path=tmp_path / "state", run="this"))
    fresh = begin(data, TWO, learn=False, **options)
    load_checkpoint(fresh, Checkpoint(path=tmp_path / "state", run="this"))
    assert_same_bits(fresh, state)
    run(fresh, data, recipe, Stopper(), seed=3)
    whole = begin(data, TWO, **options)
    run(whole, data, recipe, Stopper(), seed=3)
    assert_same_bits(fresh, whole)


def test_the_seed_decides() -> None:
    data = stripes()
    one, two, other = (network(data, ONE) for _ in range(3))
    for net, seed in ((one, 4), (two, 4), (other, 5)):
        pretrain_convolutions(net, data, small_recipe(pretrain=("rica",)), seed=seed)
    weights = [net.stages[0].convolution.weight for net in (one, two, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("ending", ["", "-nonorm"])
def test_the_second_convolution_learns_on_patches_of_the_maps_that_the_first_makes(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, seen = stripes(24, held_out=4), []

    def watched(rows: np.ndarray, **options: Any) -> HiddenLayer:
        seen.append(rows)
        return layer_of_patches(rows, **options)

    monkeypatch.setattr(pretraining, "layer_of_patches", watched)
    net = network(data, "4C3-MP2-5C3-8N" + ending)
    pretrain_convolutions(net, data, small_recipe(pretrain=("random", "random")), seed=4)
    maps = np.stack([_first_maps(net, image) for image in data.images[:20].numpy()])  # N 4 4 4
    if not ending:
        maps = (maps - maps.mean(axis=(0, 2, 3), keepdims=True)) / np.sqrt(
            maps.var(axis=(0, 2, 3), keepdims=True) + 1e-5
        )
    maps = np.maximum(maps, 0).transpose(0, 2, 3, 1)
    patches = [maps[n, y : y + 3, x : x + 3].ravel() for n in range(20) for y in range(2) for x in range(2)]
    distances = np.linalg.norm(seen[1][:, None] - np.stack(patches), axis=2)
    assert distances.shape == (80, 80)
    assert distances.min(axis=1).max() < 1e-4  # float32 against float64
    assert len(set(distances.argmin(axis=1))) > 40  # of all places, drawn with putting back
    expected = layer_of_patches(seen[1], units=5, side=3, by="random", seed=4).weights.transpose(0, 3, 1, 2)
    expected = expected if ending else expected / np.sqrt(np.sum(expected**2, axis=(1, 2, 3), keepdims=True))
    np.testing.assert_allclose(net.stages[1].convolution.weight.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def _first_maps(net: Network, image: np.ndarray) -> np.ndarray:
    """Return what 4C3-MP2 makes of one image, by loops, before normalization and nonlinearity."""
    convolution = net.stages[0].convolution
    weights = convolution.weight.detach().double().numpy()
    biases = np.zeros(4) if convolution.bias is None else convolution.bias.detach().double().numpy()
    standard = np.moveaxis((image / 255 - net.mean.numpy()) / net.std.numpy(), 2, 0)
    maps = oracle.convolution(standard, weights, biases, before=1, after=1)
    return oracle.pooling("largest", maps, window=(2, 2), stride=(2, 2), whole=False)


def planned(layout: str, *, side: int = 8, channels: int = 1) -> Any:
    return plan(Layout.parse(layout), height=side, width=side, channels=channels, classes=2)


@pytest.mark.parametrize(
    ("layout", "first", "sentence"),
    [
        (
            "500N",
            "kmeans",
            r"`pretrain` needs a layout whose first stage is a convolution, like 32C5\. Got 500N\. Begin",
        ),
        ("32U5", "kmeans", r"`pretrain` needs a layout whose first stage is a convolution.* Got 32U5\."),
        ("32U5:2", "kmeans", r"`pretrain` needs a layout whose first stage is a convolution.* Got 32U5:2\."),
        ("MP2-8C3", "kmeans", r"`pretrain` needs a layout whose first stage is a convolution.* Got MP2-8C3\."),
        ("softmax", "kmeans", r"`pretrain` needs a layout whose first stage is a convolution.* Got softmax\."),
        (
            "8C3-9N",
            "rica,rica",
            r"`pretrain` must name one way for each convolution at most, 1 in 8C3-9N\. Got 2 \(rica,rica",
        ),
        (
            "8C3-MP2-4U3",
            "rica,rica",
            r"Stage 3, 4U3, must be a convolution .* rica",
        ),
        (
            "8C9",
            "rica",
            r"Stage 1, 8C9, must have a patch that fits .* Got 9x9 over 8x8",
        ),
        ("8C3-MP2-8C5", "rica,rica", r"Stage 3, 8C5, must have a patch that fits .* Got 5x5 over 4x4 pixels\."),
        ("100C3-8C7", "gabor,rica", r"Stage 2, 8C7, must have a patch of at most 4,096 values .* 100 maps, 4,900\."),
        ("8C3-8C3", "rica,dct", r"Stage 2, 8C3, cannot have units of dct, which are made for pixels .* kmeans\."),
        ("10C3", "dct", r"Stage 1, 10C3, cannot be pretrained\. `units` of dct must be at most 9, .* Got 10\."),
        (
            "19C3",
            "whitening",
            r"Stage 1, 19C3, cannot be pretrained\. `units` of whitening must be .*, 18\. Got 19\.",
        ),
        ("8C2", "gabor", r"Stage 1, 8C2, cannot be pretrained\. `side` of a patch for gabor must be at least 3"),
        ("80C3", "patches", r"Stage 1, 80C3, must have at most as many units as there are patches .*, 72\. Got 80\."),
    ],
)
def test_what_cannot_be_pretrained_is_refused_with_a_sentence(layout: str, first: str, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        check_pretraining(small_recipe(pretrain=tuple(first.split(","))), planned(layout), images=2)


def test_each_pretrained_convolution_has_a_sentence() -> None:
    recipe = small_recipe(pretrain=("gabor", "kmeans"))
    said = check_pretraining(recipe, planned(TWO), images=20)
    learned_on = "then fine-tuned with labels; --freeze keeps it fixed"
    assert said == (
        f"stage 1, 6C3: hand-made filters, gabor; {learned_on}",
        f"stage 3, 7C3: pretrained without labels, kmeans on 80 patches of 3x3; {learned_on}",
    )
    assert check_pretraining(replace(recipe, freeze=True), planned(TWO), images=20)[0].endswith("gabor; frozen")
    assert check_pretraining(small_recipe(), planned("500N"), images=20) == ()


def test_a_recipe_knows_the_ways_and_freezes_only_what_was_learned() -> None:
    with pytest.raises(ParameterError, match=r"`pretrain` must be one of random, patches, .* Did you mean 'kmeans'\?"):
        small_recipe(pretrain=("kmean",))
    with pytest.raises(ParameterError, match="`freeze` needs"):
        small_recipe(freeze=True)


@pytest.mark.parametrize("by", WAYS)
def test_images_that_show_nothing_give_finite_weights(by: str) -> None:
    data = replace(stripes(20, held_out=0), images=torch.full((20, 8, 8, 1), 7, dtype=torch.uint8))
    net = network(data, ONE)
    pretrain_convolutions(net, data, small_recipe(pretrain=(by,)), seed=4)
    assert all(value.isfinite().all() for value in net.state_dict().values())
    assert net(data.images).isfinite().all()
