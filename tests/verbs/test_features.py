"""Features of a set through the public functions: same parts as in training, same values in memory and on disk."""

from pathlib import Path

import numpy as np
import pytest

import convscope
from convscope.core.errors import DataError, ModelFileError, ParameterError
from convscope.networks.model import Model
from convscope.verbs.features import compare_classifiers, save_features
from convscope.verbs.train import Trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("run")
    return convscope.train("digits", layout="8C3-MP2-12N", epochs=3, seed=4, output=folder, force=True)


def test_features_come_with_the_parts_that_the_network_was_trained_with(run) -> None:
    found = convscope.extract_features(run.folder.path, "digits")
    assert found.values.shape == (1797, 12)
    held_out = found.part("validation")
    assert len(held_out) == run.report.pictures
    classifier = run.model.network.classifier
    scores = found.vectors @ classifier.weight.detach().numpy().T + classifier.bias.detach().numpy()
    right = (scores.argmax(1) == found.labels)[held_out].mean()
    assert right == pytest.approx(run.report.accuracy, abs=1e-9)


def test_what_is_saved_is_what_is_returned(run, tmp_path: Path) -> None:
    found = convscope.extract_features(run.model, "digits", stage=1, pool="grid2")
    written = save_features(run.model, "digits", tmp_path / "x.npz", stage=1, pool="grid2", batch=100)
    assert (written.pictures, written.shape) == (1797, (8, 2, 2))
    with np.load(tmp_path / "x.npz") as saved:
        np.testing.assert_allclose(saved["features"], found.values, rtol=1e-5, atol=1e-6)
        assert saved["splits"].tolist() == list(found.splits)
        assert saved["names"].tolist() == list(found.names)
        assert saved["labels"].tolist() == [found.classes[label] for label in found.labels]


def test_classifiers_are_compared_the_best_first(run) -> None:
    found = convscope.extract_features(run.model, "digits", stage=1)
    judged = compare_classifiers(found, ["lda", "knn"])
    assert sorted(one.name for one in judged) == ["knn", "lda"]
    assert judged[0].right >= judged[1].right
    assert judged[-1].accuracy > 0.9


def test_pictures_of_other_classes_are_refused(run, tmp_path: Path) -> None:
    images = np.zeros((8, 8, 8), np.uint8)
    images[:, 0, 0] = np.arange(8)
    with pytest.raises(DataError, match=r"must have the classes of the model, 10\. Got 2 \(in one of them only: '2'"):
        convscope.extract_features(run.model, (images, np.arange(8) % 2), cache_dir=tmp_path)


def test_requests_that_cannot_be_met_are_refused_before_pictures_are_read(run, tmp_path: Path) -> None:
    nothing = tmp_path / "no such folder"
    with pytest.raises(ParameterError, match="`stage` must be from 0"):
        convscope.extract_features(run.model, nothing, stage=9)
    with pytest.raises(ParameterError, match="must end in one of"):
        save_features(run.model, nothing, tmp_path / "x.txt")
    with pytest.raises(ModelFileError, match="there is no such file"):
        convscope.extract_features(nothing, "digits")
    assert isinstance(run.model, Model)


def test_hand_made_features_stand_in_the_place_of_a_model(tmp_path: Path) -> None:
    found = convscope.extract_features("pca", "digits", output=tmp_path / "x.npz")
    assert found.vectors.shape == (1797, 50)
    assert found.splits.count("validation") == 359
    assert np.load(tmp_path / "x.npz")["names"][0] == "pca1"
    assert compare_classifiers(found, ["lda"])[0].accuracy > 0.9
    with pytest.raises(ParameterError, match=r"`stage` and `pool` are for networks\. Got them with 'pca'"):
        convscope.extract_features("pca", "digits", stage=1)


def test_a_run_folder_with_the_name_of_hand_made_features_goes_first(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hog").symlink_to(run.folder.path)
    assert convscope.extract_features("hog", "digits").values.shape == (1797, 12)
