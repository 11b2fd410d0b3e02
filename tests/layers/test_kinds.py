"""Every kind of layer is held to one suite: shape, gradient, cost, receptive field, file, ONNX and moves."""

import json
import math
from collections.abc import Sequence
from fractions import Fraction as F  # noqa: N817  # there are many

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from convscope.core.errors import ParameterError
from convscope.core.records import from_json, to_json
from convscope.layers.geometry import MapShape, ReceptiveField, Window
from convscope.layers.kinds import LAYERS, Convolution, InstanceBased, Padding, Resize, TransposedConvolution
from convscope.layers.layer import Fields, Layer
from convscope.networks.export.onnx_writer import OnnxGraph
from tests.checks.laws import LAWS
from tests.checks.layer_kinds import EXAMPLES, KindExample

PIXEL = ReceptiveField()
everyone = pytest.mark.parametrize("kind", EXAMPLES)
few = settings(LAWS, max_examples=25, suppress_health_check=[*LAWS.suppress_health_check, HealthCheck.data_too_large])
cases = given(st.data())


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(LAYERS)


def drawn(kind: str, data: st.DataObject) -> tuple[KindExample, Layer, tuple[MapShape, ...]]:
    """Return an example of a kind whose input fits it."""
    example = EXAMPLES[kind]
    layer, shapes = data.draw(example.cases)
    assert kind == layer.KIND
    return example, layer, shapes


def values_of(shapes: Sequence[MapShape], *, seed: int = 0, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Return random inputs of two images."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(2, one.maps, one.rows, one.columns, generator=generator, dtype=torch.float64).to(dtype)
        for one in shapes
    ]


def tensors_of(layer: Layer, shapes: Sequence[MapShape], *, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Return random weights."""
    generator = torch.Generator().manual_seed(1)
    drawn = {
        name: torch.rand(shape, generator=generator, dtype=torch.float64) + 0.2
        for name, shape in layer.tensors(shapes).items()
    }
    if isinstance(layer, InstanceBased):
        return {
            name: value.float() if name != "labels" else torch.arange(len(value)) % layer.classes
            for name, value in drawn.items()
        }
    return {name: value.to(dtype) for name, value in drawn.items()}


@everyone
@few
@cases
def test_the_shape_is_that_of_the_values(kind: str, data: st.DataObject) -> None:
    _, layer, shapes = drawn(kind, data)
    found = layer.compute(values_of(shapes), tensors_of(layer, shapes))
    assert tuple(found.shape[1:]) == (layer.shape(shapes).maps, layer.shape(shapes).rows, layer.shape(shapes).columns)
    assert layer.notation


@everyone
@few
@cases
def test_a_part_of_the_values_is_written_where_it_stays(kind: str, data: st.DataObject) -> None:
    _, layer, shapes = drawn(kind, data)
    inputs, tensors = values_of(shapes), tensors_of(layer, shapes)
    rows, columns = layer.shape(shapes).rows, layer.shape(shapes).columns
    part = slice(rows // 2, rows), slice(0, -(-columns // 2))
    expected = layer.compute(inputs, tensors)[:, :, *part]
    layer.compute_into(out := torch.empty_like(expected), inputs, tensors, part)
    assert torch.equal(out, expected)


@everyone
@few
@cases
def test_the_gradient_is_the_slope(kind: str, data: st.DataObject) -> None:
    example, layer, shapes = drawn(kind, data)
    if not example.smooth:
        return
    tensors = tensors_of(layer, shapes)
    names = list(tensors)
    arguments = [value.requires_grad_() for value in (*values_of(shapes, seed=3), *tensors.values())]

    def function(*values: Tensor) -> Tensor:
        return layer.compute(values[: len(shapes)], dict(zip(names, values[len(shapes) :], strict=True)))

    assert torch.autograd.gradcheck(function, arguments, fast_mode=True, atol=1e-4)


@everyone
@few
@cases
def test_parameters_and_sums_are_those_counted_by_hand_and_by_torch(kind: str, data: st.DataObject) -> None:
    example, layer, shapes = drawn(kind, data)
    assert layer.parameters(shapes) == example.parameters(layer, shapes)
    if example.macs is not None:
        assert layer.macs(shapes) == example.macs(layer, shapes)
        return
    with FlopCounterMode(display=False) as counter:
        layer.compute(values_of(shapes), tensors_of(layer, shapes))
    assert layer.macs(shapes) * 2 * 2 == counter.get_total_flops()  # two images, and two operations each


@everyone
@few
@cases
def test_a_value_depends_on_nothing_beyond_its_receptive_field_and_on_its_ends(kind: str, data: st.DataObject) -> None:
    example, layer, shapes = drawn(kind, data)
    local = 0 if kind == "convolution" else max(range(len(shapes)), key=lambda index: shapes[index].values)
    fields = layer.fields(fields_below(layer, shapes), shapes)
    for axis, field in enumerate(fields):
        size = (shapes[local].rows, shapes[local].columns)[axis]
        gaps = []
        for position, touched in enumerate(touched_by_position(layer, shapes, local, axis)):
            if not touched or not in_order(layer, position, size, axis):
                continue
            first, end = field.starts(position + 1)[-1], field.ends(position + 1)[-1]
            assert first <= min(touched)
            assert max(touched) < end
            if first >= 0 and end <= size:
                gaps.append((min(touched) - first, end - 1 - max(touched)))
        phases = math.ceil(1 / field.stride)  # positions over one value below, of which each sees other ones
        if example.field == "touches" and len(gaps) >= phases:
            assert min(before for before, _ in gaps) == 0
            assert min(after for _, after in gaps) == 0


def fields_below(layer: Layer, shapes: Sequence[MapShape]) -> list[Fields]:
    """Return the fields of the inputs: pixels, and for what a convolution adds those where its windows stand."""
    fields: list[Fields] = [(PIXEL, PIXEL)] * len(shapes)
    if isinstance(layer, Convolution):
        added = ReceptiveField(stride=layer.rows.stride), ReceptiveField(stride=layer.columns.stride)
        return [*fields[:1], *[added] * (len(shapes) - 1)]
    return fields


def touched_by_position(layer: Layer, shapes: Sequence[MapShape], local: int, axis: int) -> list[list[int]]:
    """Return, for each row or column of the result, those of the input whose gradient is not 0."""
    inputs = [value.requires_grad_() for value in values_of(shapes, seed=5)]
    result = layer.compute(inputs, tensors_of(layer, shapes))
    if not result.requires_grad:
        return []
    weights = torch.rand(result.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64) + 0.1
    found = []
    for position in range(result.shape[2 + axis]):
        chosen = torch.zeros_like(weights)
        chosen.select(2 + axis, position).copy_(weights.select(2 + axis, position))
        (gradient,) = torch.autograd.grad((result * chosen).sum(), inputs[local], retain_graph=True)
        found.append((gradient != 0).any(dim=0).any(dim=0).any(dim=1 - axis).nonzero().flatten().tolist())
    return found


def in_order(layer: Layer, position: int, size: int, axis: int) -> bool:
    """Return whether a position is no copy in a frame, of values that lie elsewhere."""
    if isinstance(layer, Padding) and layer.mode != "constant":
        before = (layer.top, layer.left)[axis]
        return before <= position < before + size
    return True


@everyone
@few
@cases
def test_it_comes_back_from_its_file(kind: str, data: st.DataObject) -> None:
    _, layer, _ = drawn(kind, data)
    assert from_json(LAYERS[kind], json.loads(json.dumps(to_json(layer)))) == layer  # type: ignore[type-var]


@everyone
@few
@cases
def test_onnx_runtime_computes_the_same(kind: str, data: st.DataObject) -> None:
    example, layer, shapes = drawn(kind, data)
    graph, tensors = OnnxGraph(19), tensors_of(layer, shapes, dtype=torch.float32)
    names = [f"input{index}" for index in range(len(shapes))]
    arrays = {name: value.numpy() for name, value in tensors.items()}
    if not example.onnx:
        with pytest.raises(ParameterError):
            layer.export(graph, names, arrays, shapes)
        return
    graph.node("Identity", layer.export(graph, names, arrays, shapes), name="result")
    inputs = values_of(shapes, dtype=torch.float32)
    sizes = {name: ("float32", [2, one.maps, one.rows, one.columns]) for name, one in zip(names, shapes, strict=True)}
    above = layer.shape(shapes)
    content = graph.model(sizes, {"result": ("float32", [2, above.maps, above.rows, above.columns])})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    feeds = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    found = session.run(["result"], feeds)[0]
    np.testing.assert_allclose(found, layer.compute(inputs, tensors).numpy(), rtol=1e-4, atol=1e-4)


@everyone
@few
@cases
def test_what_moves_below_moves_above_as_it_says(kind: str, data: st.DataObject) -> None:
    example, layer, shapes = drawn(kind, data)
    move = example.moves(layer, shapes)
    if move is None:
        return
    inputs, tensors = values_of(shapes, seed=9), tensors_of(layer, shapes)
    moves = [move.below, move.above] if isinstance(layer, Convolution) else [move.below] * len(inputs)
    shifted = [torch.roll(value, by, (2, 3)) for value, by in zip(inputs, moves, strict=False)]
    before, after = layer.compute(inputs, tensors), layer.compute(shifted, tensors)
    fields = layer.fields(fields_below(layer, shapes), shapes)
    largest = max(shapes, key=lambda shape: shape.rows * shape.columns)
    sides = (largest.rows, largest.columns)
    inside = [
        [
            position
            for position in range(before.shape[2 + axis] - move.above[axis])
            if field.starts(position + 1)[-1] >= 0 and field.ends(position + 1)[-1] + move.below[axis] <= size
        ]
        for axis, (field, size) in enumerate(zip(fields, sides, strict=True))
    ]
    rows, columns = (torch.tensor(positions, dtype=torch.int64) for positions in inside)
    moved = after[:, :, rows + move.above[0]][:, :, :, columns + move.above[1]]
    torch.testing.assert_close(moved, before[:, :, rows][:, :, :, columns])


@pytest.mark.parametrize(
    ("layer", "below", "expected"),
    [
        (Resize(rows=8, columns=8, mode="nearest"), 4, ReceptiveField(size=2, stride=F(1, 2), start=F(-3, 4))),
        (Resize(rows=8, columns=8, mode="bilinear"), 4, ReceptiveField(size=3, stride=F(1, 2), start=F(-5, 4))),
        (Resize(rows=4, columns=4, mode="nearest"), 8, ReceptiveField(stride=2)),
        (Resize(rows=4, columns=4, mode="bilinear"), 8, ReceptiveField(size=2, stride=2)),
        (
            Resize(rows=7, columns=7, mode="bilinear", corners=True),
            4,
            ReceptiveField(size=2, stride=F(1, 2), start=F(-1, 2)),
        ),
        (Resize(rows=4, columns=4), 1, ReceptiveField(size=2, stride=F(1, 4), start=F(-3, 4))),
    ],
    ids=str,
)
def test_the_field_of_a_resizing_lies_around_what_it_is_made_of(
    layer: Resize, below: int, expected: ReceptiveField
) -> None:
    shape = MapShape(maps=1, rows=below, columns=below)
    assert layer.fields([(PIXEL, PIXEL)], [shape]) == (expected, expected)


def test_extra_rows_beyond_the_stride_are_refused_by_onnx_alone() -> None:
    window = Window(kernel=2, dilation=2)
    layer = TransposedConvolution(units=1, rows=window, columns=window, extra_rows=1)
    below = (MapShape(maps=1, rows=3, columns=3),)
    assert layer.shape(below).rows == 6
    with pytest.raises(ParameterError, match="extra"):
        layer.export(OnnxGraph(), ["x"], {}, below)
