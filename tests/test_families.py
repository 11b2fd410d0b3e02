"""A new pooling, nonlinearity or normalization is one record: all that a layer passes through reads it from there."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convscope.core.errors import ParameterError
from convscope.explorer.data import NamedImage, explorer_data
from convscope.layers.nonlinearity import NONLINEARITIES, Nonlinearity
from convscope.layers.normalization import NORMALIZATIONS, Normalization, NormalizationKind
from convscope.layers.onnx_graph import OnnxGraph
from convscope.layers.pooling import POOLINGS, PoolingKind
from convscope.layers.pooling_operators import OnnxPooling
from convscope.networks.inference import optimize_for_inference
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.onnx_export import onnx_bytes
from convscope.training.loop import Listener, run
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData
from tests.checks.models import small_model, some_pixels
from tests.networks.test_onnx_export import run as run_onnx


class Smallest(nn.Module):
    """The smallest value of each window, or of the whole map."""

    def __init__(self, window: int | None = None, stride: int = 1) -> None:
        super().__init__()
        self.window, self.stride = window, stride

    def forward(self, maps: Tensor) -> Tensor:
        # N C H W -> N C h w
        return -nn.functional.max_pool2d(-maps, self.window or maps.shape[2:], self.stride)


def smallest_operator(pooling: OnnxPooling, value: str) -> str:
    return pooling.graph.node("Neg", pooling.windowed("MaxPool", pooling.graph.node("Neg", value)))


def softsign_operator(graph: OnnxGraph, value: str) -> str:
    return graph.node("Softsign", value)


class Tenfold(Normalization):
    """Batch normalization with ten times the scale."""

    def forward(self, maps: Tensor) -> Tensor:
        shift = self.bias.view(-1, *[1] * (maps.ndim - 2))
        return (super().forward(maps) - shift) * 10 + shift

    def predicting(self) -> tuple[Tensor, Tensor, Tensor]:
        mean, scale, shift = super().predicting()
        return mean, scale * 10, shift


POOLING = PoolingKind(
    code="TY",
    name="toy",
    windowed=Smallest,
    whole=Smallest,
    keeps_order=True,
    onnx=smallest_operator,
    oracle="smallest",
    formula="min x",
    phrase="the smallest value",
)
NONLINEARITY = Nonlinearity(
    apply=nn.functional.softsign,
    increasing=True,
    gain=1.0,
    onnx=softsign_operator,
    oracle="softsign",
    formula="x / (1 + |x|)",
    phrase="values are squeezed between −1 and 1",
)
NORMALIZATION = NormalizationKind(
    module=Tenfold, oracle="tenfold", formula="10 (x − mean) / std + shift", phrase="standard deviation 10"
)
TOYS = ("4C3-TY2-4C3-TYg", "4C3-MP2-4C3-APg-toy", "4C3-MP2-8N-tenfold")


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POOLINGS, "TY", POOLING)
    monkeypatch.setitem(NONLINEARITIES, "toy", NONLINEARITY)
    monkeypatch.setitem(NORMALIZATIONS, "tenfold", NORMALIZATION)


def trained(text: str) -> Model:
    model = small_model(text)
    data = TrainingData.of_arrays(some_pixels(12, 17, 14), np.arange(12) % 3, classes=3)
    recipe = Recipe(epochs=2, batch=4)
    run(TrainingState.begin(model.network, recipe, steps=6), data, recipe, Listener(), seed=0)
    model.network.eval()
    return model


@pytest.mark.parametrize("text", TOYS)
def test_a_layout_with_a_toy_is_read_planned_built_trained_and_exported(text: str) -> None:
    assert str(Layout.parse(text)) == text
    model, images = trained(text), some_pixels(5, 17, 14)
    assert len(model.network.plan.layers) > 2
    with torch.inference_mode():
        expected = model.network.probabilities(torch.from_numpy(images)).numpy()
        fused = optimize_for_inference(model.network).probabilities(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(fused, expected, atol=1e-5)
    np.testing.assert_allclose(run_onnx(onnx_bytes(model.network), images), expected, atol=1e-5)


@pytest.mark.parametrize("text", TOYS)
def test_the_page_shows_a_network_with_a_toy(text: str) -> None:
    model = trained(text)
    data = explorer_data(model, [NamedImage(name="one", pixels=some_pixels(1, 17, 14)[0])])
    assert len(data.layers) == len(model.network.plan.layers)


def test_the_comparison_has_a_variant_with_a_toy_pooling() -> None:
    program = (
        "from tests.test_families import POOLING, POOLINGS; POOLINGS['TY'] = POOLING\n"
        "from convscope.measures.comparison.variants import VARIANTS; print(VARIANTS['pooling-toy'].description)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "the smallest value of each window" in done.stdout


@pytest.mark.parametrize(
    "member",
    [*POOLINGS.values(), *NONLINEARITIES.values(), *NORMALIZATIONS.values()],
    ids=[*POOLINGS, *NONLINEARITIES, *NORMALIZATIONS],
)
@pytest.mark.parametrize("field", ["formula", "phrase", "oracle"])
def test_no_member_is_made_without_its_texts(
    member: PoolingKind | Nonlinearity | NormalizationKind, field: str
) -> None:
    texts = {name: getattr(member, name) for name in member.__dataclass_fields__}
    with pytest.raises(ParameterError, match=field):
        type(member)(**texts | {field: " "})
    with pytest.raises(TypeError, match=field):
        type(member)(**{name: value for name, value in texts.items() if name != field})
