"""The network: what the plan says, computed as the layout means it, from the same first weights every time."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import ReceptiveField
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.planned import PlannedLayer
from convscope.networks.build import ConvolutionModule, Network, flat
from convscope.networks.layout import Layout
from convscope.networks.stages import PoolingStage
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.oracles import network as oracle


def small(text: str, *, seed: int = 0, channels: int = 1, side: int = 12) -> Network:
    """Return a network in evaluation mode on side × side pixels with 4 classes."""
    network = Network(Layout.parse(text), height=side, width=side, channels=channels, classes=4, seed=seed)
    return network.eval()


def random_images(number: int, height: int, width: int, channels: int) -> Tensor:
    """Return random uint8 images N H W C."""
    generator = torch.Generator().manual_seed(height + width)
    return torch.randint(0, 256, (number, height, width, channels), dtype=torch.uint8, generator=generator)


def unsettle(network: Network) -> None:
    """Give normalization, biases and buffers values that are not those of the start."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point() and value.dim() == 1 and name not in ("mean", "std"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.2)


def outputs(network: Network, maps: Tensor) -> list[tuple[PlannedLayer, Tensor]]:
    """Return the last layer of every module of `network.stages` with the module's output."""
    results = []
    layers = iter(zip(network.layout.stages, network.plan.layers, strict=False))
    for module in network.stages:
        _, layer = next(layers)
        if isinstance(module, ConvolutionModule) and module.pooling is not None:
            stage, layer = next(layers)
            assert isinstance(stage, PoolingStage)
        maps = module(maps)
        results.append((layer, maps))
    assert next(layers, None) is None
    return results


@settings(LAWS, max_examples=80)
@given(cases())
def test_shapes_and_parameters_are_those_of_the_plan(case: Case) -> None:
    network = Network(case.layout, **case.sizes).eval()
    images = random_images(2, case.height, case.width, case.channels)
    for layer, maps in outputs(network, network.standardize(images)):
        found = (*maps.shape[1:], 1, 1)[:3]
        assert found == (layer.maps, layer.rows, layer.columns)
    assert network(images).shape == (2, case.classes)
    assert network(images).dtype == torch.float32
    assert case.plan().parameters == sum(parameter.numel() for parameter in network.parameters())


@settings(LAWS, max_examples=25)
@given(cases(largest_side=9, units=3, stages=4))
def test_scores_are_those_of_nested_loops(case: Case) -> None:
    network = Network(case.layout, **case.sizes, mean=(0.4,), std=(0.3,)).eval()
    unsettle(network)
    images = random_images(2, case.height, case.width, case.channels)
    with torch.no_grad():
        logits = network(images).numpy()
    for image, found in zip(images.numpy(), logits, strict=True):
        expected = oracle.logits(network, image)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def positive(case: Case) -> Network:
    """Return the network with means for what is no sum, no nonlinearity and positive weights: no gradient is zero."""
    stages = tuple(
        PoolingStage(code="AP", window=stage.window, stride=stage.stride)
        if getattr(stage, "code", "") in ("MP", "LP", "ST")
        else stage
        for stage in case.layout.stages
    )
    layout = Layout(stages=stages, nonlinearity="linear", normalization=None)
    network = Network(layout, **case.sizes).double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator) + 0.1)
    return network


@settings(LAWS, max_examples=80)
@given(cases(), st.data())
def test_receptive_fields_are_those_that_gradients_find(case: Case, data: st.DataObject) -> None:
    network = positive(case)
    image = torch.ones(1, case.channels, case.height, case.width, dtype=torch.float64, requires_grad=True)
    subset = "SS" in str(network.layout)
    for layer, maps in outputs(network, image):
        place = data.draw(st.integers(0, layer.rows - 1)), data.draw(st.integers(0, layer.columns - 1))
        one = maps[0, 0] if maps.dim() == 2 else maps[0, 0, place[0], place[1]]
        (gradient,) = torch.autograd.grad(one, image, retain_graph=True)
        touched = (gradient[0] != 0).any(dim=0)
        for axis, field, size in ((1, layer.field_rows, case.height), (0, layer.field_columns, case.width)):
            seen = touched.any(dim=axis).nonzero().flatten().tolist()
            check_field(field, place[1 - axis], size, seen, exact_end=not subset)


def check_field(field: ReceptiveField, place: int, size: int, seen: list[int], *, exact_end: bool) -> None:
    """Check that the box holds all that is seen, and ends where it ends (inside the image).

    A subset never sees its window's last place, so that an odd edge may be left out below it: there the end is a bound.
    """
    first = field.start + place * field.stride
    last = first + field.size - 1
    assert all(first <= pixel <= last for pixel in seen)
    if first >= 0 and seen:
        assert min(seen) == first
    if last < size and seen and exact_end:
        assert max(seen) == last


@pytest.mark.parametrize("text", ["9C3-MP2-9C3-MP2", "9C3-SS2-9C3-AP2", "9C3-MP3/2-+9C3-MPg"])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_the_cheaper_order_gives_the_values_of_the_order_that_is_meant(text: str, nonlinearity: str) -> None:
    network = small(f"{text}-{nonlinearity}")
    unsettle(network)
    meant = copy.deepcopy(network)
    for module in meant.stages:
        module.pool_first = False
    images = random_images(3, 12, 12, 1)
    torch.testing.assert_close(network(images), meant(images), rtol=1e-6, atol=1e-6)
    swapped = [module.pool_first for module in network.stages if module.pooling is not None]
    assert any(swapped) == NONLINEARITIES[nonlinearity].increasing


def test_images_and_their_standardized_floats_give_the_same_scores() -> None:
    sizes = {"height": 9, "width": 7, "channels": 3, "classes": 4}
    network = Network(Layout.parse("8C3-MP2-8C4-10N"), **sizes, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25)).eval()
    images = random_images(5, 9, 7, 3)
    standardized = network.standardize(images)
    expected = (images.double() / 255 - torch.tensor([0.5, 0.4, 0.3])) / torch.tensor([0.2, 0.3, 0.25])
    torch.testing.assert_close(standardized.double(), expected.permute(0, 3, 1, 2), rtol=1e-5, atol=1e-5)
    assert standardized.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network(images), network(standardized))
    torch.testing.assert_close(network(images), network(standardized.contiguous()), rtol=1e-5, atol=1e-5)
    turned = copy.deepcopy(network).to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(images), turned(images), rtol=1e-5, atol=1e-5)


def test_scores_do_not_depend_on_the_other_images_of_the_batch() -> None:
    network = small("8C3-MP2-16N")
    images = random_images(7, 12, 12, 1)
    one_by_one = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), one_by_one, rtol=1e-5, atol=1e-6)


def test_pixels_of_mean_and_deviation_become_0_and_1() -> None:
    network = Network(Layout.parse("softmax"), height=1, width=2, channels=1, classes=2, mean=(0.2,), std=(0.4,))
    values = network.standardize(torch.tensor([[[[51], [153]]]], dtype=torch.uint8))
    torch.testing.assert_close(values.flatten(), torch.tensor([0.0, 1.0]), rtol=0, atol=1e-6)


LAYOUT = "8C3-MP2-+8C3-AP2-16N"


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    first, again, other = (small(LAYOUT, seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    drawn = [name for name, value in first.items() if value.dim() > 1]
    assert len(drawn) == 4
    assert not any(torch.equal(first[name], other[name]) for name in drawn)


def test_building_leaves_torchs_own_random_numbers_alone() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    small(LAYOUT)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    assert all(map(torch.equal, small(LAYOUT).state_dict().values(), small(LAYOUT).state_dict().values()))


def test_weights_are_float32_whatever_the_default_type_is() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        network = small(LAYOUT)
    finally:
        torch.set_default_dtype(torch.float32)
    assert {value.dtype for value in network.state_dict().values() if value.is_floating_point()} == {torch.float32}
    assert network(random_images(2, 12, 12, 1)).dtype == torch.float32


@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("part", ["32C3", "+32C3", "32C3-+32C3"])
@pytest.mark.parametrize("ending", ["", "-nonorm"])
def test_the_deviation_of_the_values_stays_within_a_factor_over_depth(
    nonlinearity: str, part: str, ending: str
) -> None:
    network = small("-".join(["32C3"] + [part] * 6) + f"-{nonlinearity}{ending}", channels=3, side=10).train()
    maps = torch.randn(16, 3, 10, 10, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        deviations = [maps.std().item() for _, maps in outputs(network, maps)]
    assert max(deviations) / min(deviations) < 6, deviations
    assert 0.1 < min(deviations) <= max(deviations) < 6, deviations


def test_first_scores_are_small_enough_to_prefer_no_class() -> None:
    logits = small("32C3-MP2-64C3-MP2-128N", side=16).train()(random_images(64, 16, 16, 1))
    assert logits.std().item() < 1.5


def test_every_parameter_gets_a_gradient() -> None:
    for text in ("8C3-MP2-+8C2-AP2-16N", "8C4/2v-SS2-8N-tanh-nonorm", "MP2-MP2-4C1-gelu"):
        network = small(text).train()
        nn.functional.cross_entropy(network(random_images(4, 12, 12, 1)), torch.arange(4)).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


def test_names_of_the_state_are_those_of_the_model_files() -> None:
    assert list(small("MP2-4C3-MP2-MP2-5N").state_dict()) == [
        "mean",
        "std",
        "temperature",
        *(f"stages.1.convolution.{name}" for name in ("weight",)),
        *(f"stages.1.normalization.{name}" for name in NORMALIZATION),
        "stages.3.linear.weight",
        *(f"stages.3.normalization.{name}" for name in NORMALIZATION),
        "classifier.weight",
        "classifier.bias",
    ]
    plain = ["mean", "std", "temperature", "stages.0.convolution.weight", "stages.0.convolution.bias"]
    assert list(small("4C3-nonorm").state_dict()) == [*plain, "classifier.weight", "classifier.bias"]


NORMALIZATION = ("bias", "running_mean", "running_var")


def test_a_layout_that_does_not_fit_is_refused_before_a_weight_is_made() -> None:
    with pytest.raises(LayoutError, match="Stage 1, 4C9v, does not fit"):
        small("4C9v", side=8)
    with pytest.raises(LayoutError, match="at most 1,000,000,000 parameters"):
        small("65536N-65536N")


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ParameterError, match=rf"`seed` must be from 0 to 2\*\*63 - 1\. Got {seed}\."):
        small("4C3", seed=seed)


BAD_STATISTICS = [
    ({"std": (0.0,)}, r"`std` must be 1 or 3 numbers that are above 0\. Got \(0\.0,\)\."),
    ({"std": (1.0, 1.0)}, r"`std` must be 1 or 3 numbers that are above 0\. Got \(1\.0, 1\.0\)\."),
    ({"std": (float("nan"),)}, r"`std` must be 1 or 3 numbers"),
    ({"mean": ()}, r"`mean` must be 1 or 3 numbers that are finite\. Got \(\)\."),
    ({"mean": (float("inf"),)}, r"`mean` must be 1 or 3 numbers that are finite"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD_STATISTICS)
def test_a_mean_and_deviation_that_are_none_are_refused(values: dict[str, tuple[float, ...]], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Network(Layout.parse("4C3"), height=8, width=8, channels=3, classes=2, **values)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 12, 12, dtype=torch.uint8),
        torch.zeros(2, 12, 12, 3, dtype=torch.uint8),
        torch.zeros(2, 3, 12, 12),
        torch.zeros(1, 12, 12),
        torch.zeros(2, 1, 12, 12, dtype=torch.int64),
    ],
    ids=lambda images: f"{images.dtype} {tuple(images.shape)}",
)
def test_images_of_another_form_are_refused(images: Tensor) -> None:
    with pytest.raises(ParameterError, match=r"`images` must be uint8 N H W 1, or standardized floats N 1 H W\. Got "):
        small("4C3")(images)


def test_connected_units_give_gradients_in_the_order_of_the_maps() -> None:
    maps = torch.randn(4, 6, 5, 3).to(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(4, 90)
    seen: list[torch.Tensor] = []
    middle = maps * 2
    middle.register_hook(seen.append)
    (flat(middle) * weights).sum().backward()
    assert torch.equal(seen[0].flatten(1), weights)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
