"""Layers that become part of the one before or after them, which then computes the same."""

import dataclasses

from torch import Tensor

from convscope.layers.geometry import Window
from convscope.layers.kinds.add import Add
from convscope.layers.kinds.channel_normalization import ChannelNormalization
from convscope.layers.kinds.concatenate import Concatenate
from convscope.layers.kinds.convolution import Convolution
from convscope.layers.kinds.linear import Linear
from convscope.layers.kinds.multiply import Multiply
from convscope.layers.kinds.nonlinearity import Nonlinearity
from convscope.layers.kinds.padding import Padding
from convscope.layers.kinds.pooling import Pooling
from convscope.layers.kinds.scale_and_shift import ScaleAndShift
from convscope.layers.kinds.transposed_convolution import TransposedConvolution
from convscope.layers.layer import Layer

from .draft import Draft, Drafted

_LINEAR = "linear"
_NEVER_NEGATIVE = {"relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "abs"}


def absorb_scales(draft: Draft) -> None:
    """Make scales and shifts part of the sums or normalization before, or of the sums behind."""
    for drafted in draft.in_order():
        if isinstance(drafted.layer, ScaleAndShift) and not _into_sums_before(draft, drafted):
            _into_sums_behind(draft, drafted)


def _into_sums_before(draft: Draft, scaled: Drafted) -> bool:
    (name,) = scaled.inputs
    below = draft.layers.get(name)
    if below is None or below.nonlinearity != _LINEAR or draft.only_reader(name) is None or len(below.inputs) > 1:
        return False
    names = _SUMS.get(type(below.layer))
    if names is None:
        return False
    factor, offset = names
    scale, shift = scaled.tensors["scale"].double(), scaled.tensors["shift"].double()
    tensors = {
        factor: below.tensors[factor].double() * _by_unit(below.layer, below.tensors[factor], scale),
        offset: below.tensors[offset].double() * scale + shift,
    }
    draft.change(below, tensors=tensors, nonlinearity=scaled.nonlinearity)
    draft.bypass(scaled.name, name)
    return True


_SUMS: dict[type[Layer], tuple[str, str]] = {
    Convolution: ("weight", "bias"),
    TransposedConvolution: ("weight", "bias"),
    Linear: ("weight", "bias"),
    ChannelNormalization: ("scale", "shift"),
    ScaleAndShift: ("scale", "shift"),
}
"""The tensor that is multiplied and the one that is added, of each kind that ends with a sum."""


def _by_unit(layer: Layer, weight: Tensor, scale: Tensor) -> Tensor:
    """Return one number a unit in a shape that multiplies its weights."""
    if isinstance(layer, TransposedConvolution):  # maps × units in a group: the maps of a group have units of their own
        in_groups = scale.reshape(layer.groups, 1, -1)
        return in_groups.expand(-1, len(weight) // layer.groups, -1).reshape(len(weight), -1)[:, :, None, None]
    return scale.reshape(-1, *[1] * (weight.dim() - 1))


def _into_sums_behind(draft: Draft, scaled: Drafted) -> bool:
    reader = draft.only_reader(scaled.name)
    if reader is None or scaled.nonlinearity != _LINEAR or reader.inputs != (scaled.name,):
        return False
    scale, shift = scaled.tensors["scale"].double(), scaled.tensors["shift"].double()
    if isinstance(reader.layer, Convolution):
        rows, columns = reader.layer.rows, reader.layer.columns
        if any((rows.before, rows.after, columns.before, columns.after)) and bool(shift.any()):
            return False  # the zeros around the map are not shifted
        groups, units = reader.layer.groups, reader.layer.units
        scale, shift = (
            numbers.reshape(groups, 1, -1).expand(-1, units // groups, -1).reshape(units, -1)[:, :, None, None]
            for numbers in (scale, shift)
        )
    elif isinstance(reader.layer, Linear):
        shape = draft.shapes[scaled.name]
        scale, shift = (numbers.repeat_interleave(shape.rows * shape.columns) for numbers in (scale, shift))
    else:
        return False
    weight = reader.tensors["weight"].double()
    bias = reader.tensors["bias"].double() + (weight * shift).flatten(1).sum(1)
    draft.change(reader, tensors={"weight": weight * scale, "bias": bias})
    draft.bypass(scaled.name, scaled.inputs[0])
    return True


def absorb_padding(draft: Draft) -> None:
    """Make frames of zeros part of the convolutions and poolings that read them."""
    for drafted in draft.in_order():
        frame = drafted.layer
        if not isinstance(frame, Padding) or drafted.nonlinearity != _LINEAR:
            continue
        sides = (frame.top, frame.left, frame.bottom, frame.right)
        if frame.mode != "constant" or frame.value != 0 or min(sides) < 0:
            continue
        readers = [draft.layers[name] for name in dict.fromkeys(draft.readers(drafted.name))]
        widened = [_widened(draft, frame, drafted, reader) for reader in readers]
        if readers and None not in widened:
            for reader, layer in zip(readers, widened, strict=True):
                draft.change(reader, layer=layer)
            draft.bypass(drafted.name, drafted.inputs[0])


def _widened(draft: Draft, frame: Padding, framed: Drafted, reader: Drafted) -> Layer | None:
    """Return the layer with the zeros before it as its own; None if it cannot have them."""
    layer = reader.layer
    if isinstance(layer, Convolution) and reader.inputs == (framed.name,):
        rows, columns = _longer(layer.rows, layer.columns, frame)
        return dataclasses.replace(layer, rows=rows, columns=columns)
    if not isinstance(layer, Pooling) or layer.rows is None or layer.columns is None or layer.ceil:
        return None
    rows, columns = _longer(layer.rows, layer.columns, frame)
    if layer.code == "AP":
        bare = not any((layer.rows.before, layer.rows.after, layer.columns.before, layer.columns.after))
        counts = bare or layer.count_padding
        return dataclasses.replace(layer, rows=rows, columns=columns, count_padding=True) if counts else None
    touches = all(
        max(window.before, window.after) < window.kernel and window.dilation == 1 for window in (rows, columns)
    )
    if layer.code != "MP" or not touches or not _is_never_negative(draft, framed.inputs[0]):
        return None  # a maximum does not see the zeros of its own padding
    return dataclasses.replace(layer, rows=rows, columns=columns)


def _longer(rows: Window, columns: Window, frame: Padding) -> tuple[Window, Window]:
    """Return the windows with the frame before and after the maps."""
    return (
        dataclasses.replace(rows, before=rows.before + frame.top, after=rows.after + frame.bottom),
        dataclasses.replace(columns, before=columns.before + frame.left, after=columns.after + frame.right),
    )


def _is_never_negative(draft: Draft, name: str) -> bool:
    """Return whether values are at least 0 whatever the image is."""
    drafted = draft.layers.get(name)
    if drafted is None:
        return False
    if drafted.nonlinearity in _NEVER_NEGATIVE:
        return True
    if isinstance(drafted.layer, Nonlinearity):
        return drafted.layer.function in _NEVER_NEGATIVE
    kinds = (Pooling, Concatenate, Add, Multiply)
    return isinstance(drafted.layer, kinds) and all(_is_never_negative(draft, below) for below in drafted.inputs)


def absorb_nonlinearities(draft: Draft) -> None:
    """Make nonlinearities a field of the layer before, where nothing else reads its values."""
    for drafted in draft.in_order():
        if not isinstance(drafted.layer, Nonlinearity) or drafted.nonlinearity != _LINEAR:
            continue
        (name,) = drafted.inputs
        below = draft.layers.get(name)
        if below is not None and below.nonlinearity == _LINEAR and draft.only_reader(name) is not None:
            draft.change(below, nonlinearity=drafted.layer.function)
            draft.bypass(drafted.name, name)
