"""``convscope machine`` shows each choice with its reason and how to undo it."""

import json

import pytest

from convscope.cli import main
from convscope.core.machine import machine
from convscope.core.tunings import TUNINGS


def test_every_choice_is_shown_with_how_to_change_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine"]) == 0
    shown = capsys.readouterr().out
    assert machine().processor in shown
    for name in ("precision", "threads", "ranks", "back end", *TUNINGS):
        assert name in shown
    assert shown.count("to change: ") == 4 + len(TUNINGS)


def test_as_json_it_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["cores"] == machine().cores
    assert {one["name"] for one in found["tunings"]} == {"precision", "threads", "ranks", "back end", *TUNINGS}


def test_a_wrong_variable_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CONVSCOPE_WITHOUT", "everything")
    assert main(["machine"]) == 2
    assert capsys.readouterr().err.startswith("Error: The environment variable CONVSCOPE_WITHOUT must name tunings")
