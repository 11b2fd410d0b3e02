"""``convscope measure``: three tables, one JSON document, and sentences."""

import json
from pathlib import Path

import pytest

from convscope.cli import main
from convscope.core.records import from_json
from convscope.measures.invariance_record import Invariance
from convscope.verbs.train import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("measure") / "run"
    train("digits", layout="4C3-MP2-6N", epochs=2, output=folder)
    return str(folder)


def test_the_table_says_what_moved_and_what_was_left(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--distortions", "shift-x,noise", "--pictures", "60", "--quiet"]
    assert main(["measure", run, "digits", *words]) == 0
    out = capsys.readouterr().out
    assert out.startswith("4C3-MP2-6N on 60 pictures of digits (validation)\naccuracy ")
    for text in ("shift-x (px)", "noise (part of the range)", "shift-x by 1 px", "changed inside", "4: softmax"):
        assert text in out
    assert max(map(len, out.splitlines())) <= 116


def test_the_record_is_json_and_comes_back(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    words = [
        "--distortions",
        "rotation",
        "--strengths",
        "5,-5",
        "--pictures",
        "9",
        "-o",
        str(path),
        "--json",
        "--quiet",
    ]
    assert main(["measure", run, "digits", *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(path.read_text(encoding="utf-8"))
    found = from_json(Invariance, printed)
    assert [point.strength for point in found.curves[0].points] == [5, -5]
    assert main(["measure", run, "digits", *words]) == 2
    assert "is already there and is not overwritten" in capsys.readouterr().err


def test_cost_needs_no_pictures(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", run, "--what", "cost", "--quiet"]) == 0
    assert "parameters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "DATA must name the pictures to measure on. Got none."),
        (["digits", "--distortions", "shfit-x"], "A distortion must be one of"),
        (["digits", "--strengths", "a"], "must be numbers with commas between, like 1,2.5. Got 'a'."),
        (["digits", "--distortions", "jpeg", "--strengths", "100"], "The strength of jpeg must be from 0 to 99"),
        (["digits", "--strengths", "nan", "--distortions", "blur"], "The strength of blur must be"),
        (["digits", "--margin", "4"], "`margin` must be from 0 to 3 px"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    words: list[str], sentence: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", run, *words, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
