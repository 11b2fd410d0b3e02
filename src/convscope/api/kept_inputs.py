"""No command destroys what it reads: its outputs are compared with its inputs before anything is written."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from convscope.core.arguments import is_path
from convscope.core.targets import refuse_inputs
from convscope.images.decoding.decoder import EXTENSIONS
from convscope.networks.model_file import FILE_NAME


def keep_inputs(outputs: Iterable[Any], *, models: Iterable[Any] = (), data: Iterable[Any] = ()) -> None:
    """Refuse outputs that would replace an input, whatever `force` says.

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
