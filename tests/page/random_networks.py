"""Networks of all kinds, untrained: those that must not be missing, and those that chance gives."""

import numpy as np
import torch
from hypothesis import given, settings

from convscope.images.preprocessing import Preprocessing
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.pooling import POOLINGS
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import calibrated

IMAGES = 2
EVERY = (  # what chance may leave out
    *(f"4C3-{code}2-5C2-{code}g-{word}" for code, word in zip(POOLINGS, NONLINEARITIES, strict=False)),
    *(f"3C4/2-{code}3/2-6N-{word}-nonorm" for code, word in zip(POOLINGS, list(NONLINEARITIES)[::-1], strict=False)),
    "4U3-MP2-5U2:2v-LP3/1-3N",
    "4C3-+4C3-AP3/2-+4U2:3-BP3-elu",
    "MP2-SS2-AP2",
    "softmax",
)


def model_of(case: Case, seed: int) -> Model:
    network = Network(case.layout, **case.sizes, mean=(0.4,) * case.channels, std=(0.3,) * case.channels, seed=seed)
    with torch.no_grad():
        network.train()(torch.from_numpy(images_of(case, 4, seed)))  # moves the running statistics
        for name, value in network.named_parameters():
            if name.endswith("bias"):
                value.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(seed))
    calibrated(network)
    layer = Preprocessing(height=case.height, width=case.width, channels=case.channels)
    classes = tuple(f"class {place}" for place in range(case.classes))
    return Model(network=network.eval(), classes=classes, preprocessing=layer)


def images_of(case: Case, count: int, seed: int) -> np.ndarray:
    shape = (count, case.height, case.width, case.channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def drawn(count: int) -> list[Case]:
    found: list[Case] = []

    @settings(LAWS, max_examples=count)
    @given(cases(largest_side=14))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def every_case(count: int = 50) -> list[Case]:
    """Return what must not be missing and `count` that chance gives."""
    return [Case(layout=Layout.parse(text), height=13, width=11, channels=3, classes=4) for text in EVERY] + drawn(
        count
    )


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference as a part of the largest value; below 0.01 float32 itself knows no 4 digits."""
    return float(np.abs(found - expected).max() / max(1e-2, np.abs(expected).max()))
