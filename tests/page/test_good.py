"""How good: the page's figures are those of the report, of the epochs and of the library's own counting."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from convscope.core.document import inline_json
from convscope.core.records import to_json
from convscope.explorer.data import ExplorerData, explorer_data
from convscope.explorer.evaluation import MOST_EPOCHS, evaluation_of
from convscope.measures.cost import count_costs
from convscope.training.history import EpochRecord
from convscope.training.report import Report
from tests.checks.models import small_model
from tests.checks.reports import reported

from .javascript import needs_node, run_driver


def report_of(classes: int, labels: list[int], answers: list[int]) -> Report:
    return reported(
        name="some",
        split="test",
        labels=labels,
        probabilities=np.eye(classes)[answers],
        names=[str(place) for place in range(len(labels))],
        indices=range(len(labels)),
        classes=[f"class {place}" for place in range(classes)],
        settings={},
        seconds=1.0,
    )


def epochs(count: int) -> list[EpochRecord]:
    return [
        EpochRecord(
            epoch=number,
            step=number,
            seconds=1.0,
            images_per_second=1.0,
            learning_rate=0.1,
            loss=float("nan") if number == 2 else 1 / number,
            accuracy=0.5,
            validation_loss=None,
            validation_accuracy=0.25,
        )
        for number in range(1, count + 1)
    ]


def test_the_figures_are_those_of_the_report() -> None:
    report = report_of(3, [0, 0, 1, 2], [0, 1, 1, 1])
    data = evaluation_of(report, epochs(3))
    assert (data.split, data.images, data.correct, data.interval) == ("test", 4, 2, report.accuracy.interval)
    assert {(cell.truth, cell.predicted): cell.count for cell in data.cells} == {
        (0, 0): 1,
        (0, 1): 1,
        (1, 1): 1,
        (2, 1): 1,
    }
    shown = to_json(replace(explorer_data(small_model()), evaluation=data))["evaluation"]
    assert [epoch["loss"] for epoch in shown["epochs"]] == [1.0, None, 0.3333], "what is not finite leaves a gap"
    assert {(epoch.validation_loss, epoch.validation_accuracy) for epoch in data.epochs} == {(None, 0.25)}
    assert json.loads(inline_json(shown)) == shown


def test_very_many_epochs_are_thinned_and_the_last_stays() -> None:
    shown = evaluation_of(report_of(2, [0, 1], [0, 1]), epochs(3 * MOST_EPOCHS + 7)).epochs
    assert MOST_EPOCHS / 2 < len(shown) <= MOST_EPOCHS + 1
    assert (shown[0].epoch, shown[-1].epoch) == (1, 3 * MOST_EPOCHS + 7)


@needs_node
def test_costs_are_counted_as_the_library_counts_and_the_most_confused_classes_are_shown(tmp_path: Path) -> None:
    layouts = ("4C3-MP2-6N", "4C3-+4C3-MP2-+4C2-APg", "3U4:2-BP2-5N")
    pages: list[ExplorerData] = []
    for text in layouts:
        model = small_model(text, classes=25)
        good = evaluation_of(report_of(25, [*range(25), 24, 24, 7], [*range(25), 23, 23, 24]))
        pages.append(replace(explorer_data(model), evaluation=good))
    for page, made in zip(pages, run_driver("good_driver.mjs", [to_json(one) for one in pages], tmp_path), strict=True):
        assert len(made["classes"]) == 20
        assert {7, 23, 24} < set(made["classes"])
        assert made["classes"] == sorted(made["classes"])
        itself = count_costs(small_model(page.layout).layout, height=17, width=14, channels=3, classes=25)[0]
        keys = ("name", "parameters", "macs", "training_bytes", "predicting_bytes")
        found = [
            (row["name"], row["parameters"], row["macs"], row["training"], row["predicting"]) for row in made["costs"]
        ]
        assert found == [tuple(getattr(layer, key) for key in keys) for layer in itself.layers]
        assert made["ticks"][0] == [0.2, 0.4, 0.6, 0.8, 1]
        assert all(
            ticks[0] <= low and ticks[-1] >= high
            for ticks, (low, high) in zip(made["ticks"], ((0.2, 0.97), (0.5, 0.5), (0.0012, 2.3)), strict=True)
        )
