"""Networks of others as models: modules and ONNX files, with their pixels, channels and names."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import convscope
from convscope.core.errors import ConvscopeError, DataError, ModelFileError, ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds import ChannelSelection, Linear
from convscope.networks.export.onnx_export import onnx_bytes
from convscope.networks.foreign import proof
from convscope.networks.foreign.building.unsupported import UnsupportedError
from convscope.networks.foreign.onnx_models import of_onnx
from convscope.networks.foreign.standardization import IMAGENET_MEAN, Standardization
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.networks.model_file import opened, read_model, read_onnx_model, write_model
from tests.checks.architectures import ARCHITECTURES
from tests.checks.models import graph_model, some_pixels
from tests.checks.reporters import Heard

SHAPE = (3, 17, 14)
IMAGES = some_pixels(4, 17, 14)


class Small(nn.Module):
    """A convolution with normalization, a branch, and a classifier."""

    def __init__(self, *, first: nn.Module | None = None) -> None:
        super().__init__()
        self.first = first or nn.Conv2d(3, 4, 3)
        self.norm, self.second = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)
        generator = torch.Generator().manual_seed(0)
        for tensor in (*self.parameters(), self.norm.running_mean):
            nn.init.normal_(tensor, 0, 0.4, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.norm(self.first(images)))
        return self.head((maps + self.second(maps)).mean((2, 3)))


def file_of(model: Model, folder: Path, **settings: Any) -> Path:
    path = folder / "網.onnx"
    path.write_bytes(onnx_bytes(model.network, **settings))
    return path


def source(model: Model) -> dict[str, Any]:
    found: dict[str, Any] = model.training["source"]
    return found


def logits(model: Model, images: np.ndarray) -> Tensor:
    with torch.no_grad():
        return model.network(torch.from_numpy(images))


# A module


@pytest.mark.parametrize(
    "example", [SHAPE, torch.randn(3, 17, 14), torch.randn(2, 3, 17, 14)], ids=["shape", "one", "two"]
)
def test_a_module_is_loaded_compared_and_saved(example: Any, tmp_path: Path) -> None:
    module = Small().train()
    model = convscope.load(
        module, example, classes=["猫", "犬", "鳥"], preprocessing={"mean": [0.5] * 3, "std": [0.2] * 3}
    )
    assert module.training
    assert module.norm.training
    with torch.no_grad():
        expected = module.eval()((torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255 - 0.5) / 0.2)
    torch.testing.assert_close(logits(model, IMAGES), expected, atol=1e-5, rtol=1e-4)
    found = source(model)["proof"]
    assert found["output"] < 1e-5
    assert found["images"] == (3 if isinstance(example, Tensor) else 2)
    assert found["by"] == "the module"
    assert source(model)["name"] == "Small"
    assert model.title == "Small"
    write_model(model, tmp_path / "m.safetensors")
    back = convscope.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.predict_proba(IMAGES), model.predict_proba(IMAGES))
    assert back.training == model.training
    assert [one.label for one in back.predict(IMAGES)] == [model.classes[int(k)] for k in expected.argmax(1)]


def test_what_a_module_carries_says_its_size_and_pixels() -> None:
    module = Small()
    module.pretrained_cfg = {"mean": IMAGENET_MEAN, "std": (0.2, 0.3, 0.4), "input_size": SHAPE}  # type: ignore[assignment]
    model = Model.from_torch(module)
    assert (model.preprocessing.height, model.preprocessing.width, model.preprocessing.fit) == (17, 14, "crop")
    assert model.network.mean.tolist() == pytest.approx(IMAGENET_MEAN)
    assert "pretrained_cfg" in " ".join(source(model)["notes"])


def test_a_part_of_a_module_is_taken() -> None:
    model = Model.from_torch(Small(), SHAPE, preprocessing="unit", up_to="second")
    assert model.network.graph.output.name == "second"
    assert model.is_dense
    assert model.classes[-1] == "class 4"


def test_a_segmentation_is_loaded() -> None:
    architecture = ARCHITECTURES["unet"]
    model = Model.from_torch(architecture.make(), architecture.example(), preprocessing="unit")
    assert model.is_dense
    assert source(model)["proof"]["output"] < 1e-4


@pytest.mark.parametrize(
    ("module", "arguments", "word"),
    [
        (Small(), {}, "`preprocessing`"),
        (Small(), {"preprocessing": "unit"}, "`example`"),
        (Small(), {"preprocessing": "unit", "example": (3, 17)}, "`example`"),
        (Small(), {"preprocessing": "unit", "example": (3, -1, 17)}, "`example`"),
        (Small(), {"preprocessing": "unit", "example": torch.zeros(3, 17, 14, dtype=torch.uint8)}, "`example`"),
        (Small(), {"preprocessing": "unit", "example": np.zeros((3, 17, 14))}, "`example`"),
        (Small(), {"preprocessing": "unit", "example": SHAPE, "classes": ["a"]}, "`classes`"),
        (Small(), {"preprocessing": {"mean": [0.5, 0.5]}, "example": SHAPE}, "`mean`"),
        (Small(), {"preprocessing": "unit", "example": SHAPE, "up_to": "thrid"}, "thrid"),
        (Small().half(), {"preprocessing": "unit", "example": SHAPE}, "float32"),
        (Small(first=nn.Conv2d(2, 4, 3)), {"preprocessing": "unit", "example": (2, 17, 14)}, "channels"),
        (Small(first=nn.Conv2d(1, 4, 3)), {"preprocessing": {"color": "bgr"}, "example": (1, 17, 14)}, "`color`"),
    ],
)
def test_what_does_not_fit_a_module_is_refused(module: nn.Module, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        convscope.load(module, **arguments)


def test_what_no_layer_expresses_is_named() -> None:
    architecture = ARCHITECTURES["vit"]
    with pytest.raises(UnsupportedError, match='up_to="conv_proj"'):
        Model.from_torch(architecture.make(), architecture.example(), preprocessing="unit")
    part = Model.from_torch(architecture.make(), architecture.example(), preprocessing="unit", up_to="conv_proj")
    assert [node.name for node in part.network.graph.nodes] == ["conv_proj"]


# Sigmoids at the end


def with_sigmoid(outputs: int, last: nn.Module | None = None) -> nn.Module:
    """Return a network whose last layer has so many sigmoids."""
    torch.manual_seed(0)
    last = last or nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs))
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), last, nn.Sigmoid()).eval()


def answers(module: nn.Module) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = module(torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255).flatten(1).numpy()
    return found


@pytest.mark.parametrize(
    "last",
    [
        None,
        nn.Conv2d(4, 1, (15, 12)),
        nn.Sequential(nn.Conv2d(4, 1, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
    ],
    ids=["linear", "convolution", "mean of maps"],
)
def test_one_sigmoid_is_two_classes(last: nn.Module | None, tmp_path: Path) -> None:
    module = with_sigmoid(1, last)
    model = convscope.load(module, SHAPE, preprocessing="unit", classes=["no", "yes"])
    np.testing.assert_allclose(model.predict_proba(IMAGES)[:, 1:], answers(module), atol=1e-5)
    assert any("two classes" in note for note in source(model)["notes"])
    convscope.convert(model, tmp_path / "m.onnx")
    np.testing.assert_allclose(
        convscope.load(tmp_path / "m.onnx").predict_proba(IMAGES)[:, 1:], answers(module), atol=1e-5
    )


def test_a_sigmoid_a_class_is_shown_as_its_part_of_all() -> None:
    module = with_sigmoid(3)
    model = convscope.load(module, SHAPE, preprocessing="unit")
    expected = answers(module)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected / expected.sum(1, keepdims=True), atol=1e-5)
    assert any("each class by itself" in note for note in source(model)["notes"])


def test_the_sigmoid_of_a_part_stays() -> None:
    model = convscope.load(with_sigmoid(1), SHAPE, preprocessing="unit", up_to="2.2")
    assert model.network.graph.output.nonlinearity == "sigmoid"
    assert len(model.classes) == 1


def test_one_output_without_a_sigmoid_is_noted() -> None:
    model = convscope.load(with_sigmoid(1)[:-1], SHAPE, preprocessing="unit")
    assert any("one output and no sigmoid" in note for note in source(model)["notes"])


def test_weights_that_are_not_in_memory_are_refused_in_one_sentence() -> None:
    with pytest.raises(ParameterError, match="meta"):
        convscope.load(Small().to("meta"), SHAPE, preprocessing="unit")


# Channels in the order blue, green, red


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_network_of_bgr_is_turned_to_rgb(is_direct: bool) -> None:
    first = None if is_direct else nn.Sequential(nn.MaxPool2d(2, 1), nn.Conv2d(3, 4, 2))
    module = Small(first=first).eval()
    standard = {"mean": [104, 117, 123], "std": [57, 58, 59], "scale": 255, "color": "bgr"}
    model = Model.from_torch(module, SHAPE, preprocessing=standard)
    turned = torch.from_numpy(IMAGES).flip(3).permute(0, 3, 1, 2)  # RGB -> BGR, N H W C -> N C H W
    mean, std = (torch.tensor(standard[name]).view(3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        torch.testing.assert_close(logits(model, IMAGES), module((turned - mean) / std), atol=1e-5, rtol=1e-4)
    kinds = [type(node.layer) for node in model.network.graph.nodes]
    assert (ChannelSelection in kinds) is not is_direct


# An ONNX file


def test_a_file_is_a_model_wherever_one_is_taken(tmp_path: Path) -> None:
    model = graph_model()
    path = file_of(model, tmp_path, classes=("猫", "犬", "鳥"))
    for found in (read_model(path), opened(str(path)), convscope.load(path), convscope.load(str(path))):
        np.testing.assert_allclose(found.predict_proba(IMAGES), model.predict_proba(IMAGES), atol=1e-5)
        assert found.classes == ("猫", "犬", "鳥")
        assert found.network.graph == model.network.graph
        assert source(found)["proof"]["compared"] == len(found.network.graph.nodes)


def test_what_was_assumed_is_noted_and_how_to_set_it(tmp_path: Path) -> None:
    content = onnx_bytes(graph_model().network, preprocessing="outside")
    import onnx

    bare = onnx.load_from_string(content)
    del bare.metadata_props[:]
    (tmp_path / "m.onnx").write_bytes(bare.SerializeToString())
    found = read_model(tmp_path / "m.onnx")
    assert found.network.mean.tolist() == pytest.approx(IMAGENET_MEAN)
    assert any("assumed" in note and "--mean" in note for note in source(found)["notes"])
    assert found.classes == ("class 1", "class 2", "class 3")
    given = convscope.load(tmp_path / "m.onnx", preprocessing={"mean": 0.25, "std": 0.5}, classes=["a", "b", "c"])
    assert given.network.mean.tolist() == [0.25] * 3
    assert not any("assumed" in note for note in source(given)["notes"])
    sized = convscope.load(tmp_path / "m.onnx", preprocessing={"size": "14x17"})
    assert sized.network.mean.tolist() == pytest.approx(IMAGENET_MEAN)
    assert any("assumed" in note for note in source(sized)["notes"])


def test_what_a_file_says_beside_the_network_is_used_if_it_fits(tmp_path: Path) -> None:
    import onnx

    model = graph_model()
    content = onnx.load_from_string(onnx_bytes(model.network, preprocessing="outside", classes=("a", "b", "c")))
    (tmp_path / "m.onnx").write_bytes(content.SerializeToString())
    torch.testing.assert_close(read_model(tmp_path / "m.onnx").network.std, model.network.std)
    for key, value in (
        ("classes", '["a"]'),
        ("classes", "["),
        ("mean", "[1]]"),
        ("std", "[0, 0, 0]"),
        ("layers", "[[]]"),
    ):
        for entry in content.metadata_props:
            if entry.key == key:
                entry.value = value
        (tmp_path / "m.onnx").write_bytes(content.SerializeToString())
        found = read_model(tmp_path / "m.onnx")
        assert len(found.classes) == 3
    assert found.classes == ("class 1", "class 2", "class 3")


def test_numbers_for_a_file_that_standardizes_by_itself_are_refused(tmp_path: Path) -> None:
    path = file_of(graph_model(), tmp_path)
    with pytest.raises(ParameterError, match="itself"):
        read_onnx_model(path, standardization=Standardization(mean=(0.5,)))
    turned = read_onnx_model(path, standardization=Standardization(color="bgr"))
    flipped = np.ascontiguousarray(IMAGES[..., ::-1])
    np.testing.assert_allclose(turned.predict_proba(flipped), read_onnx_model(path).predict_proba(IMAGES), atol=1e-5)


@pytest.mark.parametrize("name", ["example", "classes", "preprocessing", "up_to"])
def test_what_a_model_file_says_itself_cannot_be_given(name: str, tmp_path: Path) -> None:
    write_model(graph_model(), tmp_path / "m.safetensors")
    values = {"example": SHAPE, "classes": ["a"], "preprocessing": "unit", "up_to": "gate"}
    with pytest.raises(ParameterError, match=f"`{name}`"):
        convscope.load(tmp_path / "m.safetensors", **{name: values[name]})


def test_a_file_that_is_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x09nonsense")
    (tmp_path / "empty.onnx").touch()
    for name in ("bad.onnx", "empty.onnx", "none.onnx", "bad.ONNX"):
        with pytest.raises(ModelFileError, match=name):
            read_model(tmp_path / name)


def test_a_file_that_onnx_runtime_cannot_run_is_read_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: Any, **_settings: Any) -> Any:
        raise RuntimeError("no such operator\nin any version")

    monkeypatch.setattr("convscope.networks.foreign.onnx_models.trials_of_file", broken)
    found = read_model(file_of(graph_model(), tmp_path))
    assert "cannot run it (no such operator)" in " ".join(source(found)["notes"])


def test_a_figure_opens_its_file_once_and_tells_what_was_assumed(tmp_path: Path) -> None:
    import onnx

    path, heard = tmp_path / "m.onnx", Heard()
    path.write_bytes(onnx_bytes(graph_model().network, preprocessing="outside"))
    content = onnx.load(path)
    del content.metadata_props[:]  # mean and standard deviation
    onnx.save(content, path)
    convscope.draw("fields", str(path), layer="deep", output=tmp_path / "f.png", progress=heard)
    assert sum("assumed" in text for text in heard.lines) == 1


# Proof


class Noisy(Small):
    """Gives other numbers each time."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) + float(np.random.default_rng().normal())


def test_what_is_only_counted_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(graph_model(), tmp_path)
    compared: list[object] = []
    monkeypatch.setattr("convscope.networks.foreign.onnx_models._proof_of_file", lambda *_, **__: compared.append(path))
    assert convscope.cost(str(path), repeats=0) == convscope.cost(graph_model(), repeats=0)
    assert not compared
    read_model(path)
    assert compared


def test_a_module_that_gives_other_numbers_each_time_is_named_so() -> None:
    with pytest.raises(DataError, match="different numbers each time"):
        convscope.load(Noisy(), SHAPE, preprocessing="unit")


def test_a_module_where_a_model_is_wanted_gets_the_way() -> None:
    for call in (lambda: convscope.predict(Small(), IMAGES), lambda: convscope.ConvFeatures(model=Small()).fit(IMAGES)):  # type: ignore[arg-type]
        with pytest.raises(ParameterError, match=r"convscope\.load\(module"):
            call()


def test_a_pickle_gets_the_way(tmp_path: Path) -> None:
    torch.save(Small().state_dict(), tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=r"convscope\.load\(module.*onnx"):
        convscope.load(tmp_path / "m.pt")


def wrong(change: Callable[[dict[str, Tensor]], None]) -> tuple[Model, list[proof.Trial]]:
    """Return a model with other weights, and what it gave before."""
    model = graph_model()
    images = proof.some_images(model.network.graph)
    with torch.no_grad():
        trials = [
            proof.Trial(image=image, output=model.network(image), values=[v for _, v in model.network.values(image)])
            for image in images
        ]
        change(model.network.tensors)
    return model, trials


def test_a_network_that_computes_something_else_is_refused_with_its_first_wrong_layer() -> None:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors["gate.bias"] += 0.3

    model, trials = wrong(change)
    with pytest.raises(DataError, match="first layer that differs is 'gate'"):
        proof.proof_of(model.network, trials, "itself")
    found = proof.proof_of(model.network, trials, "itself", strict=False)
    assert found.output is not None
    assert found.output > proof.LARGEST
    assert found.compared < found.of


@pytest.mark.parametrize("turn", [lambda maps: maps, lambda maps: maps.permute(0, 2, 3, 1)], ids=["first", "last"])
def test_maps_are_compared_with_channels_first_or_last(turn: Callable[[Tensor], Tensor]) -> None:
    whole = graph_model().network
    graph = whole.graph.up_to("sum")
    network = GraphNetwork(graph, {name: whole.tensors[name] for name in graph.tensors})
    image = torch.randn(1, 3, 17, 14, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        values = [turn(values) for _, values in network.values(image)]
    found = proof.proof_of(network, [proof.Trial(image=image, output=values[-1], values=values)], "itself")
    assert (found.output, found.compared) == (0, found.of)


@pytest.mark.parametrize("end", [torch.softmax, torch.log_softmax], ids=["softmax", "log"])
def test_logits_are_compared_with_probabilities_and_their_logarithms(end: Callable[..., Tensor]) -> None:
    network, image = graph_model().network, torch.randn(1, 3, 17, 14)
    with torch.no_grad():
        output = end(network(image), 1)
    assert (proof.proof_of(network, [proof.Trial(image=image, output=output, values=())], "it").output or 0) < 1e-6


def test_rounding_is_no_difference() -> None:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors["head.weight"] *= 1 + 1e-6

    model, trials = wrong(change)
    found = proof.proof_of(model.network, trials, "itself")
    assert 0 < (found.output or 0) < 1e-5
    assert found.compared == found.of
    assert "10 of 10 layers" in str(found)


def test_not_a_number_is_a_difference() -> None:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors["stem.conv.bias"] *= float("nan")

    model, trials = wrong(change)
    with pytest.raises(DataError, match=r"stem\.conv"):
        proof.proof_of(model.network, trials, "itself")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("up_to", [None, "first"])
def test_weights_that_are_no_numbers_are_refused_by_name(value: float, up_to: str | None, tmp_path: Path) -> None:
    module = Small()
    with torch.no_grad():
        module.second.weight[0, 0, 0, 0] = module.first.weight[0, 0, 0, 0] = value
    with pytest.raises(DataError, match=r"finite weights.*'first\.weight'"):
        convscope.load(module, SHAPE, preprocessing="unit", up_to=up_to)
    model = graph_model()
    with torch.no_grad():
        model.network.tensors["stem.conv.weight"][0, 0, 0, 0] = value
    with pytest.raises(DataError, match=r"finite weights.*'stem\.conv\.weight'"):
        convscope.convert(file_of(model, tmp_path), tmp_path / "m.safetensors")


def part_of(values: Callable[[dict[str, Tensor]], Any]) -> tuple[GraphNetwork, list[proof.Trial]]:
    """Return the part of a network up to `sum`, and values of which the original has those that are chosen."""
    whole = graph_model().network
    graph = whole.graph.up_to("sum")
    network = GraphNetwork(graph, {name: whole.tensors[name] for name in graph.tensors})
    image = torch.randn(1, 3, 17, 14, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        own = {node.name: value.clone() for node, value in network.values(image)}
    return network, [proof.Trial(image=image, output=None, values=values(own))]


def test_a_part_whose_end_the_original_lacks_is_read_with_a_note() -> None:
    network, trials = part_of(lambda own: list(own.values())[:-1])
    assert not proof.proof_of(network, trials, "itself").ended
    network, trials = part_of(lambda own: [*list(own.values())[:-1], -3 * own["sum"]])
    found, notes = proof.proof_of(network, trials, "itself"), list[str]()
    assert not found.ended
    assert found.compared == found.of - 1
    assert proof.noted(found, notes) is found
    assert "last layer could not be compared" in notes[0]


@pytest.mark.parametrize("wrong", ["sum", "stem.conv"])
def test_a_part_that_is_wrong_is_refused(wrong: str) -> None:
    network, trials = part_of(
        lambda own: (
            [value + 0.03 * value.abs().max() * (name == wrong) for name, value in own.items() if name != "sum"]
            + [own["sum"] + (0.03 if wrong == "sum" else 2) * own["sum"].abs().max()]
        )
    )
    with pytest.raises(DataError, match="differs is"):
        proof.proof_of(network, trials, "itself")


def test_where_nothing_was_compared_nothing_is_proven() -> None:
    network, trials = part_of(lambda _own: [torch.ones(7)])
    notes: list[str] = []
    assert proof.noted(proof.proof_of(network, trials, "itself"), notes) is None
    assert "Nothing of it could be compared" in notes[0]


def test_what_is_infinite_is_refused_even_where_little_is_asked() -> None:
    network, trials = part_of(lambda own: list(own.values()))
    with torch.no_grad():
        next(iter(network.tensors.values())).fill_(float("inf"))
    with pytest.raises(DataError, match="differs by inf"):
        proof.proof_of(network, trials, "itself", strict=False)


def test_the_record_of_a_proof_is_json(tmp_path: Path) -> None:
    found = read_model(file_of(graph_model(), tmp_path))
    assert json.loads(json.dumps(source(found))) == source(found)
    assert dataclasses.asdict(proof.Proof(**source(found)["proof"])) == source(found)["proof"]


def test_a_part_of_a_file_is_compared_layer_by_layer(tmp_path: Path) -> None:
    parts = of_onnx(file_of(graph_model(), tmp_path), up_to="gated")
    assert parts.network.graph.output.name == "gated"
    assert parts.training["source"]["proof"]["output"] is None
    assert parts.training["source"]["proof"]["compared"] == len(parts.network.graph.nodes)
    with pytest.raises(ConvscopeError, match="Did you mean 'gated'"):
        of_onnx(file_of(graph_model(), tmp_path), up_to="gatd")


@pytest.mark.parametrize(("error", "refused"), [(0.0, False), (3.0, True)])
def test_a_network_that_loses_its_digits_is_compared_with_what_is_left(*, error: float, refused: bool) -> None:
    """A million is added and taken away again: of a number near 1, two digits are left in single precision."""
    nodes = (
        Node(name="up", layer=Linear(units=2), inputs=(IMAGE,)),
        Node(name="down", layer=Linear(units=2), inputs=("up",)),
    )
    graph = Graph(nodes=nodes, image=MapShape(maps=2))
    far = torch.full((2,), 1e6)
    tensors = {"up.weight": torch.eye(2), "up.bias": far, "down.weight": torch.eye(2), "down.bias": -far + error}
    image = torch.tensor([0.777, -0.333])[None, :, None, None]
    trials = [proof.Trial(image=image, output=image.flatten(1), values=())]
    network = GraphNetwork(graph, tensors)
    if refused:
        with pytest.raises(DataError, match="first layer that differs"):
            proof.proof_of(network, trials, "itself")
    else:
        assert "its own rounding is" in str(proof.proof_of(network, trials, "itself"))
