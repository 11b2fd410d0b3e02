"""Read and write model files."""

import os

from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model


def load(path: str | os.PathLike[str]) -> Model:
    """Return the trained network in the model file or run folder `path`, ready to predict.

    Nothing in the file is executed: it is numbers and text, and both are validated.

    Raises:
        ModelFileError: there is no such file, or it is damaged, foreign, or of a newer version; the message says which.
    """
    return read_model(path)


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the trained network `model` to the file `path`, whole or not at all; an existing file is replaced.

    Raises:
        StorageError: the file cannot be written.
        ParameterError: the model is optimized for inference, or its training record is not JSON.
    """
    write_model(model, path)
