"""Open a model file."""

import os

from convscope.networks.model import Model


def load(path: str | os.PathLike[str]) -> Model:
    """Return the trained network that the model file `path` holds, ready to predict.

    Nothing that the file holds is run: it is numbers and text, and both are checked.

    Raises:
        ModelFileError: there is no such file, or it is damaged, foreign, or of a newer version; the message says which.
    """
    return Model.load(path)
