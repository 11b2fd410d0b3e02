"""Training by the command: what a user sees when it is interrupted or cannot write."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from convscope.cli import main
from convscope.cli.train import command
from convscope.core.context import Context
from convscope.core.errors import ConvscopeError
from convscope.layers.patch_learning import WAYS
from convscope.networks.model_file import read_model
from convscope.training.report import read_report
from tests.checks.processes import interruptible, small_files_only
from tests.images.generated import folder, save

TRAIN = ["train", "digits", "--layout", "4C3-MP2", "--threads", "1", "-o", "run"]
COMMAND = [sys.executable, "-m", "convscope", *TRAIN]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_a_usable_model_that_can_be_trained_on(number: int, tmp_path: Path) -> None:
    process = interruptible(
        [*COMMAND, "--epochs", "100000"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    history = tmp_path / "run/history.csv"
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None and not history.exists():
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    assert b"interrupted; resume with: convscope train --resume run" in out
    model = read_model(tmp_path / "run/model.safetensors")
    assert len(model.classes) == 10
    assert read_report(tmp_path / "run/report.json").images == 359


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are set in the way of POSIX")
def test_a_disk_that_is_full_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with small_files_only(5_000):
        assert main([*TRAIN, "--epochs", "1", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.startswith("Error: Cannot write ")


def test_a_run_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").write_text("a file, not a folder")
    assert main([*TRAIN, "--epochs", "1", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert "run" in err
    assert "Traceback" not in err
    assert Path("run").read_text() == "a file, not a folder"


def test_the_page_that_looks_inside_is_written_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, "--epochs", "1", "--look", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"look    {Path('run/look.html')}"
    assert "<title>digits: a look inside " in Path("run/look.html").read_text(encoding="utf-8")
    assert main([*TRAIN, "--epochs", "1", "--force", "--quiet"]) == 0
    assert "look.html" not in capsys.readouterr().out
    assert not Path("run/look.html").exists()  # that of the run before is no longer true


def test_unusable_images_are_named_and_the_exit_code_is_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(here / "set", each=4)
    for number in range(12):
        (here / "set" / "a" / f"bad{number:02}.png").write_bytes(b"no image")
    command = ["train", "set", "--layout", "4C3-MP2", "--threads", "1", "-o", "run", "--epochs", "1", "--size", "8"]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert "left out 12 unusable files; listed in the report" in out
    assert err.count("unusable: ") == 10
    assert "unusable: a/bad09.png: " in err
    assert "… and 2 more, in the report" in err
    assert main([*command, "--dry-run", "--force"]) == 1
    out, err = capsys.readouterr()
    assert "1 epoch, 32 images per step" in out
    assert ", 1 thread\n" in out
    assert "unusable: a/bad09.png: " in err
    assert main([*command, "--json", "--quiet", "--force"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["left_out"], document["run"]) == (12, "run")
    assert {"12 images left out, being unusable"} < set(document["notes"])
    assert main(["features", "run", "set", "-o", "features.npz"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("features.npz: 8 images, 4 x 4 x 4 values each")
    assert err.count("unusable: ") == 10


@pytest.mark.parametrize("option", ["--output", "--resume", "--cache-dir", "--data-dir"])
def test_a_place_without_a_name_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "digits", option, ""]) == 2
    assert "it must name a file or folder. Got an empty name." in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_data_without_a_name_are_not_the_set_that_is_taken_without_data(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "", *more]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_dry_run_of_a_run_that_is_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dry-run", "--resume", "run"]) == 2
    assert "Leave --resume out." in capsys.readouterr().err


def test_without_data_a_folder_of_the_name_of_the_set_is_not_taken(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(here / "digits", each=4)
    short = ["--layout", "2C3-MP2", "--epochs", "1", "--threads", "1", "--dry-run", "--json"]
    assert main(["train", *short]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == list("0123456789")
    assert main(["train", "digits", *short]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["classes"] == ["a", "b"]
    assert f"digits is read from {here / 'digits'}" in err


@pytest.mark.parametrize(("data", "output"), [("set", "set"), ("set", "set/run"), (".", None)])
def test_a_run_is_not_put_among_the_images(
    data: str,
    output: str | None,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = folder(here / "set", each=4)
    monkeypatch.chdir(images if data == "." else here)
    before = sorted((here / "set").rglob("*"))
    assert main(["train", data, *(["-o", output] if output else [])]) == 2
    assert "`--output` must be outside the folder of images" in capsys.readouterr().err
    assert sorted((here / "set").rglob("*")) == before


def test_a_run_is_not_put_among_images_that_it_does_not_learn(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = folder(here / "others", each=4)
    before = sorted(images.rglob("*"))
    assert main(["train", "digits", "--epochs", "1", "-o", str(images)]) == 2
    assert "`--output` must not be a folder of images" in capsys.readouterr().err
    assert sorted(images.rglob("*")) == before


def test_a_run_has_the_name_of_its_folder_in_any_script(here: Path) -> None:
    folder(here / "写真", each=4)
    command = ["train", "写真", "--layout", "2C3-MP2", "--epochs", "1", "--threads", "1", "--size", "8", "--quiet"]
    assert main(command) == 0
    assert (here / "runs" / "写真-1" / "report.html").exists()


def test_a_dry_run_ends_with_the_command_that_trains_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--no-flip", "--epochs", "3", "--balance", "--size", "8", "--learning-rate", "0.002"]
    assert main(["train", "digits", "--dry-run", *words]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    command = shlex.split(last.removeprefix("train with: convscope train "))
    assert command[:3] == ["digits", "--layout", "24C3-48C3-MP2-96N"]
    pairs = " ".join(command[3:])
    for expected in ("--no-flip", "--epochs 3", "--balance", "--size 8", "--learning-rate 0.002"):
        assert expected in pairs
    assert "--dry-run" not in pairs
    assert main(["train", *command, "--dry-run"]) == 0
    again = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(again) == shlex.split(last)


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*_given: object, **_named: object) -> None:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried"
        )

    monkeypatch.setattr("convscope.api.train.prepare", refused)
    assert main(["train", "digits", "--dry-run"]) == 2
    assert "Error: There is not enough memory. Use smaller images (--size)" in capsys.readouterr().err


def test_a_dry_run_names_the_pretrained_stages_and_the_help_names_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "digits", "--dry-run", "--layout", "4C3-5C3", "--pretrain", "dct,rica", "--freeze"]) == 0
    said = capsys.readouterr()
    assert "stage 1, 4C3: hand-made filters, dct; frozen" in said.err
    assert "stage 2, 5C3: pretrained without labels, rica on 50,000 patches of 3x3; frozen" in said.err
    assert "pretrained stages: dct,rica, frozen" in said.out
    assert "--pretrain dct,rica --freeze" in said.out
    assert main(["train", "digits", "--dry-run", "--layout", "4C3-5C3", "--pretrain", "dct", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["pretrain"] == ["dct"]
    assert main(["train", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert all(name in shown for name in WAYS)


def test_all_that_came_before_training_counts_toward_its_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[float] = []

    def no_training(*given: object, context: Context, **settings: object) -> None:
        spent.append(time.monotonic() - context.began_s)
        raise ConvscopeError

    monkeypatch.setattr("convscope.api.train.train", no_training)
    began = time.monotonic() - 20
    CliRunner().invoke(command, ["digits", "--minutes", "1"], obj=began)
    assert 20 <= spent[0] <= time.monotonic() - began


def test_the_classes_are_listed_with_their_counts_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = folder(tmp_path / "many", each=3, classes="abcdefghijklmn")
    words = ["train", str(many), "--layout", "2C3-MP2", "--epochs", "1"]
    listed = "14 classes: a 3, b 3, c 3, d 3, e 3, f 3, g 3, h 3, i 3, j 3, … and 4 more"
    assert main([*words, "--dry-run", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith(f"{listed}\n")
    assert main([*words, "--dry-run", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["class_counts"] == dict.fromkeys("abcdefghijklmn", 3)
    assert main([*words, "-o", str(tmp_path / "run"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["class_counts"] == dict.fromkeys("abcdefghijklmn", 3)
    assert err.index(listed) < err.index("training")


def test_the_depth_of_classes_holds_when_a_run_is_resumed_and_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pets = tmp_path / "pets"
    for place, name in enumerate(("small/cat", "small/dog", "large/cow", "large/pig")):
        for number in range(6):
            save(pets / name / f"{number}.png", 100 * place + number)
    run, words = str(tmp_path / "run"), ["--layout", "2C3-MP2", "--epochs", "1"]
    assert main(["train", str(pets), *words, "--class-depth", "2", "-o", run]) == 0
    assert "4 classes: large/cow 6, large/pig 6, small/cat 6, small/dog 6" in capsys.readouterr().err
    assert main(["train", "--resume", run]) == 0
    assert main(["measure", run, str(pets), "--distortions", "shift-x", "--strengths", "1"]) == 0
    assert main(["features", run, str(pets), "-o", str(tmp_path / "f.npz")]) == 0
    labels = np.load(tmp_path / "f.npz")["labels"]
    assert sorted(set(labels.tolist())) == ["large/cow", "large/pig", "small/cat", "small/dog"]
    assert main(["measure", run, str(pets), "--class-depth", "1", "--distortions", "shift-x", "--strengths", "1"]) == 2
    assert "classes of the model" in capsys.readouterr().err
    assert main(["check", str(pets), "--class-depth", "2", "--quiet"]) == 0
    assert "4 classes" in capsys.readouterr().out
    assert main(["check", str(pets), "--quiet"]) == 0
    assert "note: sub-folders belong to the class that they are in: large/ (cow, pig)" in capsys.readouterr().out


def test_what_is_passed_over_is_named_and_the_exit_code_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "set")
    for name in ("1.heic", "2.HEIC", "3.jpg_large"):
        (root / "a" / name).write_bytes(b"something")
    (root / "b" / "me").symlink_to("me")
    assert main(["train", str(root), "--layout", "2C3-MP2", "--epochs", "1", "-o", str(tmp_path / "run")]) == 1
    err = capsys.readouterr().err
    assert "4 files passed over (.heic 2, .jpg_large 1, without extension 1)\n" in err
    assert "unusable: b/me: it is a link that leads back to itself\n" in err
    assert main(["check", str(root), "--quiet"]) == 1
    assert main(["features", str(tmp_path / "run"), str(root), "-o", str(tmp_path / "f.npz")]) == 1
    assert capsys.readouterr().err.count("unusable: ") == 4
