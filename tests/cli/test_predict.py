import csv
import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.cli import main
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.networks.prediction import predict
from tests.checks.graphs import residual_model, residual_module
from tests.checks.models import small_model, some_pixels
from tests.checks.processes import interruptible
from tests.images.tiff_files import tiff


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and images, as the current one."""
    write_model(small_model(), tmp_path / "run" / "model.safetensors")
    (tmp_path / "photos").mkdir()
    for place, pixels in enumerate(some_pixels(4, 30, 40)):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{place}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _listed(monkeypatch: pytest.MonkeyPatch, names: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(names))))


def _rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_lines_with_tabs_where_standard_output_is_no_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "run", "photos"]) == 0
    out, err = capsys.readouterr()
    rows = _rows(out)
    assert [row[0] for row in rows] == [f"photos/{place}.png" for place in range(4)]
    assert all(row[1].startswith("class ") and 0 < float(row[2]) <= 1 and len(row) == 3 for row in rows)
    assert "predicting: 4 images in " in err


def test_an_aligned_table_on_a_terminal(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    (here / "photos" / "9.png").touch()
    assert main(["predict", "run", "photos", "--top", "2"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert len({line.index("photos/") for line in lines[:4]}) == 1
    assert all(line.count(" %") + line.count("%") == 2 for line in lines[:4])
    assert lines[4].startswith("error ")
    assert lines[4].endswith("photos/9.png: the file is empty (0 bytes)")


def test_unusable_images_are_rows_and_exit_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "photos" / "bad.jpg").write_bytes(b"no image")
    assert main(["predict", "run", "none.jpg", "photos/bad.jpg", "photos/0.png", "*.gif", "--quiet"]) == 1
    out, err = capsys.readouterr()
    rows = _rows(out)
    assert rows[0] == ["none.jpg", "", "", "the file is not there"]
    assert rows[1][3].startswith("it is not an image in a known format")
    assert rows[2][0] == "photos/0.png"
    assert rows[3] == ["*.gif", "", "", "there is no such file, and as a pattern it matches none"]
    assert err == ""


def test_files_are_written_and_the_summary_names_what_is_unusable(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    for place in range(12):
        (here / "photos" / f"bad{place}.jpg").touch()
    words = ["predict", "run", "photos", "--csv", "o.csv", "--json", "o.json", "--parquet", "o.parquet", "--top", "3"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "unusable: photos/bad0.jpg: the file is empty (0 bytes)\n" in err
    assert "… and 2 more, each in its row\n" in err
    assert err.endswith("16 images, 12 unusable: o.csv, o.json, o.parquet\n")
    with (here / "o.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 16
    assert json.loads((here / "o.json").read_text())["unusable"] == 12
    assert main(words) == 2
    assert "o.csv is already there and is not overwritten" in capsys.readouterr().err
    assert main([*words, "--force", "--quiet"]) == 1
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "photos/0.png", "photos/1.png"],
        ["photos/0.png", "photos/1.png", "--json"],
        ["--json=-", "photos/0.png", "photos/1.png"],
        ["--json", "--force", "photos/0.png", "photos/1.png"],
        ["photos/0.png", "--json", "--", "photos/1.png"],
    ],
)
def test_bare_json_prints_and_swallows_no_image(
    words: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (here / "photos" / "0.png").read_bytes()
    assert main(["predict", "run", *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["image"] for row in document["predictions"]] == ["photos/0.png", "photos/1.png"]
    assert (here / "photos" / "0.png").read_bytes() == before


@pytest.mark.parametrize("words", [["--json", "o.json"], ["--json=o.json"], ["--json", "o.JSON"], ["--json=other"]])
def test_json_takes_a_file(words: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "run", "photos", *words]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads((here / words[-1].rpartition("=")[2]).read_text())["images"] == 4


@pytest.mark.parametrize("word", ["--csv", "--parquet", "--json="])
def test_no_option_costs_an_image(word: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (here / "photos" / "0.png").read_bytes()
    target = [f"{word}photos/0.png"] if word.endswith("=") else [word, "photos/0.png"]
    assert main(["predict", "run", "--force", *target, "photos/1.png"]) == 2
    assert "must name a file for the results" in capsys.readouterr().err
    assert (here / "photos" / "0.png").read_bytes() == before


def test_csv_on_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "run", "photos/0.png", "--csv", "-"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("image,class,probability,error\nphotos/0.png,class ")
    assert err.endswith("1 image, 0 unusable: standard output\n")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (b"photos/0.png\nphotos/1.png", []),
        (b"photos/0.png\r\n\n\nphotos/1.png\n", []),
        (b"photos/0.png\0photos/1.png\0", ["--null"]),
        (b"photos/[01].png\n", []),
    ],
)
def test_a_list_on_standard_input(
    names: bytes,
    words: list[str],
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _listed(monkeypatch, names)
    assert main(["predict", "run", "photos/2.png", "-", "photos/3.png", *words]) == 0
    assert [row[0][7] for row in _rows(capsys.readouterr().out)] == ["2", "0", "1", "3"]


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-32-be"])
def test_a_damaged_list_in_utf_16_is_refused_and_not_read_as_names_of_one_letter(
    encoding: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, "\ufffda/0\0\nphotos/1.png\n".encode(encoding))
    assert main(["predict", "run", "-"]) == 2
    assert "damaged UTF-16" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX only")
def test_odd_names_are_safe_in_every_output(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = b"photos/caf\xe9 \n\t\x1b[31m" + "\u202egnp.png".encode()
    (here / "photos" / "0.png").rename(os.fsdecode(name))
    _listed(monkeypatch, name + b"\0")
    assert main(["predict", "run", "-", "--null"]) == 0
    assert capsys.readouterr().out.startswith("photos/caf\\xe9 \\n\\t\x1b[31m\u202egnp.png\tclass ")
    assert main(["predict", "run", os.fsdecode(name), "--csv", "o.csv", "--json", "o.json"]) == 0
    shown = "photos/caf\\xe9 \n\t\x1b[31m\u202egnp.png"
    with (here / "o.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["image"] == shown
    document = (here / "o.json").read_bytes()
    assert json.loads(document)["predictions"][0]["image"] == shown
    assert b"\\u202egnp" in document
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for words in ([], ["--csv", "-"], ["--json"]):
        capsys.readouterr()
        assert main(["predict", "run", os.fsdecode(name), *words]) == 0
        out = capsys.readouterr().out
        assert "\\n\\t\\" in out
        assert not {"\x1b", "\u202e"} & set(out), words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none", "photos"], "there is no such file"),
        (["photos", "photos"], "is a folder without a model.safetensors"),
        (["photos/0.png", "photos"], "it is a PNG image"),
        (["run"], "`IMAGES...` must be given. Got none. See: convscope predict --help"),
        (["run", "photos", "--top", "0"], "must be a whole number of at least 1"),
        (["run", "photos", "--batch", "0"], "must be a whole number of at least 1"),
        (["run", "photos", "--csv", "a", "--json=a"], "must name different files"),
    ],
)
def test_what_cannot_be_met_is_one_sentence_and_exit_2(
    words: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


def _started(*words: str, **options: object) -> "subprocess.Popen[bytes]":
    return interruptible([sys.executable, "-m", "convscope", "predict", *words], **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_keeps_the_rows_so_far_and_leaves_nothing_that_looks_whole(
    number: int, code: int, here: Path
) -> None:
    process = _started("run", "-", "--csv", "o.csv", "--batch", "2", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"photos/0.png\n" * 4_000)  # less than a pipe holds
    process.stdin.flush()  # and the list goes on: the command waits for more
    deadline = time.monotonic() + 120
    part = here / "o.csv.part"
    while time.monotonic() < deadline and sum(file.stat().st_size for file in here.glob(".o.csv*")) <= 2_000:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=200)
    assert process.returncode == code, err.decode()
    assert not (here / "o.csv").exists()
    with part.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20
    assert all(row["class"].startswith("class ") and row["probability"] for row in rows)
    said = re.search(r"the first ([\d,]+) rows are in o\.csv\.part", err.decode())
    assert said is not None
    assert int(said[1].replace(",", "")) in (len(rows), len(rows) - 1)  # stopped between a row and its count
    assert b"Traceback" not in err


@pytest.mark.slow
def test_a_reader_that_leaves_ends_the_command_quietly(here: Path) -> None:
    process = _started("run", *["photos"] * 3_000, "--quiet", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"photos/0.png\tclass ")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=200) == 141


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "auto"])
def test_another_back_end_prints_the_same_classes(backend: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "run", "photos"]) == 0
    expected = _rows(capsys.readouterr().out)
    assert main(["predict", "run", "photos", "--backend", backend]) == 0
    assert [row[:2] for row in _rows(capsys.readouterr().out)] == [row[:2] for row in expected]


def test_int8_is_calibrated_on_training_images(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place, name in enumerate(("a", "b")):
        (here / "trained" / name).mkdir(parents=True)
        for number, pixels in enumerate(some_pixels(3, 30, 40)):
            Image.fromarray(pixels).save(here / "trained" / name / f"{place}{number}.png")
    assert main(["predict", "run", "photos"]) == 0
    expected = _rows(capsys.readouterr().out)
    words = ["predict", "run", "photos", "--precision", "int8", "--backend", "auto", "--calibration"]
    assert main([*words, "trained"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert [float(row[2]) for row in rows] == pytest.approx([float(row[2]) for row in expected], abs=0.05)
    assert main(["predict", "run", "photos", "--precision", "int8"]) == 2
    assert "`--calibration` must be given for the precision int8" in capsys.readouterr().err


@pytest.mark.parametrize(("flip", "said"), [(True, False), (False, True), (None, False)])
def test_the_mirror_image_is_looked_at_where_that_is_asked_for(
    flip: bool | None, said: bool, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = {} if flip is None else {"recipe": {"augmentation": {"flip": flip}}}
    write_model(dataclasses.replace(small_model(), training=recipe), here / "run" / "model.safetensors")
    for file in (here / "photos").iterdir():
        Image.open(file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(here / file.name)
    found = {}
    for words in (["photos"], ["photos", "--tta"], ["0.png", "1.png", "2.png", "3.png", "--tta"]):
        assert main(["predict", "run", *words, "--top", "3"]) == 0
        out, err = capsys.readouterr()
        found[" ".join(words)] = [row[1:] for row in _rows(out)]
        assert ("not trained on flipped images" in err) is (said and "--tta" in words)
    plain, both, of_flipped = found.values()
    assert both != plain
    assert both == of_flipped


MARK = b"\xef\xbb\xbf"
LISTED = [
    MARK + b"photos/0.png\r\nphotos/1.png\r\n",
    "photos/0.png\r\nphotos/1.png\r\n".encode("utf-16"),
    "\ufeffphotos/0.png\nphotos/1.png\n".encode("utf-16-be"),
    "photos/0.png\r\nphotos/1.png".encode("utf-16-le"),
    "photos/0.png\r\nphotos/1.png".encode("utf-32"),
    b"photos/0.png\0photos/1.png\0",
    MARK,
]


@pytest.mark.parametrize("names", LISTED)
def test_names_on_standard_input_may_be_written_by_windows_or_find(
    names: bytes, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, names)
    assert main(["predict", "run", "-", "--quiet"]) == 0
    assert [row[0] for row in _rows(capsys.readouterr().out)] == ["photos/0.png", "photos/1.png"][: len(names) // 4]


def test_names_of_one_letter_with_zero_bytes_between_are_not_utf16(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (here / name).write_bytes((here / "photos" / "0.png").read_bytes())
    _listed(monkeypatch, b"a\0b\0")
    assert main(["predict", "run", "-", "--null", "--quiet"]) == 0
    assert [row[0] for row in _rows(capsys.readouterr().out)] == ["a", "b"]


def test_names_in_other_spellings_are_found_and_stay_as_they_were_written(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "photos" / "3.png").rename(here / "photos" / "u\u0308.png")
    names = ["photos\\\\0.png", "photos\\1.png", (here / "photos" / "2.png").as_uri(), "photos/\u00fc.png"]
    _listed(monkeypatch, "\n".join(names).encode())
    assert main(["predict", "run", "-", "--quiet"]) == 0
    assert [row[0] for row in _rows(capsys.readouterr().out)] == names
    assert main(["predict", "run", "--quiet", *names]) == 0


def test_what_looks_like_an_image_in_a_folder_is_a_row(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "photos" / "0.png").rename(here / "photos" / "0.png_large")
    (here / "photos" / "1.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (here / "photos" / "notes.txt").write_text("none")
    (here / "photos" / "me").symlink_to("me")
    assert main(["predict", "run", "photos", "--json", "--quiet"]) == 1
    found = json.loads(capsys.readouterr().out)
    errors = {row["image"]: row["error"] for row in found["predictions"]}
    assert (found["images"], found["unusable"]) == (6, 2)
    assert errors["photos/0.png_large"] is None
    assert errors["photos/1.heic"] == "it is an image in an unsupported format: HEIC"
    assert errors["photos/me"] == "it is a link that leads back to itself"


def test_what_is_not_as_it_should_be_is_noted_by_name(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    two = np.random.default_rng(0).integers(0, 256, (9, 9, 2), dtype=np.uint8)
    for number in range(11):
        (here / f"{number}.tif").write_bytes(tiff(two, extra=(0,)))
    names = [f"{number}.tif" for number in range(11)]
    assert main(["predict", "run", *names, "photos"]) == 0
    err = capfd.readouterr().err
    assert "note: 0.tif: only the first of 2 channels is used\n" in err
    assert err.count("note: ") == 10
    assert err.endswith("… and 1 more; convscope check lists all of a dataset\n")
    assert main(["predict", "run", *names, "--quiet"]) == 0
    assert capfd.readouterr().err == ""
    assert [row.remarks for row in predict(small_model(), [*names[:1], "photos"])][:2] == [
        ("only the first of 2 channels is used",),
        (),
    ]


@pytest.mark.parametrize(("color", "code"), [("white", 1), ("no color", 2)])
def test_the_background_is_there_before_the_model_is_made_ready(
    color: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ready: list[Model] = []
    monkeypatch.setattr("convscope.api.predict.optimized", lambda model, *_, **__: ready.append(model) or model)
    write_model(small_model(), tmp_path / "m.safetensors")
    assert main(["predict", str(tmp_path / "m.safetensors"), "no.png", "--background", color]) == code
    assert [set(model.preprocessing.background) for model in ready] == ([{255}] if code == 1 else [])
    assert ("`--background` must be" in capsys.readouterr().err) == (code == 2)


def test_a_network_that_answers_with_maps_is_refused_before_an_image_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(residual_model(residual_module(dense=True)), tmp_path / "m.safetensors")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    assert main(["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "a.png")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: `MODEL` must give one number per class to predict.")
    assert said.count("\n") == 1
