import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from convscope.core.errors import ConvscopeError, ModelFileError
from convscope.networks.foreign.building.unsupported import UnsupportedError
from convscope.networks.foreign.onnx import wire as onnx_wire
from convscope.networks.foreign.onnx.file import LARGEST_OPERATORS, parsed
from convscope.networks.foreign.onnx.reader import read_onnx

from .onnx_models import Written, saved, written

Change = Callable[[onnx.ModelProto], None]


def _good() -> onnx.ModelProto:
    def write(g: Written) -> str:
        maps = g.op("Relu", g.op("Conv", "image", g.random(4, 4, 3, 3), g.random(4)))
        return str(g.op("Gemm", g.op("Flatten", g.op("GlobalAveragePool", maps)), g.random(4, 3)))

    return written(write)


def _dims(*dims: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].dims[:] = dims

    return change


def _outside(**entries: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)

    return change


def _set(path: str, value: object) -> Change:
    def change(model: onnx.ModelProto) -> None:
        where: object = model
        *names, last = path.split(".")
        for name in names:
            where = where[int(name)] if name.isdigit() else getattr(where, name)  # type: ignore[index]
        if last.isdigit():
            where[int(last)] = value  # type: ignore[index]
        else:
            setattr(where, last, value)

    return change


def _cycle(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = model.graph.node[2].output[0]


def _second_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _many(model: onnx.ModelProto) -> None:
    nodes = [helper.make_node("Relu", ["v0"], [f"more{number}"]) for number in range(100_000)]
    model.graph.node.extend(nodes)


def _sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


def _without_constants(model: onnx.ModelProto) -> None:
    del model.graph.initializer[:]


def _second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, (1, 3)))
    model.graph.node.append(helper.make_node("Identity", ["other"], ["read"]))


def _no_outputs(model: onnx.ModelProto) -> None:
    del model.graph.output[:]


def _nested(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [helper.make_tensor_value_info("v0", TensorProto.FLOAT, None)])
    for _ in range(12):
        node = helper.make_node("If", ["c"], ["r"], then_branch=body)
        body = helper.make_graph([node], "body", [], [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)])
    model.graph.node.append(helper.make_node("If", ["v0"], ["last"], then_branch=body))


DAMAGED: dict[str, tuple[Change, str]] = {
    "wrong dims": (_dims(4, 4, 3, 4), "bytes by its dimensions"),
    "2^40 values": (_dims(2**20, 2**20), "2³¹"),
    "overflowing dims": (_dims(2**62, 2**62, 0), "2³¹"),
    "negative dims": (_dims(-4, -4, 3, 3), "2³¹"),
    "too many dims": (_dims(*[1] * 64), "at most 8"),
    "unknown type": (_set("graph.initializer.0.data_type", 8), "type 8"),
    "cycle": (_cycle, "does not come before it"),
    "missing input": (_set("graph.node.1.input.0", "nowhere"), "nothing gives"),
    "missing constants": (_without_constants, "nothing gives"),
    "missing output": (_set("graph.output.0.name", "nowhere"), "No operator gives"),
    "no output": (_no_outputs, "no output"),
    "a name twice": (_set("graph.node.1.output.0", "v0"), "Two values"),
    "a constant twice": (_second_constant, "Two constants"),
    "10^5 operators": (_many, f"at most {LARGEST_OPERATORS:,} operators"),
    "sparse constants": (_sparse, "Sparse"),
    "old operators": (_set("opset_import.0.version", 6), "opset"),
    "branches in branches": (_nested, "reads .c."),
    "absolute path": (_outside(location="/etc/passwd"), "folder"),
    "path upwards": (_outside(location="../secret"), "folder"),
    "path upwards within": (_outside(location="a/../../secret"), "folder"),
    "path of Windows": (_outside(location="C:\\secret"), "folder"),
    "path upwards of Windows": (_outside(location="..\\secret"), "folder"),
    "no path": (_outside(), "folder"),
    "missing file": (_outside(location="nothing"), "does not exist"),
    "folder in place of a file": (_outside(location="."), "must be a file"),
    "file that ends before": (_outside(location="short"), "ends before"),
    "offset behind the end": (_outside(location="long", offset="99999"), "ends before"),
    "negative offset": (_outside(location="long", offset="-4"), "whole numbers"),
    "wrong length": (_outside(location="long", length="5"), "bytes by its dimensions"),
    "link out of the folder": (_outside(location="link"), "must be a file in the folder"),
}


@pytest.mark.parametrize(("change", "word"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_in_one_sentence(change: Change, word: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    (folder / "short").write_bytes(bytes(100))
    (folder / "long").write_bytes(bytes(10_000))
    (folder / "link").symlink_to(tmp_path / "secret")
    model = _good()
    change(model)
    with pytest.raises(ModelFileError, match=word) as caught:
        read_onnx(saved(model, folder))
    assert str(caught.value).startswith("network.onnx cannot be read")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"onnx", b"\x3a", b"\x3a\xff\xff\xff\xff\xff", b"\x0b\x0c", bytes(1000), b"\x08\x01", b"\x7f"]
)
def test_what_is_no_onnx_file_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_onnx(path)


def test_every_end_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    data = _good().SerializeToString()
    for length in range(0, len(data) - 10, 37):
        with pytest.raises(ConvscopeError):
            parsed(data[:length], tmp_path)


def test_a_folder_or_nothing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.onnx"):
        with pytest.raises(ModelFileError, match="cannot be read"):
            read_onnx(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "network.onnx")
    with pytest.raises(ModelFileError, match="regular file"):
        read_onnx(tmp_path / "network.onnx")


def test_a_file_larger_than_memory_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ModelFileError, match="2 GiB"):
        read_onnx(path)


def test_small_messages_that_become_large_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    operators = b"\x0a\x00" * (onnx_wire.MOST_FIELDS + 10)  # 2 MB, which would become 145
    with pytest.raises(ModelFileError, match="fields"):
        parsed(b"\x3a" + _varint(len(operators)) + operators, tmp_path)


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*content, number])


def _chain(kind: str, count: int) -> onnx.ModelProto:
    """Return a network of so many operators after each other."""

    attributes = {"axis": 1} if kind == "Softmax" else {}

    def write(g: Written) -> str:
        value = g.op("Conv", "image", g.random(4, 4, 1, 1))
        for _ in range(count):
            value = g.op(kind, value, *([g.array(1.5)] if kind == "Mul" else []), **attributes)
        return str(value)

    return written(write)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Relu", "Mul", "Erf", "Tanh", "Transpose", "Softmax"])
def test_a_long_chain_is_refused_within_seconds(kind: str, tmp_path: Path) -> None:
    path = saved(_chain(kind, 19_000), tmp_path)
    start = time.process_time()
    with contextlib.suppress(ConvscopeError):
        read_onnx(path)
    assert time.process_time() - start < 5


# What cannot be expressed


def _weights_of_the_image(g: Written) -> str:
    return str(g.op("Conv", "image", "image"))


def _attention(g: Written) -> str:
    tokens = g.op("Reshape", "image", g.ints(1, 4, 48))
    return str(g.op("MatMul", g.op("Transpose", tokens, perm=[0, 2, 1]), tokens))


def _op(kind: str, *constants: tuple[int, ...], **attributes: object) -> Callable[[Written], str]:
    return lambda g: str(g.op(kind, "image", *(g.random(*shape) for shape in constants), **attributes))


def _if(g: Written) -> str:
    value = helper.make_tensor_value_info("image", TensorProto.FLOAT, None)
    body = helper.make_graph([], "body", [], [value])
    return str(g.op("If", g.op("Relu", "image"), then_branch=body, else_branch=body))


def _domain(g: Written) -> str:
    return g.add(helper.make_node("FusedConv", ["image"], ["y"], domain="com.microsoft"))


def _trees(g: Written) -> str:
    return g.add(helper.make_node("Normalizer", ["image"], ["y"], domain="ai.onnx.ml"))


def _resized(g: Written) -> str:
    return str(g.op("Resize", "image", "", g.array([1, 1, 2, 2]), mode="cubic"))


def _shifted(g: Written) -> str:
    return str(
        g.op("Resize", "image", "", g.array([1, 1, 2, 2]), mode="linear", coordinate_transformation_mode="asymmetric")
    )


UNSUPPORTED: dict[str, tuple[Callable[[Written], str], str]] = {
    "another domain": (_domain, "com.microsoft.FusedConv.*com.microsoft"),
    "trees": (_trees, "ai.onnx.ml"),
    "an unknown operator": (_op("Det"), "`Det`.*no layer"),
    "whole numbers": (_op("QLinearConv"), "QDQ"),
    "whole numbers as input": (_op("ConvInteger"), "QDQ"),
    "a loop": (_op("Loop"), "again or on a condition"),
    "a condition": (_if, "condition must be a constant"),
    "weights that depend on the image": (_weights_of_the_image, "constant"),
    "attention": (_attention, "attention"),
    "one-dimensional weights": (_op("Conv", (4, 4, 3)), "weights"),
    "another elu": (_op("Elu", alpha=0.5), "alpha"),
    "a steep slope": (_op("LeakyRelu", alpha=1.5), "slope"),
    "slopes of positions": (_op("PRelu", (4, 6, 8)), "slopes"),
    "cubic resizing": (_resized, "cubic"),
    "other coordinates": (_shifted, "asymmetric"),
    "an even neighborhood": (_op("LRN", size=2), "even"),
    "pieces of nothing": (_op("Erf"), "Erf"),
    "numbers cut off": (_op("Cast", to=7), "whole numbers"),
    "normalization over all": (_op("LayerNormalization", (4, 6, 8), axis=1), "several axes"),
    "negative strides": (_op("MaxPool", kernel_shape=[2, 2], strides=[-1, 1]), "strides"),
    "three-dimensional windows": (_op("MaxPool", kernel_shape=[2, 2, 2]), "3 dimensions"),
    "pads of something else": (_op("Conv", (4, 4, 3, 3), pads=[1, 1]), "pads"),
    "a text for a number": (_op("Conv", (4, 4, 3, 3), group="two"), "group"),
    "attributes of a wrong type": (_op("Flatten", axis=1.5), "axis"),
    "a shape of another size": (lambda g: str(g.op("Reshape", "image", g.ints(5, 5))), "5, 5"),
    "a constant alone": (lambda g: str(g.op("Relu", g.random(1, 3))), "output"),
}


@pytest.mark.parametrize(("write", "word"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_no_layer_computes_is_refused_by_name(write: Callable[[Written], str], word: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=word) as caught:
        read_onnx(saved(written(write), tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "word"), [((1, 3), "1x3"), (None, "unknown"), ((1, 3, 2**40, 8), "too large"), ((1, 4, 6, 8, 9), "four")]
)
def test_what_is_no_image_is_refused(shape: tuple[int, ...] | None, word: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=word):
        read_onnx(saved(written(_op("Relu"), shape=shape), tmp_path))


def test_several_inputs_are_refused_by_name(tmp_path: Path) -> None:
    model = _good()
    _second_input(model)
    with pytest.raises(UnsupportedError, match="image, other"):
        read_onnx(saved(model, tmp_path))


def test_whole_numbers_are_no_image(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="image"):
        read_onnx(saved(written(_op("Relu"), dtype=TensorProto.INT64), tmp_path))


@pytest.mark.slow
def test_one_constant_in_all_layers_does_not_fill_memory(tmp_path: Path) -> None:
    def write(g: Written) -> str:
        weight = g.array(np.zeros((1_000, 1_000)))
        value = g.op("Flatten", g.op("Conv", "image", g.random(1_000, 4, 6, 8)))
        for _ in range(2_000):
            value = g.op("MatMul", value, weight)
        return str(value)

    with pytest.raises(ModelFileError, match="memory"):
        read_onnx(saved(written(write), tmp_path))
