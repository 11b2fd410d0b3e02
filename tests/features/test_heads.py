"""A classifier learned on features, put into the network: the same classes and probabilities, in one file."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import convscope
from convscope.cli import main
from convscope.core.errors import ParameterError, StorageError
from convscope.features.extraction import FeatureSet
from convscope.features.heads import linear_head, with_classifier
from convscope.features.reading import Reading
from convscope.networks.model import Model
from convscope.verbs.features import compare_classifiers, save_with_classifier

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
    trained = convscope.train((images, labels), layout="4C3-MP2", epochs=1, output=folder, force=True, cache_dir=folder)
    return trained.model, convscope.extract_features(trained.model, (images, labels), cache_dir=folder)


def pixels(found: FeatureSet) -> np.ndarray:
    """Return the digits that the features are of, as the network takes them."""
    from sklearn.datasets import load_digits

    places = [int(name.removeprefix("images[").removesuffix("]")) for name in found.pictures]
    return np.round(load_digits().images[places] * 255 / 16).astype(np.uint8)[..., None]


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
    judged = compare_classifiers(found, [name])
    best = save_with_classifier(run, found, judged, tmp_path / "m.safetensors", stage=stage, pool=pool)
    assert best is judged[0]
    model = convscope.load(tmp_path / "m.safetensors")
    assert str(model.layout) == layout
    expected = best.fitted.predict_proba(found.vectors[:200])
    np.testing.assert_allclose(model.predict_proba(pixels(found)[:200]), expected, atol=2e-4)
    assert model.training["classifier"]["name"] == name
    assert model.training["classifier"]["temperature"] == 1.0


def test_an_svm_keeps_its_classes_and_gets_likely_probabilities(run: Path) -> None:
    found = convscope.extract_features(run, "digits")
    (svm,) = compare_classifiers(found, ["svm"])
    model = with_classifier(convscope.load(run), Reading(), found, "svm", svm.fitted)
    probabilities = model.predict_proba(pixels(found))
    assert (probabilities.argmax(1) == svm.fitted.predict(found.vectors)).all()
    assert str(model.layout) == f"{LAYOUT}-svm"
    temperature = model.training["classifier"]["temperature"]
    assert temperature == pytest.approx(float(model.network.temperature))
    held_out = found.part("validation")
    rows = np.arange(len(held_out))

    def unlikely(divisor: float) -> float:
        scores = svm.fitted.decision_function(found.vectors[held_out]) / divisor
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return float(-np.log(powers / powers.sum(axis=1, keepdims=True))[rows, found.labels[held_out]].mean())

    assert unlikely(temperature) < min(unlikely(temperature / 4), unlikely(temperature * 4), unlikely(1.0))
    own = probabilities[held_out][rows, found.labels[held_out]]
    assert float(-np.log(own).mean()) == pytest.approx(unlikely(temperature), rel=1e-3)


@pytest.mark.parametrize("name", ["softmax", "lda", "svm"])
def test_of_two_classes_both_have_a_score(name: str, two: tuple[Model, FeatureSet]) -> None:
    model, found = two
    (judged,) = compare_classifiers(found, [name])
    head = linear_head(judged.fitted, classes=2)
    assert head is not None
    assert head.weights.shape == (2, 64)
    assert (head.scores(found.vectors).argmax(1) == judged.fitted.predict(found.vectors)).all()
    assert with_classifier(model, Reading(), found, name, judged.fitted).classes == model.classes


def test_what_is_not_linear_is_refused(run: Path, tmp_path: Path) -> None:
    found = convscope.extract_features(run, "digits", pool="mean", stage=1)
    judged = compare_classifiers(found, ["knn"])
    with pytest.raises(ParameterError, match=r"`knn` cannot be put into a model file, .* such as softmax, svm and lda"):
        save_with_classifier(run, found, judged, tmp_path / "m.safetensors", stage=1, pool="mean")
    assert linear_head(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), classes=2) is None
    with pytest.raises(ParameterError, match=r"Only the features of a network go into a model file\. Got 'pca'"):
        save_with_classifier("pca", found, judged, tmp_path / "m.safetensors")
    grid = convscope.extract_features(run, "digits", pool="grid2", stage=1)
    with pytest.raises(ParameterError, match=r"`pool` must be none, mean or max .* Got 'grid2'"):
        save_with_classifier(
            run, grid, compare_classifiers(grid, ["lda"]), tmp_path / "m.safetensors", stage=1, pool="grid2"
        )
    assert list(tmp_path.iterdir()) == []


def test_labels_that_are_not_all_classes_make_no_head() -> None:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(np.arange(4.0)[:, None], [0, 0, 2, 2])
    assert linear_head(fitted, classes=3) is None


def test_the_command_saves_the_best_linear_one(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["features", str(run), "digits", "--classifiers", "knn,lda", "--save", "m.safetensors", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "m.safetensors: the network with lda as its classifier"
    assert convscope.load("m.safetensors").training["classifier"]["name"] == "lda"
    assert main(["features", str(run), "digits", "--classifiers", "lda", "--save", "m.safetensors", "--quiet"]) == 2
    assert "m.safetensors is already there" in capsys.readouterr().err
    assert main(["features", str(run), "digits", "-o", "x.npz", "--save", "n.safetensors"]) == 2
    assert "--save needs --classifiers to choose from" in capsys.readouterr().err
    found = convscope.extract_features(run, "digits")
    with pytest.raises(StorageError, match="is already there"):
        save_with_classifier(run, found, compare_classifiers(found, ["lda"]), "m.safetensors")
