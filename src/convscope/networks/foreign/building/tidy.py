"""Passes over a draft: pieces become layers, and what a layer before or after can do becomes part of it."""

import dataclasses
import math

import torch

from convscope.core.errors import ParameterError, did_you_mean
from convscope.layers.kinds.channel_selection import ChannelSelection
from convscope.layers.kinds.channel_shuffle import ChannelShuffle
from convscope.layers.kinds.concatenate import Concatenate
from convscope.layers.kinds.flatten import Flatten
from convscope.layers.kinds.multiply import Multiply
from convscope.layers.kinds.nonlinearity import Nonlinearity
from convscope.layers.kinds.padding import Padding
from convscope.layers.kinds.resize import Resize
from convscope.layers.kinds.scale_and_shift import ScaleAndShift
from convscope.layers.kinds.softmax import Softmax
from convscope.networks.graph import IMAGE, Node

from .absorption import absorb_nonlinearities, absorb_padding, absorb_scales
from .draft import Draft, Drafted
from .elementary import ChannelWindow, Elementary, Piece
from .pieces import recognize
from .unsupported import UnsupportedError

_REARRANGING = (ChannelSelection, ChannelShuffle, Flatten, Padding)
LOGITS = "The last softmax was taken off: the model gives logits."


def tidied(draft: Draft, end: str = "", up_to: str = "") -> tuple[Draft, list[str]]:
    """Return a draft whose last layer is `end`, or `up_to` if that is given, and notes.

    Raises:
        ParameterError: there is no layer `up_to`.
        UnsupportedError: a piece is left that no layer expresses.
    """
    draft = draft.copy()
    notes = []
    if end and not up_to:
        draft.drop_unread((end,))
        if _without_softmax(draft, end):
            notes.append(LOGITS)
    _passes(draft)
    last = _found(draft, up_to) if up_to else draft.present(end)
    draft.drop_unread((last,))
    for drafted in draft.in_order():
        if isinstance(drafted.layer, Piece):
            reason = f"no layer computes {drafted.layer.notation}"
            raise UnsupportedError(drafted.operator, drafted.name, reason, _last_whole(draft))
    return draft, notes


def _passes(draft: Draft) -> None:
    recognize(draft)
    _replace_clips(draft)
    _replace_channel_frames(draft)
    _join_resizes(draft)
    _open_gates(draft)
    _drop_identities(draft)
    absorb_scales(draft)
    absorb_padding(draft)
    absorb_nonlinearities(draft)


def last_layer(draft: Draft) -> str:
    """Return the name of the last layer that a graph can end with; empty if there is none."""
    draft = draft.copy()
    _passes(draft)
    return _last_whole(draft)


def _last_whole(draft: Draft) -> str:
    """Return the last layer that computes something and depends on no piece."""
    whole = {IMAGE}
    last = ""
    for drafted in draft.in_order():
        if not isinstance(drafted.layer, Piece) and whole.issuperset(drafted.inputs):
            whole.add(drafted.name)
            last = last if isinstance(drafted.layer, _REARRANGING) else drafted.name
    return last


def _found(draft: Draft, name: str) -> str:
    """Return the layer of a name, or the last one of the module of that name."""
    present = draft.present(name)
    if present in draft.layers:
        return present
    within = [layer for layer in draft.layers if layer.startswith(f"{name}.")]
    if not within:
        raise ParameterError(
            f"The network has no layer {name!r} that can be read.{did_you_mean(name, draft.layers)} "
            f"The last one is {_last_whole(draft)!r}."
        )
    return within[-1]


def nodes(draft: Draft) -> tuple[Node, ...]:
    """Return the nodes of a graph."""
    return tuple(
        Node(name=layer.name, layer=layer.layer, inputs=layer.inputs, nonlinearity=layer.nonlinearity)
        for layer in draft.layers.values()
    )


def _without_softmax(draft: Draft, end: str) -> bool:
    """Take a softmax off the end, and its logarithm with it; return whether there was one."""
    name = end
    if draft.layers[name].layer == Elementary(function="log"):
        (name,) = draft.layers[name].inputs
    last = draft.layers.get(name)
    if last is None or not isinstance(last.layer, Softmax) or last.inputs == (IMAGE,):
        return False
    for taken in dict.fromkeys((end, name)):
        draft.bypass(taken, last.inputs[0])
    return True


def _replace_clips(draft: Draft) -> None:
    """Write limits other than 0 and 6 as a relu or a hard-sigmoid between scales and shifts."""
    for drafted in draft.in_order():
        layer = drafted.layer
        if isinstance(layer, Elementary) and layer.function == "clip" and layer.low < layer.high:
            before, function, after = _clip_as_known(layer.low, layer.high)
            (below,) = drafted.inputs
            scaled = draft.insert(_scaled(draft, drafted, f"{drafted.name}.before", below, before), drafted.name)
            bent = Drafted(name=f"{drafted.name}.{function}", layer=Nonlinearity(function=function), inputs=(scaled,))
            inner = draft.insert(bent, drafted.name)
            end = _scaled(draft, drafted, drafted.name, inner, after)
            draft.change(drafted, layer=end.layer, inputs=end.inputs, tensors=end.tensors)


def _clip_as_known(low: float, high: float) -> tuple[tuple[float, float], str, tuple[float, float]]:
    """Return scale and shift before, the function, and scale and shift after."""
    if math.isinf(high):
        return (1.0, -low), "relu", (1.0, low)
    if math.isinf(low):
        return (-1.0, high), "relu", (-1.0, high)
    return (6 / (high - low), -3 * (low + high) / (high - low)), "hardsigmoid", (high - low, low)


def _scaled(draft: Draft, drafted: Drafted, name: str, below: str, numbers: tuple[float, float]) -> Drafted:
    maps = draft.shapes[below].maps
    tensors = dict(zip(("scale", "shift"), (torch.full((maps,), number) for number in numbers), strict=True))
    return Drafted(name=name, layer=ScaleAndShift(), inputs=(below,), tensors=tensors, operator=drafted.operator)


def _replace_channel_frames(draft: Draft) -> None:
    """Put maps of zeros beside maps as what they are: some of those maps times 0."""
    for drafted in draft.in_order():
        layer, below = drafted.layer, drafted.inputs[0]
        if not isinstance(layer, ChannelWindow) or layer.size != 1:
            continue
        sides = []
        for count in (layer.before, layer.after):
            names = [_zeros(draft, drafted, most) for most in _portions(count, draft.shapes[below].maps)]
            sides.append(names)
        draft.change(drafted, layer=Concatenate(), inputs=(*sides[0], below, *sides[1]))


def _portions(count: int, most: int) -> list[int]:
    return [min(most, count - start) for start in range(0, count, most)]


def _zeros(draft: Draft, drafted: Drafted, count: int) -> str:
    selection = Drafted(
        name=f"{drafted.name}.some", layer=ChannelSelection(start=0, count=count), inputs=drafted.inputs
    )
    some = draft.insert(selection, drafted.name)
    return draft.insert(_scaled(draft, drafted, f"{drafted.name}.zeros", some, (0.0, 0.0)), drafted.name)


def _open_gates(draft: Draft) -> None:
    """Make multiplications read one number per map, in place of maps that repeat it."""
    for drafted in draft.in_order():
        if not isinstance(drafted.layer, Multiply):
            continue
        inputs = list(drafted.inputs)
        for number, name in enumerate(drafted.inputs):
            source = draft.layers.get(name)
            if source is None or not isinstance(source.layer, Resize):
                continue
            below = draft.shapes[source.inputs[0]]
            other = draft.shapes[inputs[1 - number]]
            if below.rows * below.columns == 1 and other == draft.shapes[drafted.name]:
                inputs[number] = source.inputs[0]
        if tuple(inputs) != drafted.inputs:
            repeated = [name for name in drafted.inputs if name not in inputs]
            draft.change(drafted, inputs=tuple(inputs))
            for name in repeated:
                draft.drop_if_unread(name, part_of=draft.layers[drafted.name].name)


def _join_resizes(draft: Draft) -> None:
    """Make rows that are repeated and then columns, or the other way round, one layer."""
    for drafted in draft.in_order():
        below = draft.layers.get(drafted.inputs[0])
        if below is None or draft.only_reader(below.name) is None or below.nonlinearity != "linear":
            continue
        layer, first = drafted.layer, below.layer
        if isinstance(layer, Resize) and isinstance(first, Resize) and layer.mode == first.mode == "nearest":
            start = draft.shapes[below.inputs[0]]
            if (start.rows == first.rows and first.columns == layer.columns) or (
                start.columns == first.columns and first.rows == layer.rows
            ):
                draft.bypass(below.name, below.inputs[0])


def _drop_identities(draft: Draft) -> None:
    """Remove layers that change nothing."""
    for drafted in draft.in_order():
        if _changes_nothing(draft, drafted) and (drafted.inputs[0] != IMAGE or len(draft.layers) > 1):
            draft.bypass(drafted.name, drafted.inputs[0])


def _changes_nothing(draft: Draft, drafted: Drafted) -> bool:
    layer, shape = drafted.layer, draft.shapes[drafted.name]
    if len(drafted.inputs) != 1 or drafted.nonlinearity != "linear" or draft.shapes[drafted.inputs[0]] != shape:
        return False
    if isinstance(layer, ScaleAndShift):
        return bool((drafted.tensors["scale"] == 1).all() and (drafted.tensors["shift"] == 0).all())
    if isinstance(layer, Nonlinearity):
        return layer.function == "linear"
    if isinstance(layer, ChannelSelection):
        return layer.step > 0
    if isinstance(layer, Padding):
        return not any(dataclasses.astuple(layer)[:4])
    return isinstance(layer, (Flatten, Resize))
