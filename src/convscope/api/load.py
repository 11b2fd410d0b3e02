"""Read and write model files."""

import os
from pathlib import Path

from convscope.core.arguments import FLAG, check_value, is_path
from convscope.core.atomic import refuse_existing
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model


def load(path: str | os.PathLike[str]) -> Model:
    """Return the trained network in the model file or run folder `path`, ready to predict.

    Nothing in the file is executed: it is numbers and text, and both are validated.

    Raises:
        ModelFileError: there is no such file, or it is damaged, foreign, or of a newer version; the message says which.
    """
    return read_model(path)


def save(model: Model, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write the trained network `model` to the file `path`, whole or not at all.

    Args:
        model: the network.
        path: of the file.
        force: replace an existing file.

    Raises:
        StorageError: the file is there already, or cannot be written.
        ParameterError: the model is optimized for inference, or its training record is not JSON.
    """
    check_value("force", force, FLAG)
    if is_path(path):  # all else is refused below
        refuse_existing(Path(path), force=force)
    write_model(model, path)
