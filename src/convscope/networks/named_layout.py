"""The plan of a layout that is no trained network, for images of a given size."""

import os
from typing import Any

from convscope.core.arguments import shown
from convscope.core.errors import LayoutError, ParameterError
from convscope.images.sizes import parse_sides

from .layout import Layout
from .model import Model
from .plan import Plan, plan

_SIDE, _CHANNELS, _CLASSES = 28, 1, 10  # by default


def plan_of_layout(
    model: Any,
    *,
    size: str | int | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Plan | None:
    """Return the plan of `model` if it is a layout, as text too; None for a network or a path.

    Args:
        model: a model, the path of one, or a layout.
        size: of the images in pixels: one side, or width and height; 28 if none.
        channels: values per pixel; 1 if none.
        classes: number of classes; 10 if none.

    Raises:
        LayoutError: the layout cannot be read, or does not fit the images.
        ParameterError: size, channels or classes are given for a model, which has its own.
    """
    if model is None:
        return None
    if not isinstance(model, (str, os.PathLike, Model, Layout)):
        raise ParameterError(f"`model` must be a model, a path, or a layout. Got {shown(model)}.")
    if isinstance(model, Model) or (not isinstance(model, Layout) and _exists(model)):
        for name, value in (("size", size), ("channels", channels), ("classes", classes)):
            if value is not None:
                raise ParameterError(
                    f"`{name}` is for a layout that is no model. Got {value!r} for a network that has its own. "
                    "Leave it out, or give the layout as text in place of the model."
                )
        return None
    try:
        layout = model if isinstance(model, Layout) else Layout.parse(str(model))
    except LayoutError:
        if not _is_path(str(model)):
            raise
        return None
    width, height = parse_sides(size, usual=_SIDE)
    return plan(
        layout,
        height=height,
        width=width,
        channels=_CHANNELS if channels is None else channels,
        classes=_CLASSES if classes is None else classes,
    )


def _exists(path: str | os.PathLike[str]) -> bool:
    """Return whether a file exists; a layout may be longer than any name, where Path's method raises."""
    return os.path.exists(path)  # noqa: PTH110


def _is_path(text: str) -> bool:
    """Return whether text that is no layout is meant as a path, though nothing exists there; a stride has a slash, too.

    Examples:
        >>> [_is_path(text) for text in ("32c5/2-MP2", "32Q5", "runs/missing", "model2.safetensors")]
        [False, False, True, True]
    """
    first, slash, _ = text.replace(os.sep, "/").partition("/")
    folder = bool(slash) and (not any(map(str.isdigit, first)) or os.path.isdir(os.path.dirname(text)))  # noqa: PTH112, PTH120
    return folder or text.endswith(".safetensors")
