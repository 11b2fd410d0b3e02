"""Costs are what one counts by hand, and the ablations are what a network of that kind really has."""

import json

import pytest
import torch

from convscope.core.errors import LayoutError, ParameterError
from convscope.core.records import from_json, to_json
from convscope.measures import timing
from convscope.measures.cost import CostRecord, LayoutCost, count_costs
from convscope.measures.timing import measure_cost, time_layers
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.plan import PlanSizes

SIZES: PlanSizes = {"height": 6, "width": 8, "channels": 1, "classes": 2}

# parameters and MACs by hand: as it is, locally connected, fully connected, without pooling; on 8x6 pixels, 2 classes
HAND = {
    # 9·4+4 shared; 9·48·4+4; 48·192+192; then 4·4·3=48 (or 192) values to 2 classes
    "4C3-MP2": [
        (40 + 98, 1728 + 96),
        (1732 + 98, 1728 + 96),
        (9216 + 192 + 98, 9216 + 96),
        (40 + 386, 1728 + 384),
    ],
    "4C3/2": [(40 + 98, 432 + 96), (436 + 98, 432 + 96), (48 * 48 + 48 + 98, 48 * 48 + 96)],
    "2C3v-APg-3N": [
        (20 + 9 + 8, 18 * 24 + 6 + 6),
        (18 * 24 + 2 + 9 + 8, 18 * 24 + 6 + 6),
        (48 * 48 + 48 + 9 + 8, 48 * 48 + 6 + 6),
        (20 + 147 + 8, 18 * 24 + 144 + 6),
    ],
    "softmax": [(98, 96)],
    "3C3v": [(30 + 146, 27 * 24 + 144), (651 + 146, 27 * 24 + 144), (48 * 72 + 72 + 146, 48 * 72 + 144)],
    "MP2-2C1": [
        (4 + 50, 2 * 12 + 48),
        (2 * 12 + 2 + 50, 2 * 12 + 48),
        (12 * 24 + 24 + 50, 12 * 24 + 48),
        (4 + 194, 2 * 48 + 192),
    ],
    "2C3-2C3-APg": [
        (20 + 38 + 6, 18 * 48 + 36 * 48 + 4),
        (18 * 48 + 2 + 36 * 48 + 2 + 6, 18 * 48 + 36 * 48 + 4),
        (48 * 96 + 96 + 96 * 96 + 96 + 6, 48 * 96 + 96 * 96 + 4),
        (20 + 38 + 194, 18 * 48 + 36 * 48 + 192),
    ],
    "7N": [(48 * 7 + 7 + 16, 48 * 7 + 14)],
    "2U3-MP3": [  # locally connected as it is; 3x2 windows have room for 2x2
        (18 * 48 + 2 + 18, 18 * 48 + 16),
        (48 * 96 + 96 + 18, 48 * 96 + 16),
        (18 * 48 + 2 + 194, 18 * 48 + 192),
    ],
    "MP2-5N": [(65 + 12, 60 + 10), (245 + 12, 240 + 10)],
}


def of(text: str, **sizes: int) -> tuple[LayoutCost, ...]:
    return count_costs(Layout.parse(text), **{"height": 6, "width": 8, "channels": 1, "classes": 2} | sizes)


@pytest.mark.parametrize("text", HAND)
def test_counts_are_those_made_by_hand(text: str) -> None:
    assert [(cost.parameters, cost.macs) for cost in of(text)] == HAND[text]


@pytest.mark.parametrize("text", ["4C3-MP2-5C3/2-4N", "4C3-+4C3-AP3/2-nonorm", "MP2-3C2v-APg-svm"])
def test_the_counted_counter_facts_have_the_weights_of_the_networks_that_they_describe(text: str) -> None:
    for cost in of(text, channels=3):
        if cost.layout:
            network = Network(Layout.parse(cost.layout), height=6, width=8, channels=3, classes=2)
            assert cost.parameters == sum(one.numel() for one in network.parameters())


def test_memory_is_that_of_the_maps() -> None:
    itself = of("4C3-MP2")[0]
    assert [layer.training_bytes for layer in itself.layers] == [4 * 192, 4 * 48, 4 * 2]
    assert [layer.predicting_bytes for layer in itself.layers] == [4 * (48 + 192), 4 * (192 + 48), 4 * (48 + 2)]
    assert itself.training_bytes == 4 * (48 + 192 + 48 + 2)
    assert itself.predicting_bytes == 4 * 240


def test_a_counter_fact_of_any_size_is_counted() -> None:
    local, connected = of("512C5-512C5-MP2", height=512, width=512)[1:3]
    assert local.parameters > 10**12
    assert connected.macs > 10**16
    with pytest.raises(LayoutError, match="Stage 1, 4C9v, does not fit"):
        of("4C9v")


def test_every_layer_is_timed_and_the_record_comes_back_from_json() -> None:
    found = measure_cost(Layout.parse("3C3-ST2-4N"), SIZES, batch=4, repeats=1)
    assert [cost.variant for cost in found.costs] == [
        "baseline",
        "locally connected",
        "fully connected",
        "without pooling",
    ]
    for cost in found.costs:
        assert all(layer.forward_ms is not None and layer.forward_ms > 0 for layer in cost.layers)
        assert all(layer.backward_ms is not None and layer.backward_ms > 0 for layer in cost.layers)
        assert cost.forward_ms == pytest.approx(sum(layer.forward_ms or 0 for layer in cost.layers))
    assert from_json(CostRecord, json.loads(json.dumps(to_json(found)))) == found


def test_what_does_not_fit_is_counted_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LARGEST_BYTES", 60_000)
    found = measure_cost(Layout.parse("4C3-MP2"), SIZES, batch=2, repeats=1)
    itself, _, connected, _ = found.costs
    assert itself.forward_ms is not None
    assert (connected.forward_ms, connected.backward_ms) == (None, None)
    assert connected.why_untimed.startswith("it needs about 0.0 GiB of memory")
    monkeypatch.setattr(timing, "LARGEST_MACS", 10)
    found = measure_cost(Layout.parse("4C3-MP2"), SIZES, batch=2, repeats=1)
    assert "MACs to be timed" in found.costs[0].why_untimed


def test_each_layer_is_run_as_often_as_said_and_gets_what_the_one_before_gives() -> None:
    calls: list[float] = []

    def twice(maps: torch.Tensor) -> torch.Tensor:
        calls.append(float(maps.detach().sum()))
        return 2 * maps

    times = time_layers([twice, twice], torch.ones(3), repeats=2)
    assert len(times) == 2
    assert calls == [3.0] * 4 + [6.0] * 4, "one to warm up, two timed, one that goes on"


def test_bad_arguments_are_refused() -> None:
    layout = Layout.parse("4C3")
    with pytest.raises(ParameterError, match=r"`batch` must be at least 2, as training normalizes .* Got 1\."):
        measure_cost(layout, SIZES, batch=1)
    with pytest.raises(ParameterError, match=r"`repeats` must be a whole number of at least 0\. Got -1\."):
        measure_cost(layout, SIZES, repeats=-1)
