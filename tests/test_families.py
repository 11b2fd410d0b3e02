"""A new member of a family is one record or one line: all that it passes through reads it from there."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convscope.api.check import check
from convscope.api.measure import measure
from convscope.api.train import train
from convscope.cli import main
from convscope.cli.group import COMMANDS
from convscope.core.errors import ParameterError
from convscope.explorer.data import NamedImage, explorer_data
from convscope.images.sources.arrays import from_arrays
from convscope.images.sources.opening import FILE_SOURCES
from convscope.layers.nonlinearity import NONLINEARITIES, NonlinearityKind
from convscope.layers.normalization import NORMALIZATIONS, BatchNormalization, NormalizationKind
from convscope.layers.pooling import POOLINGS, PoolingKind
from convscope.layers.pooling_operators import OnnxPooling
from convscope.measures.distortions.distortion import Distortion
from convscope.measures.distortions.family import DISTORTIONS
from convscope.networks.export.onnx_export import onnx_bytes
from convscope.networks.export.onnx_writer import OnnxGraph
from convscope.networks.inference import optimize_for_inference
from convscope.networks.layout import Layout
from convscope.networks.model import Model
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


class Tenfold(BatchNormalization):
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
NONLINEARITY = NonlinearityKind(
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
        "import importlib; from convscope.measures.comparison import variants\n"
        "print(importlib.reload(variants).VARIANTS['pooling-toy'].description)"
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
    member: PoolingKind | NonlinearityKind | NormalizationKind, field: str
) -> None:
    texts = {name: getattr(member, name) for name in member.__dataclass_fields__}
    with pytest.raises(ParameterError, match=field):
        type(member)(**texts | {field: " "})
    with pytest.raises(TypeError, match=field):
        type(member)(**{name: value for name, value in texts.items() if name != field})


def test_a_toy_source_is_checked_and_trained_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.arange(30) % 3
    monkeypatch.setitem(
        FILE_SOURCES,
        ".toy",
        lambda path, _reporter: from_arrays(
            np.frombuffer(path.read_bytes(), np.uint8).reshape(30, 8, 8), labels, name=path.name
        ),
    )
    path = tmp_path / "images.toy"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8).tobytes())
    assert check(path).images == 30
    assert main(["check", str(path), "--quiet"]) == 0
    assert "30" in capsys.readouterr().out
    trained_on = train(path, layout="4C3-MP2", epochs=1, output=tmp_path / "run")
    assert [one.images for one in trained_on.classes] == [10, 10, 10]


def test_a_toy_distortion_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = Distortion(
        name="toy",
        unit="shades",
        ways=("", "lightened by"),
        low=0,
        high=255,
        usual=(10, 255),
        change=lambda images, strength, _generators, _background: (images + strength).clamp(max=255),
    )
    monkeypatch.setitem(DISTORTIONS, "toy", toy)
    run_folder = tmp_path / "run"
    train("digits", layout="4C3-MP2", epochs=1, output=run_folder)
    curves = {curve.distortion: curve for curve in measure(run_folder, "digits", images=20).curves}
    assert len(curves) == len(DISTORTIONS)
    assert [point.strength for point in curves["toy"].points if point.strength] == [10, 255]
    assert main(["measure", str(run_folder), "digits", "--distortions", "toy", "--images", "20", "--quiet"]) == 0
    assert "Lightened (toy, shades)" in capsys.readouterr().out


def test_a_toy_command_is_listed_and_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("toy")
    @click.argument("word")
    def command(word: str) -> None:
        """Print WORD backwards."""
        click.echo(word[::-1])

    module = ModuleType("convscope.cli.toy")
    module.__dict__["command"] = command
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "toy", "Print a word backwards.")
    assert main(["--help"]) == 0
    assert "Print a word backwards." in capsys.readouterr().out
    assert main(["toy", "--help"]) == 0
    assert "Print WORD backwards." in capsys.readouterr().out
    assert main(["toy", "pool"]) == 0
    assert capsys.readouterr().out == "loop\n"
    assert main(["toi"]) == 2
    assert "'toy'" in capsys.readouterr().err
