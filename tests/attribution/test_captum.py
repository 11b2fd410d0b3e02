"""Maps are those of captum on the same network."""

import numpy as np
import pytest
import torch
from torch import nn

from convscope.attribution.contributions import contribute
from convscope.attribution.grad_cam import weigh_maps
from convscope.attribution.method import Settings
from convscope.attribution.occlusion import occlude
from convscope.networks.model import Model
from tests.checks.models import some_pixels

captum = pytest.importorskip("captum.attr")

TARGETS = torch.tensor([1, 0])


@pytest.fixture(scope="module")
def network() -> tuple[nn.Module, Model]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 6, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(6 * 6 * 5, 3),
        ).eval()
    return module, Model.from_torch(module, (3, 16, 14), preprocessing={"mean": [0.5] * 3, "std": [0.25] * 3})


@pytest.fixture(scope="module")
def images(network: tuple[nn.Module, Model]) -> torch.Tensor:
    return network[1].network.standardize(torch.from_numpy(some_pixels(2, 16, 14)))


def test_occlusion_is(network: tuple[nn.Module, Model], images: torch.Tensor) -> None:
    module, model = network
    found = occlude(model.network, images, TARGETS, Settings(patch=4))  # type: ignore[arg-type]
    theirs = captum.Occlusion(module).attribute(images, (3, 4, 4), strides=(3, 2, 2), baselines=0, target=TARGETS)
    np.testing.assert_allclose(np.stack([one.values for one in found]), theirs[:, 0].detach().numpy(), atol=1e-5)


def test_grad_cam_is(network: tuple[nn.Module, Model], images: torch.Tensor) -> None:
    module, model = network
    found = weigh_maps(model.network, images, TARGETS, Settings())  # type: ignore[arg-type]
    small = captum.LayerGradCam(module, module[4]).attribute(images, target=TARGETS)
    theirs = captum.LayerAttribution.interpolate(small, (16, 14), "bilinear")
    np.testing.assert_allclose(np.stack([one.values for one in found]), theirs[:, 0].detach().numpy(), atol=1e-5)


def test_contributions_are(network: tuple[nn.Module, Model], images: torch.Tensor) -> None:
    module, model = network
    found = contribute(model.network, images, TARGETS, Settings())  # type: ignore[arg-type]
    theirs = captum.InputXGradient(module).attribute(images.clone().requires_grad_(), target=TARGETS)
    np.testing.assert_allclose(np.stack([one.values for one in found]), theirs.sum(1).detach().numpy(), atol=1e-5)
