from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from convscope.core.errors import ModelFileError
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.onnx.call import Budget, Call
from convscope.networks.foreign.onnx.constants import FOLDED, folded
from convscope.networks.foreign.onnx.file import Operator

Array = NDArray[Any]


def floats(*shape: int, low: float = -2) -> Array:
    return np.random.default_rng(2).uniform(low, 3, shape).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


_STATISTICS = [floats(4), floats(4), floats(4), floats(4, low=0.1)]
_SCALED = [floats(3, low=0.1) / 50, np.array([0, 3, -2], np.int8)]
# Operator, what it reads, its attributes.
CASES: list[tuple[str, list[Array], dict[str, Any]]] = [
    ("Constant", [], {"value": numpy_helper.from_array(floats(2, 3))}),
    ("Constant", [], {"value_floats": [1.0, 2.5]}),
    ("Constant", [], {"value_int": 7}),
    ("ConstantOfShape", [ints(2, 3)], {"value": numpy_helper.from_array(np.array([4], np.int64))}),
    ("ConstantOfShape", [ints(2)], {}),
    ("Shape", [floats(2, 3, 4)], {}),
    ("Shape", [floats(2, 3, 4)], {"start": 1, "end": -1}),
    ("Size", [floats(2, 3)], {}),
    ("Identity", [floats(3)], {}),
    ("Dropout", [floats(3)], {}),
    ("Cast", [floats(5)], {"to": 7}),
    ("Cast", [ints(0, 2, -3)], {"to": 1}),
    ("Cast", [ints(0, 2)], {"to": 9}),
    ("CastLike", [ints(0, 2), floats(1)], {}),
    ("Gather", [floats(4, 3), ints(2, -1, 0)], {}),
    ("Gather", [floats(4, 3), np.array(1)], {"axis": 1}),
    ("Concat", [ints(1), ints(2, 3)], {"axis": 0}),
    ("Slice", [floats(5, 4), ints(1), ints(2**62), ints(0)], {}),
    ("Slice", [floats(5, 4), ints(-1, 0), ints(-(2**62), 3), ints(0, 1), ints(-2, 1)], {}),
    ("Split", [floats(5, 4), ints(2, 3)], {"axis": 0}),
    ("Reshape", [floats(2, 6), ints(0, -1, 2)], {}),
    ("Flatten", [floats(2, 3, 4)], {"axis": 2}),
    ("Squeeze", [floats(1, 3, 1), ints(0)], {}),
    ("Squeeze", [floats(1, 3, 1)], {}),
    ("Unsqueeze", [floats(3), ints(0, 2)], {}),
    ("Transpose", [floats(2, 3, 4)], {"perm": [2, 0, 1]}),
    ("Transpose", [floats(2, 3)], {}),
    ("Expand", [floats(3, 1), ints(2, 1, 4)], {}),
    ("Tile", [floats(2, 3), ints(2, 1)], {}),
    ("Range", [np.array(1), np.array(8), np.array(3)], {}),
    ("Where", [np.array([True, False]), floats(2), floats(3, 1)], {}),
    ("Pad", [floats(2, 3), ints(0, 1, 2, 0), np.array(7, np.float32)], {}),
    *[(kind, [floats(3, 1), floats(2)], {}) for kind in ("Add", "Sub", "Mul", "Div", "Sum", "Max", "Min")],
    *[(kind, [ints(7, -7, 5), ints(2, 2, -2)], {}) for kind in ("Add", "Div", "Mod")],
    ("Mod", [floats(4), floats(4, low=1)], {"fmod": 1}),
    ("Pow", [floats(4, low=0.1), np.array(2.5, np.float32)], {}),
    *[(kind, [floats(4)], {}) for kind in ("Neg", "Abs", "Floor", "Ceil", "Sign", "Relu", "Sigmoid", "Tanh", "Exp")],
    ("Round", [np.array([0.5, 1.5, -0.5, 2.4], np.float32)], {}),
    *[(kind, [floats(4, low=0.5)], {}) for kind in ("Sqrt", "Reciprocal", "Log")],
    ("Clip", [floats(6), np.array(-1, np.float32), np.array(1, np.float32)], {}),
    *[
        (kind, [floats(4), floats(4)[::-1].copy()], {})
        for kind in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
    ],
    *[(kind, [np.array([True, True, False]), np.array([True, False, False])], {}) for kind in ("And", "Or")],
    ("Not", [np.array([True, False])], {}),
    *[(f"Reduce{what}", [floats(2, 3)], {"axes": [1]}) for what in ("Mean", "Prod", "Max", "Min")],
    ("ReduceSum", [floats(2, 3), ints(0)], {"keepdims": 0}),
    ("ReduceMean", [floats(2, 3)], {}),
    ("MatMul", [floats(2, 3), floats(3, 4)], {}),
    ("BatchNormalization", [floats(2, 4, 3), *_STATISTICS], {"epsilon": 1e-3}),
    ("QuantizeLinear", [floats(3, 2), *_SCALED], {"axis": 0}),
    ("DequantizeLinear", [np.arange(-3, 3).reshape(3, 2).astype(np.int8), *_SCALED], {"axis": 0}),
    ("DequantizeLinear", [np.arange(4).astype(np.uint8), np.array(0.5, np.float32)], {}),
]


def call(kind: str, inputs: list[Array], attributes: dict[str, Any], budget: Budget | None = None) -> Call:
    own = {
        name: numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
        for name, value in attributes.items()
    }
    outputs = ("y", "z") if kind == "Split" else ("y",)
    operator = Operator(kind=kind, name="", scopes=(), inputs=(), outputs=outputs, attributes=own)
    return Call(operator=operator, inputs=tuple(inputs), opset=17, name="", budget=budget or Budget.of_file(1_000))


def computed_by_onnx_runtime(kind: str, inputs: list[Array], attributes: dict[str, Any]) -> list[Array]:
    onnxruntime = pytest.importorskip("onnxruntime")
    names = [f"x{number}" for number in range(len(inputs))]
    outputs = ["y", "z"] if kind == "Split" else ["y"]
    nodes = [helper.make_node(kind, names, outputs, **attributes)]
    values = [helper.make_value_info(name, onnx.TypeProto()) for name in outputs]
    constants = [numpy_helper.from_array(array, name) for array, name in zip(inputs, names, strict=True)]
    graph = helper.make_graph(nodes, "constants", [], values, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(None, {})
    return found


@pytest.mark.parametrize(("kind", "inputs", "attributes"), CASES, ids=[kind for kind, _, _ in CASES])
def test_a_constant_is_what_onnx_runtime_computes(kind: str, inputs: list[Array], attributes: dict[str, Any]) -> None:
    wanted = computed_by_onnx_runtime(kind, inputs, attributes)
    found = folded(call(kind, inputs, attributes))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_every_operation_on_constants_has_a_case() -> None:
    assert set(FOLDED) == {kind for kind, _, _ in CASES}


def test_batch_normalization_of_weights_takes_their_own_statistics() -> None:
    array = floats(1, 4, 9)
    inputs = [array, np.ones(4, np.float32), *[np.zeros(4, np.float32)] * 3]
    (found,) = folded(call("BatchNormalization", inputs, {"training_mode": 1, "epsilon": 0.0}))
    np.testing.assert_allclose(found.mean(2), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(2), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "inputs", "attributes"),
    [
        ("Tile", [floats(1_000), ints(10_000_000)], {}),
        ("Range", [np.array(0), np.array(2**40), np.array(1)], {}),
        ("Add", [floats(100_000, 1), floats(1, 100_000)], {}),
        ("MatMul", [floats(100_000, 1), floats(1, 100_000)], {}),
        ("Pad", [floats(2), ints(0, 2**35)], {}),
        ("Gather", [floats(1, 40_000), np.zeros(40_000, np.int64)], {}),
        ("ConstantOfShape", [ints(2**20, 2**20)], {}),
        ("Expand", [floats(1), ints(2**20, 2**20)], {}),
        ("Where", [np.array([[True]]), floats(100_000, 1), floats(1, 100_000)], {}),
    ],
)
def test_a_constant_larger_than_memory_is_refused_before_it_is_made(
    kind: str, inputs: list[Array], attributes: dict[str, Any]
) -> None:
    with pytest.raises(ModelFileError):
        folded(call(kind, inputs, attributes))


def _repeated(one: Call, times: int) -> None:
    for _ in range(times):
        folded(one)


def test_work_that_goes_on_for_ever_is_refused() -> None:
    budget = Budget.of_file(1_000)
    again = call("Shape", [floats(5_000_000)], {}, budget), call("ReduceMax", [floats(5_000_000)], {}, budget)
    for _ in range(1_000):
        folded(again[0])
    with pytest.raises(ModelFileError, match="takes more|take more"):
        _repeated(again[1], 1_000)


@pytest.mark.parametrize(
    ("kind", "inputs", "attributes"),
    [
        ("NonMaxSuppression", [floats(3)], {}),
        ("Add", [floats(3), floats(4)], {}),
        ("Add", [], {}),
        ("Reshape", [floats(3), ints(2, 2)], {}),
        ("Reshape", [floats(3), floats(1)], {}),
        ("Slice", [floats(3), ints(0), ints(1), ints(4)], {}),
        ("Slice", [floats(3), ints(0), ints(1), ints(0), ints(0)], {}),
        ("Range", [np.array(0), np.array(2), np.array(0)], {}),
        ("Range", [np.array(0.0), np.array(np.nan), np.array(1.0)], {}),
        ("Gather", [floats(3), ints(3)], {}),
        ("Split", [floats(3), ints(2, 2)], {}),
        ("Transpose", [floats(3, 2)], {"perm": [0, 0]}),
        ("Cast", [floats(3)], {"to": 99}),
        ("Cast", [floats(3)], {"to": "float"}),
        ("ConstantOfShape", [ints(-1)], {}),
    ],
)
def test_constants_that_do_not_fit_each_other_are_refused(
    kind: str, inputs: list[Array], attributes: dict[str, Any]
) -> None:
    with pytest.raises((InexpressibleError, ModelFileError)):
        folded(call(kind, inputs, attributes))
