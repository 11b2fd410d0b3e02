"""Every command notices that it cannot write before it does anything that takes time."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import convscope
from convscope.api.features import save_features
from convscope.core.errors import StorageError
from convscope.core.progress import Reporter


class Unused(Reporter):
    """Where nothing may be told, for nothing may have begun."""

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def task(self, title: str, total: float, unit: str = "") -> Any:
        raise AssertionError(title)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs") / "run"
    convscope.train("digits", epochs=1, layout="4C3-MP2", output=folder)
    return folder


COMMANDS: dict[str, Callable[[Path, Path], object]] = {
    "train": lambda run, out: convscope.train("digits", output=out, progress=Unused()),
    "resume": lambda run, out: convscope.train(resume=run, progress=Unused()),
    "compare": lambda run, out: convscope.compare("digits", output=out, progress=Unused()),
    "save features": lambda run, out: save_features(run, "digits", out / "x.npz", progress=Unused()),
    "features": lambda run, out: convscope.extract_features(run, "digits", output=out / "x.npz", progress=Unused()),
    "look": lambda run, out: convscope.look(run, output=out / "x.html", progress=Unused()),
    "look in the run": lambda run, out: convscope.look(run, force=True, progress=Unused()),
    "measure": lambda run, out: convscope.measure(run, "digits", output=out / "x.json", progress=Unused()),
    "measure in the run": lambda run, out: convscope.measure(run, "digits", progress=Unused()),
    "units": lambda run, out: convscope.units(run, "digits", output=out / "x.json", progress=Unused()),
    "cost": lambda run, out: convscope.cost(run, output=out / "x.json", progress=Unused()),
    "draw": lambda run, out: convscope.draw("filters", run, output=out / "x.png"),
}
INTO_THE_RUN = {"resume", "look in the run", "measure in the run"}


@pytest.mark.parametrize("command", COMMANDS)
def test_on_a_disk_that_is_read_only_nothing_begins(
    command: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(StorageError, match="the file system is read-only"):
        COMMANDS[command](run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - INTO_THE_RUN))
def test_below_a_file_nothing_begins(command: str, run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="is a file, not a folder"):
        COMMANDS[command](run, tmp_path / "file" / "out")


@pytest.mark.parametrize(("command", "name"), [("resume", "history.csv"), ("compare", "compare.html")])
def test_a_folder_in_the_place_of_a_file_is_noticed_at_once(
    command: str, name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (run if command == "resume" else tmp_path) / name
    place.unlink(missing_ok=True)
    place.mkdir(parents=True)
    try:
        with pytest.raises(StorageError, match=f"{name} is a folder. Give the name of a file"):
            COMMANDS[command](run, tmp_path)
    finally:
        place.rmdir()


def test_a_saved_model_replaces_a_file_only_by_force(run: Path, tmp_path: Path) -> None:
    model, path = convscope.load(run), tmp_path / "model.safetensors"
    convscope.save(model, path)
    path.write_bytes(b"other")
    with pytest.raises(StorageError, match="is already there and is not overwritten"):
        convscope.save(model, path)
    assert path.read_bytes() == b"other"
    convscope.save(model, path, force=True)
    assert convscope.load(path).classes == model.classes
    with pytest.raises(StorageError, match="is a folder"):
        convscope.save(model, tmp_path, force=True)


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_run_begun_anew_keeps_the_links_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").symlink_to(tmp_path / "model")
    (tmp_path / "model").write_bytes(b"old")
    convscope.train("digits", epochs=1, layout="4C3-MP2", output=tmp_path / "run", force=True)
    assert (tmp_path / "run" / "model.safetensors").is_symlink()
    assert convscope.load(tmp_path / "model").classes == convscope.load(tmp_path / "run").classes
