"""The name under which a dataset goes into records, and the folders that no output may go to."""

import os
import shlex
from pathlib import Path
from typing import Any

from convscope.core.errors import ParameterError

ARRAYS = "arrays"
"""The name of a pair of arrays, which no path leads to."""


def data_name(data: Any) -> str:
    """Return the name of `data` in records: an absolute path, so that a resumed run finds it; else the text itself.

    Raises:
        ParameterError: it is neither a path, nor a text, nor a pair of arrays.
    """
    if isinstance(data, tuple):
        return ARRAYS
    text = os.fspath(data) if isinstance(data, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise ParameterError(
            f"`data` must be a path, the name of a dataset, or a pair of arrays, images and labels. "
            f"Got {type(data).__name__}."
        )
    if not text or not os.path.lexists(text):
        return text
    path = Path(text).absolute()
    return str(path.resolve() if ".." in path.parts else path)  # the last part names runs, so it is never ..


def refuse_among_images(output: Path, data: str) -> None:
    """Raise ParameterError for an output inside the folder of images, where it would become a class."""
    images = Path(data)
    if data == ARRAYS or not images.is_absolute() or not images.is_dir():
        return
    try:
        run = Path(os.path.realpath(output))  # unlike `Path.resolve` it takes a link to itself
    except OSError:  # the current folder was removed: `check_folder` has the sentence
        return
    if run.is_relative_to(images.resolve()):
        other = images.resolve().parent / "runs" / (images.resolve().name or "run")
        raise ParameterError(
            f"`output` must be outside the folder of images, where it would become a class. Got {output} in "
            f"{images}. Give another: -o {shlex.quote(str(other))}"
        )
