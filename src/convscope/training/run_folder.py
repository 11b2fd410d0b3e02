"""The folder of a training run: its record, checkpoint and results."""

import contextlib
import hashlib
import itertools
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.core.atomic import check_folder, check_output, explained, remove, write_text
from convscope.core.devices import Device
from convscope.core.errors import ConvscopeError, ModelFileError, ParameterError, StorageError
from convscope.core.records import from_json, json_text, strict_json, to_json
from convscope.core.version import __version__
from convscope.images.dataset import Dataset
from convscope.images.decoding.decoder import EXTENSIONS
from convscope.options.train import TrainOptions

from .recipe import Recipe

FORMAT_VERSION = 2
REPORT_NAME = "report.json"
_LARGEST_SETTINGS_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """The settings and choices of a run; with the same record and images it gives the same bits."""

    format_version: int = FORMAT_VERSION
    library_version: str = __version__
    settings: TrainOptions
    layout: str  # empty where the network is that of a start
    recipe: Recipe
    threads: int
    ranks: int = 1
    device: Device = "cpu"
    images: str

    @property
    def digest(self) -> str:
        """A digest of everything that the weights depend on."""
        text = json.dumps(to_json([self.settings.seed, self.layout, self.recipe, self.images]), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def moved_to(self, device: Device) -> tuple[str, ...]:
        """Return a note if the device has changed."""
        if device == self.device:
            return ()
        return (f"the run started on {self.device} and continues on {device}; weights differ by rounding",)


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """The paths of a run's files."""

    path: Path

    @property
    def settings(self) -> Path:
        """The run's record."""
        return self.path / "settings.json"

    @property
    def checkpoint(self) -> Path:
        """The checkpoint."""
        return self.path / "checkpoint" / "state.safetensors"

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.path / "model.safetensors"

    @property
    def report(self) -> Path:
        """The report as JSON."""
        return self.path / REPORT_NAME

    @property
    def page(self) -> Path:
        """The report as a page."""
        return self.path / "report.html"

    @property
    def look(self) -> Path:
        """The explorer page, where it was written."""
        return self.path / "look.html"

    def pages(self, comparison: Path) -> dict[str, Path]:
        """Return its pages and that of a comparison by title, whether they exist or not."""
        return {"Look inside": self.look, "Report": self.page, "Comparison": comparison}

    @property
    def history(self) -> Path:
        """One line per epoch."""
        return self.path / "history.csv"

    @property
    def invariance(self) -> Path:
        """The robustness to distortions, where it was measured."""
        return self.path / "invariance.json"

    @property
    def units(self) -> Path:
        """Units: what they respond to and their importance, where it was measured."""
        return self.path / "units.json"

    @property
    def faithfulness(self) -> Path:
        """How far attributions can be trusted, where it was measured."""
        return self.path / "faithfulness.json"

    @property
    def cost(self) -> Path:
        """The cost of each layer, where it was measured."""
        return self.path / "cost.json"

    @property
    def resuming(self) -> str:
        """The command that resumes the run."""
        return shlex.join(["convscope", "train", "--resume", str(self.path)])

    @property
    def results(self) -> tuple[Path, ...]:
        """The results of a run and of later measurements; a new run in the folder removes them."""
        run = (self.checkpoint, self.model, self.report, self.page, self.look, self.history)
        return (*run, self.invariance, self.units, self.faithfulness, self.cost)


def make_folder(path: Path | None, *, name: str, force: bool) -> RunFolder:
    """Return a new run folder: `path`, or the first free ``runs/<name>-<number>``.

    Raises:
        StorageError: it cannot be made, or holds a run already and `force` is not given.
        ParameterError: it is a folder of images, in which a run would become a class.
    """
    refuse_folder(path, force=force)
    folder = RunFolder(path=path or _new_path(name))
    with explained(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        for stale in folder.results:
            remove(stale)
    return folder


def refuse_folder(path: Path | None, *, force: bool) -> None:
    """Validate, before anything is read or trained, that `make_folder` can make a run in the folder.

    Raises:
        StorageError: it holds a run already and `force` is not given, or nothing can be written there.
        ParameterError: it is a folder of images, in which a run would become a class.
    """
    if path is None:
        check_folder(Path("runs"))
        return
    folder = RunFolder(path=path)
    _refuse_images(path)
    if (folder.settings.exists() or folder.model.exists()) and not force:
        raise StorageError(
            f"{path} already holds a run and is not overwritten. Give another -o, continue with --resume {path}, or "
            "--force."
        )
    refuse_unwritable_run(folder)


def refuse_unwritable_run(folder: RunFolder) -> None:
    """Raise StorageError unless everything that a training writes can be written into `folder` now."""
    check_folder(folder.path)
    if folder.path.exists():
        for file in (folder.settings, folder.checkpoint, folder.model, folder.report, folder.page, folder.history):
            check_output(file, force=True)


def _refuse_images(path: Path) -> None:
    """Validate that no sub-folder holds images: that of the checkpoint would be a class next time."""
    with contextlib.suppress(OSError):
        for inner in path.iterdir():
            files = itertools.islice(inner.iterdir(), 100) if inner.is_dir() else ()
            if any(file.suffix.lower() in EXTENSIONS for file in files):
                raise ParameterError(
                    f"`output` must not be a folder of images, where the run would become a class. Got {path} "
                    f"(images in {inner.name!r}). Give another."
                )


def _new_path(name: str) -> Path:
    """Make the first free folder ``runs/<name>-<number>``."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "run"
    for number in itertools.count(1):
        path = Path("runs") / f"{stem}-{number}"
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    raise AssertionError  # numbers do not end


def write_record(folder: RunFolder, record: RunRecord) -> None:
    """Write the run's record."""
    write_text(folder.settings, json_text(record, indent=2) + "\n")


def read_record(folder: RunFolder) -> RunRecord:
    """Return the record of the run in `folder`.

    Raises:
        ParameterError: there is no run.
        ModelFileError: its record is damaged or of another version.
    """
    path = folder.settings
    if not path.is_file():
        raise ParameterError(
            f"`resume` must name the folder of a run. Got {folder.path}, where there is no settings.json."
        )
    try:
        if path.stat().st_size > _LARGEST_SETTINGS_BYTES:
            raise ModelFileError(f"{path} is too large to be the settings of a run. Start the training anew.")
        data = strict_json(path.read_text(encoding="utf-8"))
        version = data.get("format_version") if isinstance(data, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ModelFileError(f"{path} was written by a newer convscope. Update with: pip install -U convscope")
        if isinstance(version, int) and version < FORMAT_VERSION:
            raise ModelFileError(
                f"{path} was written by an older convscope, with other preprocessing, and cannot be resumed: the "
                "results would differ. Start the training anew; the model of the run can still be used."
            )
        return from_json(RunRecord, data)
    except ModelFileError:
        raise
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ConvscopeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged ({error}). Start the training anew.") from error


def digest_images(dataset: Dataset) -> str:
    """Return a digest of the labels, the splits and (a sample of) the images."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps([dataset.images.shape, dataset.classes]).encode())
    digest.update(np.ascontiguousarray(dataset.labels).tobytes())
    digest.update(np.ascontiguousarray(dataset.splits).tobytes())
    for index in range(0, len(dataset.images), max(1, len(dataset.images) // 1_000)):
        digest.update(np.ascontiguousarray(dataset.images[index]).tobytes())
    return digest.hexdigest()
