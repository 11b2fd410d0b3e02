"""What the page shows of the units of a network: the records, cut down to what one file can hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.text import printable
from convscope.measures.units.patches import cut
from convscope.measures.units.records import AblationRecord, LayerUnits, TopPatch, UnitRecord, UnitsRecord

from .encoding import encoded

MOST_PATCHES = 6  # of a unit
MOST_CLASSES = 3  # that a unit fires for
MOST_PATCH_BYTES = 400_000  # of all patches whose images are not in the page; a third more as text
LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class PatchData:
    """A top patch of a unit.

    Attributes:
        image: place of its image in the page; None where the image is not in it.
        name: of the image where it is not in the page.
        row, column: of the value in the unit's map.
        value: of the unit there.
        pixels: base64 of uint8, the receptive field H W C, where the image is not in the page.
    """

    image: int | None
    name: str = ""
    row: int
    column: int
    value: float
    pixels: str = ""


@dataclass(frozen=True, kw_only=True)
class UnitData:
    """One unit: as in its record, with the classes that it fires for most, each with its mean.

    `ablation` is by how much the accuracy is lower without it (0…1), which class loses most, and how much that loses;
    None where it was not measured.
    """

    silent: float
    silent_images: float
    largest: float
    histogram: tuple[int, ...]
    selectivity: float | None
    classes: tuple[tuple[int, float], ...]
    top: tuple[PatchData, ...]
    ablation: tuple[float, int, float] | None = None


@dataclass(frozen=True, kw_only=True)
class LayerUnitsData:
    """The units of one layer: its place in the network from 1, the bins of the histograms, the units."""

    layer: int
    first_edge: float
    bin_width: float
    units: tuple[UnitData, ...]


@dataclass(frozen=True, kw_only=True)
class UnitsData:
    """What units respond to.

    Attributes:
        images: how many were measured.
        data: where they are from; empty for the images of the page.
        ablation_images: on how many each unit's worth was measured; 0 where it was not.
        layers: those with units of their own.
    """

    images: int
    data: str = ""
    ablation_images: int = 0
    layers: tuple[LayerUnitsData, ...]


def units_data(
    record: UnitsRecord,
    *,
    places: Mapping[int, int],
    image: Callable[[int], NDArray[np.uint8]] | None = None,
    background: tuple[int, ...] = (),
    ablation: AblationRecord | None = None,
) -> UnitsData:
    """Return what the page shows of `record`.

    Args:
        record: of the images measured.
        places: place in the page of each measured image that is in the page.
        image: gives any measured image, uint8 H W C; patches of images that are not in the page are left out if
            None, or where they would make the page too large.
        background: what lies outside an image, one value a channel.
        ablation: what is recognized without each of the units; None where that was not measured.
    """
    ablations = _ablations(ablation)
    most = _patches_within(record, places) if image else MOST_PATCHES

    def patch(top: TopPatch, layer: LayerUnits) -> PatchData:
        common: dict[str, Any] = {"row": top.row, "column": top.column, "value": _rounded(top.value)}
        if top.image in places or image is None:
            return PatchData(image=places.get(top.image), **common)
        fields = layer.field_rows, layer.field_columns
        pixels = encoded(cut(image(top.image), fields, (top.row, top.column), background), "u1")
        return PatchData(image=None, name=printable(top.name)[:LONGEST_NAME], pixels=pixels, **common)

    def unit(one: UnitRecord, layer: LayerUnits) -> UnitData:
        shown = [top for top in one.top if image is not None or top.image in places]
        best = sorted(range(len(one.class_means)), key=lambda place: -one.class_means[place])[:MOST_CLASSES]
        return UnitData(
            silent=_rounded(one.silent),
            silent_images=_rounded(one.silent_images),
            largest=_rounded(one.largest),
            histogram=one.histogram,
            selectivity=None if one.selectivity is None else _rounded(one.selectivity),
            classes=tuple((place, _rounded(one.class_means[place])) for place in best if one.class_means[place] > 0),
            top=tuple(patch(top, layer) for top in shown[:most]),
            ablation=ablations.get((layer.layer, one.unit)),
        )

    return UnitsData(
        images=record.images,
        data=printable(record.data)[:LONGEST_NAME],
        ablation_images=sum(ablation.images) if ablation else 0,
        layers=tuple(
            LayerUnitsData(
                layer=layer.layer,
                first_edge=layer.first_edge,
                bin_width=layer.bin_width,
                units=tuple(unit(one, layer) for one in layer.units),
            )
            for layer in record.layers
        ),
    )


def _ablations(record: AblationRecord | None) -> dict[tuple[int, int], tuple[float, int, float]]:
    """Return by layer and unit: loss of accuracy without it, the class that loses most, and how much it loses."""
    found: dict[tuple[int, int], tuple[float, int, float]] = {}
    if record is None:
        return found
    for layer in record.layers:
        for unit in layer.units:
            losses = [
                (whole - without) / count if count else 0.0
                for whole, without, count in zip(record.correct, unit.correct, record.images, strict=True)
            ]
            most = max(range(len(losses)), key=lambda place: losses[place])
            found[layer.layer, unit.unit] = (_rounded(record.loss(unit)), most, _rounded(losses[most]))
    return found


def _rounded(value: float) -> float:
    """Return four digits of `value`; the page shows three."""
    return float(f"{value:.4g}")


def _patches_within(record: UnitsRecord, places: Mapping[int, int]) -> int:
    """Return how many patches of each unit fit into a page."""
    for most in range(MOST_PATCHES, 0, -1):
        elsewhere = sum(
            layer.field_rows.size * layer.field_columns.size * record.channels
            for layer in record.layers
            for unit in layer.units
            for top in unit.top[:most]
            if top.image not in places
        )
        if elsewhere <= MOST_PATCH_BYTES:
            return most
    return 0
