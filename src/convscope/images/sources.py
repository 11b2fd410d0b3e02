"""Every kind of source behind one function: what `DATA` means on the command line and in Python."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError

from .arrays import ArraySource, from_arrays
from .files import FileSource
from .folders import open_folder
from .source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION, Source

if TYPE_CHECKING:
    from convscope.core.progress import Reporter


def open_source(
    data: str | Path | tuple[NDArray[Any], NDArray[Any]],
    *,
    data_dir: Path | None = None,
    reporter: "Reporter | None" = None,
) -> Source:
    if isinstance(data, tuple):
        return from_arrays(*data)
    path = Path(data)
    if path.is_dir():
        return open_folder(path)
    raise DataError("todo")
