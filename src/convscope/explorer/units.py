"""The units of a network on the page: their records, cut down to what one file can hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.text import printable
from convscope.measures.units.patches import cut, small_png
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
MOST_PATCH_TEXT = 1_000_000  # characters of all patches whose images are not in the page
LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class PatchData:
    """A top patch of a unit.

    Attributes:
        image: index of its image in the page; None where the image is not in it.
        name: of the image where it is not in the page.
        row, column: of the value in the unit's map.
        value: of the unit there.
        png: base64 of its receptive field as a PNG, where the image is not in the page.
    """

    image: int | None
    name: str = ""
    row: int
    column: int
    value: float
    png: str = ""


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
    top: tuple[PatchData, ...]
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
        pixel_probe: accuracy of a linear classifier on the pixels, on so many probe_images; None where it was not measured.
        layers: those with units of their own.
    """

    images: int
    data: str = ""
    ablation_images: int = 0
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
        image: gives any measured image, uint8 H W C; patches of images that are not in the page are left out if None, or
            where they would make the page too large.
        background: outside the image, one value a channel.
        report: what else was measured of the same network; None where nothing was.
    """
    pngs = {} if image is None else _pngs(record, in_page, image, background)
    changes = _changes(report.ablation if report else None)

    def patch(top: TopPatch, layer: LayerUnits, unit: UnitRecord) -> PatchData | None:
        common: dict[str, Any] = {"row": top.row, "column": top.column, "value": top.value}
        if top.image in in_page:
            return PatchData(image=in_page[top.image], **common)
        png = pngs.get((layer.layer, unit.unit, top.image))
        return PatchData(image=None, name=printable(top.name)[:LONGEST_NAME], png=png, **common) if png else None

    def unit(record: UnitRecord, layer: LayerUnits) -> UnitData:
        ranked = sorted(range(len(record.class_means)), key=lambda label: -record.class_means[label])
        shown = dict.fromkeys([*ranked[:MOST_CLASSES], *ranked[-1:]])
        patches = (patch(top, layer, record) for top in record.top[:MOST_PATCHES])
        return UnitData(
            silent=record.silent,
            silent_images=record.silent_images,
            largest=record.largest,
            histogram=record.histogram,
            selectivity=record.selectivity,
            classes=tuple((label, record.class_means[label]) for label in shown) if any(record.class_means) else (),
            top=tuple(one for one in patches if one is not None),
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


def _pngs(
    record: UnitsRecord,
    in_page: Mapping[int, int],
    image: Callable[[int], NDArray[np.uint8]],
    background: tuple[int, ...],
) -> dict[tuple[int, int, int], str]:
    """Return the patches that fit into a page, as PNG by layer, unit and image: the strongest of each unit first."""
    wanted = [
        (top, layer, unit)
        for rank in range(MOST_PATCHES)
        for layer in record.layers
        for unit in layer.units
        for top in unit.top[rank : rank + 1]
        if top.image not in in_page
    ]
    found: dict[tuple[int, int, int], str] = {}
    room = MOST_PATCH_TEXT
    for top, layer, unit in wanted:
        fields, pixels = (layer.field_rows, layer.field_columns), image(top.image)
        whole = fields[0].size >= record.height and fields[1].size >= record.width
        png = small_png(pixels if whole else cut(pixels, fields, (top.row, top.column), background))
        room -= len(png)
        if room < 0:
            break
        found[layer.layer, unit.unit, top.image] = png
    return found
