"""Recognizes nonlinearities, normalizations and poolings that a network writes in pieces, by what they compute.

From a layer upwards, everything that works on numbers alone or takes means of windows is taken together until it reads
one value only. What these pieces make of sample numbers is compared with what the known layers make of them, so that it
does not matter how a function is written: x · clip(x + 3, 0, 6) / 6 and x · hardsigmoid(x) are both hard-swish.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds.add import Add
from convscope.layers.kinds.channel_normalization import ChannelNormalization
from convscope.layers.kinds.local_response import LocalResponse
from convscope.layers.kinds.multiply import Multiply
from convscope.layers.kinds.nonlinearity import Nonlinearity
from convscope.layers.kinds.pooling import Pooling
from convscope.layers.kinds.scale_and_shift import ScaleAndShift
from convscope.layers.layer import Layer
from convscope.layers.nonlinearity import LEAKY, NONLINEARITIES
from convscope.layers.pooling import POOLINGS

from .draft import Draft, Drafted
from .elementary import ChannelMean, ChannelWindow, Elementary, Piece

_MOST_PIECES = 16
_MOST_COMPUTED = 25_000  # members of all expressions of a draft: 1 s
_SAMPLES = torch.arange(-240, 241, dtype=torch.float64) / 20
_TOLERANCE = 2e-6  # constants are often written in single precision; batch normalization at first scales by 1 - 5e-6


@dataclass(frozen=True, kw_only=True)
class Expression:
    """Layers that compute the values of one from those of another, and read nothing else.

    Attributes:
        end: the last of them.
        source: name of the value that they read.
        members: all of them, in order.
        shape: of the source.
    """

    end: Drafted
    source: str
    members: tuple[Drafted, ...]
    shape: MapShape

    @functools.cached_property
    def mean(self) -> Pooling | None:
        """The mean of windows among them; all are the same."""
        return next((member.layer for member in self.members if isinstance(member.layer, Pooling)), None)

    @functools.cached_property
    def mixes_channels(self) -> bool:
        """Whether a value depends on more than one channel."""
        return any(isinstance(member.layer, (ChannelMean, ChannelWindow)) for member in self.members)

    def computed(self, values: Tensor) -> Tensor:
        """Return what they make of values N C H W in double precision; C is 1 where no channels are mixed."""
        results = {self.source: values}
        for member in self.members:
            tensors = {
                name: tensor.double() if self.mixes_channels else tensor.double()[:1]
                for name, tensor in member.tensors.items()
            }
            results[member.name] = member.layer.compute([results[name] for name in member.inputs], tensors)
        return results[self.end.name]


def recognize(draft: Draft) -> None:
    """Put known layers in the place of functions and normalizations in pieces."""
    positions = {name: position for position, name in enumerate(draft.layers)}
    left = _MOST_COMPUTED
    for name in reversed(list(draft.layers)):
        if name not in draft.layers or left <= 0:
            continue
        for expression in _expressions(draft, name, positions):
            left -= len(expression.members)
            found = _known(expression)
            if found is not None:
                _put(draft, expression, *found)
                break


def _put(draft: Draft, expression: Expression, layer: Layer, tensors: dict[str, Tensor]) -> None:
    """Put a layer in the place of an expression."""
    draft.change(expression.end, layer=layer, inputs=(expression.source,), tensors=tensors)
    for member in reversed(expression.members[:-1]):
        draft.drop_if_unread(member.name, part_of=expression.end.name)


def _expressions(draft: Draft, name: str, positions: dict[str, int]) -> Iterator[Expression]:
    """Give the expressions that end with a layer, from small to large."""
    frontier, members = {name}, set[str]()
    while len(members) < _MOST_PIECES and frontier:
        latest = max(frontier, key=lambda one: positions.get(one, -1))
        if latest not in draft.layers or not _is_plain(draft.layers[latest]):
            return
        frontier = (frontier - {latest}) | set(draft.layers[latest].inputs)
        members.add(latest)
        if len(frontier) == 1:
            (source,) = frontier
            if draft.shapes[name] == _expected(draft, source, members):
                ordered = sorted(members, key=positions.__getitem__)
                yield Expression(
                    end=draft.layers[name],
                    source=source,
                    members=tuple(draft.layers[member] for member in ordered),
                    shape=draft.shapes[source],
                )


def _expected(draft: Draft, source: str, members: set[str]) -> MapShape | None:
    """Return the shape of what one layer makes of the source in place of members; None where they pool differently."""
    layers = (draft.layers[member].layer for member in members)
    means = {layer for layer in layers if isinstance(layer, Pooling)}
    if not means:
        return draft.shapes[source]
    return means.pop().shape([draft.shapes[source]]) if len(means) == 1 else None


def _is_plain(drafted: Drafted) -> bool:
    """Return whether a layer works on numbers alone, or takes means of windows."""
    if isinstance(drafted.layer, Pooling):
        return drafted.layer.code == "AP"
    return isinstance(drafted.layer, (Piece, Nonlinearity, Multiply, Add, ScaleAndShift))


def _is_uniform(drafted: Drafted) -> bool:
    """Return whether a layer has the same numbers for all channels."""
    return all(bool((tensor == tensor[0]).all()) for tensor in drafted.tensors.values())


def _known(expression: Expression) -> tuple[Layer, dict[str, Tensor]] | None:
    """Return the layer that computes the same, with its tensors."""
    alone = len(expression.members) == 1
    if alone and not isinstance(expression.end.layer, Elementary):
        return None
    if all(isinstance(member.layer, ScaleAndShift) for member in expression.members):
        return None
    if all(isinstance(member.layer, Nonlinearity) for member in expression.members):
        return None
    if expression.mixes_channels:
        return None if expression.mean else _normalization(expression)
    if not all(map(_is_uniform, expression.members)):
        return None
    if expression.mean is not None:
        return _pooling(expression, expression.mean)
    return _nonlinearity(expression)


def _nonlinearity(expression: Expression) -> tuple[Layer, dict[str, Tensor]] | None:
    values = expression.computed(_SAMPLES[:, None, None, None]).flatten()
    names, known = _known_values()
    found = (known - values).abs() <= _TOLERANCE * (1 + known.abs())
    for name, is_same in zip(names, found.all(1).tolist(), strict=True):
        if is_same:
            return Nonlinearity(function=name), {}
    slope = -float(values[_SAMPLES == -1].item())
    if 0 <= slope <= 1:
        layer = Nonlinearity(function=f"{LEAKY}:{float(f'{slope:.7g}')!r}")
        if _is_close(layer.compute([_SAMPLES], {}), values):
            return layer, {}
    return None


@functools.cache
def _known_values() -> tuple[tuple[str, ...], Tensor]:
    """Return the names of all nonlinearities and what each makes of the samples, one row each."""
    names = tuple(NONLINEARITIES)
    return names, torch.stack([Nonlinearity(function=name).compute([_SAMPLES], {}) for name in names])


def _pooling(expression: Expression, mean: Pooling) -> tuple[Layer, dict[str, Tensor]] | None:
    """Return the pooling over the windows of `mean` that computes the same, such as a root mean square."""
    sides = expression.shape.rows, expression.shape.columns
    if mean.rows is not None and mean.columns is not None:
        sides = mean.rows.extent + mean.rows.stride, mean.columns.extent + mean.columns.stride
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(16, 1, *sides, generator=generator, dtype=torch.float64) * 3 + 1
    samples[4:8] *= 0.01  # where an epsilon counts
    samples[8:12] = -samples[8:12].abs()
    samples[12] = 0
    values = expression.computed(samples)
    for code in POOLINGS:
        try:
            layer = dataclasses.replace(mean, code=code, count_padding=False)
        except LayoutError:  # of this kind there are no such windows
            continue
        if _is_close(layer.compute([samples], {}), values):
            return layer, {}
    return None


def _normalization(expression: Expression) -> tuple[Layer, dict[str, Tensor]] | None:
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(16, expression.shape.maps, 1, 1, generator=generator, dtype=torch.float64) * 3 + 1
    samples[8:] *= 0.01  # where epsilon counts
    values = expression.computed(samples)
    candidates: list[Callable[[Expression], Iterator[Layer]]] = [_channel_normalizations, _local_responses]
    for candidate in candidates:
        for layer in candidate(expression):
            tensors = {}
            if isinstance(layer, ChannelNormalization):
                tensors = _scale_and_shift(layer, samples, values)
            if _is_close(layer.compute([samples], tensors), values):
                return layer, tensors
    return None


def _scale_and_shift(layer: Layer, samples: Tensor, values: Tensor) -> dict[str, Tensor]:
    """Return the scale and shift of each channel that make of a normalization the values, as well as any can."""
    ones = torch.ones(samples.shape[1], dtype=torch.float64)
    normal = layer.compute([samples], {"scale": ones, "shift": 0 * ones})
    if _is_close(normal, values):
        return {"scale": ones, "shift": 0 * ones}
    means = normal.mean(0), values.mean(0)
    apart = normal - means[0]
    scale = (apart * (values - means[1])).sum(0) / apart.square().sum(0).clamp_min(1e-12)
    return {"scale": scale.flatten(), "shift": (means[1] - scale * means[0]).flatten()}


def _channel_normalizations(expression: Expression) -> Iterator[Layer]:
    for epsilon in _numbers(expression, "shift"):
        if 0 < epsilon < 1:
            yield ChannelNormalization(epsilon=epsilon)


def _local_responses(expression: Expression) -> Iterator[Layer]:
    sizes = [member.layer.size for member in expression.members if isinstance(member.layer, ChannelWindow)]
    powers = [member.layer.high for member in expression.members if isinstance(member.layer, Elementary)]
    powers = [abs(power) for power in powers if math.isfinite(power)]
    shifts, scales = _numbers(expression, "shift"), _numbers(expression, "scale")
    for size, beta, bias, alpha in itertools.product({*sizes} - {1}, powers, shifts, scales):
        yield LocalResponse(size=size, alpha=alpha, beta=beta, bias=bias)


def _numbers(expression: Expression, name: str) -> list[float]:
    """Return the numbers that the pieces scale or shift by, at the precision in which they are written."""
    found = [float(member.tensors[name][0]) for member in expression.members if name in member.tensors]
    return list(dict.fromkeys(float(f"{number:.7g}") for number in found))


def _is_close(first: Tensor, second: Tensor) -> bool:
    return bool(((first - second).abs() <= _TOLERANCE * (1 + first.abs())).all())
