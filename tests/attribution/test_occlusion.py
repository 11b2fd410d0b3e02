"""Occlusion by locality is occlusion by forward passes, in any graph."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convscope.attribution import locality, occlusion
from convscope.attribution.locality import logits_without
from convscope.attribution.method import Settings
from convscope.attribution.occlusion import occlude, patch_side, values_of
from convscope.core.errors import ParameterError
from convscope.networks.model import Model
from tests.checks import graph_models, models

from .networks import ARCHITECTURES, CURVED_LAYOUTS, STRAIGHT_LAYOUTS, in_doubles, logits_of, standardized


def _agrees(model: Model, pixels: NDArray[np.uint8], side: int) -> None:
    network = in_doubles(model)
    image = standardized(network, pixels[:1])
    height, width = image.shape[2:]
    ends = {0, 1, height - side}, {0, (width - side) // 2, width - side}
    patches = torch.cartesian_prod(*(torch.tensor(sorted(one)) for one in ends))
    local = logits_without(network, values_of(network, image), patches, side)
    without = image.repeat(len(patches), 1, 1, 1)
    for one, (row, column) in zip(without, patches.tolist(), strict=True):
        one[:, row : row + side, column : column + side] = 0
    torch.testing.assert_close(local, logits_of(network, without), rtol=1e-9, atol=1e-9)
    assert local.std(dim=0).max() > 1e-6, "the patches make a difference"


@pytest.mark.parametrize("layout", [*STRAIGHT_LAYOUTS, *CURVED_LAYOUTS, "4C3/2v-MP3/2-5N-nonorm", "4C5-ST3/2-6C3-5N"])
@pytest.mark.parametrize("side", [2, 5])
def test_the_values_that_see_a_patch_are_enough(layout: str, side: int) -> None:
    _agrees(models.small_model(layout), models.some_pixels(1), side)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_so_they_are_in_networks_of_the_field(name: str) -> None:
    model = graph_models.graph_model(name)
    _agrees(model, graph_models.pixels_for(model, 1), 9)


def test_so_they_are_behind_gates_and_branches() -> None:
    _agrees(models.graph_model(), models.some_pixels(1), 3)


def test_only_a_part_of_the_first_maps_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = models.small_model("4C3-MP2-4C3-5N", height=40, width=40)
    network, sizes = in_doubles(model), {}
    compute = locality._through

    def counting(*given: object) -> object:
        made = compute(*given)  # type: ignore[arg-type]
        sizes[given[1].name] = made.values.shape[2:].numel()  # type: ignore[attr-defined]
        return made

    monkeypatch.setattr(locality, "_through", counting)
    image = standardized(network, models.some_pixels(1, 40, 40))
    logits_without(network, values_of(network, image), torch.tensor([[10, 10], [0, 20]]), 4)
    assert sizes["convolution1"] == 6 * 6, "a patch of 4 and a filter of 3"
    assert sizes["pooling1"] <= 4 * 4
    assert sizes["convolution2"] <= 6 * 6


def test_the_progress_of_occlusion_is_the_number_of_its_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    network, counts = in_doubles(models.small_model("4C3-MP2-6N", height=28, width=28)), list[int]()

    def counting(*given: object) -> torch.Tensor:
        counts.append(len(given[2]))  # type: ignore[arg-type]
        return logits_without(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(occlusion, "logits_without", counting)
    image = standardized(network, models.some_pixels(1, 28, 28))
    occlude(network, image, torch.tensor([1]), Settings(batch=1_000))
    assert counts == [13 * 13]
    assert occlusion.OCCLUSION.passes(Settings(), (28, 28)) == 13 * 13 + 1


def test_where_blocks_are_a_large_part_of_the_map_none_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[torch.Tensor] = []
    crop = locality._crop

    def watched(stored: torch.Tensor, changed: object, *given: object) -> torch.Tensor:
        found = crop(stored, changed, *given)  # type: ignore[arg-type]
        if found is not changed.values:  # type: ignore[attr-defined]
            cut.append(stored)
        return found

    monkeypatch.setattr(locality, "_crop", watched)
    model = models.small_model("4C3-5C3-6C3-7C3-5N", height=20, width=20)
    network = in_doubles(model)
    image = standardized(network, models.some_pixels(1, 20, 20))
    logits_without(network, values_of(network, image), torch.tensor([[4, 4], [3, 4]]), 7)
    assert [one.shape[1] for one in cut] == [3, 4], "from the second convolution on, maps are computed as a whole"


def test_a_pixel_has_the_mean_loss_of_the_patches_that_hold_it() -> None:
    model = models.small_model("4C3-MP2-6N")
    network, pixels = in_doubles(model), models.some_pixels(1)
    image, target = standardized(network, pixels), torch.tensor([1])
    (found,) = occlude(network, image, target, Settings(patch=6, batch=5))
    sums, counts = np.zeros((2, 17, 14)), np.zeros((17, 14))
    whole = logits_of(network, image)
    chance = network.probabilities_of(whole)[0, 1]
    for row in (0, 3, 6, 9, 11):
        for column in (0, 3, 6, 8):
            without = image.clone()
            without[:, :, row : row + 6, column : column + 6] = 0
            logits = logits_of(network, without)
            here = np.s_[row : row + 6, column : column + 6]
            sums[0][here] += float(whole[0, 1] - logits[0, 1])
            sums[1][here] += float(chance - network.probabilities_of(logits)[0, 1])
            counts[here] += 1
    assert found.probability is not None
    np.testing.assert_allclose(found.values, sums[0] / counts, atol=1e-6)
    np.testing.assert_allclose(found.probability, sums[1] / counts, atol=1e-6)


def test_a_patch_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ParameterError, match="at most 14"):
        patch_side(Settings(patch=15), (17, 14))
