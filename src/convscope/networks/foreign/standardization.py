"""How a network of others wants its pixels: read from what it carries, from a name or a dict, or asked for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from convscope.core.arguments import shown
from convscope.core.errors import ParameterError, choose, did_you_mean
from convscope.core.numeric import is_integer, is_number
from convscope.core.text import counted
from convscope.images.sizes import parse_size

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
COLORS = ("rgb", "bgr")
_FIELDS = ("mean", "std", "size", "color", "scale", "fit")
_CONFIGS = ("pretrained_cfg", "default_cfg")
_RAW = 255.0


@dataclass(frozen=True, kw_only=True)
class Standardization:
    """A network computes from (scale × pixel − mean) / std, where pixels are from 0 to 1.

    Attributes:
        mean, std: one number a channel, or one for all, in the order of the network's channels.
        scale: 255 for a network that takes pixels from 0 to 255, else 1; mean and std are of such pixels.
        color: order of the network's channels.
        size: rows and columns of an image; None leaves them to the network.
        fit: how an image of another shape becomes one of that size.
        note: where this comes from.
        resized: rows and columns, or the shorter side, that it wants images scaled to before `size` is cropped.
        interpolation: how its images were scaled; empty if it does not say.

    Raises:
        ParameterError: a field has an invalid value.

    Examples:
        >>> Standardization(mean=(104.0, 117.0, 123.0), scale=255, color="bgr").of(3)[0]
        (0.4823529411764706, 0.4588235294117647, 0.40784313725490196)
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    scale: float = 1.0
    color: Literal["rgb", "bgr"] = "rgb"
    size: tuple[int, int] | None = None
    fit: Literal["letterbox", "stretch", "crop"] = "crop"
    note: str = ""
    resized: tuple[int, ...] = ()
    interpolation: str = ""

    def __post_init__(self) -> None:
        """Validate the fields."""
        for name in ("mean", "std"):
            values = getattr(self, name)
            lowest = 0.0 if name == "std" else -math.inf
            numbers = isinstance(values, tuple) and all(is_number(value) and math.isfinite(value) for value in values)
            if not numbers or not values or not all(value > lowest for value in values):
                rule = "numbers above 0" if name == "std" else "numbers"
                raise ParameterError(f"`{name}` must be {rule}, one a channel. Got {values}.")
        if not is_number(self.scale) or not any(math.isclose(self.scale, one, rel_tol=1e-6) for one in (1, _RAW)):
            raise ParameterError(f"`scale` must be 255 or 1. Got {shown(self.scale)}.")
        choose("color", self.color, COLORS)
        choose("fit", self.fit, ("letterbox", "stretch", "crop"))
        if self.size is not None and not all(is_integer(side) and side > 0 for side in self.size):
            raise ParameterError(f"`size` must be pixels. Got {self.size}.")

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user must know of it: sentences."""
        remarks = []
        if math.isclose(self.scale, 1, rel_tol=1e-6) and max(self.mean) > 1:
            remarks.append(
                f"Pixels are from 0 to 1, and the mean is {max(self.mean):g}. If it counts pixels from 0 to 255, did "
                "you mean --scale 255 (in Python, scale 255)?"
            )
        if self.fit == "crop" and self.size is not None and self.resized and min(self.resized) != min(self.size):
            remarks.append(
                f"Its images were scaled to {min(self.resized)} pixels on the shorter side, and their center cropped. "
                f"Here, that side becomes {min(self.size)}, so that more of the image is seen, smaller."
            )
        if self.interpolation not in ("", "bilinear"):
            remarks.append(f"Its images were scaled by {self.interpolation} interpolation. Here, it is bilinear.")
        return tuple(remarks)

    def of(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation of pixels from 0 to 1, in the order red, green, blue.

        Raises:
            ParameterError: the network has another number of channels.
        """
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, channels):
                raise ParameterError(
                    f"`{name}` must have 1 or {channels} numbers, as many as the network has channels. "
                    f"Got {len(getattr(self, name))}."
                )
        if self.color == "bgr" and channels != 3:
            raise ParameterError(f"`color` must be rgb for a network of {counted(channels, 'channel')}. Got 'bgr'.")
        mean, std = (
            tuple(float(value) / self.scale for value in values) * (channels // len(values))
            for values in (self.mean, self.std)
        )
        return (mean[::-1], std[::-1]) if self.color == "bgr" else (mean, std)


NAMED = {
    "unit": Standardization(note="pixels from 0 to 1"),
    "imagenet": Standardization(mean=IMAGENET_MEAN, std=IMAGENET_STD, note="mean and standard deviation of ImageNet"),
}
"""Standardizations that have a name."""


def standardization_of(given: Any, module: Any, *, otherwise: Standardization | None = None) -> Standardization:
    """Return how a module wants its pixels.

    Args:
        given: a name, a dict, what torchvision gives as ``weights.transforms()``, an image processor of Hugging Face,
            or None for what the module carries.
        module: read if nothing is given: ``timm`` writes it into ``pretrained_cfg``.
        otherwise: what to assume if nothing is given and the module does not say it.

    Raises:
        ParameterError: `given` is none of these, or nothing is given, said or assumed.
    """
    if isinstance(given, Standardization):
        return given
    if isinstance(given, str):
        return NAMED[choose("preprocessing", given, NAMED)]
    if given is None:
        for name in _CONFIGS:
            config = getattr(module, name, None)
            if config:
                return _of_timm(config, name)
        if otherwise is not None:
            return otherwise
        raise ParameterError(
            "`preprocessing` must be given, since the module does not say how it wants its pixels. Got None. Give "
            "'unit' (pixels from 0 to 1), 'imagenet', or a dict such as "
            "{'mean': [0.5, 0.5, 0.5], 'std': [0.5, 0.5, 0.5]}."
        )
    if isinstance(given, Mapping):
        return _of_dict(given)
    if hasattr(given, "image_mean"):
        return _of_processor(given)
    if hasattr(given, "mean") and hasattr(given, "std"):
        return _of_transforms(given)
    raise ParameterError(
        f"`preprocessing` must be {', '.join(map(repr, NAMED))}, a dict with mean and std, or an object that has them. "
        f"Got {shown(given)}."
    )


def _of_dict(given: Mapping[str, Any]) -> Standardization:
    unknown = [name for name in given if name not in _FIELDS]
    if unknown:
        raise ParameterError(
            f"`preprocessing` must have only {', '.join(_FIELDS)}. Got {shown(unknown[0])}."
            f"{did_you_mean(unknown[0], _FIELDS)}"
        )
    values = dict(given)
    for name in ("mean", "std"):
        if name in values:
            values[name] = _numbers(name, values[name])
    if values.get("size") is not None:
        values["size"] = rows_and_columns(values["size"])
    return Standardization(**values, note="as given")


def rows_and_columns(size: Any) -> tuple[int, int] | None:
    """Return rows and columns of an image whose size is given as elsewhere here: one side, or width and height."""
    sides = parse_size(size)
    if sides is None or isinstance(sides, int):
        return None if sides is None else (sides, sides)
    width, height = sides
    return height, width


def _of_timm(config: Any, name: str) -> Standardization:
    shape, fit, part = (_field(config, name) for name in ("input_size", "crop_mode", "crop_pct"))
    sides = _sides(shape[1:]) if shape is not None and len(shape) == 3 else None
    return Standardization(
        mean=_numbers("mean", _field(config, "mean") or IMAGENET_MEAN),
        std=_numbers("std", _field(config, "std") or IMAGENET_STD),
        size=sides,
        fit={"border": "letterbox", "squash": "stretch"}.get(str(fit), "crop"),  # type: ignore[arg-type]
        resized=(math.floor(min(sides) / part),) if sides and is_number(part) and 0 < part < 1 else (),
        interpolation=_interpolation(_field(config, "interpolation")),
        note=f"from the module's {name}",
    )


def _of_transforms(given: Any) -> Standardization:
    """Return what torchvision's presets say."""
    resized = getattr(given, "resize_size", None)
    size = getattr(given, "crop_size", None) or resized
    return Standardization(
        mean=_numbers("mean", given.mean),
        std=_numbers("std", given.std),
        size=_sides(size) if size else None,
        note=f"from {type(given).__name__}",
        resized=_sides(resized) if resized else (),
        interpolation=_interpolation(getattr(given, "interpolation", None)),
    )


def _of_processor(given: Any) -> Standardization:
    """Return what an image processor of Hugging Face says."""
    size = getattr(given, "crop_size", None) if getattr(given, "do_center_crop", False) else None
    edge = _field(getattr(given, "size", None), "shortest_edge") if size else None
    resized = (edge,) if is_integer(edge) else ()
    size = size or getattr(given, "size", None)
    sides = None
    if size is not None:
        edge = _field(size, "shortest_edge")
        sides = (_field(size, "height") or edge, _field(size, "width") or edge)
    rescaled = getattr(given, "do_rescale", True)
    normalized = getattr(given, "do_normalize", True)
    return Standardization(
        mean=_numbers("mean", given.image_mean) if normalized else (0.0,),
        std=_numbers("std", given.image_std) if normalized else (1.0,),
        scale=_RAW * (getattr(given, "rescale_factor", 1 / _RAW) if rescaled else 1.0),
        size=_sides(sides) if sides and all(sides) else None,
        note=f"from {type(given).__name__}",
        resized=resized,
        interpolation=_interpolation(getattr(given, "resample", None)),
    )


def _field(holder: Any, name: str) -> Any:
    """Return an entry of a dict or an attribute of an object; None where there is none."""
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _interpolation(given: Any) -> str:
    """Return the name of an interpolation: a text, one of Pillow's numbers, or a member of an enumeration."""
    if is_integer(given) and int(given) in set(Image.Resampling):
        return Image.Resampling(int(given)).name.lower()
    name = str(getattr(given, "value", given) or "").lower()
    return name if name.upper() in Image.Resampling.__members__ else ""


def _numbers(name: str, given: Any) -> tuple[float, ...]:
    values = [given] if is_number(given) else given
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise ParameterError(f"`{name}` must be numbers, one a channel. Got {shown(given)}.")
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    if not all(is_number(value) for value in plain):
        raise ParameterError(f"`{name}` must be numbers, one a channel. Got {shown(given)}.")
    return tuple(map(float, plain))


def _sides(given: Any) -> tuple[int, int]:
    """Return rows and columns from one side, or from both in this order."""
    sides = [given] if is_integer(given) else list(given) if isinstance(given, Sequence) else []
    sides = sides * 2 if len(sides) == 1 else sides
    if len(sides) != 2 or not all(is_integer(side) and side > 0 for side in sides):
        raise ParameterError(f"`size` must be one side, or rows and columns, in pixels. Got {shown(given)}.")
    return int(sides[0]), int(sides[1])
