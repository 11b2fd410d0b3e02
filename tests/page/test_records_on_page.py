"""Records on the page: its figures are those of the records, and what is not there is not shown."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.document import inline_json
from convscope.core.records import from_json, to_json
from convscope.explorer.comparison import comparison_data
from convscope.explorer.data import ExplorerData, NamedImage, explorer_data
from convscope.explorer.invariance import invariance_data
from convscope.explorer.page import render_look
from convscope.explorer.units import units_data
from convscope.measures.comparison.records import (
    Comparison,
    DistortionResult,
    VariantResult,
    VariantRun,
    digits_of,
)
from convscope.measures.invariance_record import Curve, Invariance, LayerChange, Point
from convscope.measures.units.ablation import measure_ablation
from convscope.measures.units.gabor import GaborFit
from convscope.measures.units.measuring import measure_units
from convscope.measures.units.records import ProbeRecord, UnitsReport
from convscope.networks.model import Model
from tests.checks.models import small_model, some_pixels

from .javascript import needs_node, run_driver
from .test_report_page import HOSTILE, Page

COUNT = 12


def point(strength: float, correct: int) -> Point:
    changes = (LayerChange(changed=0.8, residual=0.4), LayerChange(changed=0.5))
    return Point(
        strength=strength,
        images=100,
        correct=correct,
        same=correct,
        same_of_correct=correct,
        clean_correct=90,
        probability_change=0.1,
        fraction_outside=0.0,
        layers=changes,
    )


def invariance(name: str = "shift-x") -> Invariance:
    points = tuple(point(strength, correct) for strength, correct in ((2, 40), (1, 89), (-1, 88), (4, 10), (-2, 87)))
    curve = Curve(distortion=name, unit="px", points=points)
    sizes: dict[str, Any] = {"images": 100, "correct": 90, "margin_px": 0, "seed": 0}
    return Invariance(layout="4C3", data=name, split="test", layers=("4C3", "softmax"), curves=(curve,), **sizes)


def variant(name: str, fraction: float, parameters: int | None) -> VariantResult:
    bits = {strength: np.arange(50) < correct for strength, correct in ((-1, 30), (1, 25), (2, 20), (3, 10))}
    distorted = DistortionResult.of(("shift-x", "px"), {strength: (correct, 9) for strength, correct in bits.items()})
    runs = tuple(
        VariantRun(
            seed=seed,
            trained_on=50,
            epochs=2,
            seconds=1.5,
            total=100,
            correct_digits=digits_of(np.arange(100) < 100 * fraction + seed),
            clean_digits=digits_of(np.arange(50) < 40) if parameters else "",
            distorted=(distorted,) if parameters else (),
        )
        for seed in range(2)
    )
    return VariantResult(variant=name, title=name, description=HOSTILE[1], parameters=parameters, macs=7, runs=runs)


def comparison() -> Comparison:
    return Comparison(
        library_version="0",
        data=HOSTILE[0],
        split="test",
        classes=3,
        height=17,
        width=14,
        channels=3,
        training_images=50,
        all_training_images=50,
        test_images=100,
        distorted_images=50,
        layout="4C3",
        budget="epochs",
        amount=2.0,
        seeds=2,
        variants=(
            variant("b", 0.5, 10),
            variant("c", 0.7, 5),
            variant("a", 0.6, None),
            VariantResult(variant="d", title="d", description=""),
        ),
    )


def units_report(model: Model, images: np.ndarray, labels: np.ndarray) -> UnitsReport:
    """Return what is measured of the units of a network with one layer of them."""
    fits = tuple(
        GaborFit(unit=unit, direction_deg=0, wavelength_px=3, width_px=1, explained=explained)
        for unit, explained in enumerate((0.5, 0.75))
    )
    return UnitsReport(
        units=measure_units(model, images, labels=labels),
        random=(0.25,),
        gabor_fits=fits,
        random_gabor_fits=fits[:1],
        ablation=measure_ablation(model, images, labels),
        probes=tuple(ProbeRecord(stage=stage, pool="none", values=9, correct=5 + stage, total=10) for stage in (0, 1)),
    )


def full_page() -> ExplorerData:
    model, images = small_model("4C3"), some_pixels(COUNT, seed=3)
    labels = np.arange(COUNT) % 3
    report = units_report(model, images, labels)
    units = units_data(report.units, in_page={place: place for place in range(COUNT)}, report=report)
    shown = [NamedImage(name=str(at), pixels=one, truth=int(labels[at])) for at, one in enumerate(images)]
    return replace(
        explorer_data(model, shown),
        units=units,
        invariance=invariance_data(invariance()),
        comparison=comparison_data(comparison()),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ExplorerData, dict[str, Any]]:
    data = full_page()
    given = {
        "data": to_json(data),
        "choices": ["all", "right", "wrong", "class/1", "cell/1/2"],
        "which": {"layer": 1, "unit": 2},
    }
    return data, run_driver("records_driver.mjs", given, tmp_path_factory.mktemp("records"))


def test_all_records_come_back_from_json_and_stay_text() -> None:
    data = full_page()
    plain = json.loads(inline_json(to_json(data)))
    assert to_json(from_json(ExplorerData, plain)) == plain
    page = Page(render_look(data))
    assert [kind for kind, _ in page.elements].count("script") == 3
    assert not page.all("img")


def test_the_figures_are_those_of_the_records() -> None:
    found = invariance_data(invariance())
    (kind,) = found.distortions
    assert [one.strength for one in kind.points] == [-2, -1, 1, 2, 4]
    assert (found.accuracy, kind.points[3].accuracy, kind.points[3].layers) == (0.9, 0.4, ((0.8, 0.4), (0.5, None)))
    low, high = kind.points[3].interval
    assert (low, high) == pytest.approx(point(2, 40).accuracy.interval, rel=1e-3)
    rows = comparison_data(comparison())
    assert [row.name for row in rows.variants] == ["b", "c", "a"], "what was not measured is no row"
    assert (rows.variants[0].accuracy, rows.variants[0].distorted) == (0.505, (0.6, 0.5, 0.4, 0.2))
    assert rows.variants[2].distorted == (None,) * 4
    assert rows.variants[0].interval == pytest.approx(variant("b", 0.5, 10).interval, rel=1e-3)


@needs_node
def test_what_is_lost_without_a_unit_is_counted_image_by_image_and_has_an_interval(made: Any) -> None:
    data, found = made
    model, images, labels = small_model("4C3"), some_pixels(COUNT, seed=3), np.arange(COUNT) % 3
    record = measure_ablation(model, images, labels)
    unit = record.layers[0].units[2]
    change = record.change(unit)
    assert change is not None
    assert change.gained - change.lost == sum(unit.correct) - sum(record.correct)
    assert change.low <= change.change <= change.high
    assert found["ablation"] == {key: pytest.approx(value, rel=1e-3) for key, value in to_json(change).items()}
    assert data.units.ablation_images == COUNT
    assert record.change(replace(unit, lost=None)) is None, "an older record does not say which images"


def test_the_layers_have_what_was_measured_beside_what_is_due_to_chance() -> None:
    units = full_page().units
    assert units is not None
    assert (units.gabor, units.pixel_probe, units.probe_images) == ((0.625, 0.5), 0.5, 10)
    (layer,) = units.layers
    assert (layer.random, layer.probe) == (0.25, 0.6)
    known = [unit.selectivity for unit in layer.units if unit.selectivity is not None]
    assert layer.selectivity == pytest.approx(sum(known) / len(known))


@needs_node
def test_images_are_chosen_by_answer_class_and_cell(made: Any) -> None:
    data, found = made
    pairs = [(one.truth, one.predicted) for one in data.images]
    assert found["kept"] == [
        [True] * COUNT,
        [truth == answer for truth, answer in pairs],
        [truth != answer for truth, answer in pairs],
        [truth == 1 for truth, _ in pairs],
        [pair == (1, 2) for pair in pairs],
    ]
    assert found["groups"]["classes"] == [0, 1, 2]
    cells = [tuple(cell) for cell in found["groups"]["confused"]]
    assert set(cells) == {pair for pair in pairs if pair[0] != pair[1]}
    counts = [pairs.count(cell) for cell in cells]
    assert counts == sorted(counts, reverse=True)


@needs_node
def test_limits_are_sentences_and_the_sensitivity_is_of_a_small_strength(made: Any) -> None:
    _, found = made
    ((sentence, at_chance),) = found["limits"]
    above, falls = sentence.split("Accuracy falls")
    assert "When moved to the left by 2 pixels, accuracy is still above 95 %" in above
    assert "falls below that at 0.459 pixels" in above, "81.3 %, 79.8 % of 88 % and 87 %; bound 85.5 %"
    falls_at = "95 % of clean accuracy when moved to the right by 1.07 pixels (95 % interval 0.52"
    assert falls_at in falls
    assert "chance (10 %)" in at_chance
    assert found["middles"] == [2]
    assert found["moved"] == [[pytest.approx(0.75), None]]


@needs_node
def test_the_comparison_sorts_by_any_column_with_what_is_unknown_last(made: Any) -> None:
    _, found = made
    assert found["columns"] == [2], "of 1, 2, 3 px the middle"
    assert found["shown"] == [1], "the 1 px that the sentence at the head is about"
    assert found["orders"] == [
        ["a", "b", "c"],
        ["c", "b", "a"],
        ["b", "a", "c"],
        ["c", "a", "b"],
        ["c", "b", "a"],
        ["b", "c", "a"],
    ]


@needs_node
def test_a_page_without_records_has_none(tmp_path: Path) -> None:
    data = explorer_data(small_model("4C3"), [NamedImage(name="", pixels=some_pixels(1)[0])])
    found = run_driver(
        "records_driver.mjs", {"data": to_json(data), "choices": ["all"], "which": {"layer": 1, "unit": 0}}, tmp_path
    )
    assert [found[key] for key in ("ablation", "limits", "columns", "orders")] == [None] * 4
    assert found["groups"] == {"classes": [], "confused": []}
