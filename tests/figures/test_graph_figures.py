"""Figures of networks that are no layout: every layer by name, blocks of large ones, branches in lanes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from convscope.api.draw import draw
from convscope.core.errors import ParameterError
from convscope.features.trace import trace
from convscope.features.walk import shared_layers, walk_of_unit
from convscope.figures.diagram import branches_of, draw_diagram, edges_of
from convscope.figures.fields import draw_fields, useful_fields
from convscope.figures.maps import draw_maps
from convscope.figures.style import THEMES
from convscope.networks.blocks import blocks_of
from tests.checks.graph_models import graph_model, pixels_for, read_network
from tests.checks.laws import LAWS

THEME = THEMES["light"]


@pytest.mark.parametrize(
    "name", ["resnext50", "mobilenet_v2", "inception_v3", "fcn_resnet50", "densenet121", "efficientnet_b0"]
)
def test_every_convolution_can_be_walked_and_gives_the_values_of_the_network(name: str) -> None:
    model = graph_model(name)
    traced = trace(model, pixels_for(model, 1)[0])
    for number in shared_layers(model):
        maps = traced.maps[number - 1]
        for unit in {1, len(maps)}:
            found = walk_of_unit(model, traced, layer=number, unit=unit)
            np.testing.assert_allclose(found.values, maps[unit - 1], rtol=1e-3, atol=1e-4)
            row, column = (side // 2 for side in found.values.shape)
            assert found.patch(row, column).shape == found.weights.shape


@LAWS
@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda edge: edge[0] < edge[1])))
def test_branches_in_one_lane_do_not_overlap(edges: set[tuple[int, int]]) -> None:
    placed = branches_of(edges)
    assert {(one.start, one.end) for one in placed} == {edge for edge in edges if edge[1] > edge[0] + 1}
    for first in placed:
        for second in placed:
            if first is not second and first.lane == second.lane:
                assert first.end <= second.start or second.end <= first.start


def test_the_diagram_of_a_u_net_has_a_lane_for_each_of_its_levels() -> None:
    graph = read_network("unet").graph
    names = [node.name for node in graph.nodes]
    branches = branches_of(edges_of(graph, blocks_of(names, 40)))
    assert [(names[one.start - 1], names[one.end - 1], one.lane) for one in branches] == [
        ("down2.1.double_conv.3", "up1.cat", 0),
        ("down1.1.double_conv.3", "up2.cat", 1),
        ("inc.double_conv.3", "up3.cat", 2),
    ]
    texts = [text.get_text() for text in draw_diagram(graph, title="a U-Net", theme=THEME).axes[0].texts]
    assert {*names, "12T2/2", "12 @ 8×10", "16C3 relu"} <= set(texts)


def test_a_large_network_is_folded_into_blocks() -> None:
    graph = read_network("densenet121").graph
    texts = [text.get_text() for text in draw_diagram(graph, title="x", theme=THEME).axes[0].texts]
    assert "features.denseblock1.denselayer1" in texts
    assert len(texts) < len(graph.nodes) * 4
    assert "features.denseblock1.denselayer1.conv1" not in texts


def test_fields_are_shown_up_to_the_first_that_holds_the_image() -> None:
    planned = read_network("unet").plan
    every = [(index, layer.name) for index, layer in enumerate(planned.layers)]
    shown = useful_fields(planned, every)
    sizes = [planned.layers[index].field_rows.size for index, _ in shown]
    assert sizes == sorted(sizes)
    assert sizes.count(max(sizes)) == 1
    texts = [text.get_text() for text in draw_fields(planned, None, theme=THEME, shown=shown).axes[1].texts]
    assert len(texts) == len(shown)
    assert "the whole image" in texts[-1]


def test_the_boxes_of_a_deep_network_are_as_large_as_the_fields() -> None:
    planned = read_network("densenet121").plan
    shown = useful_fields(planned, [(index, layer.name) for index, layer in enumerate(planned.layers)])
    axes = draw_fields(planned, None, theme=THEME, shown=shown).axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)][1:]  # behind the frame
    sizes = [planned.layers[index].field_columns.size for index, _ in shown]
    widest = 0.02 * max(planned.width, planned.height)
    assert len(boxes) > 5
    assert all(size - widest <= box.get_width() <= size for size, box in zip(sizes, boxes, strict=False))


def test_the_maps_of_some_layers_have_a_row_each_and_scores_are_maps() -> None:
    model = graph_model("unet")
    traced = trace(model, pixels_for(model, 1)[0])
    assert traced.probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    drawn = draw_maps(traced, theme=THEME, shown=[(1, "inc"), (4, "down1")])
    texts = [text.get_text() for axes in drawn.axes for text in axes.texts]
    assert [text for text in texts if "\n" not in text and not text.startswith("3 maps")] == [
        "the image", "inc", "down1", "outc",
    ]  # fmt: skip
    assert [axes.get_title() for axes in drawn.axes][-1].startswith("class ")


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3", "densenet121", "unet_bilinear"])
@pytest.mark.parametrize("what", ["layout", "maps", "fields", "filters"])
def test_all_figures_are_drawn(name: str, what: str, tmp_path: Path) -> None:
    model = graph_model(name)
    image = pixels_for(model, 1)[0] if what in ("maps", "fields") else None
    found = draw(what, model, image, output=tmp_path / "a.png")
    assert found.path.stat().st_size > 3_000


def test_a_layer_is_drawn_by_name_or_block_or_number_and_a_wrong_name_is_answered_with_the_closest(
    tmp_path: Path,
) -> None:
    model = graph_model("resnet18")
    image = pixels_for(model, 1)[0]
    names = [node.name for node in read_network("resnet18").graph.nodes]
    number = names.index("layer1.0.conv2") + 1
    for what in ("filters", "maps", "fields"):
        files = []
        for index, layer in enumerate(("layer1.0.conv2", number, str(number))):
            path = tmp_path / f"{what}{index}.png"
            draw(what, model, None if what == "filters" else image, layer=layer, output=path)
            files.append(path.read_bytes())
        assert len(set(files)) == 1
        with pytest.raises(ParameterError, match=r"Did you mean 'layer1.0.conv2'\?"):
            draw(what, model, None if what == "filters" else image, layer="layer1.0.convv2", output=tmp_path / "x.png")
    for what, last in (("filters", "layer1.0.conv2"), ("maps", "layer1.0.add"), ("fields", "layer1.0.add")):
        drawn = []
        for layer in ("layer1.0", last):
            given = None if what == "filters" else image
            drawn.append(draw(what, model, given, layer=layer, output=tmp_path / f"{what}-{layer}.png").path)
        assert len({path.read_bytes() for path in drawn}) == 1
    with pytest.raises(ParameterError, match=r"Did you mean 'layer1.0'\?"):
        draw("filters", model, layer="layerr1.0", output=tmp_path / "x.png")
    with pytest.raises(ParameterError, match="a convolution"):
        draw("filters", model, layer="maxpool", output=tmp_path / "x.png")
    path = tmp_path / "strip.png"
    assert draw("convolution", model, image, layer="layer2.0.conv1", unit=2, output=path).frames == 6
    assert draw("convolution", model, image, layer="layer2", output=path, force=True).frames == 6
