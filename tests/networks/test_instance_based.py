"""Classifiers that keep images: what nested loops say, whole in a model file, refused where they lie."""

from pathlib import Path

import numpy as np
import pytest
import torch

from convscope.core.errors import ModelFileError, ParameterError
from convscope.layers.instance_based import ExemplarClassifier, Exemplars
from convscope.networks.folding import ready
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.networks.tensors import expected_tensors
from tests.checks.models import small_model, some_pixels, with_exemplars
from tests.checks.work import counted_calls

from .broken_models import hostile_exemplars

NEIGHBORS = Exemplars(kind="neighbors", kept=12, neighbors=5)
KERNEL = Exemplars(kind="kernel", kept=9)
EVERY = pytest.mark.parametrize(
    ("exemplars", "layout"), [(NEIGHBORS, "4C3-MP2-6N"), (KERNEL, "4C3-MP2-6N-svm")], ids=["neighbors", "kernel"]
)


def kept_by(exemplars: Exemplars, layout: str = "4C3-MP2-6N") -> Model:
    return with_exemplars(small_model(layout), exemplars)


def _good(folder: Path) -> bytes:
    write_model(kept_by(NEIGHBORS), folder / "good")
    return (folder / "good").read_bytes()


def distances(classifier: ExemplarClassifier, features: torch.Tensor) -> np.ndarray:
    rows = (features.numpy() - classifier.center.numpy()) / classifier.scale.numpy()
    return np.array([[float(np.sum((row - one) ** 2)) for one in classifier.kept.numpy()] for row in rows])


def test_votes_are_those_of_nested_loops() -> None:
    classifier = kept_by(NEIGHBORS).network.classifier
    features = torch.rand(20, 6, generator=torch.Generator().manual_seed(1))
    for found, near in zip(classifier(features).exp(), distances(classifier, features), strict=True):
        nearest = classifier.labels[np.argsort(near)[:5]].tolist()
        assert found.tolist() == pytest.approx([nearest.count(number) / 5 for number in range(3)])


def test_pairs_of_classes_are_decided_as_nested_loops_say() -> None:
    classifier = kept_by(KERNEL).network.classifier
    features = torch.rand(20, 6, generator=torch.Generator().manual_seed(1))
    weights, biases, labels = (getattr(classifier, name).tolist() for name in ("weights", "biases", "labels"))
    for found, near in zip(classifier(features).tolist(), distances(classifier, features), strict=True):
        won, clearly = [0.0] * 3, [0.0] * 3
        for pair, (one, other) in enumerate([(0, 1), (0, 2), (1, 2)]):
            margin = biases[pair]
            for place, distance in enumerate(near):
                answer = np.exp(-float(classifier.sharpness) * distance)
                margin += answer * weights[other - 1][place] * (labels[place] == one)
                margin += answer * weights[one][place] * (labels[place] == other)
            won[one if margin >= 0 else other] += 1
            clearly[one] += margin
            clearly[other] -= margin
        expected = [votes + sure / (3 * (abs(sure) + 1)) for votes, sure in zip(won, clearly, strict=True)]
        assert found == pytest.approx(expected, abs=1e-5)


@EVERY
def test_a_model_read_back_predicts_the_same_bits(exemplars: Exemplars, layout: str, tmp_path: Path) -> None:
    model = kept_by(exemplars, layout)
    state = {name: (value.dtype, tuple(value.shape)) for name, value in model.network.state_dict().items()}
    assert expected_tensors(model.network.plan, exemplars) == state
    write_model(model, tmp_path / "m")
    back = read_model(tmp_path / "m")
    assert back.network.classifier.exemplars == exemplars
    found = back.predict_proba(some_pixels(20))
    np.testing.assert_array_equal(found, model.predict_proba(some_pixels(20)))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(back.predict_proba(some_pixels(20), batch=3), found, atol=1e-5)
    write_model(back, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


@EVERY
def test_what_needs_weighted_sums_says_that_there_are_none(exemplars: Exemplars, layout: str) -> None:
    with pytest.raises(ParameterError, match=r"linear classifier.* \((12|9) stored"):
        ready(kept_by(exemplars, layout).network)


def test_a_file_that_lies_is_refused_with_one_sentence_at_once(tmp_path: Path) -> None:
    made = hostile_exemplars(_good(tmp_path))
    assert len(made) > 12
    for name, (content, reason) in made.items():
        (tmp_path / "m").write_bytes(content)
        with counted_calls() as calls, pytest.raises(ModelFileError, match=reason) as caught:
            read_model(tmp_path / "m")
        assert calls.number < 50_000, name
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"kind": "neighbors", "kept": 3}, "`neighbors` must be from 1 to 3"),
        ({"kind": "neighbors", "kept": 5_000, "neighbors": 1_001}, "`neighbors` must be from 1 to 1,000"),
        ({"kind": "kernel", "kept": 3, "neighbors": 1}, "`neighbors` must be from 0 to 0"),
        ({"kind": "kernel", "kept": 0}, "`kept` must be from 1"),
    ],
)
def test_what_nothing_can_keep_is_refused(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        Exemplars(**wrong)
    with pytest.raises(ParameterError, match=r"must have at least 2 classes\. Got 1"):
        KERNEL.build(4, 1)
