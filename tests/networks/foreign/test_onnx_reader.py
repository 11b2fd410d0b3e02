import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds.add import Add
from convscope.layers.kinds.convolution import Convolution
from convscope.layers.kinds.linear import Linear
from convscope.layers.kinds.pooling import Pooling
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.networks.foreign.building.tidy import LOGITS
from convscope.networks.foreign.building.unsupported import UnsupportedError
from convscope.networks.foreign.onnx.operators import OPERATORS
from convscope.networks.foreign.onnx.reader import read_onnx
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.model_file import read_onnx_model
from tests.checks.architectures import ARCHITECTURES, Architecture

from .onnx_cases import CASES, Case
from .onnx_models import Array, Written, assert_same, computed, expected, saved, some_image, written

ZOO = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))
_ALWAYS_INSIDE = {"Pow", "Sqrt", "Sign", "Erf", "Exp", "Log", "Neg", "Reciprocal", "Shape"}
_BELOW = {"Erfc", "QuantizeLinear", "DequantizeLinear", "LogSoftmax", "Swish"}


def exported(module: torch.nn.Module, example: torch.Tensor, path: Path, **settings: Any) -> Path:
    """Write a module as PyTorch's script exporter does, which needs no other package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (example,), str(path), dynamo=False, opset_version=17, **settings)
    return path


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_operator_computes_what_onnx_runtime_computes(case: Case, tmp_path: Path) -> None:
    path = saved(written(case.write, case.opset), tmp_path)
    image = some_image()
    assert_same(computed(read_onnx(path), image), expected(path, image))


def test_every_operator_has_a_case() -> None:
    assert set(OPERATORS) <= {name.split()[0].strip(",") for name in CASES} | _ALWAYS_INSIDE | _BELOW


@pytest.mark.parametrize("path", ZOO, ids=[path.stem for path in ZOO])
def test_the_graphs_of_the_model_zoo_give_their_outputs(path: Path) -> None:
    source = read_onnx(path)
    shape = (1, source.graph.image.maps, source.graph.image.rows, source.graph.image.columns)
    image = (np.arange(np.prod(shape)) / np.prod(shape)).reshape(shape).astype(np.float32)
    output = onnx.TensorProto.FromString(path.with_name(f"{path.stem}_output_0.pb").read_bytes())
    assert_same(computed(source, image), numpy_helper.to_array(output))


def test_there_are_graphs_of_the_model_zoo() -> None:
    assert len(ZOO) >= 9


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_the_architectures_are_read_as_pytorch_exports_them(architecture: Architecture, tmp_path: Path) -> None:
    path = exported(architecture.make(), architecture.example(), tmp_path / "network.onnx")
    if architecture.refused:
        with pytest.raises(UnsupportedError, match="up_to="):
            read_onnx(path)
        return
    image = some_image((1, *architecture.shape), seed=5) / 3
    assert_same(computed(read_onnx(path), image), expected(path, image))


# Names


def test_names_are_those_of_the_modules(tmp_path: Path) -> None:
    module = ARCHITECTURES["resnet18"].make()
    source = read_onnx(exported(module, ARCHITECTURES["resnet18"].example(), tmp_path / "network.onnx"))
    sums = {node.name for node in source.graph.nodes if isinstance(node.layer, Convolution | Linear)}
    assert len(sums) > 5
    assert sums <= {name for name, _ in module.named_modules()}


@pytest.mark.parametrize(
    ("written_name", "name"),
    [
        ("/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"),
        ("model/block1/conv1/Conv2D", "block1.conv1"),
        ("StatefulPartitionedCall/resnet/conv1/Conv2D__12", "resnet.conv1"),
        ("conv1", "conv1"),
        ("Conv_12", "conv"),
        ("n3", "conv"),
        ("", "conv"),
        ("/a\x1b[31m/Conv", "a\\x1b[31m"),
    ],
)
def test_a_name_of_any_exporter_becomes_a_path_in_dots(written_name: str, name: str, tmp_path: Path) -> None:
    def write(g: Written) -> str:
        first = g.op("Conv", "image", g.random(4, 4, 1, 1), name=written_name)
        return g.op("Relu", first, name="/last/Relu")

    assert read_onnx(saved(written(write), tmp_path)).graph.nodes[0].name == name


def test_weights_name_a_layer_that_has_no_name(tmp_path: Path) -> None:
    model = written(lambda g: g.op("Conv", "image", g.random(2, 4, 1, 1, name="stem.conv.weight"), name="Conv_0"))
    assert read_onnx(saved(model, tmp_path)).graph.nodes[0].name == "stem.conv"


def test_the_newer_exporter_names_modules_in_scopes(tmp_path: Path) -> None:
    model = written(lambda g: g.op("Conv", "image", g.random(2, 4, 1, 1), name="node_conv2d"))
    entry = model.graph.node[0].metadata_props.add()
    entry.key, entry.value = "pkg.torch.onnx.name_scopes", "['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']"
    assert read_onnx(saved(model, tmp_path)).graph.nodes[0].name == "layer1.0.conv1"


# The image


def _strided(g: Written) -> str:
    return g.op("Flatten", g.op("Conv", "image", g.random(3, 4, 3, 3), strides=[2, 2]))


@pytest.mark.parametrize("shape", [("N", 4, 6, 8), (8, 4, 6, 8)])
def test_a_batch_is_one_image(shape: Sequence[int | str], tmp_path: Path) -> None:
    source = read_onnx(saved(written(_strided, shape=shape), tmp_path))
    assert source.graph.image == MapShape(maps=4, rows=6, columns=8)


def test_a_size_that_the_file_leaves_open_must_be_given(tmp_path: Path) -> None:
    path = saved(written(_strided, shape=("N", "channels", "height", "width")), tmp_path)
    with pytest.raises(ParameterError, match="`size="):
        read_onnx(path)
    source = read_onnx(path, size=(10, 12))
    assert source.graph.image == MapShape(maps=4, rows=10, columns=12)
    image = some_image((1, 4, 10, 12))
    assert_same(computed(source, image), expected(path, image))


@pytest.mark.parametrize("size", [(5, 9), (6, 0), (7, 8)])
def test_another_size_than_that_of_the_file_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="size"):
        read_onnx(saved(written(_strided, shape=(1, 4, 6, "width")), tmp_path), size=(size[0], size[1]))


def _keras(g: Written) -> str:
    """A network of Keras as tf2onnx writes it: images N H W C, and transpositions around what is N C H W."""
    padded = g.op("Pad", "image", g.ints(0, 0, 1, 0, 0, 1, 0, 0))
    maps = g.op("Transpose", padded, perm=[0, 3, 1, 2], name="model/conv1/Conv2D__6")
    maps = g.op("Conv", maps, g.random(5, 3, 3, 3), g.random(5), strides=[2, 2], name="model/conv1/Conv2D")
    last = g.op("Transpose", maps, perm=[0, 2, 3, 1])
    last = g.op("Add", g.op("Mul", last, g.random(5)), g.random(5), name="model/bn1/FusedBatchNormV3")
    last = g.op("Clip", last, g.array(0.0), g.array(6.0), name="model/relu1/Relu6")
    maps = g.op("Transpose", last, perm=[0, 3, 1, 2])
    maps = g.op("Conv", maps, g.random(5, 1, 3, 3), group=5, auto_pad="SAME_UPPER", strides=[2, 2])
    last = g.op("Transpose", maps, perm=[0, 2, 3, 1])
    mean = g.op("ReduceMean", last, axes=[1, 2], keepdims=0)
    return g.op("Softmax", g.op("Add", g.op("MatMul", mean, g.random(5, 3)), g.random(3)), name="model/predictions")


def test_transpositions_of_keras_vanish(tmp_path: Path) -> None:
    path = saved(written(_keras, shape=("N", 10, 12, 3)), tmp_path)
    source = read_onnx(path)
    assert source.graph.image == MapShape(maps=3, rows=10, columns=12)
    assert [node.layer.KIND for node in source.graph.nodes] == ["convolution", "convolution", "pooling", "linear"]
    image = some_image((1, 10, 12, 3))
    assert_same(computed(source, image.transpose(0, 3, 1, 2)), expected(path, image))


def test_channels_last_that_are_flattened_are_read_in_their_order(tmp_path: Path) -> None:
    def write(g: Written) -> str:
        maps = g.op("Conv", g.op("Transpose", "image", perm=[0, 3, 1, 2]), g.random(4, 3, 3, 3))
        flat = g.op("Reshape", g.op("Transpose", maps, perm=[0, 2, 3, 1]), g.ints(-1, 4 * 4 * 5))
        return g.op("MatMul", flat, g.random(80, 2))

    path = saved(written(write, shape=(1, 6, 7, 3)), tmp_path)
    image = some_image((1, 6, 7, 3))
    assert_same(computed(read_onnx(path), image.transpose(0, 3, 1, 2)), expected(path, image))


@pytest.mark.parametrize("dtype", [TensorProto.UINT8, TensorProto.FLOAT])
def test_what_is_done_to_pixels_is_mean_and_standard_deviation(dtype: int, tmp_path: Path) -> None:
    mean, std = np.array([0.5, 0.25, 0.4]), np.array([0.2, 0.3, 0.25])

    def write(g: Written) -> str:
        value = g.op("Div", g.op("Cast", "image", to=1), g.array(255.0))
        value = g.op("Transpose", g.op("Sub", value, g.array(mean)), perm=[0, 3, 1, 2])
        value = g.op("Div", value, g.array(std.reshape(1, 3, 1, 1)))
        return g.op("GlobalAveragePool", g.op("Conv", value, g.random(4, 3, 3, 3)))

    path = saved(written(write, shape=("N", 6, 7, 3), dtype=dtype), tmp_path)
    source = read_onnx(path)
    assert [node.layer.KIND for node in source.graph.nodes] == ["convolution", "pooling"]
    np.testing.assert_allclose([source.mean, source.std], [mean, std], rtol=1e-5)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 6, 7, 3)).astype(np.uint8)
    standardized = ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2)
    given = pixels if dtype == TensorProto.UINT8 else pixels.astype(np.float32)
    assert_same(computed(source, standardized), expected(path, given))
    assert read_onnx_model(path, standardization={"mean": (0.0,), "std": (1.0,), "scale": 255.0}).training["source"]


@pytest.mark.parametrize(
    ("kind", "number", "is_of_pixels"),
    [("Mul", 1 / 255, True), ("Sub", 127.5, True), ("Div", 127.5, True), ("Mul", 2.0, False), ("Sub", 0.5, False)],
)
def test_float_images_are_pixels_if_they_are_treated_as_such(
    kind: str, number: float, *, is_of_pixels: bool, tmp_path: Path
) -> None:
    path = saved(
        written(
            lambda g: g.op(
                "Conv", g.op(kind, g.op("Transpose", "image", perm=[0, 3, 1, 2]), g.array(number)), g.random(4, 3, 3, 3)
            ),
            shape=(1, 6, 7, 3),
        ),
        tmp_path,
    )
    assert bool(read_onnx(path).mean) == is_of_pixels


def test_inputs_that_nothing_reads_are_left_out(tmp_path: Path) -> None:
    model = written(lambda g: g.op("Conv", "image", g.random(4, 3, 3, 3)), shape=(1, 3, 6, 7))
    model.graph.input.extend([onnx.helper.make_tensor_value_info("left", TensorProto.FLOAT, (1, 3))])
    proof = read_onnx_model(saved(model, tmp_path)).training["source"]["proof"]
    assert proof["output"] < 1e-5


def _own_file(graph: Graph, tensors: dict[str, torch.Tensor], mean: Array, std: Array) -> onnx.ModelProto:
    """Return a graph as convscope exports it: pixels N H W C in, probabilities out."""
    g = Written()

    class Writer:
        constant = staticmethod(lambda values: g.array(values, values.dtype))

        @staticmethod
        def node(kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
            return str(g.op(kind, *inputs, name=f"/{place.replace('.', '/')}/{kind}", **attributes))

    place = "preprocessing"
    value = g.op("Mul", g.op("Cast", "image", to=1), g.array(1 / (255 * std)))
    values = {IMAGE: g.op("Transpose", g.op("Add", value, g.array(-mean / std)), perm=[0, 3, 1, 2])}
    for node in graph.nodes:
        place = node.name
        own = {name: tensors[f"{node.name}.{name}"].numpy() for name in node.layer.tensors(graph.inputs_of(node))}
        inputs = [values[name] for name in node.inputs]
        value = node.layer.export(Writer(), inputs, own, graph.inputs_of(node))
        values[node.name] = nonlinearity_of(node.nonlinearity).onnx(Writer(), value)
    g.op("Softmax", g.op("Flatten", values[graph.output.name]), axis=1)
    image = graph.image
    return g.model(f"v{len(g.kinds) - 1}", shape=("N", image.rows, image.columns, image.maps), dtype=TensorProto.UINT8)


def test_an_exported_graph_is_read_back_as_it_was(tmp_path: Path) -> None:
    same, pair = Window(kernel=3, before=1, after=1), Window(kernel=2, stride=2)
    nodes = (
        Node(name="stem", layer=Convolution(units=6, rows=same, columns=same), inputs=(IMAGE,), nonlinearity="gelu"),
        Node(name="pool", layer=Pooling(code="MP", rows=pair, columns=pair), inputs=("stem",)),
        Node(
            name="block.conv",
            layer=Convolution(units=6, rows=same, columns=same, groups=3),
            inputs=("pool",),
            nonlinearity="hardswish",
        ),
        Node(name="block.add", layer=Add(), inputs=("block.conv", "pool"), nonlinearity="leakyrelu:0.25"),
        Node(name="mean", layer=Pooling(code="AP"), inputs=("block.add",)),
        Node(name="classifier", layer=Linear(units=3), inputs=("mean",)),
    )
    graph = Graph(nodes=nodes, image=MapShape(maps=3, rows=8, columns=10))
    random = torch.Generator().manual_seed(0)
    tensors = {name: torch.randn(shape, generator=random) for name, shape in graph.tensors.items()}
    mean, std = np.array([0.5, 0.25, 0.4]), np.array([0.2, 0.3, 0.25])
    source = read_onnx(saved(_own_file(graph, tensors, mean, std), tmp_path))
    assert source.graph == graph
    assert source.notes == (LOGITS,)
    for name, value in tensors.items():
        torch.testing.assert_close(source.tensors[name], value, rtol=0, atol=0)
    np.testing.assert_allclose([source.mean, source.std], [mean, std], rtol=1e-6)


# Other contents


def _quantized(g: Written) -> str:
    """A convolution as a quantizer writes it: values and weights rounded to 8 bits."""
    scale, zero = g.array(0.05), g.array(128, np.uint8)
    image = g.op("DequantizeLinear", g.op("QuantizeLinear", "image", scale, zero), scale, zero)
    whole = g.array(np.random.default_rng(0).integers(-127, 127, (5, 4, 3, 3)), np.int8)
    weight = g.op("DequantizeLinear", whole, g.random(5, low=0.001, high=0.01), g.array(np.zeros(5), np.int8), axis=0)
    rounded = g.op("DequantizeLinear", g.op("QuantizeLinear", g.random(5), scale, zero), scale, zero)
    return g.op("Relu", g.op("Conv", image, weight, rounded))


def test_a_quantized_network_is_read_as_float_with_a_note(tmp_path: Path) -> None:
    path = saved(written(_quantized), tmp_path)
    source = read_onnx(path)
    assert "quantized" in " ".join(source.notes)
    image = np.round(some_image() / 3 / 0.05).clip(-100, 100).astype(np.float32) * np.float32(0.05)
    assert_same(computed(source, image), expected(path, image))


def test_the_first_output_that_is_a_vector_or_maps_is_read(tmp_path: Path) -> None:
    g = Written()
    maps = g.op("Conv", "image", g.random(3, 4, 3, 3))
    rows = g.op("Reshape", maps, g.ints(1, 3, -1))
    vector = g.op("Flatten", maps)
    source = read_onnx(saved(g.model(rows, vector, maps), tmp_path))
    assert "v2" in " ".join(source.notes)


def test_an_unused_output_that_cannot_be_read_does_no_harm(tmp_path: Path) -> None:
    g = Written()
    maps = g.op("Conv", "image", g.random(3, 4, 3, 3))
    assert read_onnx(saved(g.model(maps, g.op("Det", maps)), tmp_path)).graph.output.layer.KIND == "convolution"


def test_a_constant_condition_chooses_its_branch(tmp_path: Path) -> None:
    def branch(slope: float) -> onnx.GraphProto:
        node = helper.make_node("LeakyRelu", ["v0"], [f"inner{slope}"], alpha=slope)
        value = helper.make_tensor_value_info(f"inner{slope}", TensorProto.FLOAT, None)
        return helper.make_graph([node], "branch", [], [value])

    def write(g: Written) -> str:
        value = g.op("Conv", "image", g.random(4, 4, 1, 1))
        assert value == "v0"
        rank = g.op("Equal", g.op("Size", g.op("Shape", value)), g.array(4, np.int64))
        return str(g.op("If", rank, then_branch=branch(0.5), else_branch=branch(0.25)))

    path = saved(written(write), tmp_path)
    image = some_image()
    assert_same(computed(read_onnx(path), image), expected(path, image))


def test_a_logarithm_of_softmax_at_the_end_is_taken_off(tmp_path: Path) -> None:
    path = saved(written(lambda g: g.op("LogSoftmax", _strided(g), axis=1)), tmp_path)
    source = read_onnx(path)
    assert LOGITS in source.notes
    assert_same(np.log(computed(source, some_image())), expected(path, some_image()))


def test_weights_are_read_from_a_file_beside(tmp_path: Path) -> None:
    model = written(lambda g: g.op("Conv", "image", g.random(8, 4, 5, 5), g.random(8)))
    whole = read_onnx(saved(model, tmp_path))
    path = tmp_path / "beside.onnx"
    onnx.save(model, path, save_as_external_data=True, location="beside.data", size_threshold=0)
    assert (tmp_path / "beside.data").stat().st_size > 3_000
    for name, value in read_onnx(path).tensors.items():
        torch.testing.assert_close(value, whole.tensors[name], rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["float_data", "double", "bfloat16", "float16"])
def test_constants_are_read_however_they_are_stored(kind: str, tmp_path: Path) -> None:
    model = written(lambda g: g.op("Conv", "image", g.random(2, 4, 3, 3)))
    weight = model.graph.initializer[0]
    values = numpy_helper.to_array(weight).copy()
    if kind == "float_data":
        weight.CopyFrom(helper.make_tensor(weight.name, TensorProto.FLOAT, values.shape, values.ravel().tolist()))
    elif kind == "double":
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float64), weight.name))
    elif kind == "float16":
        values = values.astype(np.float16).astype(np.float32)
        weight.CopyFrom(helper.make_tensor(weight.name, TensorProto.FLOAT16, values.shape, values.ravel().tolist()))
    else:
        bits = values.view(np.uint32) >> 16
        values = (bits << 16).view(np.float32)
        weight.CopyFrom(numpy_helper.from_array(bits.astype(np.uint16), weight.name))
        weight.data_type = TensorProto.BFLOAT16
    (found, _) = read_onnx(saved(model, tmp_path)).tensors.values()
    np.testing.assert_array_equal(found.numpy(), values)


def test_initializers_that_are_listed_as_inputs_are_none(tmp_path: Path) -> None:
    model = written(lambda g: g.op("Conv", "image", g.random(2, 4, 3, 3)), opset=9)
    model.graph.input.append(helper.make_tensor_value_info("c0", TensorProto.FLOAT, (2, 4, 3, 3)))
    assert len(read_onnx(saved(model, tmp_path)).graph.nodes) == 1


def test_a_gelu_of_keras_is_one_although_its_operator_is_not_of_onnx(tmp_path: Path) -> None:
    def write(g: Written) -> str:
        inner = g.op("Erfc", g.op("Mul", g.op("Neg", "image"), g.array(2**-0.5)))
        return str(g.op("Mul", g.op("Mul", g.array(0.5), "image"), inner))

    source = read_onnx(saved(written(write), tmp_path))
    assert source.graph.output.layer.notation == "gelu"
    image = some_image()
    assert_same(computed(source, image), torch.nn.functional.gelu(torch.from_numpy(image)).numpy())


@pytest.mark.parametrize("side", [1, 28])
def test_a_gray_image_of_keras_becomes_maps_by_a_reshape(side: int, tmp_path: Path) -> None:
    g = Written()
    maps = g.op("Reshape", "image", g.ints(-1, 1, side, 24))
    weights = g.random(2, 1, 1, 3)
    path = saved(g.model(g.op("Conv", maps, weights), shape=("N", side, 24, 1)), tmp_path)
    source = read_onnx(path)
    assert source.graph.image == MapShape(maps=1, rows=side, columns=24)
    image = some_image((1, side, 24, 1))
    assert_same(computed(source, image.reshape(1, 1, side, 24)), expected(path, image))


def test_names_of_keras_come_without_the_model_and_from_folded_weights(tmp_path: Path) -> None:
    g = Written()
    folded = g.random(4, 4, 3, 3, name="functional_7_1/conv2d_1/convolution/merged_input:0")
    stem = g.op("Conv", "image", folded, name="Conv__103")
    dense = g.op("Conv", stem, g.random(2, 4, 1, 1), name="functional_7_1/sequential_2/dense/convolution")
    source = read_onnx(saved(g.model(dense), tmp_path))
    assert [node.name for node in source.graph.nodes] == ["conv2d_1", "sequential_2.dense"]


def test_another_output_is_read_by_its_name(tmp_path: Path) -> None:
    g = Written()
    maps = g.op("Conv", "image", g.random(6, 4, 3, 3), name="stem")
    auxiliary = g.op("Softmax", g.op("Flatten", g.op("GlobalAveragePool", maps)))
    path = saved(g.model(g.op("Relu", maps), auxiliary), tmp_path)
    first = read_onnx(path)
    assert first.graph.shapes[first.graph.output.name] == MapShape(maps=6, rows=4, columns=6)
    assert f"Of 2 outputs, 'v4' is read. --up-to reads another by its name: {auxiliary!r}." in first.notes
    second = read_onnx(path, up_to=auxiliary)
    assert second.notes == (LOGITS,)
    image = some_image()
    assert_same(computed(second, image), expected(path, image, auxiliary))


def test_a_network_can_be_read_up_to_a_layer(tmp_path: Path) -> None:
    def write(g: Written) -> str:
        first = g.op("Relu", g.op("Conv", "image", g.random(3, 4, 3, 3), name="/first/Conv"), name="/act/Relu")
        last = g.op("Conv", first, g.random(3, 3, 3, 3), name="/last/Conv")
        return str(g.op("Det", last, name="/det/Det"))

    path = saved(written(write), tmp_path)
    with pytest.raises(UnsupportedError, match='`Det` in det .*up_to="last'):
        read_onnx(path)
    source = read_onnx(path, up_to="last")
    assert [node.name for node in source.graph.nodes] == ["first", "last"]
    assert [node.name for node in read_onnx(path, up_to="first").graph.nodes] == ["first"]
    with pytest.raises(ParameterError, match="lats"):
        read_onnx(path, up_to="lats")
