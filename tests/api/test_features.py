"""Features of a set through the public functions: same parts as in training, same values in memory and on disk."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import convscope
from convscope.api.features import compare_classifiers, save_features
from convscope.api.train import TrainResult
from convscope.core.context import Context
from convscope.core.errors import DataError, ModelFileError, ParameterError
from convscope.features.hand_made import hand_made
from convscope.features.reading import StageFeatures
from convscope.images.dataset import prepare
from convscope.images.sources.opening import open_source
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.plan import plan
from tests.checks.models import small_model, some_pixels
from tests.checks.reporters import Heard


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    folder = tmp_path_factory.mktemp("run")
    return convscope.train("digits", layout="8C3-MP2-12N", epochs=3, seed=4, output=folder, force=True)


def test_features_come_with_the_parts_that_the_network_was_trained_with(run) -> None:
    found = convscope.extract_features(run.folder.path, "digits")
    assert found.values.shape == (1797, 12)
    held_out = found.part("validation")
    assert len(held_out) == run.report.images
    classifier = run.model.network.classifier
    scores = found.vectors @ classifier.weight.detach().numpy().T + classifier.bias.detach().numpy()
    correct = (scores.argmax(1) == found.labels)[held_out].mean()
    assert correct == pytest.approx(run.report.accuracy.fraction, abs=1e-9)


def test_what_is_saved_is_what_is_returned(run, tmp_path: Path) -> None:
    found = convscope.extract_features(run.model, "digits", stage=1, pool="grid2")
    written = save_features(run.model, "digits", tmp_path / "x.npz", stage=1, pool="grid2", batch=100)
    assert (written.images, written.shape) == (1797, (8, 2, 2))
    with np.load(tmp_path / "x.npz") as saved:
        np.testing.assert_allclose(saved["features"], found.values, rtol=1e-5, atol=1e-6)
        assert saved["splits"].tolist() == list(found.splits)
        assert saved["names"].tolist() == list(found.names)
        assert saved["labels"].tolist() == [found.classes[label] for label in found.labels]


def test_classifiers_are_compared_the_best_first(run) -> None:
    found = convscope.extract_features(run.model, "digits", stage=1)
    evaluated = compare_classifiers(found, ["lda", "knn"])
    assert sorted(one.name for one in evaluated) == ["knn", "lda"]
    assert evaluated[0].accuracy.correct >= evaluated[1].accuracy.correct
    assert evaluated[-1].accuracy.fraction > 0.9


def test_images_of_some_classes_keep_the_numbers_of_the_model_and_others_are_refused(run, tmp_path: Path) -> None:
    images = np.zeros((8, 8, 8), np.uint8)
    images[:, 0, 0] = np.arange(8)
    context = Context(cache_dir=tmp_path)
    found = convscope.extract_features(run.model, (images, np.arange(8) % 2 * 4 + 3), context=context)
    assert (found.classes, found.labels.tolist()) == (run.model.classes, [3, 7] * 4)
    with pytest.raises(
        DataError, match=r"must have classes of the model\. Got '11', which it does not have; it has '0'"
    ):
        convscope.extract_features(run.model, (images, np.arange(8) % 2 * 8 + 3), context=context)


def test_requests_that_cannot_be_met_are_refused_before_images_are_read(run, tmp_path: Path) -> None:
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
    assert compare_classifiers(found, ["lda"])[0].accuracy.fraction > 0.9
    with pytest.raises(ParameterError, match=r"`stage`, `layer` and `pool` are for networks\. Got one with 'pca'"):
        convscope.extract_features("pca", "digits", stage=1)


def test_a_run_folder_with_the_name_of_hand_made_features_goes_first(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hog").symlink_to(run.folder.path)
    assert convscope.extract_features("hog", "digits").values.shape == (1797, 12)


def test_unlabeled_images_have_features_and_neither_class_nor_part(run, tmp_path: Path) -> None:
    images = load_digits().images[:30]
    folder = tmp_path / "unsorted"
    (folder / "empty").mkdir(parents=True)
    for place, pixels in enumerate(images):
        Image.fromarray((pixels * 15.9375).round().astype(np.uint8)).save(folder / f"{place}.png")
    (folder / "7.png").write_bytes(b"no image")
    known = convscope.extract_features(run.model, "digits")
    written = save_features(run.model, folder, tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    assert [row[0] for row in rows] == [f"{place}.png" for place in range(30) if place != 7]
    assert {(row[1], row[2]) for row in rows} == {("", "")}
    assert (written.images, len(written.unusable)) == (29, 1)
    of_arrays = convscope.extract_features(run.model, images / 16)
    assert (of_arrays.classes, set(of_arrays.splits), set(of_arrays.labels.tolist())) == (("",), {""}, {0})
    np.testing.assert_allclose(of_arrays.vectors, known.vectors[:30], atol=1e-4)
    saved = np.array([row[3:] for row in rows], float)
    np.testing.assert_allclose(saved, np.delete(of_arrays.vectors, 7, axis=0), atol=1e-5)


def test_hand_made_features_of_unlabeled_images_are_learned_from_all_of_them() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16), np.uint8)
    found = convscope.extract_features("pca", images)
    expected = hand_made("pca", images[..., None], learn_from=np.arange(20)).of(images[..., None])
    np.testing.assert_array_equal(found.vectors, np.concatenate(list(expected)))
    few = hand_made("pca", images[..., None], learn_from=np.arange(10)).of(images[..., None])
    assert found.vectors.shape != np.concatenate(list(few)).shape


def test_a_single_image_has_features_too(run, tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 100, np.uint8)).save(tmp_path / "a.png")
    found = convscope.extract_features(run.model, tmp_path / "a.png")
    assert (found.images, found.values.shape) == (("a.png",), (1, 12))


def test_classifiers_need_classes(run, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="must have one sub-folder per class"):
        convscope.extract_features(run.model, tmp_path, unlabeled=False)
    found = convscope.extract_features(run.model, tmp_path)
    with pytest.raises(DataError, match="Got unlabeled images"):
        compare_classifiers(found, ["lda"])


def test_unlabeled_images_are_evaluated_by_nothing() -> None:
    dataset = prepare(open_source(np.zeros((3, 8, 8)), unlabeled=True))
    assert not any(problem.kind == "few images" for problem in dataset.inspection.problems)
    with pytest.raises(DataError, match="must have classes to evaluate by"):
        _ = dataset.evaluation_split


def test_a_folder_without_images_is_refused_without_talk_of_classes(run, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(DataError, match="must have images. Got 1 sub-folder without any image. Check the path"):
        convscope.extract_features(run.model, tmp_path)


def test_one_folder_in_a_folder_is_no_class(run, tmp_path: Path) -> None:
    (tmp_path / "thumbs").mkdir()
    for name in ("a.png", "thumbs/b.png"):
        Image.fromarray(np.full((8, 8), 100, np.uint8)).save(tmp_path / name)
    found = convscope.extract_features(run.model, tmp_path)
    assert (found.images, found.classes) == (("a.png", "thumbs/b.png"), ("",))
    (tmp_path / "a.png").unlink()
    assert convscope.extract_features(run.model, tmp_path).images == ("thumbs/b.png",)


def test_one_image_in_color_is_not_taken_for_many_gray_ones(run) -> None:
    with pytest.raises(DataError, match=r"images\[None\] for one image"):
        convscope.extract_features(run.model, np.zeros((8, 8, 3)))


def test_folders_of_which_none_is_a_class_of_the_model_hold_unlabeled_images(run, tmp_path: Path) -> None:
    heard = Heard()
    for name in ("2023/spring/a.png", "2024/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 100, np.uint8)).save(tmp_path / name)
    found = convscope.extract_features(run.model, tmp_path, progress=heard)
    assert (found.images, found.classes) == (("c.png", "2023/spring/a.png", "2024/b.png"), ("",))
    assert heard.lines == [f"{tmp_path}/: unlabeled images"]
    (tmp_path / "2024").rename(tmp_path / "7")
    with pytest.raises(DataError, match="must have classes of the model"):
        convscope.extract_features(run.model, tmp_path)


def test_a_class_in_other_letters_is_no_folder_without_classes(tmp_path: Path) -> None:
    model = small_model(classes=2)  # "class 0" and "class 1"
    for name in ("Class 0/a.png", "Class 1/b.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(some_pixels(1)[0]).save(tmp_path / name)
    with pytest.raises(DataError, match="must have classes of the model"):
        convscope.extract_features(model, tmp_path)


def test_images_beside_the_folders_of_the_classes_are_named(run, tmp_path: Path) -> None:
    heard = Heard()
    for place in range(10):
        (tmp_path / str(place)).mkdir()
        Image.fromarray(np.full((8, 8), 20 * place, np.uint8)).save(tmp_path / str(place) / "a.png")
    for name in ("b.png", "c.png"):
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(tmp_path / name)
    found = convscope.extract_features(run.model, tmp_path, progress=heard)
    assert len(found.images) == 10
    assert heard.lines == ["2 images in no folder of a class are left out, such as b.png"]


def test_who_interrupts_is_told_where_it_goes_on(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()

    really = StageFeatures.of

    def interrupted(*given: Any, **named: Any) -> Iterator[np.ndarray]:
        yield next(iter(really(*given, **named)))
        raise KeyboardInterrupt

    monkeypatch.setattr(StageFeatures, "of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_features(run.model, "digits", tmp_path / "x.npz", progress=heard, batch=100)
    assert heard.lines == [f"finished batches are saved beside {tmp_path / 'x.npz'}; the same call resumes"]
    monkeypatch.undo()
    save_features(run.model, "digits", tmp_path / "x.npz", progress=heard, batch=100)
    assert heard.lines[1] == f"{tmp_path / 'x.npz'}: resuming after 100 of 1,797 images"


def test_numbers_of_numpy_are_numbers(run) -> None:
    images = np.zeros((2, 8, 8))
    found = convscope.predict(run.model, images, top=np.int64(3), batch=np.int64(1), workers=np.int32(1))
    assert found == convscope.predict(run.model, images, top=3, batch=1)
    assert convscope.extract_features(run.model, images, stage=np.int64(1)).values.shape[1:] == (8, 4, 4)
    sizes = {"height": np.int32(28), "width": np.uint8(28), "channels": np.uint8(3), "classes": np.int64(10)}
    assert plan(Layout.parse("32C5"), **sizes) == plan(
        Layout.parse("32C5"), height=28, width=28, channels=3, classes=10
    )
    with pytest.raises(ParameterError, match="`top` must be a whole number"):
        convscope.predict(run.model, images, top=np.float64(3))
