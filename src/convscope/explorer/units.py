"""The units of a network on the page: their records, cut down to what one file can hold."""

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.text import image_in_words, printable
from convscope.measures.units.patches import cut, thumbnail
from convscope.measures.units.records import (
    AblationChange,
    AblationRecord,
    LayerUnits,
    TopPatch,
    UnitRecord,
    UnitsRecord,
    UnitsReport,
)

MOST_PATCHES = 9  # of a unit
MOST_CLASSES = 3  # that a unit responds to
FAIR_PATCHES = 4  # of each unit, before small patches come first
MOST_PATCH_TEXT = 230_000  # characters of all patches whose images are not in the page; more for large images:
TEXT_OF_VALUE = 120  # for each value of an image
LEVEL = 17  # of whole images, which are most of the text: 16 shades are a quarter shorter
LONGEST_NAME = 200


Patch = tuple[int, int, int, float]
"""A top patch: index of its image in the page, or -1 - its index in `elsewhere`; row and column in the map; value."""


@dataclass(frozen=True, kw_only=True)
class UnitData:
    """One unit: as in its record, with the classes that it responds to most, and the one it responds to least.

    `ablation` is how accuracy changes without it; None where that was not measured image by image.
    """

    silent: float
    silent_images: float
    largest: float
    histogram: tuple[int, ...]
    selectivity: float | None
    classes: tuple[tuple[int, float], ...]
    top: tuple[Patch, ...]
    ablation: AblationChange | None = None


@dataclass(frozen=True, kw_only=True)
class LayerUnitsData:
    """The units of one layer.

    Attributes:
        layer: its number in the network, from 1.
        first_edge, bin_width: of the histograms.
        selectivity: mean of its units; random: the same with random weights; None where it is unknown.
        probe: accuracy of a linear classifier on the maps of its stage; None where that was not measured.
        units: in order.
    """

    layer: int
    first_edge: float
    bin_width: float
    selectivity: float | None = None
    random: float | None = None
    probe: float | None = None
    units: tuple[UnitData, ...]


@dataclass(frozen=True, kw_only=True)
class UnitsData:
    """The units of all layers.

    Attributes:
        images: how many were measured.
        data: where they are from; empty for the images of the page.
        ablation_images: images of the ablation; 0 where it was not measured.
        gabor: mean fraction of the first layer's weights that Gabor waves explain, and the same of random weights; None
            where it was not measured.
        pixel_probe: accuracy of a linear classifier on the pixels, of `probe_images`; None where it was not measured.
        elsewhere: patches of images that are not in the page: the name of the image, and base64 of the patch as WebP.
        layers: those with units of their own.
    """

    images: int
    data: str = ""
    ablation_images: int = 0
    elsewhere: tuple[tuple[str, str], ...] = ()
    gabor: tuple[float, float] | None = None
    pixel_probe: float | None = None
    probe_images: int = 0
    layers: tuple[LayerUnitsData, ...]


def units_data(
    record: UnitsRecord,
    *,
    in_page: Mapping[int, int],
    image: Callable[[int], NDArray[np.uint8]] | None = None,
    background: tuple[int, ...] = (),
    report: UnitsReport | None = None,
) -> UnitsData:
    """Return the units of `record` for the page.

    Args:
        record: of the images measured.
        in_page: index in the page of each measured image that is in the page.
        image: gives any measured image, uint8 H W C; patches of images that are not in the page are left out if
            None, or where they would make the page too large.
        background: outside the image, one value a channel.
        report: what else was measured of the same network; None where nothing was.
    """
    elsewhere = None if image is None else _Elsewhere(record, image, background)
    numbers = elsewhere.numbers(in_page) if elsewhere else {}
    changes = _changes(report.ablation if report else None)

    def patches(unit: UnitRecord, layer: LayerUnits) -> Iterator[Patch]:
        for top in unit.top[:MOST_PATCHES]:
            number = numbers.get((layer.layer, unit.unit, top.image), in_page.get(top.image))
            if number is not None:
                yield number, top.row, top.column, top.value

    def unit(record: UnitRecord, layer: LayerUnits) -> UnitData:
        ranked = sorted(range(len(record.class_means)), key=lambda label: -record.class_means[label])
        shown = dict.fromkeys([*ranked[:MOST_CLASSES], *ranked[-1:]])
        return UnitData(
            silent=record.silent,
            silent_images=record.silent_images,
            largest=record.largest,
            histogram=record.histogram,
            selectivity=record.selectivity,
            classes=tuple((label, record.class_means[label]) for label in shown) if any(record.class_means) else (),
            top=tuple(patches(record, layer)),
            ablation=changes.get((layer.layer, record.unit)),
        )

    def of_layer(layer: LayerUnits, chance: float | None, probe: float | None) -> LayerUnitsData:
        return LayerUnitsData(
            layer=layer.layer,
            first_edge=layer.first_edge,
            bin_width=layer.bin_width,
            selectivity=layer.mean_selectivity,
            random=chance,
            probe=probe,
            units=tuple(unit(record, layer) for record in layer.units),
        )

    chances = report.random if report else (None,) * len(record.layers)
    probes = _probes(record, report)
    return UnitsData(
        images=record.images,
        data=printable(record.data)[:LONGEST_NAME],
        ablation_images=sum(report.ablation.images) if report and report.ablation else 0,
        elsewhere=tuple(elsewhere.patches) if elsewhere else (),
        gabor=report.gabor if report else None,
        pixel_probe=next((one.accuracy.fraction for one in report.probes if one.stage == 0), None) if report else None,
        probe_images=report.probes[0].total if report and report.probes else 0,
        layers=tuple(map(of_layer, record.layers, chances, probes)),
    )


def _probes(record: UnitsRecord, report: UnitsReport | None) -> list[float | None]:
    """Return the accuracy of a linear classifier on the stage of each layer: in a layout, each stage has one."""
    found: dict[int | str, float] = {
        one.layer or one.stage: one.accuracy.fraction for one in (report.probes if report else ())
    }
    return [found.get(layer.name, found.get(stage)) for stage, layer in enumerate(record.layers, start=1)]


def _changes(record: AblationRecord | None) -> dict[tuple[int, int], AblationChange]:
    """Return how accuracy changes without each unit, by layer and unit."""
    changes = (
        ((layer.layer, unit.unit), record.change(unit))
        for layer in (record.layers if record else ())
        for unit in layer.units
        if record is not None
    )
    return {key: change for key, change in changes if change is not None}


class _Elsewhere:
    """Patches of images that are not in the page; one that is the whole image is there once."""

    def __init__(
        self, record: UnitsRecord, image: Callable[[int], NDArray[np.uint8]], background: tuple[int, ...]
    ) -> None:
        self._record, self._image, self._background = record, image, background
        self.patches: list[tuple[str, str]] = []

    def numbers(self, in_page: Mapping[int, int]) -> dict[tuple[int, int, int], int]:
        """Return the numbers of the patches that fit, by layer, unit and image; the strongest of each unit first."""
        room = MOST_PATCH_TEXT + TEXT_OF_VALUE * self._record.height * self._record.width * self._record.channels
        made: dict[tuple[int, int, int, int], int] = {}
        numbers: dict[tuple[int, int, int], int] = {}
        for top, layer, unit in self._wanted(in_page):
            key = (top.image, -1, 0, 0) if self._whole(layer) else (top.image, layer.layer, top.row, top.column)
            if key not in made:
                webp = self._cut(top, layer)
                room -= len(webp)
                if room < 0:
                    break
                self.patches.append((printable(image_in_words(top.name))[:LONGEST_NAME], webp))
                made[key] = -len(self.patches)
            numbers[layer.layer, unit, top.image] = made[key]
        return numbers

    def _wanted(self, in_page: Mapping[int, int]) -> list[tuple[TopPatch, LayerUnits, int]]:
        ranked = [
            (rank if rank < FAIR_PATCHES else FAIR_PATCHES + rank * self._whole(layer), top, layer, unit.unit)
            for layer in self._record.layers
            for unit in layer.units
            for rank, top in enumerate(unit.top[:MOST_PATCHES])
            if top.image not in in_page
        ]
        return [entry[1:] for entry in sorted(ranked, key=lambda entry: entry[0])]

    def _whole(self, layer: LayerUnits) -> bool:
        """Whether the patches of a layer are whole images."""
        return layer.field_rows.size >= self._record.height and layer.field_columns.size >= self._record.width

    def _cut(self, top: TopPatch, layer: LayerUnits) -> str:
        pixels = self._image(top.image)
        if self._whole(layer):
            pixels = np.rint(pixels / LEVEL).astype(np.uint8) * np.uint8(LEVEL)
        else:
            pixels = cut(pixels, (layer.field_rows, layer.field_columns), (top.row, top.column), self._background)
        stream = io.BytesIO()
        thumbnail(pixels).save(stream, "WEBP", lossless=True, quality=100, method=6)
        return base64.b64encode(stream.getvalue()).decode("ascii")
