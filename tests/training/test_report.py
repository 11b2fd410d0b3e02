import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import machine
from convscope.core.records import to_json
from convscope.core.statistics import wilson_interval
from convscope.images.inspection import Problem
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training import class_metrics
from convscope.training.report import Report, read_report, write_report
from tests.checks.laws import LAWS
from tests.checks.reports import reported

names = st.text(st.characters(codec=None), max_size=12)  # lone surrogates are names of files, too


def report_of(labels: Any, probabilities: Any, **changes: Any) -> Report:
    wide = np.asarray(probabilities)
    given: dict[str, Any] = {
        "name": "set",
        "split": "validation",
        "labels": labels,
        "probabilities": wide,
        "names": [f"image {place}" for place in range(len(wide))],
        "indices": np.arange(len(wide)) * 3,
        "classes": [f"class {place}" for place in range(wide.shape[1])],
        "settings": {"epochs": 3},
        "seconds": 1.5,
    }
    return reported(**{**given, **changes})


@st.composite
def reports(draw: st.DrawFn) -> Report:
    size, classes = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return report_of(
        rng.integers(0, classes, size),
        rng.dirichlet(np.ones(classes), size),
        name=draw(names),
        names=draw(st.lists(names, min_size=size, max_size=size)),
        classes=draw(st.lists(names, min_size=classes, max_size=classes)),
        settings=draw(st.dictionaries(names, st.none() | st.booleans() | st.integers() | names | st.lists(names))),
        problems=draw(
            st.lists(
                st.builds(
                    Problem, name=names, kind=st.just("truncated"), detail=names, others=st.lists(names).map(tuple)
                )
            )
        ),
        notes=draw(st.lists(names)),
        layers=plan(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=classes).layers,
        machine=machine(),
    )


@LAWS
@given(report=reports())
def test_what_is_read_equals_what_was_written(report: Report, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("run") / "report.json"
    write_report(report, path)
    assert read_report(path) == report


@LAWS
@given(report=reports())
def test_counts_add_up(report: Report) -> None:
    assert sum(cell.count for cell in report.cells) == report.images
    assert sum(score.support for score in report.classes) == report.images
    assert sum(score.predicted for score in report.classes) == report.images
    assert sum(score.correct for score in report.classes) == report.correct
    low, high = report.accuracy.interval
    assert 0 <= low <= report.accuracy.fraction <= high <= 1


def test_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 500)
    probabilities = rng.dirichlet(np.ones(7), 500) + np.eye(7)[labels] * 0.3
    probabilities /= probabilities.sum(1, keepdims=True)
    report, predicted = report_of(labels, probabilities), probabilities.argmax(1)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted)
    assert report.accuracy.fraction == pytest.approx(accuracy_score(labels, predicted))
    assert [score.precision for score in report.classes] == pytest.approx(precision)
    assert [score.recall for score in report.classes] == pytest.approx(recall)
    assert [score.f1 for score in report.classes] == pytest.approx(f1)
    assert [score.support for score in report.classes] == support.tolist()
    matrix = np.zeros((7, 7), int)
    for cell in report.cells:
        matrix[cell.truth, cell.predicted] = cell.count
    assert (matrix == confusion_matrix(labels, predicted)).all()


def test_every_interval_is_wilsons() -> None:
    report = report_of([0, 0, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    assert report.accuracy.interval == wilson_interval(3, 4)
    assert report.classes[0].recall_interval == wilson_interval(2, 3)
    assert report.classes[1].precision_interval == wilson_interval(1, 2)


def test_a_class_that_does_not_occur_has_no_scores() -> None:
    score = report_of([0], [[0.9, 0.1]]).classes[1]
    assert (score.precision, score.recall, score.f1, score.recall_interval) == (None, None, None, None)


def test_a_class_that_is_never_predicted_has_no_precision_but_a_recall_of_zero() -> None:
    score = report_of([1, 0], [[0.9, 0.1], [0.9, 0.1]]).classes[1]
    assert (score.precision, score.recall, score.f1) == (None, 0.0, 0.0)


def test_wrong_images_stand_surest_first_and_right_ones_least_sure_first() -> None:
    report = report_of([0, 0, 0, 0], [[0.2, 0.8], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]])
    correct, wrong = report.cells
    assert [(answer.name, answer.index, answer.probability) for answer in wrong.images] == [
        ("image 1", 3, 0.9),
        ("image 0", 0, 0.8),
    ]
    assert [answer.truth_probability for answer in wrong.images] == [0.1, 0.2]
    assert [answer.name for answer in correct.images] == ["image 3", "image 2"]


def test_kept_images_are_bounded_and_every_cell_keeps_its_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_metrics, "MOST_WRONG", 6)
    labels = np.repeat([0, 1, 2], [100, 10, 70])
    wide = np.full((180, 3), 0.1)
    wide[:100, 1] = wide[100:110, 2] = wide[110:, 2] = 0.7
    report = report_of(labels, wide)
    kept = {(cell.truth, cell.predicted): (cell.count, len(cell.images)) for cell in report.cells}
    assert kept == {(0, 1): (100, 3), (1, 2): (10, 3), (2, 2): (70, class_metrics.MOST_CORRECT_A_CLASS)}


def test_all_wrong_images_are_kept_while_there_are_at_most_ten_thousand() -> None:
    wide = np.tile([0.1, 0.9], (10_050, 1))
    assert len(report_of(np.zeros(10_000, int), wide[:10_000]).cells[0].images) == 10_000
    report = report_of(np.zeros(10_050, int), wide)
    assert (report.cells[0].count, len(report.cells[0].images)) == (10_050, 10_000)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": [], "probabilities": np.zeros((0, 2))}, r"`labels` must be one list of at least one class"),
        ({"labels": [[0]]}, r"`labels` must be one list"),
        ({"labels": [0, 1, 1]}, r"`probabilities` must have one line per image and one column per class, \(3, 2\)"),
        ({"labels": [0, 2]}, r"`labels` must be whole numbers from 0 to 1\. Got int64 from 0 to 2"),
        ({"labels": [0.0, 1.0]}, r"`labels` must be whole numbers"),
        ({"labels": [-1, 1]}, r"`labels` must be whole numbers"),
        ({"indices": [1]}, r"`names` and `indices` must have one entry per image, 2\. Got 2 names"),
        ({"names": ["a"]}, r"Got 1 name and"),
        ({"probabilities": [[2.0, 0.1], [0.1, 0.9]]}, r"`probabilities` must be from 0 to 1\. Got .* Apply softmax"),
        ({"probabilities": [[np.nan, 0.1], [0.1, 0.9]]}, r"`probabilities` must be from 0 to 1"),
        ({"probabilities": [[-0.5, 0.1], [0.1, 0.9]]}, r"`probabilities` must be from 0 to 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, Any], sentence: str) -> None:
    arrays = {"labels": [0, 1], "probabilities": [[0.9, 0.1], [0.1, 0.9]], **changes}
    kept = {"names": ["a", "b"], "indices": [0, 1], "classes": ["cat", "dog"]}
    with pytest.raises(DataError, match=sentence):
        report_of(arrays.pop("labels"), arrays.pop("probabilities"), **{**kept, **arrays})


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_settings_that_json_cannot_hold_are_refused(value: Any) -> None:
    with pytest.raises(ParameterError, match="`settings` must hold JSON values only"):
        report_of([0], [[0.9, 0.1]], settings={"it": value})


def test_counts_that_disagree_are_refused() -> None:
    report = report_of([0, 1], [[0.9, 0.1], [0.1, 0.9]])
    with pytest.raises(DataError, match="`cells` must count 3 images, 2 of them"):
        dataclasses.replace(report, images=3)


def test_cells_of_classes_that_are_not_there_are_refused() -> None:
    report = report_of([0, 1], [[0.9, 0.1], [0.1, 0.9]])
    with pytest.raises(DataError, match=r"`cells` must name classes from 0 to 0\. Got 1"):
        dataclasses.replace(report, classes=report.classes[:1])
    moved = tuple(
        dataclasses.replace(cell, truth=cell.truth - 1, predicted=cell.predicted - 1) for cell in report.cells
    )
    with pytest.raises(DataError, match=r"`cells` must name classes from 0 to 1\. Got -1"):
        dataclasses.replace(report, cells=moved)


def damaged(change: Any) -> str:
    value = to_json(report_of([0, 1], [[0.9, 0.1], [0.1, 0.9]]))
    change(value)
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be a report in JSON"),
        ("{", "must be a report in JSON"),
        ("[" * 100_000, "must be a report in JSON"),
        ("[]", "is no report of this version: `Report` must be an object"),
        ("{}", "is no report of this version: `Report` must have the field 'name'"),
        (damaged(lambda value: value.update(more=1)), "only known fields. Got 'more'"),
        (damaged(lambda value: value.update(images="2")), "`Report.images` must be int"),
        (damaged(lambda value: value.update(images=7)), "`cells` must count 7 images"),
        (damaged(lambda value: value["cells"][0].pop("count")), "must have the field 'count'"),
    ],
)
def test_a_file_that_is_no_report_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(DataError, match=sentence.replace("[]", r"\[\]")):
        read_report(path)


def test_a_report_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot read .*report\.json: No such file"):
        read_report(tmp_path / "report.json")


def test_a_report_is_read_without_loading_torch_or_pillow() -> None:
    program = (
        "import sys, convscope.training.report, convscope.training.history\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'PIL', 'sklearn', 'matplotlib'}))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
