"""EfficientNet-Lite (Google 2020, Apache-2.0): MobileNet's inverted residuals, without squeeze-and-excitation.

The layers are those of Tan & Le, "EfficientNet" (2019), table 1, with ReLU6 in place of Swish. Its batch normalization
is put into the weights, as it is in every graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import Convolution, Linear, Pooling
from convscope.networks.graph import IMAGE, Graph, Node

CLASSES = 1_000
TRAINED_PX, SIDE_PX = 224, 288
"""It was trained on images of 224 pixels; features of larger ones are better by 2 points (Touvron et al. 2019)."""
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
"""Those of TensorFlow's training code; ImageNet's mean and deviation, which the package shows, cost 2 to 4 points."""
_EPSILON = 1e-3
_STAGES = (  # kernel, stride, maps within a block over those below, maps, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM, _LAST = 32, 1_280


@dataclass(kw_only=True)
class _Drawing:
    """Nodes so far; where the weights and the normalization of each convolution are in the file, by its name."""

    side: int
    nodes: list[Node] = field(default_factory=list)
    sources: dict[str, tuple[str, str]] = field(default_factory=dict)

    def convolve(
        self, name: str, below: str, units: int, *, kernel: int, stride: int, groups: int, source: tuple[str, str]
    ) -> str:
        """Add a convolution with the padding of TensorFlow's ``SAME``, the odd zero behind; return its name."""
        after = -(-self.side // stride)
        zeros = max(0, (after - 1) * stride + kernel - self.side)
        window = Window(kernel=kernel, stride=stride, before=zeros // 2, after=zeros - zeros // 2)
        layer = Convolution(units=units, rows=window, columns=window, groups=groups)
        self.nodes.append(Node(name=name, layer=layer, inputs=(below,), nonlinearity="relu6"))
        self.sources[name], self.side = source, after
        return name

    def project(self, name: str, below: str, units: int, *, added: str | None, source: tuple[str, str]) -> str:
        """Add the last convolution of a block, which is linear and to which the input of the block may be added."""
        layer = Convolution(units=units, rows=Window(kernel=1), columns=Window(kernel=1))
        inputs = (below,) if added is None else (below, added)
        self.nodes.append(Node(name=name, layer=layer, inputs=inputs))
        self.sources[name] = source
        return name


def _drawn(side_px: int = TRAINED_PX) -> tuple[Graph, dict[str, tuple[str, str]]]:
    """Return the layers, and for each convolution the names of its weights and of its normalization in the file."""
    drawing = _Drawing(side=side_px)
    last = drawing.convolve("stem", IMAGE, _STEM, kernel=3, stride=2, groups=1, source=("_conv_stem", "_bn0"))
    maps, number = _STEM, 0
    for stage, (kernel, stride, ratio, units, blocks) in enumerate(_STAGES, start=1):
        for block in range(blocks):
            path, source = f"stage{stage}.block{block + 1}", f"_blocks.{number}."
            step, below, inner = stride if block == 0 else 1, last, ratio * maps
            if ratio != 1:
                last = drawing.convolve(
                    f"{path}.expand", last, inner, kernel=1, stride=1, groups=1,
                    source=(f"{source}_expand_conv", f"{source}_bn0"),
                )  # fmt: skip
            last = drawing.convolve(
                f"{path}.depthwise", last, inner, kernel=kernel, stride=step, groups=inner,
                source=(f"{source}_depthwise_conv", f"{source}_bn1"),
            )  # fmt: skip
            added = below if step == 1 and maps == units else None
            last = drawing.project(
                f"{path}.project", last, units, added=added, source=(f"{source}_project_conv", f"{source}_bn2")
            )
            maps, number = units, number + 1
    last = drawing.convolve("head", last, _LAST, kernel=1, stride=1, groups=1, source=("_conv_head", "_bn1"))
    drawing.nodes.append(Node(name="pooling", layer=Pooling(code="AP"), inputs=(last,)))
    drawing.nodes.append(Node(name="classifier", layer=Linear(units=CLASSES), inputs=("pooling",)))
    image = MapShape(maps=3, rows=side_px, columns=side_px)
    return Graph(nodes=tuple(drawing.nodes), image=image), drawing.sources


def efficientnet_lite0(side_px: int = TRAINED_PX) -> Graph:
    """Return the layers of EfficientNet-Lite0 for images of this side.

    Examples:
        >>> graph = efficientnet_lite0()
        >>> len(graph.nodes), str(graph.shapes["head"])
        (51, '1,280 maps of 7x7')
    """
    return _drawn(side_px)[0]


def file_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in the file of weights, by its name there."""
    graph, sources = _drawn()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (convolution, normalization) in sources.items():
        weight = graph.tensors[f"{name}.weight"]
        shapes[f"{convolution}.weight"] = weight
        shapes |= {f"{normalization}.{part}": weight[:1] for part in ("weight", "bias", "running_mean", "running_var")}
    return {**shapes, "_fc.weight": (CLASSES, _LAST), "_fc.bias": (CLASSES,)}


def tensors_of(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of `efficientnet_lite0` from those of the file, with the normalization put into them."""
    tensors = {"classifier.weight": stored["_fc.weight"], "classifier.bias": stored["_fc.bias"]}
    for name, (convolution, normalization) in _drawn()[1].items():
        part = {key: stored[f"{normalization}.{key}"].double() for key in ("weight", "bias", "running_mean")}
        scale = part["weight"] / torch.sqrt(stored[f"{normalization}.running_var"].double() + _EPSILON)
        weight = stored[f"{convolution}.weight"].double() * scale[:, None, None, None]
        tensors[f"{name}.weight"] = weight.float()
        tensors[f"{name}.bias"] = (part["bias"] - part["running_mean"] * scale).float()
    return tensors
