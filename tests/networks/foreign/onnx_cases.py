"""One small network for each operator that is read, in each of its forms; what a reader is checked with."""

from typing import NamedTuple

import numpy as np

from .onnx_models import Writing, Written


class Case(NamedTuple):
    """A network, and the version of its operators."""

    write: Writing
    opset: int = 17


def _norm(g: Written) -> str:
    """Layer normalization over channels in pieces."""
    centered = g.op("Sub", "image", g.op("ReduceMean", "image", axes=[1]))
    variance = g.op("ReduceMean", g.op("Pow", centered, g.array(2.0)), axes=[1])
    normal = g.op("Div", centered, g.op("Sqrt", g.op("Add", variance, g.array(1e-5))))
    return g.op("Add", g.op("Mul", normal, g.random(4, 1, 1)), g.random(4, 1, 1))


def _norm_of_keras(g: Written) -> str:
    """Layer normalization over channels that are last, which scales the deviation first."""
    image = g.op("Transpose", "image", perm=[0, 2, 3, 1])
    mean = g.op("ReduceMean", image, axes=[3])
    apart = g.op("Sub", image, mean)
    variance = g.op("Add", g.op("ReduceMean", g.op("Mul", apart, apart), axes=[3]), g.array(1e-3))
    scale = g.op("Mul", g.op("Reciprocal", g.op("Sqrt", variance)), g.random(1, 1, 1, 4))
    shift = g.op("Sub", g.random(1, 1, 1, 4), g.op("Mul", mean, scale))
    return g.op("Transpose", g.op("Add", g.op("Mul", image, scale), shift), perm=[0, 3, 1, 2])


def _repeated(g: Written) -> str:
    """Upsampling as Keras writes it: each row twice, then each column three times."""
    rows = g.op("Tile", g.op("Unsqueeze", "image", g.ints(3)), g.ints(1, 1, 1, 2, 1))
    rows = g.op("Reshape", rows, g.ints(1, 4, 12, 8))
    return g.op(
        "Reshape", g.op("Tile", g.op("Unsqueeze", rows, g.ints(4)), g.ints(1, 1, 1, 1, 3)), g.ints(1, 4, 12, 24)
    )


def _gelu(g: Written) -> str:
    erf = g.op("Erf", g.op("Div", "image", g.array(2**0.5)))
    return g.op("Mul", g.op("Mul", "image", g.op("Add", erf, g.array(1.0))), g.array(0.5))


def _gelu_tanh(g: Written) -> str:
    inner = g.op("Add", "image", g.op("Mul", g.op("Pow", "image", g.array(3.0)), g.array(0.044715)))
    tanh = g.op("Tanh", g.op("Mul", inner, g.array((2 / np.pi) ** 0.5)))
    return g.op("Mul", g.op("Mul", g.array(0.5), "image"), g.op("Add", tanh, g.array(1.0)))


def _hard_swish(g: Written) -> str:
    gate = g.op("Clip", g.op("Add", "image", g.array(3.0)), g.array(0.0), g.array(6.0))
    return g.op("Div", g.op("Mul", "image", gate), g.array(6.0))


def _excited(g: Written) -> str:
    """Squeeze-and-excitation."""
    gate = g.op("Conv", g.op("GlobalAveragePool", "image"), g.random(4, 4, 1, 1), g.random(4))
    return g.op("Mul", "image", g.op("Sigmoid", gate))


def _shuffled(g: Written) -> str:
    split = g.op("Reshape", "image", g.ints(1, 2, 2, 6, 8))
    return g.op("Reshape", g.op("Transpose", split, perm=[0, 2, 1, 3, 4]), g.ints(1, 4, 6, 8))


def _vector(g: Written) -> str:
    return g.op("Flatten", "image")


def _sizes(g: Written) -> str:
    """The arithmetic that exporters write around a Reshape."""
    side = g.op("Gather", g.op("Shape", "image"), g.array(0, np.int64), axis=0)
    return g.op("Concat", g.op("Unsqueeze", side, g.ints(0)), g.ints(-1), axis=0)


def _parts(g: Written) -> str:
    first, second = g.op("Split", "image", g.ints(1, 3), axis=1, outputs=2)
    return g.op("Concat", second, first, axis=1)


def _statistics(g: Written) -> list[str]:
    return [g.random(4), g.random(4), g.random(4), g.random(4, low=0.1)]


def _conv(g: Written, value: str = "image") -> str:
    return g.op("Conv", value, g.random(4, 4, 3, 3), pads=[1, 1, 1, 1])


def _resized(*, scales: tuple[float, ...] = (1, 1, 2, 2), **attributes: object) -> Case:
    return Case(lambda g: g.op("Resize", "image", "", g.array(scales), **attributes))


CASES: dict[str, Case] = {
    "Conv": Case(lambda g: g.op("Conv", "image", g.random(6, 4, 3, 3), g.random(6), pads=[1, 0, 2, 1], strides=[2, 1])),
    "Conv grouped and dilated": Case(
        lambda g: g.op("Conv", "image", g.random(8, 1, 3, 2), group=4, dilations=[2, 1], kernel_shape=[3, 2])
    ),
    "Conv SAME_UPPER": Case(
        lambda g: g.op("Conv", "image", g.random(2, 4, 4, 3), auto_pad="SAME_UPPER", strides=[3, 2])
    ),
    "Conv SAME_LOWER": Case(
        lambda g: g.op("Conv", "image", g.random(2, 4, 4, 3), auto_pad="SAME_LOWER", strides=[1, 2])
    ),
    "Conv VALID": Case(lambda g: g.op("Conv", "image", g.random(2, 4, 3, 3), auto_pad="VALID")),
    "Conv in float16": Case(
        lambda g: g.op("Conv", "image", g.op("Cast", g.array(np.full((2, 4, 1, 1), 0.3), np.float16), to=1))
    ),
    "ConvTranspose": Case(
        lambda g: g.op(
            "ConvTranspose",
            "image",
            g.random(4, 3, 3, 2),
            g.random(3),
            strides=[2, 2],
            pads=[1, 0, 0, 1],
            output_padding=[1, 0],
        )
    ),
    "ConvTranspose grouped": Case(lambda g: g.op("ConvTranspose", "image", g.random(4, 3, 2, 2), group=2)),
    "Gemm": Case(lambda g: g.op("Gemm", _vector(g), g.random(5, 192), g.random(5), transB=1)),
    "Gemm scaled": Case(lambda g: g.op("Gemm", _vector(g), g.random(192, 5), g.random(1, 5), alpha=0.5, beta=2.0)),
    "MatMul": Case(lambda g: g.op("Add", g.op("MatMul", _vector(g), g.random(192, 5)), g.random(5))),
    "MatMul at every position": Case(
        lambda g: g.op(
            "Transpose",
            g.op("MatMul", g.op("Transpose", "image", perm=[0, 2, 3, 1]), g.random(4, 3)),
            perm=[0, 3, 1, 2],
        )
    ),
    "BatchNormalization": Case(lambda g: g.op("BatchNormalization", "image", *_statistics(g), epsilon=1e-3)),
    "BatchNormalization, 9": Case(lambda g: g.op("BatchNormalization", _conv(g), *_statistics(g)), 9),
    "LayerNormalization": Case(
        lambda g: g.op(
            "Transpose",
            g.op("LayerNormalization", g.op("Transpose", "image", perm=[0, 2, 3, 1]), g.random(4), g.random(4)),
            perm=[0, 3, 1, 2],
        )
    ),
    "LayerNormalization in pieces": Case(_norm),
    "LayerNormalization as Keras writes it": Case(_norm_of_keras),
    "LRN": Case(lambda g: g.op("LRN", "image", size=3, alpha=0.1, beta=0.6, bias=2.0)),
    "Softmax": Case(lambda g: g.op("Softmax", _conv(g), axis=1)),
    "Softmax of a vector": Case(lambda g: g.op("Softmax", g.op("Flatten", _conv(g)))),
    "Softmax, 9": Case(lambda g: g.op("Softmax", g.op("GlobalAveragePool", "image"), axis=1), 9),
    "Softmax inside": Case(lambda g: _conv(g, g.op("Softmax", "image", axis=1))),
    "MaxPool": Case(lambda g: g.op("MaxPool", "image", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1])),
    "MaxPool ceil": Case(lambda g: g.op("MaxPool", "image", kernel_shape=[4, 3], strides=[3, 3], ceil_mode=1)),
    "MaxPool dilated": Case(lambda g: g.op("MaxPool", "image", kernel_shape=[2, 2], dilations=[2, 3])),
    "MaxPool SAME_UPPER": Case(
        lambda g: g.op("MaxPool", "image", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    ),
    "AveragePool": Case(lambda g: g.op("AveragePool", "image", kernel_shape=[3, 3], pads=[1, 1, 1, 1])),
    "AveragePool with zeros": Case(
        lambda g: g.op("AveragePool", "image", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    ),
    "AveragePool SAME_UPPER": Case(
        lambda g: g.op("AveragePool", "image", kernel_shape=[2, 3], strides=[1, 2], auto_pad="SAME_UPPER")
    ),
    "AveragePool ceil": Case(lambda g: g.op("AveragePool", "image", kernel_shape=[4, 3], strides=[3, 3], ceil_mode=1)),
    "GlobalAveragePool": Case(lambda g: g.op("GlobalAveragePool", "image")),
    "GlobalMaxPool": Case(lambda g: g.op("GlobalMaxPool", "image")),
    "ReduceMean": Case(lambda g: g.op("ReduceMean", "image", g.ints(2, 3), keepdims=0), 18),
    "ReduceMean, 13": Case(lambda g: g.op("ReduceMean", "image", axes=[-1, -2]), 13),
    "ReduceMean of rows": Case(lambda g: g.op("ReduceMean", "image", axes=[2]), 13),
    "ReduceMax": Case(lambda g: g.op("ReduceMax", "image", g.ints(2, 3)), 18),
    "ReduceSum": Case(lambda g: g.op("ReduceSum", "image", g.ints(2, 3), keepdims=0)),
    "Relu": Case(lambda g: g.op("Relu", "image")),
    "Sigmoid": Case(lambda g: g.op("Sigmoid", "image")),
    "Tanh": Case(lambda g: g.op("Tanh", "image")),
    "Softplus": Case(lambda g: g.op("Softplus", "image")),
    "Softplus in pieces": Case(lambda g: g.op("Log", g.op("Add", g.op("Exp", "image"), g.array(1.0)))),
    "Abs": Case(lambda g: g.op("Abs", "image")),
    "LeakyRelu": Case(lambda g: g.op("LeakyRelu", "image", alpha=0.3)),
    "LeakyRelu, as it is": Case(lambda g: g.op("LeakyRelu", "image")),
    "PRelu": Case(lambda g: g.op("PRelu", "image", g.random(4, 1, 1))),
    "PRelu of one slope": Case(lambda g: g.op("PRelu", "image", g.array([0.2]))),
    "Elu": Case(lambda g: g.op("Elu", "image")),
    "HardSigmoid": Case(lambda g: g.op("HardSigmoid", "image")),
    "HardSigmoid of PyTorch": Case(lambda g: g.op("HardSigmoid", "image", alpha=1 / 6, beta=0.5)),
    "HardSwish": Case(lambda g: g.op("HardSwish", "image")),
    "HardSwish in pieces": Case(_hard_swish),
    "Gelu": Case(lambda g: g.op("Gelu", "image"), 20),
    "Gelu by tanh": Case(lambda g: g.op("Gelu", "image", approximate="tanh"), 20),
    "Gelu in pieces": Case(_gelu),
    "Gelu by tanh in pieces": Case(_gelu_tanh),
    "Mish": Case(lambda g: g.op("Mish", "image"), 18),
    "Mish in pieces": Case(lambda g: g.op("Mul", "image", g.op("Tanh", g.op("Softplus", "image")))),
    "SiLU in pieces": Case(lambda g: g.op("Mul", g.op("Sigmoid", "image"), "image")),
    "Sigmoid in pieces": Case(
        lambda g: g.op("Reciprocal", g.op("Add", g.op("Exp", g.op("Neg", "image")), g.array(1.0)))
    ),
    "Clip": Case(lambda g: g.op("Clip", "image", g.array(0.0), g.array(6.0))),
    "Clip, 9": Case(lambda g: g.op("Clip", "image", min=0.0, max=6.0), 9),
    "Clip to other limits": Case(lambda g: g.op("Clip", "image", g.array(-2.0), g.array(1.5))),
    "Clip on one side": Case(lambda g: g.op("Clip", "image", "", g.array(1.5))),
    "Add": Case(lambda g: g.op("Add", _conv(g), "image")),
    "Add to a channel": Case(lambda g: g.op("Add", g.random(1, 4, 1, 1), "image")),
    "Sum": Case(lambda g: g.op("Sum", "image", _conv(g), "image")),
    "Mean": Case(lambda g: g.op("Mean", "image", _conv(g))),
    "Sub": Case(lambda g: g.op("Sub", _conv(g), "image")),
    "Sub from a constant": Case(lambda g: g.op("Sub", g.array(1.0), "image")),
    "Mul": Case(lambda g: g.op("Mul", _conv(g), "image")),
    "Mul in an excitation": Case(_excited),
    "Mul by channel": Case(lambda g: g.op("Mul", "image", g.random(4, 1, 1))),
    "Div": Case(lambda g: g.op("Div", "image", g.random(4, 1, 1, low=0.5))),
    "Max": Case(lambda g: g.op("Max", "image", g.array(0.0))),
    "Min": Case(lambda g: g.op("Min", g.op("Max", "image", g.array(0.0)), g.array(6.0))),
    "Concat": Case(lambda g: g.op("Concat", "image", _conv(g), axis=-3)),
    "Split": Case(_parts),
    "Split, 11": Case(lambda g: g.op("Add", *g.op("Split", "image", axis=1, outputs=2)), 11),
    "Slice": Case(lambda g: g.op("Slice", "image", g.ints(1), g.ints(2**62), g.ints(1), g.ints(2))),
    "Slice, 9": Case(lambda g: g.op("Slice", "image", starts=[1, 0], ends=[-1, 3], axes=[1, 2]), 9),
    "Slice of every other row": Case(lambda g: g.op("Slice", "image", g.ints(1), g.ints(99), g.ints(2), g.ints(2))),
    "Gather one": Case(lambda g: g.op("Unsqueeze", g.op("Gather", "image", g.array(2, np.int64), axis=1), g.ints(1))),
    "Gather backwards": Case(lambda g: g.op("Gather", "image", g.ints(3, 2, 1, 0), axis=1)),
    "Gather": Case(lambda g: g.op("Gather", "image", g.ints(0, 2, 1, 3), axis=1)),
    "Flatten": Case(lambda g: g.op("Flatten", "image")),
    "Reshape": Case(lambda g: g.op("Gemm", g.op("Reshape", "image", _sizes(g)), g.random(192, 3))),
    "Transpose": Case(_shuffled),
    "Transpose to the end": Case(
        lambda g: g.op("MatMul", g.op("Flatten", g.op("Transpose", "image", perm=[0, 2, 3, 1])), g.random(192, 3))
    ),
    "Squeeze": Case(lambda g: g.op("Squeeze", g.op("GlobalAveragePool", "image"), g.ints(2, 3))),
    "Squeeze, 9": Case(lambda g: g.op("Squeeze", g.op("GlobalMaxPool", "image"), axes=[2, 3]), 9),
    "Unsqueeze": Case(lambda g: g.op("Unsqueeze", g.op("ReduceMean", "image", axes=[2, 3], keepdims=0), g.ints(2, 3))),
    "Unsqueeze, 9": Case(
        lambda g: g.op("Unsqueeze", g.op("ReduceMean", "image", axes=[2, 3], keepdims=0), axes=[2, 3]), 9
    ),
    "Pad": Case(lambda g: g.op("Pad", "image", g.ints(0, 0, 1, 2, 0, 0, 3, 0), g.array(0.5))),
    "Pad, 9": Case(lambda g: g.op("Pad", "image", pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect"), 9),
    "Pad axes": Case(lambda g: g.op("Pad", "image", g.ints(1, 2), "", g.ints(-1), mode="edge"), 18),
    "Expand": Case(lambda g: g.op("Mul", "image", g.op("Expand", g.op("GlobalMaxPool", "image"), g.ints(1, 4, 6, 8)))),
    "Tile": Case(_repeated),
    "Tile of one number a map": Case(
        lambda g: g.op("Mul", "image", g.op("Tile", g.op("GlobalMaxPool", "image"), g.ints(1, 1, 6, 8)))
    ),
    "Resize to the nearest": _resized(
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    ),
    "Resize to the nearest, as it is": _resized(),
    "Resize between": _resized(mode="linear"),
    "Resize with corners": _resized(mode="linear", coordinate_transformation_mode="align_corners"),
    "Resize as PyTorch": _resized(mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    "Resize to be smaller": _resized(mode="linear", scales=(1, 1, 0.5, 0.5)),
    "Resize by sizes": Case(lambda g: g.op("Resize", "image", "", "", g.ints(1, 4, 9, 12), mode="linear")),
    "Resize axes": Case(lambda g: g.op("Resize", "image", "", "", g.ints(12, 8), mode="linear", axes=[2, 3]), 18),
    "Resize, 10": Case(lambda g: g.op("Resize", "image", g.array([1, 1, 2, 3]), mode="nearest"), 10),
    "Upsample, 9": Case(lambda g: g.op("Upsample", "image", g.array([1, 1, 3, 2]), mode="nearest"), 9),
    "Identity": Case(lambda g: g.op("Relu", g.op("Identity", "image"))),
    "Dropout": Case(lambda g: g.op("Dropout", _conv(g))),
    "Dropout, 9": Case(lambda g: g.op("Dropout", _conv(g), ratio=0.3), 9),
    "Cast": Case(lambda g: g.op("Relu", g.op("Cast", "image", to=1))),
    "Shape of a shape": Case(lambda g: g.op("Reshape", _conv(g), g.op("Shape", _vector(g)))),
}
"""By name: the operator, and its form."""
