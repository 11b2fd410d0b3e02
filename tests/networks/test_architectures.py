"""The small architectures that readers of networks are tested with are networks: finite, repeatable, exportable."""

import pytest
import torch
from torch import Tensor, nn

from tests.checks.architectures import ARCHITECTURES, CLASSES, Architecture

everyone = pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)


def answer(module: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        found = module(images)
    return found["out"] if isinstance(found, dict) else found


@everyone
def test_it_answers_with_finite_values_of_order_1_for_each_class(architecture: Architecture) -> None:
    found = answer(architecture.make(), architecture.example(2))
    assert found.shape[:2] == (2, CLASSES)
    assert found.ndim == (4 if architecture.dense else 2)
    if architecture.dense:
        assert all(side % of == 0 for side, of in zip(architecture.shape[1:], found.shape[2:], strict=True))
    assert torch.isfinite(found).all()
    assert 0.1 < found.std() < 10


@everyone
def test_it_depends_on_the_image_and_on_nothing_else(architecture: Architecture) -> None:
    images = architecture.example(2)
    torch.manual_seed(7)
    module, state = architecture.make(), torch.get_rng_state()
    first, second = answer(module, images), answer(architecture.make(), images)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert torch.equal(state, torch.get_rng_state())
    assert (first[0] - first[1]).abs().max() > 0.05
    assert not any(one.training for one in module.modules())


@everyone
def test_no_batch_normalization_is_the_identity(architecture: Architecture) -> None:
    for layer in architecture.make().modules():
        if isinstance(layer, nn.BatchNorm2d):
            identity = ((layer.weight, 1), (layer.bias, 0), (layer.running_mean, 0), (layer.running_var, 1))
            for values, unchanged in identity:
                assert values is not None
                assert (values != unchanged).all()


@everyone
def test_torch_exports_it(architecture: Architecture) -> None:
    module, images = architecture.make(), architecture.example()
    exported = torch.export.export(module, (images,)).module()
    torch.testing.assert_close(answer(exported, images), answer(module, images))
