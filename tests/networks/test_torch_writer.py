"""A network as a module of torch alone: the same values, the names of the layers, and no need of convscope."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape, Window
from convscope.layers.instance_based import Exemplars
from convscope.layers.kinds import ChannelSelection, Convolution, Padding, Pooling, Resize, TransposedConvolution
from convscope.layers.layer import Layer
from convscope.networks.export.torch_writer import torch_module
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.checks.graph_models import read_architecture
from tests.checks.models import LAYOUTS, graph_model, small_model, with_exemplars

READ = [one for one in ARCHITECTURES.values() if not one.refused]
THREE, UNEVEN = Window(kernel=3, stride=2, before=1, after=1), Window(kernel=3, before=0, after=2)


def same(module: nn.Module, network: nn.Module, images: torch.Tensor) -> None:
    with torch.no_grad():
        torch.testing.assert_close(module(images), network(images), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("text", [*LAYOUTS, "4C3-ST2-6C3-BP2", "4C3-LP2-4C3-APg-gelu", "4C3-STg-tanh", "3C3-BPg-svm"])
def test_a_layout_becomes_the_same_network(text: str) -> None:
    network = small_model(text).network
    same(torch_module(network), network, torch.randn(3, 3, 17, 14, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("architecture", READ, ids=lambda one: one.name)
def test_an_architecture_there_and_back_is_the_same_network(architecture: Architecture) -> None:
    source = read_architecture(architecture)
    network = GraphNetwork(source.graph, source.tensors).eval()
    module = torch_module(network)
    same(module, network, architecture.example(2))
    weighted = {name.rpartition(".")[0] for name in source.tensors}
    assert weighted <= {name for name, _ in module.named_modules()}


@pytest.mark.parametrize(
    "layer",
    [
        Convolution(units=2, rows=UNEVEN, columns=THREE),
        TransposedConvolution(units=2, rows=THREE, columns=THREE, extra_rows=1),
        TransposedConvolution(units=2, rows=UNEVEN, columns=UNEVEN),
        Pooling(code="MP", rows=UNEVEN, columns=THREE),
        Pooling(code="MP", rows=THREE, columns=THREE, ceil=True),
        Pooling(code="AP", rows=THREE, columns=THREE, count_padding=True),
        Pooling(code="AP", rows=THREE, columns=THREE, ceil=True),
        Padding(top=2, left=1, mode="reflect"),
        Padding(top=1, bottom=1, mode="edge"),
        Padding(left=2, right=1, mode="wrap"),
        Padding(top=1, right=2, value=3.0),
        Padding(top=-1, left=-2),
        ChannelSelection(start=1, count=2),
        ChannelSelection(start=3, count=4, step=-1),
        Resize(rows=15, columns=4),
        Resize(rows=15, columns=4, mode="bilinear"),
        Resize(rows=15, columns=4, mode="bilinear", corners=True),
    ],
    ids=str,
)
def test_a_layer_of_any_setting_becomes_the_same_values(layer: Layer) -> None:
    graph = Graph(image=MapShape(maps=4, rows=7, columns=8), nodes=(Node(name="one", layer=layer, inputs=(IMAGE,)),))
    generator = torch.Generator().manual_seed(2)
    network = GraphNetwork(
        graph, {name: torch.randn(shape, generator=generator) for name, shape in graph.tensors.items()}
    )
    same(torch_module(network), network, torch.randn(2, 4, 7, 8, generator=generator))


def test_it_can_be_trained_copied_and_exported() -> None:
    module = graph_model().to_torch()
    images = torch.randn(2, 3, 17, 14, generator=torch.Generator().manual_seed(1))
    module(images).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    exported = torch.export.export(copy.deepcopy(module), (images,)).module()
    torch.testing.assert_close(exported(images), module(images))
    assert set(module.state_dict()) == set(graph_model().network.graph.tensors)


def test_it_works_where_convscope_cannot_be_imported(tmp_path: Path) -> None:
    model = graph_model()
    images = torch.randn(2, 3, 17, 14, generator=torch.Generator().manual_seed(1))
    torch.save(
        {"module": model.to_torch(), "images": images, "logits": model.network(images).detach()}, tmp_path / "m.pt"
    )
    program = (
        "import sys; sys.modules['convscope'] = None\n"
        "import torch\n"
        "held = torch.load(sys.argv[1], weights_only=False)\n"
        "torch.testing.assert_close(held['module'](held['images']), held['logits'])\n"
        "print([name for name in sys.modules if name.startswith('convscope.')])\n"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "m.pt")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("畳み込み.層1", "畳み込み.層1"),
        ("class", "class_"),
        ("training.forward", "training_.forward_"),
        ("0.1", "0.1"),
        ('a"), print("x', "a____print__x"),
        ("a..b", "a._.b"),
    ],
)
def test_a_name_that_python_cannot_read_is_changed_and_nothing_else(name: str, written: str) -> None:
    model = graph_model(names=(name, "gate", "head"))
    module = model.to_torch()
    assert written in {name for name, _ in module.named_modules()}
    same(module, model.network, torch.randn(1, 3, 17, 14, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    "model",
    [
        small_model("4U3-MP2"),
        with_exemplars(small_model("4C3-MP2"), Exemplars(kind="neighbors", kept=6, neighbors=3)),
    ],
    ids=["locally connected", "instance-based"],
)
def test_what_torch_has_no_module_for_is_refused(model: Model) -> None:
    with pytest.raises(ParameterError, match="locally connected|instance-based"):
        model.to_torch()
