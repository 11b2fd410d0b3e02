"""Read and write model files."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.core.arguments import FLAG, check_value, is_path
from convscope.core.atomic import refuse_existing
from convscope.core.errors import ParameterError
from convscope.core.text import printable
from convscope.networks.foreign.standardization import standardization_of
from convscope.networks.model import Model
from convscope.networks.model_file import ONNX, is_onnx, read_model, read_onnx_model, write_model

if TYPE_CHECKING:
    from torch import nn


def load(
    model: "str | os.PathLike[str] | nn.Module",
    example: Any = None,
    *,
    classes: Any = None,
    preprocessing: Any = None,
    up_to: str | None = None,
) -> Model:
    """Return a network as a model, ready to predict: from a model file, a run folder, an ONNX file or a torch module.

    Nothing in a file is executed: it is numbers and text, and both are validated. A module is traced with
    ``torch.export``, not changed, and compared with what was read: `Model.training` says how far they differ.

    Args:
        model: path of a file or run folder, or a ``torch.nn.Module`` that takes a batch of images and gives one logit a
            class.
        example: of a module: images as it takes them, N C H W, or the shape of one, C H W; by default of the size that
            the preprocessing says.
        classes: of a module or ONNX file: names of its outputs, or a file of them; else ``class 1`` … ``class N``.
        preprocessing: of a module or ONNX file: ``"unit"`` for pixels from 0 to 1, ``"imagenet"``, a dict with mean,
            std, scale (255 for pixels from 0 to 255), color (rgb or bgr), size and fit, torchvision's
            ``weights.transforms()``, or an image processor of Hugging Face. By default what a module of timm carries.
        up_to: of a module or ONNX file: name of the last layer that is wanted.

    Raises:
        ModelFileError: there is no such file, or it is damaged, foreign, or of a newer version; the message says which.
        DataError: an operator cannot be expressed as a layer; the message names it and its place.
        ParameterError: an argument does not fit the network.

    Examples:
        >>> from torch import nn
        >>> module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2))
        >>> model = load(module, (3, 8, 8), classes=["cat", "dog"], preprocessing="unit")
        >>> [layer.name for layer in model.network.plan.layers]
        ['0', '3']
    """
    given = {"example": example, "classes": classes, "preprocessing": preprocessing, "up_to": up_to}
    if not isinstance(model, (str, os.PathLike)):
        return Model.from_torch(model, example, classes=classes, preprocessing=preprocessing, up_to=up_to)
    is_onnx = is_path(model) and Path(model).suffix.lower() == ONNX
    for name, value in given.items():
        if value is not None and (not is_onnx or name == "example"):
            raise ParameterError(f"`{name}` must be left out for a {'file' if is_onnx else 'model file'}. Got it.")
    if not is_onnx:
        return read_model(model)
    said: Any = None if preprocessing is None else standardization_of(preprocessing, None)
    if isinstance(preprocessing, Mapping):  # the rest stays as it is assumed
        said = {name: getattr(said, name) for name in preprocessing}
    return read_onnx_model(Path(model), standardization=said, classes=classes, up_to=up_to)


def save(model: Model, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write the trained network `model` to the file `path`, whole or not at all.

    Args:
        model: the network.
        path: of the file.
        force: replace an existing file.

    Raises:
        StorageError: the file is there already, or cannot be written.
        ParameterError: the model is optimized for inference, its training record is not JSON, or the path ends in
            ``.onnx``, which `convert` writes.
    """
    check_value("force", force, FLAG)
    if is_path(path):  # all else is refused below
        if is_onnx(path):
            raise ParameterError(
                f"`path` must name a model file, such as model.safetensors. Got {printable(Path(path).name)!r}. "
                "convscope.convert writes ONNX."
            )
        refuse_existing(Path(path), force=force)
    write_model(model, path)
