"""A network behaves like every classifier of scikit-learn: its own checks, its tools, pickles, and plain sentences."""

import copy
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.estimators.classifier import ConvClassifier
from convscope.estimators.parameters import settings_of
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.training.state import TrainingState

FEW = ConvClassifier("4C3-MP2", epochs=2, batch=32, threads=1)
LEFT_OUT: dict[
    str, str
] = {}  # checks of scikit-learn that are left out, each with its reason; docs/scikit-learn.md lists them

Images = NDArray[np.float64]
Labels = NDArray[np.int64]


@parametrize_with_checks([ConvClassifier(epochs=15)], expected_failed_checks=lambda _: LEFT_OUT)  # type: ignore[untyped-decorator]
def test_every_check_of_scikit_learn_passes(estimator: ConvClassifier, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def digits() -> tuple[Images, Labels]:
    data = load_digits()
    return data.images, data.target


@pytest.fixture(scope="module")
def some(digits: tuple[Images, Labels]) -> tuple[Images, Labels]:
    return digits[0][:120], digits[1][:120]


@pytest.fixture(scope="module")
def fitted(some: tuple[Images, Labels]) -> ConvClassifier:
    classifier: ConvClassifier = clone(FEW).fit(*some)
    return classifier


@pytest.mark.slow
def test_digits_are_told_apart_as_images_and_the_same_as_rows_of_a_known_shape(digits: tuple[Images, Labels]) -> None:
    parts = train_test_split(*digits, test_size=0.2, stratify=digits[1], random_state=0)
    images, held_out, labels, answers = parts
    options: dict[str, Any] = {"epochs": 8, "batch": 64, "learning_rate": 0.006, "precision": "float32", "threads": 1}
    classifier = ConvClassifier("24C3-MP2-48C3-MP2-64N", **options).fit(images, labels)
    assert classifier.score(held_out, answers) >= 0.97
    rows = ConvClassifier("24C3-MP2-48C3-MP2-64N", **options, image_shape=(8, 8))
    rows.fit(images.reshape(-1, 64), labels)
    expected = classifier.predict_proba(held_out)
    assert np.array_equal(rows.predict_proba(held_out.reshape(-1, 64)), expected)
    assert np.array_equal(rows.predict_proba(held_out), expected)  # a known shape is known to images too
    assert np.array_equal(classifier.predict_proba(held_out.reshape(-1, 64)), expected)


def test_what_is_learned_is_told(fitted: ConvClassifier) -> None:
    assert fitted.classes_.tolist() == list(range(10))
    assert (fitted.n_features_in_, fitted.n_iter_, fitted.image_shape_) == (64, 2, (8, 8, 1))
    assert isinstance(fitted.model_, Model)
    assert str(fitted.model_.layout) == "4C3-MP2"
    assert [record.epoch for record in fitted.history_] == [1, 2]
    assert fitted.history_[-1].validation_accuracy is None


def test_the_model_can_be_saved_and_gives_the_same_probabilities(
    fitted: ConvClassifier, some: tuple[Images, Labels], tmp_path: Path
) -> None:
    write_model(fitted.model_, tmp_path / "model.safetensors")
    model = read_model(tmp_path / "model.safetensors")
    pixels = some[0][..., None].astype(np.uint8)
    assert np.array_equal(model.predict_proba(pixels), fitted.predict_proba(some[0]))


@pytest.mark.slow
def test_a_grid_of_layouts_is_searched_in_two_processes(some: tuple[Images, Labels]) -> None:
    grid = {"layout": np.array(["8C3-MP2", "softmax"]), "epochs": np.arange(1, 3), "flip": np.array([False])}
    search = GridSearchCV(clone(FEW), grid, cv=StratifiedKFold(2), n_jobs=2).fit(*some)
    assert search.best_params_["layout"] in ("8C3-MP2", "softmax")
    assert len(search.cv_results_["mean_test_score"]) == 4
    assert search.predict(some[0]).shape == (120,)


def test_it_stands_at_the_end_of_a_pipeline(some: tuple[Images, Labels]) -> None:
    pipeline = make_pipeline(FunctionTransformer(lambda images: images / 16), clone(FEW)).fit(*some)
    assert pipeline.predict_proba(some[0]).shape == (120, 10)
    assert pipeline[-1].pixel_range_.high == 1


def test_cross_validation_takes_images_with_four_axes(some: tuple[Images, Labels]) -> None:
    colored = np.repeat(some[0][..., None], 3, axis=3).astype(np.uint8)
    assert cross_val_score(clone(FEW), colored, some[1], cv=2).shape == (2,)


def test_a_clone_is_unfitted_and_has_the_same_parameters(fitted: ConvClassifier, some: tuple[Images, Labels]) -> None:
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        again.predict(some[0])


def test_a_copy_in_depth_predicts_the_same(fitted: ConvClassifier, some: tuple[Images, Labels]) -> None:
    assert np.array_equal(copy.deepcopy(fitted).predict_proba(some[0]), fitted.predict_proba(some[0]))


LOADING = """
import sys, joblib, pickle, numpy as np
images = np.load(sys.argv[1] + "/images.npy")
with open(sys.argv[1] + "/pickle", "rb") as file:
    one = pickle.load(file)
two = joblib.load(sys.argv[1] + "/joblib")
np.save(sys.argv[1] + "/answers.npy", np.stack([one.predict_proba(images), two.predict_proba(images)]))
"""


@pytest.mark.slow
def test_pickled_and_dumped_it_predicts_the_same_in_another_process(
    fitted: ConvClassifier, some: tuple[Images, Labels], tmp_path: Path
) -> None:
    np.save(tmp_path / "images.npy", some[0])
    (tmp_path / "pickle").write_bytes(pickle.dumps(fitted))
    joblib.dump(fitted, tmp_path / "joblib")
    command = [sys.executable, "-c", LOADING, str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120)
    answers = np.load(tmp_path / "answers.npy")
    assert np.array_equal(answers[0], fitted.predict_proba(some[0]))
    assert np.array_equal(answers[1], answers[0])


def test_a_pickle_holds_the_model_file_and_nothing_of_torch(fitted: ConvClassifier) -> None:
    data = pickle.dumps(fitted)
    assert b"torch" not in data
    assert b"convscope" in data
    broken = fitted.__getstate__()
    broken["model_"] = broken["model_"][:-10]
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        ConvClassifier().__setstate__(broken)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
    fitted: ConvClassifier, some: tuple[Images, Labels]
) -> None:
    expected = fitted.predict_proba(some[0])
    assert np.array_equal(clone(FEW).fit(*some).predict_proba(some[0]), expected)
    other = clone(FEW).set_params(seed=1).fit(*some)
    assert not np.array_equal(other.predict_proba(some[0]), expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_every_global_randomness_are_as_before(threads: int, some: tuple[Images, Labels]) -> None:
    torch.set_num_threads(1)
    before = torch.get_rng_state(), str(np.random.get_state()), random.getstate()  # noqa: NPY002  # looked at only
    clone(FEW).set_params(threads=threads).fit(*some).predict(some[0])
    assert torch.get_num_threads() == 1
    assert torch.equal(torch.get_rng_state(), before[0])
    assert str(np.random.get_state()) == before[1]  # noqa: NPY002  # looked at only
    assert random.getstate() == before[2]


@pytest.mark.parametrize(
    "labels",
    [["a", "b"], [True, False], [-1, 1], [0.0, 1.0], ["", "\n"], ["x" * 300 + "1", "x" * 300 + "2"]],
)
def test_labels_of_every_type_come_back_and_are_pickled(labels: list[Any]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4), dtype=np.uint8)
    classifier = clone(FEW).fit(images, np.array(labels * 3))
    assert set(classifier.predict(images).tolist()) <= set(np.array(labels).tolist())
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict(images), classifier.predict(images))


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float16, bool])
def test_numbers_of_every_type_are_learned_from(kind: Any, some: tuple[Images, Labels]) -> None:
    classifier = clone(FEW).fit(some[0].astype(kind), some[1])
    assert np.isfinite(classifier.predict_proba(some[0].astype(kind))).all()


def test_whole_numbers_are_the_same_pixels_in_every_type_and_layout_in_memory(
    fitted: ConvClassifier, some: tuple[Images, Labels]
) -> None:
    expected = fitted.predict_proba(some[0])
    for images in (some[0].astype(np.uint8), np.asfortranarray(some[0]), some[0][..., None], some[0].tolist()):
        assert np.array_equal(fitted.predict_proba(images), expected)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_values_of_any_size_are_learned_from_and_those_outside_are_cut_off(scale: float) -> None:
    values = np.random.default_rng(0).normal(size=(40, 6, 6)) * scale
    labels = np.arange(40) % 2
    classifier = clone(FEW).fit(values, labels)
    assert np.isfinite(classifier.predict_proba(values)).all()
    limits = np.clip(values * 10, values.min(), values.max())
    assert np.array_equal(classifier.predict_proba(values * 10), classifier.predict_proba(limits))


def test_the_smallest_sets_are_learned_from() -> None:
    for images in (np.array([[0], [9]]), np.zeros((2, 1, 1)), np.full((3, 5, 4, 3), 7.5)):
        classifier = ConvClassifier(epochs=2).fit(images, ["a", "b", "b"][: len(images)])
        assert classifier.predict_proba(images).shape == (len(images), 2)


def test_a_layout_may_be_a_record(some: tuple[Images, Labels]) -> None:
    classifier = ConvClassifier(Layout.parse("4C3-MP2"), epochs=1).fit(*some)
    assert classifier.model_.layout == Layout.parse("4C3-MP2")


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"epochs": 0}, ParameterError, "`epochs` must be a whole number from 1 to 1,000,000. Got 0"),
        ({"epochs": 2.5}, ParameterError, "`epochs` must be a whole number. Got 2.5"),
        ({"epochs": True}, ParameterError, "`epochs` must be a whole number. Got True"),
        ({"batch": 1}, ParameterError, "`batch` must be a whole number from 2"),
        ({"seed": -1}, ParameterError, "`seed` must be a whole number from 0 to"),
        ({"seed": None}, ParameterError, "`seed` must be given"),
        ({"learning_rate": "fast"}, ParameterError, "`learning_rate` must be a number. Got 'fast'"),
        ({"flip": "no"}, ParameterError, "`flip` must be True or False. Got 'no'"),
        ({"balance": 1}, ParameterError, "`balance` must be True or False. Got 1"),
        ({"threads": 0}, ParameterError, "`threads` must be a whole number from 1"),
        ({"precision": "float23"}, ParameterError, "`precision` must be one of auto.*Did you mean 'float32'"),
        ({"layout": "8D3"}, LayoutError, "8D3"),
        ({"layout": "8C9v-MP2"}, LayoutError, "does not fit"),
        (
            {"image_shape": (8, 9)},
            DataError,
            r"`image_shape` must be the shape of the images in `X`. Got \(8, 9, 1\)",
        ),
        ({"image_shape": "8x8"}, DataError, r"`image_shape` must be \(height, width\) or .*Got '8x8'"),
        ({"image_shape": (8.0, 8)}, DataError, r"`image_shape` must be \(height, width\) or"),
    ],
)
def test_a_parameter_that_cannot_be_is_told_in_fit(
    parameters: dict[str, Any], error: type[Exception], sentence: str, some: tuple[Images, Labels]
) -> None:
    classifier = ConvClassifier(**({"epochs": 1} | parameters))
    with pytest.raises(error, match=sentence):
        classifier.fit(*some)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (
            np.zeros((4, 8, 8, 4)),
            r"`X` must have images of 1 or 3 channels. Got 4 in \(8, 8, 4\). Leave out the others",
        ),
        (np.zeros((4, 3, 8, 8)), r"1 or 3 channels. Got 8 .*The channels come last: np.moveaxis\(X, 1, -1\)"),
        (np.zeros((4, 2, 2, 2, 1)), r"`X` must have the shape N H W, N H W C or N × values. Got \(4, 2, 2, 2, 1\)"),
        (
            [np.zeros((2, 2)), np.zeros((2, 3))] * 2,
            "`X` must hold images of one shape. Got a list of different ones. Resize",
        ),
        (np.zeros((0, 8, 8)), "Found array with 0 sample"),
        (np.zeros((4, 0, 8)), "0 feature"),
        (np.full((4, 8, 8), np.nan), "contains NaN"),
        (np.zeros((3, 8, 8)), "inconsistent numbers of samples"),
    ],
)
def test_images_that_cannot_be_are_told(images: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        clone(FEW).fit(images, [0, 1] * 2)


def test_one_class_alone_is_told() -> None:
    with pytest.raises(DataError, match=r"`y` must have at least 2 classes\. Got 1 class \('cat'\)\. Add another\."):
        clone(FEW).fit(np.zeros((4, 8, 8)), ["cat"] * 4)


def test_images_of_another_shape_are_told_in_predict(fitted: ConvClassifier) -> None:
    with pytest.raises(DataError, match=r"`X` must have images of \(8, 8, 1\), as in fit\. Got \(4, 16, 1\)\. Resize"):
        fitted.predict(np.zeros((2, 4, 16)))
    with pytest.raises(ValueError, match="X has 63 features, but ConvClassifier is expecting 64"):
        fitted.predict(np.zeros((2, 63)))


def test_images_in_another_unit_than_in_fit_are_told(fitted: ConvClassifier, some: tuple[Images, Labels]) -> None:
    unit = clone(FEW).fit(some[0] / 16, some[1])
    with pytest.raises(
        DataError, match="`X` must have values from 0 to 1, as in fit. Got uint8 up to 16. Divide it by 255"
    ):
        unit.predict(some[0].astype(np.uint8))
    with pytest.warns(UserWarning, match="X has values from 0 to 1 only, where fit had pixels from 0 to 255"):
        fitted.predict(some[0] / 17)


def test_a_class_of_few_images_is_found_when_classes_are_balanced() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(400) % 40 == 0).astype(int)
    images = rng.normal(size=(400, 6, 6)) + 0.3 * labels[:, None, None]
    options: dict[str, Any] = {"layout": "softmax", "epochs": 6, "threads": 1, "shift": 0, "flip": False}
    found = [
        ConvClassifier(**options, balance=balance).fit(images, labels).predict(images)[labels == 1].mean()
        for balance in (False, True)
    ]
    assert found[1] > found[0]


def test_the_weights_kept_are_the_best_ones_of_the_training_state(
    some: tuple[Images, Labels], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = TrainingState.best_weights

    def nothing_learned(state: TrainingState) -> dict[str, torch.Tensor]:
        weights = honest(state)
        return weights | {name: torch.zeros_like(weights[name]) for name in weights if name.startswith("classifier")}

    monkeypatch.setattr(TrainingState, "best_weights", nothing_learned)
    probabilities = clone(FEW).fit(*some).predict_proba(some[0])
    assert np.allclose(probabilities, 0.1)


def test_the_first_stage_can_be_learned_without_labels_and_frozen(some: tuple[Images, Labels]) -> None:
    frozen = clone(FEW).set_params(pretrain="edges", freeze=True).fit(*some)
    weight = frozen.model_.network.stages[0].convolution.weight.detach().numpy()
    turned = np.stack([np.rot90(weight[0, 0], -number) for number in range(4)])
    np.testing.assert_allclose(weight[:, 0], turned, atol=1e-6)
    assert frozen.model_.training["recipe"]["pretrain"] == ["edges"]
    free = (
        clone(FEW).set_params(pretrain="edges").fit(*some).model_.network.stages[0].convolution.weight.detach().numpy()
    )
    assert not np.allclose(free, weight, atol=1e-3)
    with pytest.raises(ParameterError, match="`pretrain` needs a layout whose first stage is a convolution"):
        ConvClassifier("9N", pretrain="edges").fit(*some)
    with pytest.raises(ParameterError, match="`freeze` must be True or False"):
        ConvClassifier("4C3", pretrain="edges", freeze="yes").fit(*some)


def test_margins_are_calibrated_on_what_was_learned_from_and_the_model_says_so(some: tuple[Images, Labels]) -> None:
    fitted = clone(FEW).set_params(layout="4C3-MP2-svm").fit(*some)
    calibration = fitted.model_.training["calibration"]
    assert (calibration["on_validation"], calibration["images"]) == (False, 120)
    assert fitted.model_.network.offsets.abs().min() > 0
    np.testing.assert_allclose(fitted.predict_proba(some[0]).sum(axis=1), 1, atol=1e-5)


def test_every_parameter_of_training_reaches_it() -> None:
    given: dict[str, Any] = {
        "layout": "4C3-MPg", "epochs": 3, "seed": 5, "batch": 7, "learning_rate": 0.25, "flip": True, "shift": 1,
        "rotate": 2.0, "scale": 0.125, "erase": 0.5, "progressive_resizing": 0.75, "balance": True, "pretrain": "dct",
        "freeze": True, "threads": 2, "device": "cpu", "precision": "float32",
    }  # fmt: skip
    parameters = ConvClassifier(**given).get_params()
    assert set(parameters) - set(given) == {"image_shape"}
    settings = settings_of(parameters)
    assert {name: getattr(settings, name) for name in given} == given
