"""Linear probes of any network: of every stage of a layout, of the ends of blocks of a graph."""

import numpy as np
import pytest

from convscope.cli.units_text import units_text
from convscope.features.extraction import images_for
from convscope.features.layers import block_ends
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import open_source
from convscope.measures.units import probes
from convscope.measures.units.probes import probe_stages
from convscope.networks.model import Model
from tests.checks.graphs import residual_model, residual_module
from tests.checks.models import small_model, some_pixels


def images_of(model: Model) -> Dataset:
    labels = np.arange(90) % 3
    images = some_pixels(90, 14, 16) // 2
    for label in range(3):
        images[labels == label, 4 * label : 4 * label + 4] += 100
    return images_for(model, open_source((images, np.array(model.classes)[labels])))


def test_stages_of_a_layout_are_probed_by_number() -> None:
    model = small_model("4C3-MP2-6N", height=14, width=16)
    found = probe_stages(model, images_of(model))
    assert [(probe.stage, probe.layer, probe.values) for probe in found] == [(0, "", 672), (1, "", 224), (2, "", 6)]
    assert all(probe.total == 18 for probe in found)


@pytest.mark.parametrize("dense", [False, True])
def test_ends_of_blocks_of_a_graph_are_probed_by_name(dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = residual_model(residual_module(dense=dense))
    monkeypatch.setattr(probes, "MOST_VALUES", 200)
    found = probe_stages(model, images_of(model))
    assert [probe.layer for probe in found] == ["image", *block_ends(model.network.graph, 20)]
    assert [probe.stage for probe in found] == list(range(len(found)))
    assert [probe.pool for probe in found][:3] == ["grid8", "grid5", "grid5"]
    assert found[0].accuracy.fraction > 0.8
    assert all(probe.values <= 200 for probe in found)


def test_the_text_names_the_layer() -> None:
    model = residual_model(residual_module())
    texts = [units_text.__globals__["_probe_line"](probe) for probe in probe_stages(model, images_of(model))]
    assert texts[0].startswith("linear probe on the pixels (672 values)")
    assert texts[3].startswith("linear probe on block.add (")
