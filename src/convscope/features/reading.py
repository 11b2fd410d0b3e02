"""The choice of features: from which stage of a network, and how its maps are pooled."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import ParameterError
from convscope.core.machine import usual_settings
from convscope.core.numeric import is_integer
from convscope.networks.build import layout_network
from convscope.networks.finite import check_finite
from convscope.networks.image_network import ImageNetwork
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor, evaluating

from .extractor import Extractor, Vectors

_GRID = re.compile(r"grid([1-9][0-9]?)")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The features of each image: a stage and the pooling of its maps.

    Attributes:
        stage: 1 for the first stage (a convolution with its pooling, or fully connected units), and so on; counted
            from the end if negative; 0 for the standardized pixels.
        pool: of each map: ``none`` keeps all values, ``mean`` and ``max`` keep one, ``grid2`` the means of its 2 × 2
            parts. Fully connected units are kept as they are.

    Raises:
        ParameterError: the pool is none of these.
    """

    stage: int = -1
    pool: str = "none"

    def __post_init__(self) -> None:
        """Validate the name."""
        if not is_integer(self.stage):
            raise ParameterError(f"`stage` must be a whole number. Got {self.stage!r}.")
        object.__setattr__(self, "stage", int(self.stage))
        if not isinstance(self.pool, str) or not (self.pool in _POOLS or _GRID.fullmatch(self.pool)):
            raise ParameterError(f"`pool` must be one of none, mean, max, or grid2 for 2 × 2 means. Got {self.pool!r}.")

    def depth(self, network: ImageNetwork) -> int:
        """Return the number of stages that are computed.

        Raises:
            ParameterError: the network has no such stage.
        """
        stages = len(layout_network(network).stages)
        depth = self.stage + stages + 1 if self.stage < 0 else self.stage
        if not 0 <= depth <= stages:
            raise ParameterError(
                f"`stage` must be from 0 (the pixels) to {stages}, or from -{stages + 1} to -1, in "
                f"{network.plan.title}. Got {self.stage}."
            )
        return depth

    def check(self, network: ImageNetwork) -> None:
        """Refuse a network that this cannot be taken from.

        Raises:
            ParameterError: it has no such stage, or its maps there are smaller than the grid.
        """
        self.depth(network)
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
            ParameterError: the network has no such stage, or its maps there are smaller than the grid.
        """
        planned = network.plan
        with usual_settings(), evaluating(network), torch.inference_mode():
            empty = torch.zeros(1, planned.channels, planned.height, planned.width)
            return tuple(self._take(network, empty).shape[1:])

    def of(self, model: Model, images: NDArray[np.uint8], *, batch: int | None = None) -> Iterator[Vectors]:
        """Give the features of images, uint8 N H W C of the network's size, batch after batch: float32 n × `shape`.

        Raises:
            ParameterError: `batch` is not a whole number above 0.
            DataError: a feature is not a finite number.
        """
        size = fitting_batch(model.network.plan, model.batch if batch is None else check_batch(batch))
        for start in range(0, len(images), size):
            part = as_tensor(images[start : start + size])
            with evaluating(model.network), torch.inference_mode():
                taken = self._take(model.network, model.network.standardize(part))
                check_finite(taken, f"in the features of stage {self.depth(model.network)}")
                yield taken.contiguous().numpy()

    def names(self, network: ImageNetwork) -> list[str]:
        """Return a name for each value of a vector, in order: stage, map and, where there are several, place.

        Examples:
            >>> from convscope.networks.build import Network
            >>> from convscope.networks.layout import Layout
            >>> network = Network(Layout.parse("2C3-MP2"), height=4, width=4, channels=1, classes=2)
            >>> Reading(pool="mean").names(network), Reading().names(network)[:2]
            (['stage1_map1', 'stage1_map2'], ['stage1_map1_row1_column1', 'stage1_map1_row1_column2'])
        """
        depth, shape = self.depth(network), self.shape(network)
        first = f"stage{depth}_map" if depth else "pixel_channel"
        if len(shape) == 1:
            return [f"{first}{index + 1}" for index in range(shape[0])]
        return [f"{first}{maps + 1}_row{row + 1}_column{column + 1}" for maps, row, column in np.ndindex(shape)]

    def layer(self, network: ImageNetwork) -> str:
        """Return the layout's notation of what is taken; ``pixels`` before the first stage.

        Examples:
            >>> from convscope.networks.build import Network
            >>> from convscope.networks.layout import Layout
            >>> network = Network(Layout.parse("2C3-MP2-3C3-9N"), height=8, width=8, channels=1, classes=2)
            >>> [Reading(stage=number).layer(network) for number in range(4)]
            ['pixels', '2C3-MP2', '3C3', '9N']
        """
        layout, depth = layout_network(network).layout, self.depth(network)
        first = [index for index in range(len(layout.stages)) if not layout.is_joined(index)]  # of each module
        ends = [*first[1:], len(layout.stages)]
        return "-".join(map(str, layout.stages[first[depth - 1] : ends[depth - 1]])) if depth else "pixels"

    def _take(self, network: ImageNetwork, maps: Tensor) -> Tensor:
        for stage in layout_network(network).stages[: self.depth(network)]:
            maps = stage(maps)
        maps = maps.float()
        if maps.dim() == 2:
            return maps
        if grid := _GRID.fullmatch(self.pool):
            return _parts(maps, int(grid[1]))
        return _POOLS[self.pool](maps)


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
    """The features that a reading takes from the stages of a model.

    Raises:
        ParameterError: the network has no such stage, or its maps are smaller than the grid.
    """

    model: Model
    reading: Reading

    def __post_init__(self) -> None:
        """Refuse a stage that is not there, and a grid of more parts than its maps have values."""
        self.reading.check(self.model.network)

    @property
    def shape(self) -> tuple[int, ...]:
        """Units, or maps × rows × columns."""
        return self.reading.shape(self.model.network)

    @property
    def names(self) -> list[str]:
        """Stage, map and, where there are several, place of each value."""
        return self.reading.names(self.model.network)

    def identity(self) -> str:
        """Return the reading with a digest of the weights."""
        sums = hashlib.blake2b(repr((self.model.title, self.reading)).encode(), digest_size=16)
        for name, value in self.model.network.state_dict().items():
            sums.update(name.encode() + value.contiguous().numpy(force=True).tobytes())
        return sums.hexdigest()

    def batch(self) -> int:
        """Return as many as memory allows, at most 256."""
        return self.model.batch

    def of(self, images: NDArray[np.uint8], *, batch: int | None = None) -> Iterator[Vectors]:
        """Give the features of images, uint8 N H W C of the network's size, batch after batch."""
        return self.reading.of(self.model, images, batch=batch)
