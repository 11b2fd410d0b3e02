"""Networks whose weights come inside a package, and the file of such weights."""

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from convscope.core.errors import MissingPackageError, ModelFileError
from convscope.layers.kinds import Convolution
from convscope.networks.fused_graph import fuse
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.pretrained.efficientnet_lite import efficientnet_lite0, file_shapes, tensors_of
from convscope.networks.pretrained.saved_tensors import read_saved_tensors
from convscope.networks.starts import PACKAGED, open_start, start_name


def saved(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    """Write a file as torch did before 2020; return its sum."""
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_tensors_are_read_as_torch_reads_them_without_unpickling(tmp_path: Path) -> None:
    numbers = torch.arange(24.0)
    tensors = {
        "first.weight": numbers.reshape(2, 3, 4),
        "first.num_batches_tracked": torch.tensor(3),
        "turned.weight": torch.randn(4, 3, 2, 2).permute(3, 2, 0, 1),
        "last.bias": torch.randn(7)[2:5],
    }
    path = tmp_path / "weights.pth"
    digest = saved(path, tensors)
    names = [name for name in tensors if "tracked" not in name]
    read = read_saved_tensors(path, sha256=digest, shapes={name: tuple(tensors[name].shape) for name in names})
    assert all(torch.equal(read[name], tensors[name]) for name in names)


def test_a_file_of_another_sum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    digest = saved(path, {"weight": torch.ones(3)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match="SHA-256"):
        read_saved_tensors(path, sha256=digest, shapes={"weight": (3,)})
    with pytest.raises(ModelFileError, match="read"):
        read_saved_tensors(tmp_path / "none", sha256=digest, shapes={})


def drawn_tensors() -> dict[str, torch.Tensor]:
    """Return weights of the shapes of the file."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(shape, generator=generator) * (0.2 if len(shape) > 1 else 1.0)
        for name, shape in file_shapes().items()
    }


def test_lite0_has_the_parameters_and_sums_of_its_paper() -> None:
    graph = efficientnet_lite0()
    parameters = sum(int(np.prod(shape)) for shape in graph.tensors.values())
    assert parameters == 4_652_008 - 21_008  # scale and shift of each normalization become one bias
    assert sum(isinstance(node.layer, Convolution) for node in graph.nodes) == 49


def test_normalization_is_put_into_the_weights() -> None:
    stored = drawn_tensors()
    tensors = tensors_of(stored)
    image = torch.rand(1, 3, 9, 9)
    layer = torch.nn.BatchNorm2d(32, eps=1e-3).eval()
    parts = ("weight", "bias", "running_mean", "running_var")
    layer.load_state_dict({part: stored[f"_bn0.{part}"] for part in parts}, strict=False)
    expected = layer(torch.nn.functional.conv2d(image, stored["_conv_stem.weight"]))
    found = torch.nn.functional.conv2d(image, tensors["stem.weight"], tensors["stem.bias"])
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_fused_graph_computes_the_same() -> None:
    network = GraphNetwork(efficientnet_lite0(), tensors_of(drawn_tensors()), mean=(0.5,), std=(0.5,)).eval()
    images = torch.randint(0, 255, (1, 224, 224, 3), dtype=torch.uint8)
    with torch.inference_mode():
        expected, found = network(images), fuse(network)(images)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGED, "efficientnet-lite0", replace(PACKAGED["efficientnet-lite0"], package="not_here"))
    with pytest.raises(MissingPackageError, match="pretrained"):
        open_start("efficientnet-lite0")


def test_pretrained_is_the_name_of_the_first_packaged_network() -> None:
    assert start_name("pretrained") == start_name("efficientnet-lite0") == "efficientnet-lite0"


def test_lite0_knows_a_cup_of_coffee() -> None:
    from PIL import Image
    from skimage import data

    model = open_start("efficientnet-lite0").model
    pixels = np.asarray(Image.fromarray(data.coffee()).resize((432, 288)))[:, 72:360]
    assert int(model.predict_proba(pixels[None]).argmax()) == 967  # espresso


def test_a_hub_that_is_not_installed_is_named() -> None:
    if importlib.util.find_spec("timm") is None:
        with pytest.raises(MissingPackageError, match="timm"):
            open_start("timm:resnet18")
