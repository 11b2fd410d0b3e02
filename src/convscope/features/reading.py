"""The choice of features: from which layer of a network, and how its maps are pooled."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import ParameterError
from convscope.core.machine import usual_settings
from convscope.core.numeric import is_integer
from convscope.networks.build import Network
from convscope.networks.finite import check_finite
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork, plan_of
from convscope.networks.image_network import ImageNetwork, evaluating
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import BATCH_VALUES, LARGEST_BATCH, Model, as_tensor
from convscope.networks.plan import NetworkPlan

from .extractor import Extractor, Vectors
from .layers import find_layer, network_up_to, stage_layers

_GRID = re.compile(r"grid([1-9][0-9]?)")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Computation:
    """What a reading computes: from uint8 N H W C to maps or vectors, and the plan of the layers that it needs."""

    plan: NetworkPlan
    values: Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The features of each image: a layer, by the number of its stage or by name, and the pooling of its maps.

    Attributes:
        stage: of a layout, 1 for the first stage (a convolution with its pooling, or fully connected units), and so
            on; of any other network as `convscope.features.layers.stage_ends` counts them; counted from the end if
            negative; 0 for the standardized pixels.
        layer: name of a layer or block, in place of `stage`: its values after normalization and nonlinearity.
        pool: of each map: ``none`` keeps all values, ``mean`` and ``max`` keep one, ``grid2`` the means of its 2 × 2
            parts. Fully connected units are kept as they are.

    Raises:
        ParameterError: the pool is none of these, or both stage and layer are given.
    """

    stage: int = -1
    pool: str = "none"
    layer: str | None = None

    def __post_init__(self) -> None:
        """Validate the name."""
        if not is_integer(self.stage):
            raise ParameterError(f"`stage` must be a whole number. Got {self.stage!r}.")
        object.__setattr__(self, "stage", int(self.stage))
        if self.layer is not None and (not isinstance(self.layer, str) or not self.layer):
            raise ParameterError(f"`layer` must be the name of a layer. Got {self.layer!r}.")
        if self.layer is not None and self.stage != -1:
            raise ParameterError(
                f"Only one of `stage` and `layer` can be given. Got {self.stage} and {self.layer!r}. Leave one out."
            )
        if not isinstance(self.pool, str) or not (self.pool in _POOLS or _GRID.fullmatch(self.pool)):
            raise ParameterError(f"`pool` must be one of none, mean, max, or grid2 for 2 × 2 means. Got {self.pool!r}.")

    def depth(self, network: ImageNetwork) -> int:
        """Return the number of stages that are computed.

        Raises:
            ParameterError: the network has no such stage.
        """
        stages = len(network.stages) if isinstance(network, Network) else len(stage_layers(network)) - 1
        depth = self.stage + stages + 1 if self.stage < 0 else self.stage
        if not 0 <= depth <= stages:
            raise ParameterError(
                f"`stage` must be from 0 (the pixels) to {stages}, or from -{stages + 1} to -1, in "
                f"{network.plan.title}. Got {self.stage}."
            )
        return depth

    def node(self, network: ImageNetwork) -> str:
        """Return the name of the layer in the graph of `network`; ``image`` for the pixels.

        Raises:
            ParameterError: the network has no such stage or layer.
        """
        if self.layer is None:
            return stage_layers(network)[self.depth(network)]
        return find_layer(network.graph, self.layer)

    def check(self, network: ImageNetwork) -> None:
        """Raise an error for a network that this cannot be taken from.

        Raises:
            ParameterError: it has no such stage or layer, or its maps there are smaller than the grid.
        """
        self.node(network)
        if _GRID.fullmatch(self.pool):
            self.shape(network)

    def fits(self, network: ImageNetwork) -> bool:
        """Return whether this can be taken from `network`."""
        try:
            self.check(network)
        except ParameterError:
            return False
        return True

    def shape(self, network: ImageNetwork) -> tuple[int, ...]:
        """Return the shape of what is taken from one image: units, or maps × rows × columns.

        Raises:
            ParameterError: the network has no such stage or layer, or its maps there are smaller than the grid.
        """
        if isinstance(network, Network) and self.layer is None:
            planned = network.plan
            with usual_settings(), evaluating(network), torch.inference_mode():
                empty = torch.zeros(1, planned.height, planned.width, planned.channels, dtype=torch.uint8)
                return tuple(self._pooled(self._computation(network).values(empty)).shape[1:])
        graph, node = network.graph, self.node(network)
        shape = graph.shapes[node]
        sides = (shape.rows, shape.columns) if shape.rows * shape.columns > 1 or node == IMAGE else ()
        return tuple(self._pooled(torch.zeros(1, shape.maps, *sides)).shape[1:])

    def batch(self, model: Model) -> int:
        """Return how many images are computed at once: as memory allows, at most 256."""
        network = model.network
        if isinstance(network, Network) and self.layer is None:
            return model.batch
        node = self.node(network)
        graph = network.graph
        planned = network.plan if node == IMAGE else plan_of(graph.up_to(node), network.plan.title)
        return min(LARGEST_BATCH, planned.batch_within(BATCH_VALUES))

    def of(self, model: Model, images: NDArray[np.uint8], *, batch: int | None = None) -> Iterator[Vectors]:
        """Give the features of images, uint8 N H W C of the network's size, batch after batch: float32 n × `shape`.

        Raises:
            ParameterError: `batch` is not a whole number above 0.
            DataError: a feature is not a finite number.
        """
        wanted = self.batch(model) if batch is None else check_batch(batch)
        computation = self._computation(model.network)
        size, place = fitting_batch(computation.plan, wanted), f"in the features of {self._place(model.network)}"
        for start in range(0, len(images), size):
            part = as_tensor(images[start : start + size])
            with evaluating(model.network), torch.inference_mode():
                taken = self._pooled(computation.values(part))
                check_finite(taken, place)
                yield taken.contiguous().cpu().numpy()

    def names(self, network: ImageNetwork) -> list[str]:
        """Return a name for each value of a vector, in order: stage or layer, map and, where there are several, place.

        Examples:
            >>> from convscope.networks.layout import Layout
            >>> network = Network(Layout.parse("2C3-MP2"), height=4, width=4, channels=1, classes=2)
            >>> Reading(pool="mean").names(network), Reading().names(network)[:2]
            (['stage1_map1', 'stage1_map2'], ['stage1_map1_row1_column1', 'stage1_map1_row1_column2'])
            >>> Reading(layer="convolution1", pool="max").names(network)
            ['convolution1_map1', 'convolution1_map2']
        """
        node, shape = self.node(network), self.shape(network)
        numbered = isinstance(network, Network) and self.layer is None
        first = f"{f'stage{self.depth(network)}' if numbered else node}_map" if node != IMAGE else "pixel_channel"
        if len(shape) == 1:
            return [f"{first}{index + 1}" for index in range(shape[0])]
        return [f"{first}{maps + 1}_row{row + 1}_column{column + 1}" for maps, row, column in np.ndindex(shape)]

    def _place(self, network: ImageNetwork) -> str:
        """Return what the features are of, in words."""
        if isinstance(network, Network) and self.layer is None:
            return f"stage {self.depth(network)}"
        return f"layer {self.node(network)}"

    def _computation(self, network: ImageNetwork) -> _Computation:
        if isinstance(network, Network) and self.layer is None:
            stages = network.stages[: self.depth(network)]
            return _Computation(plan=network.plan, values=lambda images: _through(stages, network.standardized(images)))
        node = self.node(network)
        if node == IMAGE:
            return _Computation(plan=network.plan, values=network.standardize)
        cut = network_up_to(network, node)
        return _Computation(plan=cut.plan, values=cut)

    def _pooled(self, maps: Tensor) -> Tensor:
        maps = maps.float()
        if maps.dim() == 2:
            return maps
        if grid := _GRID.fullmatch(self.pool):
            return _parts(maps, int(grid[1]))
        return _POOLS[self.pool](maps)


def _through(stages: Iterable[torch.nn.Module], maps: Tensor) -> Tensor:
    for stage in stages:
        maps = stage(maps)
    return maps


def _parts(maps: Tensor, side: int) -> Tensor:
    """Return the means of side × side parts of each map, none of which is smaller than a value."""
    rows, columns = maps.shape[2:]
    most = min(rows, columns)
    if side > most:
        raise ParameterError(
            f"`pool` must be grid{most} or smaller for maps of {columns} × {rows}. Got 'grid{side}'. "
            "Give that, or none for all values."
        )
    return functional.adaptive_avg_pool2d(maps, side)


_POOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda maps: maps,
    "mean": lambda maps: maps.mean(dim=(2, 3)),
    "max": lambda maps: maps.amax(dim=(2, 3)),
}


@dataclass(frozen=True, eq=False)
class StageFeatures(Extractor):
    """The features that a reading takes from a layer of a model.

    Raises:
        ParameterError: the network has no such stage or layer, or its maps are smaller than the grid.
    """

    model: Model
    reading: Reading

    def __post_init__(self) -> None:
        """Raise an error for a layer that is not there, and a grid of more parts than its maps have values."""
        self.reading.check(self.model.network)

    @property
    def shape(self) -> tuple[int, ...]:
        """Units, or maps × rows × columns."""
        return self.reading.shape(self.model.network)

    @property
    def names(self) -> list[str]:
        """Stage or layer, map and, where there are several, place of each value."""
        return self.reading.names(self.model.network)

    def identity(self) -> str:
        """Return the reading with a digest of the weights."""
        network = self.model.network
        graph = network.graph if isinstance(network, GraphNetwork) else None
        sums = hashlib.blake2b(repr((self.model.title, self.reading, graph)).encode(), digest_size=16)
        for name, value in network.state_dict().items():
            sums.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
        return sums.hexdigest()

    def batch(self) -> int:
        """Return as many as memory allows, at most 256."""
        return self.reading.batch(self.model)

    def of(self, images: NDArray[np.uint8], *, batch: int | None = None) -> Iterator[Vectors]:
        """Give the features of images, uint8 N H W C of the network's size, batch after batch."""
        return self.reading.of(self.model, images, batch=batch)
