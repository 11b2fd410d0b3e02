"""What `check` finds with a network, from images on disk to page and table, and what it says where it cannot."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

import convscope
from convscope.api.check_with_network import PAGE, TABLE
from convscope.api.run_results import with_evaluated_labels
from convscope.cleaning import findings
from convscope.cleaning.findings import find_problems
from convscope.cli import main
from convscope.core.context import Context
from convscope.core.errors import ParameterError, StorageError
from convscope.images.dataset import prepare
from convscope.images.inspection import Inspection, Problem
from convscope.images.sources.opening import open_source
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.training.report import EvaluatedImages, RunFacts
from tests.transfer.test_start import start_model

WRONG, COPY, BLURRED = "red/3.png", "zcopy", "green/5.png"
COPIED = "green/0.png"  # which a training would set aside for validation, and its copy not


def write_images(folder: Path, *, classes: str = "red green blue", each: int = 14) -> Path:
    """Write images that differ by color and by large random squares, with one error of each kind among them."""
    rng = np.random.default_rng(0)
    for name in classes.split():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            shown = "blue" if f"{name}/{number}.png" == WRONG else name
            pixels = np.kron(rng.integers(0, 120, (9, 9, 3)), np.ones((8, 8, 1))).astype(np.uint8)
            pixels[..., ("red", "green", "blue").index(shown)] += 120
            image = Image.fromarray(pixels + rng.integers(0, 12, pixels.shape).astype(np.uint8))
            if f"{name}/{number}.png" == BLURRED:
                image = image.filter(ImageFilter.GaussianBlur(6))
            image.save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def network() -> Model:
    model = start_model()
    return Model(network=model.network, classes=model.classes, preprocessing=model.preprocessing)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_images(tmp_path_factory.mktemp("data") / "set")
    with Image.open(folder / COPIED) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((60, 60)).save(folder / "green" / f"{COPY}.jpg")
    return folder


def found_in(data: Any, network: Any, folder: Path, **options: Any) -> Inspection:
    return convscope.check(data, model=network, context=Context(cache_dir=folder / "cache"), **options)


def of(inspection: Inspection, kind: str) -> dict[str, Problem]:
    return {problem.name: problem for problem in inspection.of_kind(kind)}


def test_each_error_is_found_and_page_and_table_list_them(data: Path, network: Model, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    found = found_in(data, network, tmp_path, output=tmp_path / "out")
    assert of(found, "wrong label")[WRONG].suggested == "blue"
    assert BLURRED in of(found, "blurred")
    (copy,) = of(found, "near-duplicate").values()
    pair = {copy.name, *copy.others}
    assert pair == {COPIED, f"green/{COPY}.jpg"}
    assert "flipped" in copy.detail
    drawn = prepare(open_source(data))
    assert len({int(drawn.splits[index]) for index in range(len(drawn)) if drawn.image_name(index) in pair}) == 2
    assert not re.search(r"\b(train|training|val|validation|test)\b", copy.detail), "no split is told that is not there"
    assert all(0 <= (problem.score or 0) <= 1 for problem in found.scored)
    with (tmp_path / "out" / TABLE).open(encoding="utf-8", newline="") as file:
        assert [row["image"] for row in csv.DictReader(file)] == [problem.name for problem in found.scored]
    assert WRONG in (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    with pytest.raises(StorageError, match="already there"):
        found_in(data, network, tmp_path, output=tmp_path / "out")


def test_what_was_decided_is_not_found_again(data: Path, network: Model, tmp_path: Path) -> None:
    decisions = f"image,decision,class\n{WRONG},other class,blue\n{COPIED},leave out,\n{BLURRED},keep,\n"
    (tmp_path / "labels.csv").write_text(decisions, encoding="utf-8")
    found = found_in(data, network, tmp_path, labels=tmp_path / "labels.csv")
    assert not of(found, "near-duplicate")
    assert not {WRONG, BLURRED} & {problem.name for problem in found.scored}


def test_a_training_takes_the_decisions_and_a_report_names_wrong_labels(
    data: Path, network: Model, tmp_path: Path
) -> None:
    context = Context(cache_dir=tmp_path / "cache")
    first = convscope.train(data, start=network, output=tmp_path / "first", context=context)
    assert WRONG in {problem.name for problem in first.report.problems if problem.kind == "wrong label"}
    page = (tmp_path / "first/report.html").read_text(encoding="utf-8")
    assert "look" in page
    assert "looks like" in page
    (tmp_path / "labels.csv").write_text(f"image,decision,class\n{WRONG},other class,blue\n", encoding="utf-8")
    second = convscope.train(
        data, start=network, labels=tmp_path / "labels.csv", output=tmp_path / "second", context=context
    )
    assert "1 image of another class" in " ".join(second.report.notes)
    assert WRONG not in {problem.name for problem in second.report.problems if problem.kind == "wrong label"}


def test_labels_are_evaluated_by_normalized_features_and_outliers_by_the_features_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[np.ndarray] = []
    monkeypatch.setattr(findings, "outlyingness", lambda values: seen.append(values) or np.zeros(len(values)))
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    images = rng.integers(0, 255, (60, 8, 8, 1), dtype=np.uint8)
    dataset = prepare(open_source((images, labels)))
    features = (rng.normal(size=(3, 80))[labels] + 0.3 * rng.normal(size=(60, 80))).astype(np.float32)
    features[4] = features[30]  # of another class
    brighter = (features * 10 ** rng.uniform(-2, 2, (60, 1)) + rng.normal(size=(60, 1))).astype(np.float32)
    one, other = (find_problems(dataset, values).problems for values in (features, brighter))
    wrong = [[problem.index for problem in found if problem.kind == "wrong label"] for found in (one, other)]
    assert wrong == [[4], [4]]
    assert seen[0] is features


def test_a_network_evaluates_only_labels_that_it_did_not_learn_from() -> None:
    labels = np.repeat([0, 1], 20)
    probabilities = np.where(np.eye(2)[labels] > 0, 0.95, 0.05)
    probabilities[3] = 0.01, 0.99
    facts = RunFacts(name="set", settings={}, seconds=1.0)
    images = {"labels": labels, "probabilities": probabilities, "indices": range(100, 140), "classes": ("cat", "dog")}
    names = [f"{number}.png" for number in range(40)]
    evaluated = with_evaluated_labels(facts, EvaluatedImages(split="validation", names=names, **images))
    assert [(problem.name, problem.index) for problem in evaluated.problems] == [("3.png", 103)]
    assert "40 validation images, by the network, which did not learn from them" in evaluated.notes[0]
    assert with_evaluated_labels(facts, EvaluatedImages(split="training", names=names, **images)) == facts


@pytest.mark.parametrize(
    ("classes", "each", "words"),
    [("red", 24, "no classes"), ("red green blue", 1, "20 or more"), ("red green blue", 8, "")],
    ids=["one class", "one image per class", "few"],
)
def test_sets_that_teach_little_are_looked_through_all_the_same(
    network: Model, tmp_path: Path, classes: str, each: int, words: str
) -> None:
    folder = write_images(tmp_path / "set", classes=classes, each=each)
    found = found_in(folder, network, tmp_path)
    assert words in " ".join(found.notes)
    assert found.images == each * len(classes.split())


def test_a_folder_without_classes_has_copies_and_bad_images_but_no_labels(
    data: Path, network: Model, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in data.rglob("*.*g"):
        (flat / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    found = found_in(flat, network, tmp_path, output=tmp_path / "out")
    assert not of(found, "wrong label")
    assert len(of(found, "near-duplicate")) == 1
    assert "wrong labels are not looked for" in " ".join(found.notes)


def test_classes_of_one_image_and_very_many_classes_are_said(
    data: Path, network: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "set")
    (tmp_path / "set/gray").mkdir()
    Image.new("RGB", (70, 70), (9, 90, 9)).save(tmp_path / "set/gray/0.png")
    found = found_in(tmp_path / "set", network, tmp_path)
    assert "1 class of one image" in " ".join(found.notes)
    monkeypatch.setattr(findings, "MOST_CLASSES", 2)
    found = found_in(data, network, tmp_path)
    assert "3 classes: wrong labels are looked for among at most 2" in " ".join(found.notes)


def test_gray_networks_and_colored_images_go_together(data: Path, tmp_path: Path) -> None:
    assert found_in(data, start_model(channels=1), tmp_path).usable == 43


def test_a_network_that_cannot_be_is_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, word in (("no-such-network", "must be"), (str(data / "red/0.png"), "model")):
        assert main(["check", str(data), "--model", name]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert word in error
    from torch import nn

    module = nn.Sequential(nn.Conv2d(5, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ParameterError, match="5 channels"):
        found_in(data, module, tmp_path)


@pytest.mark.parametrize("option", [{"output": "out"}, {"labels": "labels.csv"}, {"force": True}])
def test_options_of_a_network_need_one(data: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="requires `model`"):
        convscope.check(data, **option)


def test_the_command_prints_scores(
    data: Path, network: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(network, tmp_path / "model.safetensors")
    words = ["check", str(data), "--model", str(tmp_path / "model.safetensors"), "--cache-dir", str(tmp_path / "cache")]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "labels that look wrong" in text
    assert f"{WRONG}: Labeled red" in text or f"{WRONG}: labeled red" in text
