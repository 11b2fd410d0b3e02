"""Every command notices that it cannot write before it does anything that takes time."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.api.features import save_features
from convscope.cli import main
from convscope.core.errors import ParameterError, StorageError
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


DESTROYERS: dict[str, Callable[[Path, Path, Path, str], object]] = {
    # by the run, the folder of images, an image in it, and a name that is one of the input
    "scan": lambda run, _, image, out: convscope.scan(run, image, output=out, scale=1, force=True),
    "scan --positions": lambda run, _, image, out: convscope.scan(run, image, positions=out, scale=1, force=True),
    "scan --overlay": lambda run, _, image, out: convscope.scan(run, image, overlay=out, scale=1, force=True),
    "scan --blank": lambda run, _, image, out: convscope.scan(
        run, np.zeros((20, 20)), output=out, blank=[str(image.parent / "*")], classes=["0"], scale=1, force=True
    ),
    "scan --reuse": lambda run, _, image, out: convscope.scan(
        run, np.zeros((20, 20)), output=out, reuse=image, scale=1, force=True
    ),
    "draw": lambda run, _, image, out: convscope.draw("maps", run, image, output=out, force=True),
    "look": lambda run, folder, _, out: convscope.look(run, folder, output=out, force=True),
    "measure": lambda run, folder, _, out: convscope.measure(run, folder, output=out, force=True),
    "units": lambda run, folder, _, out: convscope.units(run, folder, output=out, force=True),
    "features": lambda run, folder, image, out: save_features(run, image, out, force=True),
}


@pytest.mark.parametrize("link", ["", "symbolic", "hard"])
@pytest.mark.parametrize("command", DESTROYERS)
def test_no_force_destroys_an_image_that_is_read(command: str, link: str, run: Path, tmp_path: Path) -> None:
    ending = {"scan --positions": ".csv", "scan --overlay": ".png", "draw": ".png", "features": ".npz"}
    image = tmp_path / "images" / "0" / f"image{ending.get(command, '.tif')}"
    image.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(image, format="PNG" if image.suffix == ".png" else "TIFF")
    before, out = image.read_bytes(), image
    if link:
        out = tmp_path / f"other{image.suffix}"
        out.symlink_to(image) if link == "symbolic" else out.hardlink_to(image)
    with pytest.raises(ParameterError, match=r"An output must be another file than the inputs\. Got .*, which is read"):
        DESTROYERS[command](run, image if link == "hard" else image.parents[1], image, str(out))
    assert image.read_bytes() == before
    assert sorted(tmp_path.rglob("*.*")) == sorted({image, out})


MODEL_DESTROYERS: dict[str, list[str]] = {
    "scan": ["scan", "MODEL", "image.tif", "--scale", "1", "-o", "maps.tif", "--positions", "MODEL"],
    "look": ["look", "MODEL", "-o", "MODEL"],
    "look --beside": ["look", "RUN", "--beside", "MODEL", "-o", "MODEL"],
    "look RUN": ["look", "RUN", "-o", "MODEL"],
    "measure": ["measure", "MODEL", "digits", "-o", "MODEL"],
    "cost": ["measure", "MODEL", "--cost", "-o", "MODEL"],
    "convert": ["convert", "RUN", "-o", "MODEL"],
    "features --save": ["features", "MODEL", "digits", "--classifiers", "softmax", "--save", "MODEL"],
    "train": ["train", "digits", "--start", "RUN", "-o", "RUN"],
}


@pytest.mark.parametrize("command", MODEL_DESTROYERS)
def test_no_force_destroys_the_model_that_is_read(
    command: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    kept = tmp_path / "run" / "model.safetensors"
    kept.write_bytes((run / "model.safetensors").read_bytes())
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((20, 20), np.uint8)).save("image.tif")
    names = {"RUN": "run", "MODEL": str(Path("run", kept.name))}
    assert main([*(names.get(word, word) for word in MODEL_DESTROYERS[command]), "--force"]) == 2
    assert "which is read" in capsys.readouterr().err
    assert kept.read_bytes() == (run / kept.name).read_bytes()


@pytest.mark.parametrize("out", ["maps.zarr", "page"])
def test_a_folder_that_is_written_anew_has_no_input_in_it(out: str, run: Path, tmp_path: Path) -> None:
    image = tmp_path / out / "tiles" / "0-0.png"
    image.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(image)
    given: Any = {"page": tmp_path / out} if out == "page" else {"output": tmp_path / out}
    with pytest.raises(ParameterError, match="which is read"):
        convscope.scan(run, image, scale=1, force=True, **given)


def test_the_table_of_a_prediction_is_no_list_that_is_read(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text("a.png\n")
    assert main(["predict", str(run), str(tmp_path / "list.csv"), "--csv", str(tmp_path / "list.csv"), "--force"]) == 2
    assert "which is read" in capsys.readouterr().err
    assert (tmp_path / "list.csv").read_text() == "a.png\n"


def test_the_figures_of_explanations_replace_no_image_that_is_explained(run: Path, tmp_path: Path) -> None:
    images = [tmp_path / "a" / "cat.png", tmp_path / "001-cat.png"]
    images[0].parent.mkdir()
    for image in images:
        Image.fromarray(np.zeros((20, 20), np.uint8)).save(image)
    before = images[1].read_bytes()
    with pytest.raises(ParameterError, match=r"001-cat\.png, which is read"):
        convscope.explain(run, images, output=tmp_path, force=True, faithfulness=0, methods=["occlusion"])
    assert images[1].read_bytes() == before
