"""A classifier learned on features, put into the network: the same classes and probabilities, in one file."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import convscope
from convscope.api.features import compare_classifiers, save_with_classifier
from convscope.cli import main
from convscope.core.context import Context
from convscope.core.errors import ParameterError, StorageError
from convscope.core.records import from_json, to_json
from convscope.features.extraction import FeatureSet
from convscope.features.heads import STORABLE, head_of, with_classifier
from convscope.features.reading import Reading
from convscope.layers import instance_based
from convscope.measures.cost import CostRecord
from convscope.networks.model import Model
from convscope.networks.model_file import read_model

LAYOUT = "6C3-MP2-8C3v-12N"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    convscope.train("digits", layout=LAYOUT, epochs=2, output=folder, force=True)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, FeatureSet]:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 150, (60, 8, 8), np.uint8)
    images[labels == 1] += 60
    folder = tmp_path_factory.mktemp("two")
    trained = convscope.train(
        (images, labels), layout="4C3-MP2", epochs=1, output=folder, force=True, context=Context(cache_dir=folder)
    )
    return trained.model, convscope.extract_features(trained.model, (images, labels), context=Context(cache_dir=folder))


def pixels(found: FeatureSet) -> np.ndarray:
    """Return the digits that the features are of, as the network takes them."""
    from sklearn.datasets import load_digits

    places = [int(name.removeprefix("images[").removesuffix("]")) for name in found.images]
    return np.round(load_digits().images[places] * 255 / 16).astype(np.uint8)[..., None]


@pytest.mark.parametrize(
    ("name", "line", "note"),
    [
        # 12 values and a class each of 1,438 kept, a middle and a scale for each value; 12 products for each kept
        ("knn", "knn: 5 nearest of 1,438 +10 x 1x1 +18,718 +17,256 ", "the distances to them$"),
        ("lda", "lda +10 x 1x1 +130 +120 ", ""),
    ],
)
def test_the_cost_is_that_of_the_classifier_that_is_there(
    name: str, line: str, note: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "m.safetensors")
    assert main(["features", str(run), "digits", "--classifiers", name, "--save", path, "--quiet"]) == 0
    capsys.readouterr()
    assert main(["measure", path, "--cost", "--quiet", "--batch", "2"]) == 0
    out = capsys.readouterr().out
    assert re.search("^" + line, out, re.MULTILINE), out
    assert "softmax" not in out
    assert re.search(note, out, re.MULTILINE), out
    record = convscope.cost(path, repeats=0)
    stored = read_model(path).network.classifier.state_dict()
    assert record.costs[0].layers[-1].parameters == sum(value.numel() for value in stored.values())
    assert from_json(CostRecord, to_json(record)) == record


def test_support_vectors_are_counted(two: tuple[Model, FeatureSet]) -> None:
    model, found = two
    fitted = SVC().fit(found.vectors[found.part("train")], found.labels[found.part("train")])
    made = with_classifier(model, Reading(), found, "rbf-svm", fitted)
    last = convscope.cost(made, repeats=1, batch=2).costs[0].layers[-1]
    kept, values = len(fitted.support_vectors_), found.vectors.shape[1]
    assert last.name == f"rbf-svm: {kept} support vectors"
    assert last.macs == kept * values + kept
    assert last.parameters == sum(value.numel() for value in made.network.classifier.state_dict().values())


@pytest.mark.parametrize("name", ["softmax", "lda"])
@pytest.mark.parametrize(
    ("stage", "pool", "layout"),
    [
        (-1, "none", LAYOUT),
        (2, "none", "6C3-MP2-8C3v"),
        (2, "mean", "6C3-MP2-8C3v-APg"),
        (1, "none", "6C3-MP2"),
        (1, "max", "6C3-MP2-MPg"),
        (0, "none", "softmax"),
    ],
)
def test_the_model_gives_the_probabilities_of_the_classifier(
    name: str, stage: int, pool: str, layout: str, run: Path, tmp_path: Path
) -> None:
    found = convscope.extract_features(run, "digits", stage=stage, pool=pool)
    evaluated = compare_classifiers(found, [name])
    best = save_with_classifier(run, found, evaluated, tmp_path / "m.safetensors", stage=stage, pool=pool)
    assert best is evaluated[0]
    model = convscope.load(tmp_path / "m.safetensors")
    assert model.title == layout
    expected = best.fitted.predict_proba(found.vectors[:200])
    np.testing.assert_allclose(model.predict_proba(pixels(found)[:200]), expected, atol=2e-4)
    assert model.training["classifier"]["name"] == name
    assert model.training["classifier"]["probabilities"] == "its own"


@pytest.mark.parametrize(("name", "layout"), [("knn", LAYOUT), ("rbf-svm", f"{LAYOUT}-svm"), ("svm", f"{LAYOUT}-svm")])
def test_what_is_kept_or_weighed_is_in_the_file_and_scores_are_those_of_the_classifier(
    name: str, layout: str, run: Path, tmp_path: Path
) -> None:
    found = convscope.extract_features(run, "digits")
    (evaluated,) = compare_classifiers(found, [name])
    save_with_classifier(run, found, [evaluated], tmp_path / "m.safetensors")
    model = convscope.load(tmp_path / "m.safetensors")
    assert model.title == layout
    images = pixels(found)
    logits = model.network(torch.from_numpy(images)).numpy(force=True)
    if name == "knn":
        np.testing.assert_allclose(np.exp(logits), evaluated.fitted.predict_proba(found.vectors), atol=1e-6)
    else:
        np.testing.assert_allclose(logits, evaluated.fitted.decision_function(found.vectors), atol=1e-4)
    assert model.training["classifier"]["probabilities"] == ("its own" if name == "knn" else "platt")
    probabilities = model.predict_proba(images)
    held_out = found.part("validation")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    correct = probabilities[held_out].argmax(1) == found.labels[held_out]
    assert correct.mean() == pytest.approx(evaluated.accuracy.fraction, abs=0.02)


def test_the_probabilities_of_an_svm_are_those_of_scikit_learns_platt_scaling(run: Path) -> None:
    found = convscope.extract_features(run, "digits")
    (svm,) = compare_classifiers(found, ["svm"])
    model = with_classifier(convscope.load(run), Reading(), found, "svm", svm.fitted)
    train = found.part("train")
    platt = CalibratedClassifierCV(clone(svm.fitted), method="sigmoid", cv=StratifiedKFold(3), ensemble=False)
    platt.fit(found.vectors[train], found.labels[train])
    np.testing.assert_allclose(model.predict_proba(pixels(found)), platt.predict_proba(found.vectors), atol=1e-4)


@pytest.mark.parametrize("size", [1, 7, 2_000])
def test_what_is_kept_is_compared_in_blocks_of_any_size(size: int, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = convscope.extract_features(run, "digits")
    rows = torch.from_numpy(found.vectors[:5])
    for evaluated in compare_classifiers(found, ["knn", "rbf-svm"]):
        classifier = with_classifier(
            convscope.load(run), Reading(), found, evaluated.name, evaluated.fitted
        ).network.classifier
        expected = classifier(rows)
        monkeypatch.setattr(instance_based, "_AT_ONCE", 5 * size)
        assert len(classifier.blocks(5)) == -(-len(classifier.kept) // size)
        torch.testing.assert_close(classifier(rows), expected)
        monkeypatch.undo()


@pytest.mark.parametrize("gamma", ["auto", 0.01])
def test_an_svm_alone_and_neighbors_alone_are_stored_as_they_are(gamma: str | float, run: Path) -> None:
    found = convscope.extract_features(run, "digits")
    train = found.part("train")
    rows = found.vectors[train]
    # of classes with equally many votes we take that with the larger sum, as SVC does if it is told to
    for fitted in (SVC(gamma=gamma, break_ties=True), KNeighborsClassifier(3)):
        fitted.fit(rows, found.labels[train])
        network = with_classifier(convscope.load(run), Reading(), found, "own", fitted).network
        logits = network.classifier(torch.from_numpy(rows[:50])).numpy()
        assert (logits.argmax(1) == fitted.predict(rows[:50])).all()
    other_votes = KNeighborsClassifier(3, weights="distance").fit(rows, found.labels[train])
    too_few = KNeighborsClassifier(3).fit(rows[:-1], found.labels[train][:-1])
    straight = SVC(kernel="poly").fit(rows, found.labels[train])
    assert [head_of(one, found) for one in (other_votes, too_few, straight)] == [None] * 3


@pytest.mark.parametrize("name", STORABLE)
def test_of_two_classes_both_have_a_score(name: str, two: tuple[Model, FeatureSet]) -> None:
    model, found = two
    (evaluated,) = compare_classifiers(found, [name])
    made = with_classifier(model, Reading(), found, name, evaluated.fitted)
    logits = made.network.classifier(torch.from_numpy(found.vectors)).numpy(force=True)
    assert logits.shape == (60, 2)
    assert (logits.argmax(1) == evaluated.fitted.predict(found.vectors)).all()
    if name.endswith("svm"):
        np.testing.assert_allclose(logits[:, 1], evaluated.fitted.decision_function(found.vectors), atol=1e-4)
        np.testing.assert_allclose(logits[:, 0], -logits[:, 1], atol=1e-6)


def test_what_no_tensors_can_hold_is_refused(run: Path, tmp_path: Path) -> None:
    found = convscope.extract_features(run, "digits", pool="mean", stage=1)
    evaluated = compare_classifiers(found, ["forest"])
    with pytest.raises(
        ParameterError, match=r"`forest` cannot be put into a model file, .* are softmax, svm, rbf-svm, knn, lda;"
    ):
        save_with_classifier(run, found, evaluated, tmp_path / "m.safetensors", stage=1, pool="mean")
    assert head_of(DecisionTreeClassifier().fit(found.vectors, found.labels), found) is None
    with pytest.raises(ParameterError, match=r"Only the features of a network go into a model file\. Got 'pca'"):
        save_with_classifier("pca", found, evaluated, tmp_path / "m.safetensors")
    grid = convscope.extract_features(run, "digits", pool="grid2", stage=1)
    with pytest.raises(ParameterError, match=r"`pool` must be none, mean or max .* Got 'grid2'"):
        save_with_classifier(
            run, grid, compare_classifiers(grid, ["lda"]), tmp_path / "m.safetensors", stage=1, pool="grid2"
        )
    assert list(tmp_path.iterdir()) == []


def test_labels_that_are_not_all_classes_make_no_head(two: tuple[Model, FeatureSet]) -> None:
    fitted = LogisticRegression().fit(np.arange(4.0)[:, None], [0, 0, 2, 2])
    assert head_of(fitted, two[1]) is None


def test_the_command_saves_the_best_that_a_file_can_hold(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        main(["features", str(run), "digits", "--classifiers", "forest,lda", "--save", "m.safetensors", "--quiet"]) == 0
    )
    lines = capsys.readouterr().out.splitlines()
    expected = "m.safetensors: the network with lda as its classifier"
    if lines[1].startswith("forest"):
        expected += "; a model file cannot hold forest"
    expected += "; it was chosen by the accuracy above, which is therefore slightly optimistic"
    assert lines[-1] == expected
    assert convscope.load("m.safetensors").training["classifier"]["name"] == "lda"
    assert main(["features", str(run), "digits", "--classifiers", "lda", "--save", "m.safetensors", "--quiet"]) == 2
    assert "m.safetensors is already there" in capsys.readouterr().err
    assert main(["features", str(run), "digits", "-o", "x.npz", "--save", "n.safetensors"]) == 2
    assert "--save needs --classifiers to choose from" in capsys.readouterr().err
    found = convscope.extract_features(run, "digits")
    with pytest.raises(StorageError, match="is already there"):
        save_with_classifier(run, found, compare_classifiers(found, ["lda"]), "m.safetensors")
