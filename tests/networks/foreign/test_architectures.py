"""The field's architectures, read from modules: equal to them on images that were not traced, or refused by name."""

import pytest
import torch

from convscope.networks.foreign.building.unsupported import UnsupportedError
from convscope.networks.foreign.modules.torch_module import read_module
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.networks.foreign.comparing import difference, kinds

READ = {name: one for name, one in ARCHITECTURES.items() if not one.refused}
REFUSED = {"vit": ("aten.cat", "conv_proj"), "swin": ("aten.roll", "features.1.0.norm1")}


@pytest.mark.parametrize("architecture", READ.values(), ids=READ)
def test_an_architecture_computes_the_same_when_it_is_read(architecture: Architecture) -> None:
    module = architecture.make()
    network = read_module(module, architecture.example())
    assert difference(network, module, architecture.shape) <= 1e-4
    paths = {name for name, _ in module.named_modules()}
    assert all(node.name in paths or node.block in paths for node in network.graph.nodes)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3", "shufflenet_v2"])
def test_operators_that_torch_has_decomposed_are_read_as_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    architecture, export = ARCHITECTURES[name], torch.export.export

    def decomposed(*given: object, **settings: object) -> torch.export.ExportedProgram:
        return export(*given, **settings).run_decompositions()  # type: ignore[arg-type]

    module = architecture.make()
    whole = read_module(module, architecture.example())
    monkeypatch.setattr(torch.export, "export", decomposed)
    network = read_module(module, architecture.example())
    assert difference(network, module, architecture.shape) <= 1e-4
    assert kinds(network) == kinds(whole)


def test_every_architecture_that_is_refused_is_tested() -> None:
    assert set(REFUSED) == set(ARCHITECTURES) - set(READ)


@pytest.mark.parametrize("name", REFUSED)
def test_a_transformer_is_refused_by_operator_and_place_and_can_be_had_up_to_there(name: str) -> None:
    architecture = ARCHITECTURES[name]
    operator, last = REFUSED[name]
    with pytest.raises(UnsupportedError, match=f'`{operator}`.*up_to="{last}') as caught:
        read_module(architecture.make(), architecture.example())
    assert (caught.value.operator, caught.value.last_layer) == (operator, last)
    network = read_module(architecture.make(), architecture.example(), up_to=last)
    assert network.graph.output.name == last
    assert all(torch.isfinite(tensor).all() for tensor in network.tensors.values())
