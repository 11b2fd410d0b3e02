"""How large a pixel is, in micrometers: of an image as its file says, of a network as its training images were."""

import re
from collections.abc import Mapping
from typing import Any

from convscope.core.errors import DataError, ParameterError
from convscope.core.text import printable
from convscope.networks.model import Model

from .readers import Reader

UM = {"nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0}
UM |= {"micrometer": 1.0, "\\u00b5m": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4, "m": 1e6}
"""Micrometers of a unit of length, as files spell it."""
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,12})?(?:[eE][-+]?[0-9]{1,2})?"
_SAME = 0.01  # sizes that differ by less are one
_UNITS = {2: 25_400.0, 3: 10_000.0}  # of the resolution of a TIFF: inch, centimeter


def said_size(description: str, tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """Return rows and columns of a pixel in micrometers, as OME, Aperio, ImageJ or the resolution of a TIFF say.

    Examples:
        >>> said_size('<Pixels PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.25" />', {})
        (0.25, 0.25)
        >>> said_size("Aperio Image Library |AppMag = 20|MPP = 0.499", {}), said_size("", {282: (1, 1), 296: 1})
        ((0.499, 0.499), None)
    """
    ome = {}
    for axis in "YX":
        if found := re.search(rf'\bPhysicalSize{axis}="({_NUMBER})"', description):
            unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]{{1,20}})"', description)
            ome[axis] = float(found[1]) * UM.get(unit[1] if unit else "µm", 0)
    if len(ome) == 2:
        return _positive(ome["Y"], ome["X"])
    if found := re.search(rf"\bMPP ?= ?({_NUMBER})", description):
        return _positive(float(found[1]), float(found[1]))
    unit = re.search(r"^unit=(\S{1,20})$", description, re.MULTILINE)  # of ImageJ
    um = UM.get(unit[1], 0) if unit else _UNITS.get(int(tags.get(296, 2)), 0)
    x, y = (_rational(tags.get(code)) for code in (282, 283))
    return _positive(um / y, um / x) if x and y else None


def _positive(down: float, across: float) -> tuple[float, float] | None:
    return (down, across) if down > 0 and across > 0 else None


def _rational(value: Any) -> float:
    try:
        return float(value[0]) / float(value[1]) if isinstance(value, (tuple, list)) else float(value or 0)
    except (ZeroDivisionError, IndexError, TypeError, ValueError):
        return 0.0


def chosen_scale(model: Model, reader: Reader, given: float | None) -> float:
    """Return the pixels of the network for each of an image: given, or as the sizes of their pixels say; never guessed.

    Raises:
        DataError: it is not given, and the training images were resized, or a size is not known.
        ParameterError: it is out of range.
    """
    if given is not None:
        if not 0.01 <= given <= 100:
            raise ParameterError(f"`scale` must be from 0.01 to 100. Got {given}.")
        return float(given)
    trained = _trained_size(model)
    if trained is None:
        return _resized(model)
    size: tuple[float, float] | None = getattr(reader, "pixel_um", None)
    name = printable(reader.name)
    if size is None or abs(size[0] / size[1] - 1) > _SAME:
        what = "does not say how large its pixels are" if size is None else "has pixels that are not square"
        raise DataError(
            f"The network was trained on pixels of {trained:g} µm, and {name} {what}. Give --scale, the µm of a pixel "
            f"of the image / {trained:g}."
        )
    scale = size[1] / trained
    if not 0.01 <= scale <= 100:
        raise DataError(
            f"The network was trained on pixels of {trained:g} µm, and {name} says that its own have {size[1]:g} µm. "
            "Give --scale if that is wrong."
        )
    return 1.0 if abs(scale - 1) <= _SAME else scale


def _sides(model: Model) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return least, median and largest width and height of the training images; None if the model does not say."""
    sizes = model.training.get("sizes")
    try:
        widths, heights = (tuple(int(one) for one in sizes[side]) for side in ("widths", "heights"))  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        return None
    return (widths, heights) if len(widths) == len(heights) == 3 and min(*widths, *heights) > 0 else None


def _trained_size(model: Model) -> float | None:
    """Return the micrometers of a pixel of the network; None where they are not known, or differ."""
    sides, own = _sides(model), model.learned.pixel_size
    if own is None or sides is None or len(set(sides[0])) > 1 or len(set(sides[1])) > 1:
        return None
    return own * sides[0][0] / model.preprocessing.width


def _resized(model: Model) -> float:
    """Return 1 if the training images were not resized.

    Raises:
        DataError: they were, or the model does not say.
    """
    sides = _sides(model)
    if sides is None:
        raise DataError(
            "The model does not say how large its training images were. Give --scale, the pixels of the network for "
            "each pixel of the image; 1 if they were cut out of such images and not resized."
        )
    widths, heights = sides
    height, width = model.preprocessing.size
    if (widths, heights) == ((width,) * 3, (height,) * 3):
        return 1.0
    if len(set(widths)) == len(set(heights)) == 1:
        hint = f"{width / widths[0]:g} if they were cut out of such images"
    else:
        hint = "1 if the image already has the scale of the network's input"
    raise DataError(
        f"The training images were resized to {width}x{height} from {widths[1]}x{heights[1]} (median), so the scale of "
        f"the image is unknown. Give --scale, the pixels of the network for each pixel of the image; {hint}."
    )
