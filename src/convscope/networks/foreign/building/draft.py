"""A network while it is read: its layers so far, with their weights, under names that are unique."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from convscope.core.text import printable
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, LARGEST_NODES

from .unsupported import InexpressibleError

_LONGEST_NAME = 180


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """One layer of a draft.

    Attributes:
        name, layer, inputs, nonlinearity: as of a node.
        tensors: of the layer, by their names in it.
        operator: what the network's own format calls it.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    nonlinearity: str = "linear"
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    operator: str = ""


@dataclass
class Draft:
    """Layers in an order in which they can be computed.

    Attributes:
        image: shape of the network's input.
        layers: by name.
        shapes: of their values and of the image, by name.
        merged: names of layers that are part of another now, with its name.
    """

    image: MapShape
    layers: dict[str, Drafted] = field(default_factory=dict)
    shapes: dict[str, MapShape] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    _readers: dict[str, list[str]] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with the image."""
        self.shapes.setdefault(IMAGE, self.image)

    def copy(self) -> "Draft":
        """Return a draft that can be changed while this one stays."""
        readers = {name: list(names) for name, names in self._readers.items()}
        return Draft(self.image, dict(self.layers), dict(self.shapes), dict(self.merged), readers, self._numbers.copy())

    def add(self, drafted: Drafted) -> str:
        """Add a layer whose inputs are there; return its name, made unique with a number.

        Raises:
            InexpressibleError: there are too many.
            LayoutError: its inputs do not fit it.
        """
        if len(self.layers) >= LARGEST_NODES:
            raise InexpressibleError(f"the network has more than {LARGEST_NODES:,} layers")
        name = self.unique(drafted.name)
        self.shapes[name] = drafted.layer.shape([self.shapes[below] for below in drafted.inputs])
        self.layers[name] = replace(drafted, name=name)
        for below in drafted.inputs:
            self._readers.setdefault(below, []).append(name)
        return name

    def unique(self, wanted: str) -> str:
        """Return the name, or the name with a number behind it if it is taken."""
        name = base = printable(wanted)[:_LONGEST_NAME] or "layer"
        while name in self.shapes:
            self._numbers[base] += 1  # those before are taken
            name = f"{base}_{self._numbers[base] + 1}"
        return name

    def readers(self, name: str) -> tuple[str, ...]:
        """Return the names of the layers that read a value, once for each time that they do."""
        return tuple(self._readers.get(name, ()))

    def only_reader(self, name: str) -> Drafted | None:
        """Return the layer that is alone in reading a value."""
        readers = self._readers.get(name, ())
        return self.layers[readers[0]] if len(readers) == 1 else None

    def in_order(self) -> Iterator[Drafted]:
        """Give the layers that are there now, as they are when it is their turn."""
        for name in list(self.layers):
            if name in self.layers:
                yield self.layers[name]

    def change(
        self,
        drafted: Drafted,
        *,
        layer: Layer | None = None,
        inputs: tuple[str, ...] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        nonlinearity: str = "",
    ) -> None:
        """Give a layer other fields; its shape must stay."""
        own = self.layers[drafted.name]
        if inputs is not None:
            self._unread(own)
            for below in inputs:
                self._readers.setdefault(below, []).append(own.name)
        self.layers[own.name] = replace(
            own,
            layer=layer or own.layer,
            inputs=own.inputs if inputs is None else inputs,
            tensors=own.tensors if tensors is None else tensors,
            nonlinearity=nonlinearity or own.nonlinearity,
        )

    def bypass(self, name: str, by: str) -> None:
        """Remove a layer; what read it reads `by`, and asking for it finds that."""
        for reader in dict.fromkeys(self.readers(name)):
            drafted = self.layers[reader]
            self.change(drafted, inputs=tuple(by if below == name else below for below in drafted.inputs))
        self._remove(name)
        self.merged[name] = by

    def present(self, name: str) -> str:
        """Return the name of the layer that a layer is part of now."""
        while name in self.merged:
            name = self.merged[name]
        return name

    def drop_unread(self, kept: Sequence[str]) -> None:
        """Remove the layers that none of `kept` depends on."""
        wanted = set(kept)
        for name in reversed(list(self.layers)):
            if name in wanted:
                wanted.update(self.layers[name].inputs)
            else:
                self._remove(name)

    def drop_if_unread(self, name: str, *, part_of: str) -> None:
        """Remove a layer that nothing reads any more; asking for it finds the one that it is a part of."""
        if name in self.layers and not self.readers(name):
            self._remove(name)
            self.merged[name] = part_of

    def insert(self, drafted: Drafted, before: str) -> str:
        """Add a layer before another; return its name."""
        name = self.add(drafted)
        added = self.layers.pop(name)
        ordered = {}
        for own, layer in self.layers.items():
            if own == before:
                ordered[name] = added
            ordered[own] = layer
        self.layers = ordered
        return name

    def _remove(self, name: str) -> None:
        self._unread(self.layers[name])
        del self.layers[name]

    def _unread(self, drafted: Drafted) -> None:
        for below in drafted.inputs:
            self._readers[below].remove(drafted.name)
