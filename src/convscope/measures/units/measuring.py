"""Measure what every unit of every layer responds to, in one pass over the images."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError
from convscope.core.numeric import at_least
from convscope.core.progress import Reporter, Silent
from convscope.layers.planned import PlannedLayer
from convscope.networks.folding import fold
from convscope.networks.graph import Graph
from convscope.networks.image_network import evaluating
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor
from convscope.networks.plan import NetworkPlan

from .records import LayerUnits, TopPatch, UnitRecord, UnitsRecord
from .streams import Firing, Histograms, Strongest

TOP = 9
BATCH_VALUES = 2**23  # of all maps of one batch; counting takes about six times their memory
MOST_MEANS = 2**18  # units times classes of a layer whose means are recorded one by one
_COPIES = 6

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def measure_units(
    model: Model,
    images: Images,
    *,
    labels: Labels | None = None,
    name: Callable[[int], str] = lambda index: f"[{index}]",
    data: str = "",
    top: int = TOP,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> UnitsRecord:
    """Return what every unit of the convolutions and fully connected layers of `model` responds to.

    Images stream in batches: memory does not grow with their number.

    Args:
        model: the network.
        images: uint8 N H W C of the network's size, N at least 1; may be mapped from a file.
        labels: class of each, int64 N; None if unknown.
        name: returns the name of an image from its index.
        data: name of the dataset.
        top: patches to save for each unit, at most one an image.
        batch: images at once; as memory allows by default.
        reporter: receives the progress.

    Raises:
        DataError: the images are not such an array, or there are none.
        ParameterError: `top` or `batch` is not a positive integer.

    Examples:
        >>> from convscope.images.preprocessing import Preprocessing
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2-6N"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> found = measure_units(model, np.eye(8, dtype=np.uint8)[None, ..., None].repeat(5, 0), top=2)
        >>> [(layer.name, len(layer.units), layer.field_rows.size) for layer in found.layers], found.images
        ([('4C3', 4, 3), ('6N', 6, 10)], 5)
    """
    top = at_least(1, "top", top)
    planned = model.network.plan
    check_images(images, labels, planned)
    largest = planned.batch_within(BATCH_VALUES) if batch is None else check_batch(batch)
    size = fitting_batch(planned, largest, copies=_COPIES)
    streams = {index: _UnitStreams(planned, index, top) for index in unit_layers(fold(model.network).graph)}
    with (reporter or Silent()).task("units", len(images), "images") as task:
        for start, layers in _maps(model, images, size):
            _add(streams, layers, None if labels is None else labels[start : start + size], start)
            task.update(min(start + size, len(images)))
    records = (stream.record(planned, len(images), name, labeled=labels is not None) for stream in streams.values())
    return UnitsRecord(
        layout=model.title,
        classes=model.classes,
        images=len(images),
        data=data,
        height=planned.height,
        width=planned.width,
        channels=planned.channels,
        layers=tuple(records),
    )


def _add(
    streams: Mapping[int, "_UnitStreams"], layers: Iterator[tuple[int, Tensor]], labels: Labels | None, start: int
) -> None:
    """Add the maps of one batch to the streams of their layers."""
    batch_labels = None if labels is None else torch.from_numpy(labels.copy())
    for index, maps in layers:
        if index in streams:
            streams[index].add(maps, batch_labels, start)


def unit_layers(graph: Graph) -> tuple[int, ...]:
    """Return the indices of the layers with units: all whose values are weighted sums, but for the output."""
    nodes = enumerate(graph.nodes[:-1])
    return tuple(index for index, node in nodes if "weight" in node.layer.tensors(graph.inputs_of(node)))


def check_images(images: Images, labels: Labels | None, planned: NetworkPlan) -> None:
    """Check the shapes and types of images of the network's size, and of their labels.

    Raises:
        DataError: they do not fit.
    """
    shape = (planned.height, planned.width, planned.channels)
    if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        raise DataError(
            f"`images` must be a uint8 array N {' '.join(map(str, shape))} of at least one image. Got {images.dtype} "
            f"{images.shape}."
        )
    if labels is not None and (labels.shape != images.shape[:1] or labels.min() < 0 or labels.max() >= planned.classes):
        raise DataError(
            f"`labels` must be one class from 0 to {planned.classes - 1} an image, {len(images):,}. Got "
            f"{len(labels):,} from {labels.min()} to {labels.max()}."
        )


def _maps(model: Model, images: Images, size: int) -> Iterator[tuple[int, Iterator[tuple[int, Tensor]]]]:
    """Give, for each batch, the index of its first image and the maps of each layer."""
    arithmetic = fold(model.network)

    def layers(batch: Images) -> Iterator[tuple[int, Tensor]]:
        image = arithmetic.standardize(as_tensor(batch))
        return ((index, maps.cpu()) for index, (_, maps) in enumerate(arithmetic.values(image)))

    with evaluating(model.network), torch.inference_mode():
        for start in range(0, len(images), size):
            yield start, layers(images[start : start + size])


class _UnitStreams:
    """Streaming statistics of the units of one layer."""

    def __init__(self, planned: NetworkPlan, index: int, top: int) -> None:
        self.index = index
        units = planned.layers[index].maps
        self.means_recorded = units * planned.classes <= MOST_MEANS
        self.histograms, self.strongest = Histograms(units), Strongest(units, top)
        self.firing = Firing(units, planned.classes)

    def add(self, maps: Tensor, labels: Tensor | None, start: int) -> None:
        """Add the activations of a batch, N × units × rows × columns."""
        values = maps.flatten(2).contiguous()  # N units positions
        peaks, positions = values.max(dim=2)
        self.histograms.add(values)
        self.strongest.add(peaks, positions, start)
        self.firing.add(values, peaks, labels)

    def record(self, planned: NetworkPlan, images: int, name: Callable[[int], str], *, labeled: bool) -> LayerUnits:
        """Return the record of the layer."""
        layer = planned.layers[self.index]
        edge, width, counts = self.histograms.bins()
        means, selectivity = self.firing.class_means().tolist(), self.firing.selectivity()
        units = tuple(
            UnitRecord(
                unit=unit,
                silent=int(self.firing.silent[unit]) / (images * layer.rows * layer.columns),
                silent_images=int(self.firing.silent_images[unit]) / images,
                largest=float(self.strongest.values[0, unit]),
                histogram=tuple(counts[unit].tolist()),
                class_means=tuple(means[unit]) if labeled and self.means_recorded else (),
                selectivity=selectivity[unit] if labeled else None,
                top=tuple(self._top(layer, unit, name)),
            )
            for unit in range(layer.maps)
        )
        down, across = layer.field_rows, layer.field_columns
        pixels = min(down.size, planned.height) * min(across.size, planned.width)
        return LayerUnits(
            layer=self.index + 1,
            name=layer.name,
            rows=layer.rows,
            columns=layer.columns,
            field_rows=down,
            field_columns=across,
            image_fraction=pixels / (planned.height * planned.width),
            first_edge=edge,
            bin_width=width,
            units=units,
        )

    def _top(self, layer: PlannedLayer, unit: int, name: Callable[[int], str]) -> Iterator[TopPatch]:
        strongest = self.strongest
        columns = (strongest.values, strongest.images, strongest.positions)
        for value, image, position in zip(*(tensor[:, unit].tolist() for tensor in columns), strict=True):
            if value > 0:
                row, column = divmod(position, layer.columns)
                yield TopPatch(
                    image=image,
                    name=name(image),
                    row=row,
                    column=column,
                    top=layer.field_rows.first(row),
                    left=layer.field_columns.first(column),
                    value=value,
                )
