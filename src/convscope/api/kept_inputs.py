"""No command destroys what it reads: its outputs are compared with its inputs before anything is written."""

import glob
import os
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from convscope.core.arguments import is_path
from convscope.core.errors import ParameterError
from convscope.core.targets import refuse_inputs
from convscope.core.text import printable
from convscope.images.decoding.decoder import EXTENSIONS
from convscope.networks.model import Model
from convscope.networks.model_file import FILE_NAME
from convscope.training.run_folder import RunFolder


def keep_inputs(outputs: Iterable[Any], *, models: Iterable[Any] = (), data: Iterable[Any] = ()) -> None:
    """Raise an error for outputs that would replace an input, whatever `force` says.

    Args:
        outputs: paths; None stands for none. A folder counts as one that is replaced as a whole.
        models: what was given as models: of the folder of a run, its model file is one.
        data: what was given as images or data, also in lists: of a folder, the images are inputs; of a pattern, what it
            matches. What is no path is left out.

    Raises:
        ParameterError: an output is an input.
    """
    paths = [Path(output) for output in outputs if output is not None]
    if any(os.path.lexists(path) for path in paths):
        files = (file for path in _paths(models) for file in (path, path / FILE_NAME))
        refuse_inputs(paths, files)
        refuse_inputs(paths, _paths(data), endings=EXTENSIONS)


def keep_apart(name: str, folder: Path, model: Model, own: Container[str]) -> None:
    """Refuse a folder of results that is a run, has class folders, or is in the training images, whatever `force` says.

    Args:
        name: of the option.
        folder: need not exist.
        model: whose training images are kept apart.
        own: files of earlier results in it, as ``folder/name``.

    Raises:
        ParameterError: it is such a folder.
    """
    run, settings = RunFolder(path=folder), model.training.get("settings")
    data = settings.get("data") if isinstance(settings, dict) else None
    real, holds = Path(os.path.realpath(folder)), ""
    if any(file.exists() for file in (run.settings, run.checkpoint, run.model)):
        holds = "is the folder of a run"
    elif is_path(data) and Path(data).is_absolute() and real.is_relative_to(os.path.realpath(data)):
        holds = "is among the training images of the network"
    elif (found := next(_images_in_folders(folder, own), None)) is not None:
        holds = f"has class folders already: {printable(str(found))}"
    if holds:
        raise ParameterError(
            f"`{name}` must be a folder of its own. Got {printable(str(folder))}, which {holds}. Name a new one."
        )


def _images_in_folders(folder: Path, own: Container[str]) -> Iterator[Path]:
    """Give the images in the folders of a folder, without its `own`."""
    for one in filter(os.path.isdir, folder.glob("*")):
        for file in one.glob("*"):
            if file.suffix.lower() in EXTENSIONS and f"{one.name}/{file.name}" not in own:
                yield file.relative_to(folder)


def _paths(given: Iterable[Any]) -> Iterator[Path]:
    """Give the paths in what was given."""
    for one in given:
        if isinstance(one, (list, tuple)):
            yield from _paths(one)
        elif is_path(one):
            if glob.has_magic(os.fspath(one)) and not os.path.lexists(one):
                yield from map(Path, glob.iglob(os.fspath(one), recursive=True))  # noqa: PTH207  # as images are listed
            else:
                yield Path(one)
