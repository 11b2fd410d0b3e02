"""What reads the last maps: its losses are what nested loops and scikit-learn say, its slopes the numerical ones."""

import numpy as np
import pytest
import torch
from sklearn.metrics import hinge_loss, log_loss

from convscope.networks.build import Network
from convscope.networks.classifiers import LINEAR_CLASSIFIERS
from convscope.networks.layout import Layout

SCORES = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.tensor([0, 3, 1, 1, 2, 0, 3])
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 0.1], dtype=torch.float64)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("name", "power"), [("svm", 2), ("hinge", 1)])
def test_margins_are_lacking_as_nested_loops_say(name: str, power: int, weights: torch.Tensor | None) -> None:
    total = shares = 0.0
    for logits, label in zip(SCORES.tolist(), LABELS.tolist(), strict=True):
        share = 1.0 if weights is None else float(weights[label])
        for number, score in enumerate(logits):
            total += share * max(0.0, 1 - (score if number == label else -score)) ** power
        shares += share
    assert float(LINEAR_CLASSIFIERS[name].loss(SCORES, LABELS, weights, 0.3)) == pytest.approx(
        total / shares, rel=1e-12
    )


def test_of_two_classes_each_lacks_what_scikit_learn_says() -> None:
    margin = SCORES[:, 0]
    labels = (LABELS > 1).long()
    loss = LINEAR_CLASSIFIERS["hinge"].loss(torch.stack([-margin, margin], dim=1), labels, None, 0.0)
    assert float(loss) == pytest.approx(2 * hinge_loss(labels.numpy(), margin.numpy()), rel=1e-12)


def test_softmax_loses_what_scikit_learn_says() -> None:
    expected = log_loss(LABELS.numpy(), torch.softmax(SCORES, dim=1).numpy())
    assert float(LINEAR_CLASSIFIERS["softmax"].loss(SCORES, LABELS, None, 0.0)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", LINEAR_CLASSIFIERS)
def test_slopes_are_the_numerical_ones(name: str) -> None:
    assert torch.autograd.gradcheck(
        lambda logits: LINEAR_CLASSIFIERS[name].loss(logits, LABELS, WEIGHTS, 0.0), SCORES.clone().requires_grad_()
    )


def test_probabilities_are_a_softmax_at_a_temperature_or_of_margins_sigmoids_made_to_add_up_to_1() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 4, 4, 1), dtype=np.uint8))
    for name, kind in LINEAR_CLASSIFIERS.items():
        network = Network(Layout.parse(f"3N-{name}"), height=4, width=4, channels=1, classes=3).eval()
        logits = network(images).detach().numpy().astype(np.float64)
        if kind.gives_probabilities:
            network.temperature.fill_(2.5)
            shares = np.exp(logits / 2.5)
        else:
            slopes, offsets = [0.5, 1.0, 2.0], [0.3, -0.1, 0.0]
            network.set_sigmoids(slopes, offsets)
            shares = 1 / (1 + np.exp(-(logits * slopes + offsets)))
        expected = shares / shares.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(network.probabilities(images).detach().numpy(), expected, atol=1e-6)
