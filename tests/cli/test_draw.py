"""``convscope draw`` on a run, on a layout, and on nothing at all."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.draw import draw
from convscope.api.measure import measure
from convscope.api.train import train
from convscope.api.units import units
from convscope.cli import main
from convscope.networks.model_file import write_model
from tests.checks.graph_models import graph_model
from tests.checks.models import small_model
from tests.checks.reporters import Counting


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("draw") / "run"
    train("digits", layout="4C3-MP2-6C3", epochs=1, output=folder)
    measure(folder, "digits", images=20, distortions=["shift-x", "jpeg"])
    units(folder, "digits", ablation=0, probes=False, top=3)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 12), np.uint8)).save(folder / "a.png")
    return folder


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["filters"], "filters.png"),
        (["filters", "--layer", "3", "--theme", "dark"], "filters.png"),
        (["maps", "a.png"], "maps.png"),
        (["layout"], "layout.png"),
        (["fields", "a.png"], "fields.png"),
        (["fields"], "fields.png"),
        (["curves"], "curves.png"),
        (["confusion"], "confusion.png"),
        (["invariance"], "invariance.png"),
        (["invariance", "--distortions", "shift-x", "--theme", "dark"], "invariance.png"),
        (["sensitivity"], "sensitivity.png"),
        (["patches"], "patches.png"),
        (["patches", "--layer", "3"], "patches.png"),
    ],
)
def test_a_run_is_drawn_into_its_folder(
    words: list[str], file: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(run / word) if word.endswith(".png") else word for word in words]
    assert main(["draw", given[0], str(run), *given[1:], "--force"]) == 0
    assert capsys.readouterr().out == f"figure {run / file}\n"
    with Image.open(run / file) as image:
        assert min(image.size) > 200


@pytest.mark.parametrize(("what", "record"), [("sensitivity", "invariance.json"), ("patches", "units.json")])
def test_the_record_of_a_measurement_is_drawn_without_its_run(
    what: str, record: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(run / record, tmp_path / "mine.json")
    assert main(["draw", what, "mine.json"]) == 0
    assert (tmp_path / f"{what}.png").is_file()


def test_the_curves_of_a_network_from_elsewhere_are_refused_because_it_was_not_trained_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(graph_model("resnet18"), tmp_path / "a.safetensors")
    assert main(["draw", "confusion", str(tmp_path / "a.safetensors")]) == 2
    said = capsys.readouterr().err
    assert "`MODEL` must name the folder of a run for confusion" in said
    assert "a network that was not trained here" in said


def test_the_layer_without_a_model_is_the_first_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["draw", "convolution"]) == 0
    assert capsys.readouterr().out == "figure convolution.gif (13 frames)\n"
    with Image.open("convolution.gif") as image:
        assert image.n_frames == 13


def test_an_animation_tells_how_far_it_is_and_a_figure_that_it_is_being_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    heard = Counting()
    assert draw("convolution", output="convolution.png", progress=heard).frames == 6
    assert heard.told == [("drawing convolution", 6, "frames"), *[1] * 6]
    assert main(["draw", "convolution", "-o", "convolution.mp4" if shutil.which("ffmpeg") else "a.png"]) == 0
    assert "drawing convolution: 0 of " in capsys.readouterr().err
    assert main(["draw", "layout", "4C3", "-o", "a.svg"]) == 0
    assert "drawing layout: took" in capsys.readouterr().err
    assert main(["draw", "layout", "4C3", "-o", "a.pdf", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_names_that_no_font_has_are_said_once(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run, tmp_path / "run")
    report = tmp_path / "run" / "report.json"
    named = json.loads(report.read_text(encoding="utf-8"))
    named["classes"][0]["name"] = "\U00012000"  # a cuneiform sign
    report.write_text(json.dumps(named), encoding="utf-8")
    assert main(["draw", "confusion", str(tmp_path / "run"), "--force"]) == 0
    said = capsys.readouterr().err
    assert said.count("boxes in confusion.png: no installed font has the letters of \U00012000. Install one") == 1


def test_a_unit_walks_over_an_image(run: Path, tmp_path: Path) -> None:
    words = [
        "draw",
        "convolution",
        str(run),
        str(run / "a.png"),
        "--layer",
        "3",
        "--unit",
        "6",
        "-o",
        str(tmp_path / "s.png"),
    ]
    assert main(words) == 0
    with Image.open(tmp_path / "s.png") as image:
        assert image.height > 2 * image.width


def test_the_unit_that_walks_is_of_the_first_convolution_with_shared_weights(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["draw", "convolution", str(tmp_path / "m.safetensors"), str(run / "a.png"), "-o"]
    write_model(small_model("4U3-MP2-6C3-6C3"), tmp_path / "m.safetensors")
    assert main([*words, str(tmp_path / "first.png")]) == 0
    assert main([*words, str(tmp_path / "third.png"), "--layer", "3"]) == 0
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "third.png").read_bytes()
    write_model(small_model("4U3-MP2"), tmp_path / "m.safetensors")
    assert main([*words, str(tmp_path / "none.png")]) == 2
    assert "`MODEL` must have a convolution with shared weights for a unit to walk. Got 4U3" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["32C5-MP2-128N", "-".join(["2C1"] * 70)])  # the last is too long for a file's name
def test_a_layout_need_not_be_trained(layout: str, tmp_path: Path) -> None:
    words = [layout, "--size", "40x30", "--channels", "3", "--classes", "5", "-o", str(tmp_path / "a.svg")]
    assert main(["draw", "layout", *words]) == 0
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_a_network_without_convolutions_has_no_filters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(small_model("8N"), tmp_path / "connected.safetensors")
    assert main(["draw", "filters", str(tmp_path / "connected.safetensors")]) == 2
    assert "`filters` are those of convolutions. Got 8N, which has none." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["filters"], "`MODEL` must name a model file or run folder. Got none."),
        (["maps", "RUN"], "`IMAGE` must name an image. Got none."),
        (["maps", "RUN", "RUN/nothing.png"], "nothing.png must be an image. The file is not there. Name another one."),
        (
            ["filters", "RUN", "--layer", "2"],
            "`--layer` must be a convolution, one of 1 (convolution1), 3 (convolution2). Got '2'.",
        ),
        (["convolution", "RUN", "RUN/a.png", "--unit", "99"], "`--unit` must be from 1 to 4. Got 99."),
        (["curves", "RUN/model.safetensors"], "model.safetensors, no folder. Name one, like runs/demo."),
        (["curves"], "`MODEL` must name the folder of a run for curves, which training here records. Got none."),
        (["layout", "32Q5"], "32Q5"),
        (["layout", "8C3", "--size", "1x2x3"], "`--size` must be one side or widthxheight"),
        (
            ["layout", "RUN", "--size", "64"],
            "`--size` is for a layout that is no model. Got '64' for a network that has its",
        ),
        (
            ["layout", "RUN", "--channels", "3"],
            "`--channels` is for a layout that is no model. Got 3 for a network that",
        ),
        (["fields", "RUN", "--classes", "7"], "`--classes` is for a layout that is no model. Got 7 for a network that"),
        (["layout", "RUN/missing.safetensors"], "missing.safetensors"),
        (["layout", "RUN/missing.safetensors", "--size", "8"], "missing.safetensors"),
        (["layout", "32c5/2-MP2"], "Did you mean '32C5/2'"),
        (["layout", "--size", "64"], "`MODEL` must name a model file or run folder. Got none."),
        (["filters", "RUN", "--channels", "3"], "Got 3 for filters. Leave it out."),
        (["layout", "8C3", "-o", "a.jpg"], "`--output` must end in .png, .svg, .pdf."),
        (["convolution", "-o", "a.svg"], "`--output` must end in .gif, .mp4 or .png (a strip)."),
        (["convolution", "-o", "RUN/report.html"], "`--output` must end in"),
        (["layout", "RUN", "-o", "RUN/a.png"], "is already there and is not overwritten"),
        (["image"], "`WHAT` must be one of filters, maps"),
        (
            ["sensitivity", "RUN", "--distortions", "shift-z"],
            "`--distortions` must be one of shift-x, jpeg. Got 'shift-z'.",
        ),
        (["patches", "RUN", "--layer", "2"], "`--layer` must have units of its own, one of 1, 3. Got '2'."),
        (
            ["curves", "RUN", "--layer", "2"],
            "`--layer` must come with filters, maps, fields, patches or convolution. Got it for curves.",
        ),
        (["filters", "RUN", "--unit", "1"], "`--unit` must come with convolution. Got it for filters."),
        (["maps", "RUN", "--distortions", "jpeg"], "`--distortions` must come with invariance or sensitivity."),
        (["layout", "8C3", "a.png"], "`IMAGE` must come with maps, fields or convolution. Got it for layout."),
        (
            ["sensitivity"],
            "Make a record with: convscope measure MODEL DATA -o invariance.json, and draw invariance.json.",
        ),
        (
            ["patches", "RUN/model.safetensors"],
            "model.safetensors DATA --what units -o units.json, and draw units.json.",
        ),
        (["invariance", "RUN/checkpoint"], "invariance.json. Got none. Make it with: convscope measure"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(
    words: list[str],
    sentence: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [word.replace("RUN", str(run)) for word in words]
    assert main(["draw", *given, *([] if "-o" in words else ["--force"])]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("what", "file"), [("sensitivity", "invariance.json"), ("patches", "units.json")])
def test_a_damaged_record_is_one_sentence(
    what: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / file).write_text('{"format_version": 1}', encoding="utf-8")
    assert main(["draw", what, str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"{file} must be a record of this version. Got another (" in said
    assert "Make it again with: convscope measure" in said
    assert said.count("\n") == 1
