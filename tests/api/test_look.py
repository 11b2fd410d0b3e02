"""Looking inside a network through the public function: which images come along, and where the page is."""

import dataclasses
import io
import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.api import look
from convscope.api.look_records import with_records
from convscope.core.errors import DataError, ParameterError, StorageError
from convscope.core.progress import Plain
from convscope.core.records import from_json
from convscope.core.text import image_in_words
from convscope.explorer.data import ExplorerData, NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.training.run_folder import RunFolder
from tests.checks.models import small_model, some_pixels
from tests.page.test_look_page import data_of as data_in


def data_of(path: Path) -> ExplorerData:
    return from_json(ExplorerData, json.loads(data_in(path.read_text("utf-8"))))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("my run")
    convscope.train("digits", layout="8C3-MP2", epochs=1, output=folder, force=True)
    return folder


def test_without_images_those_of_the_run_are_shown_correct_ones_first(run: Path) -> None:
    made = convscope.look(run, force=True)
    assert made.path == run / "look.html"
    data = data_of(made.path)
    assert made.images == len(data.images) == 200
    assert data.title == "digits"
    correct = [image.truth == image.predicted for image in data.images]
    assert correct == sorted(correct, reverse=True)
    assert 50 <= sum(correct) < 200, "a quarter is left to correct ones, and mistakes are there"
    assert len({image.name for image in data.images}) == 200
    report = json.loads((run / "report.json").read_text())
    total, right = Counter[int](), Counter[int]()
    for cell in report["cells"]:
        total[cell["truth"]] += cell["count"]
        right[cell["truth"]] += cell["count"] * (cell["truth"] == cell["predicted"])
    first = data.images[0].truth
    assert first is not None
    assert right[first] / total[first] == max(right[truth] / total[truth] for truth in total)
    assert made.path.stat().st_size < 3_000_000


def test_the_lesson_alone_needs_no_model(tmp_path: Path, run: Path) -> None:
    made = convscope.look(lesson=True, output=tmp_path / "lesson.html")
    text = made.path.read_text("utf-8")
    assert '"poolings"' in text
    assert "weights" in text
    assert made.path.stat().st_size < 400_000
    with pytest.raises(ParameterError, match="stand alone"):
        convscope.look(run, lesson=True, output=tmp_path / "x.html")
    with pytest.raises(ParameterError, match="model"):
        convscope.look()


def test_what_stands_there_is_overwritten_only_by_force(run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("mine")
    with pytest.raises(StorageError, match=r"x\.html is already there and is not overwritten"):
        convscope.look(run, output=tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text() == "mine"
    assert convscope.look(run, [], output=tmp_path / "x.html", force=True).images == 0


def test_images_of_any_size_are_made_those_of_the_network_and_bad_ones_are_named(tmp_path: Path) -> None:
    model = small_model(classes=2)
    (tmp_path / "class 1").mkdir()
    Image.fromarray(some_pixels(1, 40, 30)[0]).save(tmp_path / "class 1" / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    made = convscope.look(model, [tmp_path, tmp_path / "none.png"], output=tmp_path / "x.html")
    (name, reason), (missing, _) = made.unusable
    assert (name, missing) == (str(tmp_path / "b.png"), str(tmp_path / "none.png"))
    assert reason.startswith("it is not an image")
    (image,) = data_of(made.path).images
    assert (image.name, image.truth) == (str(tmp_path / "class 1" / "a.png"), 1)


def test_what_a_page_cannot_hold_is_counted(tmp_path: Path) -> None:
    made = convscope.look(small_model(), some_pixels(230), output=tmp_path / "x.html")
    assert (made.images, made.left_out) == (200, 30)


def test_a_page_has_room_for_two_dozen_large_images_unless_its_weights_fill_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = small_model("4C3-MP2", height=224, width=224)
    model = dataclasses.replace(small, preprocessing=Preprocessing(height=224, width=224, channels=3))
    assert look.room_of(model) == 23
    monkeypatch.setattr(look, "text_bytes", lambda *_: 98_000_000)
    assert look.room_of(model) == 1_500_000 // (224 * 224 * 3)
    monkeypatch.setattr(look, "text_bytes", lambda *_: 100_000_000)
    assert look.room_of(model) == 6


def test_what_is_picked_of_many_is_from_all_over_them_and_the_unusable_leave_no_gap(tmp_path: Path) -> None:
    given: list[Any] = list(some_pixels(1_000))
    given[5] = b"no image"
    made = convscope.look(small_model(), given, output=tmp_path / "x.html")
    names = [image.name for image in data_of(made.path).images]
    assert names[:3] == ["[0]", "[10]", "[15]"]
    assert names[-2:] == ["[995]", "[1]"]
    assert (len(names), made.left_out, len(made.unusable)) == (200, 799, 1)
    made = convscope.look(small_model(), iter(given), output=tmp_path / "y.html")
    names = [image.name for image in data_of(made.path).images]
    assert (names[4:6], names[-1], made.left_out) == (["[4]", "[6]"], "[200]", 0)


def test_a_folder_with_few_images_is_in_the_page_as_others_are(tmp_path: Path) -> None:
    counts = {"class 0": 260, "class 1": 1, "class 2": 90}
    for name, count in counts.items():
        (tmp_path / name).mkdir()
        for place, pixels in enumerate(some_pixels(count, 4, 4)):
            Image.fromarray(pixels).save(tmp_path / name / f"{place}.png")
    made = convscope.look(small_model(), tmp_path, output=tmp_path / "x.html")
    shown = [image.truth for image in data_of(made.path).images]
    assert [shown.count(place) for place in range(3)] == [109, 1, 90]


def test_a_folder_named_like_the_set_of_the_run_is_not_taken_for_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert convscope.look(run, output="x.html").images == 200


def test_the_model_in_a_run_folder_stands_for_the_run_and_one_from_elsewhere_for_itself(
    run: Path, tmp_path: Path
) -> None:
    found = convscope.look(run / "model.safetensors", force=True)
    assert (found.path, found.images) == (run / "look.html", 200)
    file = tmp_path / "m.safetensors"
    file.write_bytes((run / "model.safetensors").read_bytes())
    found = convscope.look(file)
    assert (found.path, found.images) == (tmp_path / "m.look.html", 0), "it names no folder to read from"
    with pytest.raises(ParameterError, match=r"`output` must name the file of the page .* Got None\. Give one"):
        convscope.look(convscope.load(run))


def test_a_run_without_a_report_shows_images_that_were_held_out(run: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    data = data_of(convscope.look(tmp_path).path)
    held_out = convscope.extract_features(run, "digits", pool="mean")
    names = {image_in_words(held_out.images[place]) for place in held_out.part("validation")}
    assert len(data.images) == 200
    assert {one.name for one in data.images} <= names


def test_a_run_whose_images_are_gone_gives_a_page_that_asks_for_one(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = convscope.load(run)
    write_model(model, tmp_path / "model.safetensors")
    (tmp_path / "report.json").write_text("{}")
    assert convscope.look(tmp_path, progress=Plain(sys.stdout)).images == 0
    assert "no images of the run are in the page, name some after the model: " in capsys.readouterr().out
    model.training["settings"]["data"] = str(tmp_path / "moved away")
    write_model(model, tmp_path / "model.safetensors")
    (tmp_path / "report.json").write_bytes((run / "report.json").read_bytes())
    assert convscope.look(tmp_path, force=True, progress=Plain(sys.stdout)).images == 0
    assert "moved away" in capsys.readouterr().out


def test_a_notebook_shows_the_page_in_a_frame_that_may_only_run_its_own_program(tmp_path: Path) -> None:
    made = convscope.look(small_model(), [], output=tmp_path / "x.html")
    text = made._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in text
    assert text.count("<") == 2, "the page itself is all inside the attribute"


def test_a_network_too_large_for_a_page_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MOST_EXACT", "MOST_NEARLY_EXACT", "LARGEST_HALVES", "LARGEST_TEXT"):
        monkeypatch.setattr(f"convscope.explorer.weights.{name}", 100)
    with pytest.raises(DataError, match=r"must fit into a page of .* MB.*parameters"):
        convscope.look(small_model(), output=tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


def test_the_page_of_the_usual_network_for_mnist_is_small() -> None:
    layout = Layout.parse("24C5-MP2-64C3-MP2-128C3-MP2-192N")
    network = Network(layout, height=28, width=28, channels=1, classes=10)
    step = Preprocessing(height=28, width=28, channels=1)
    model = Model(network=network, classes=tuple("0123456789"), preprocessing=step)
    pixels = np.zeros((28, 28, 1), np.uint8)
    assert len(render_look(explorer_data(model, [NamedImage(name="", pixels=pixels)] * 200))) < 3_000_000


def test_what_units_respond_to_and_how_good_the_run_was_are_in_the_page(run: Path, tmp_path: Path) -> None:
    data = data_of(convscope.look(run, force=True).path)
    assert data.units is not None
    assert data.evaluation is not None
    assert (data.units.images, data.units.data) == (200, "")
    assert [len(step.units) for step in data.units.layers] == [8]
    assert data.units.layers[0].units[0].classes
    assert data.units.layers[0].random is not None, "beside random weights, measured or not"
    assert data.units.gabor is not None
    report = json.loads((run / "report.json").read_text())
    assert (data.evaluation.images, data.evaluation.correct) == (report["images"], report["correct"])
    assert [one.epoch for one in data.evaluation.epochs] == [1]
    empty = data_of(convscope.look(run, [], output=tmp_path / "x.html").path)
    assert empty.units is None, "nothing is measured without images"
    Image.fromarray(some_pixels(1, 8, 8)[0]).save(tmp_path / "a.png")
    unlabeled = data_of(convscope.look(small_model(), [tmp_path / "a.png"], output=tmp_path / "y.html").path)
    assert unlabeled.evaluation is None
    assert unlabeled.units is not None
    assert {unit.selectivity for step in unlabeled.units.layers for unit in step.units} == {None}


def test_a_second_network_of_any_layout_goes_beside_and_must_have_the_same_classes(run: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write_model(small_model("5N", classes=10), tmp_path / "other" / "model.safetensors")
    named = convscope.load(run)
    second = Model(
        network=Network(Layout.parse("20N"), height=8, width=8, channels=1, classes=10),
        classes=named.classes,
        preprocessing=named.preprocessing,
    )
    write_model(second, tmp_path / "flat.safetensors")
    data = data_of(convscope.look(run, [], beside=tmp_path / "flat.safetensors", output=tmp_path / "x.html").path)
    assert data.beside is not None
    assert (data.beside.title, data.beside.layout, data.beside.images) == ("flat", "20N", ())
    with pytest.raises(
        ParameterError, match=r"`beside` must be a model of the same classes in the same order \(0, 1, "
    ):
        convscope.look(run, [], beside=tmp_path / "other", output=tmp_path / "y.html")
    assert not (tmp_path / "y.html").exists()


@pytest.fixture(scope="module")
def measured(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the run with everything that can be measured of it."""
    folder = tmp_path_factory.mktemp("runs") / "digits-1"
    shutil.copytree(run, folder)
    convscope.measure(folder, "digits", distortions=["shift-x", "rotation"], images=40)
    convscope.units(folder, "digits", ablation=40, probes=False)
    variants = ["convolution", "pixels-softmax"]
    convscope.compare(
        "digits", variants=variants, epochs=1, seeds=1, layout="8C3-MP2", output=folder.parent / "compare-digits"
    )
    return folder


def test_what_was_measured_of_a_run_is_in_its_page(measured: Path) -> None:
    data = data_of(convscope.look(measured, force=True).path)
    assert data.invariance is not None
    assert [one.name for one in data.invariance.distortions] == ["shift-x", "rotation"]
    assert data.invariance.images == 40
    assert data.units is not None
    assert (data.units.images, data.units.data, data.units.ablation_images) == (359, "digits", 40)
    units = [unit for step in data.units.layers for unit in step.units]
    assert all(unit.ablation is not None for unit in units)
    tops = [top for unit in units for top in unit.top]
    assert {image < 0 for image, *_ in tops} == {True, False}, "some patches are of images that are not in the page"
    assert {-1 - image for image, *_ in tops if image < 0} == set(range(len(data.units.elsewhere)))
    assert data.comparison is not None
    assert [variant.name for variant in data.comparison.variants] == ["shared weights", "pixels (softmax)"]


def test_records_of_another_network_or_damaged_ones_are_named_and_left_out(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "digits-2"
    shutil.copytree(measured, folder)
    record = json.loads((folder / "invariance.json").read_text())
    (folder / "invariance.json").write_text(json.dumps(record | {"layout": "99C3"}))
    (folder / "units.json").write_text("{")
    data = data_of(convscope.look(folder, force=True, progress=Plain(sys.stdout)).path)
    assert data.invariance is None
    assert not data.comparison.own
    assert data.units is not None
    assert (data.units.data, data.units.ablation_images) == ("", 0)
    said = capsys.readouterr().out
    assert "invariance.json is of another network (99C3) and is not in the page" in said
    assert "units.json cannot be read and is not in the page" in said


@pytest.mark.parametrize(
    "other", [{"classes": 9}, {"height": 9}, {"width": 9}, {"channels": 3}, {"layout": "4C3-MP2"}, {"data": "mine"}]
)
def test_a_comparison_of_a_stranger_is_not_in_the_page(measured: Path, tmp_path: Path, other: dict[str, Any]) -> None:
    found = json.loads((measured.parent / "compare-digits" / "comparison.json").read_text())
    for name, record in (("compare-1", found | other), ("compare-2", found)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "comparison.json").write_text(json.dumps(record))
    run, said = RunFolder(path=tmp_path / "digits-1"), io.StringIO()
    run.path.mkdir()
    shutil.copy(measured / "report.json", run.report)
    model = convscope.load(measured)
    data = explorer_data(model)
    assert with_records(data, model, (), run=run, dataset=None, reporter=Plain(said)).comparison.own
    (tmp_path / "compare-2" / "comparison.json").unlink()
    assert not with_records(data, model, (), run=run, dataset=None, reporter=Plain(said)).comparison.own
    assert said.getvalue() == ""


def test_a_measurement_of_no_images_is_named_and_left_out(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "digits-2"
    shutil.copytree(measured, folder)
    record = json.loads((folder / "invariance.json").read_text())
    (folder / "invariance.json").write_text(json.dumps(record | {"images": 0, "correct": 0}))
    assert data_of(convscope.look(folder, force=True, progress=Plain(sys.stdout)).path).invariance is None
    said = " ".join(capsys.readouterr().out.split())
    assert "invariance.json cannot be read and is not in the page: " in said
    assert "at least 1" in said


def test_with_images_of_ones_own_the_units_are_measured_on_them_and_keep_their_worth(
    measured: Path, tmp_path: Path
) -> None:
    Image.fromarray(some_pixels(1, 8, 8)[0]).save(tmp_path / "a.png")
    data = data_of(convscope.look(measured, [tmp_path / "a.png"], output=tmp_path / "x.html").path)
    assert data.units is not None
    assert (data.units.images, data.units.data, data.units.ablation_images) == (1, "", 40)


def test_a_new_run_deletes_no_comparison(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text("{}")
    convscope.train("digits", layout="2C3-MP2", epochs=1, output=tmp_path, force=True)
    assert (tmp_path / "comparison.json").exists()


def test_a_new_run_in_the_folder_begins_without_what_was_measured_of_the_old(measured: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(measured, folder)
    convscope.train("digits", layout="2C3-MP2", epochs=1, output=folder, force=True)
    assert not any((folder / name).exists() for name in ("invariance.json", "units.json", "look.html"))


def test_a_page_of_images_none_of_which_can_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must have one that can be read\. Got .*none\.png: the file is not there\."):
        convscope.look(small_model(), tmp_path / "none.png", output=tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


def test_the_folder_of_a_class_above_its_sub_folders_tells_the_class(tmp_path: Path) -> None:
    model = dataclasses.replace(small_model(classes=2), classes=("K\u00e4fer", "zoo/cat"))
    truths = {"Ka\u0308fer/phone/a.png": 0, "Ka\u0308fer/b.png": 0, "zoo/cat/old/c.png": 1, "zoo/d.png": None}
    for name in truths:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(some_pixels(1, 40, 30)[0]).save(tmp_path / name)
    made = convscope.look(model, tmp_path, output=tmp_path / "page.html")
    found = {image.name: image.truth for image in data_of(made.path).images}
    assert found == {str(tmp_path / name): truth for name, truth in truths.items()}
