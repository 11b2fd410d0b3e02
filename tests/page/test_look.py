"""The page that looks inside a network: it computes what the network computes, and takes names for names."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.images.decoding.pictures import decode
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.page import look as module
from convscope.page.look import MODULES, Picture, bundled, page_data, render_look
from convscope.stages.nonlinearity import NONLINEARITIES
from convscope.stages.subsampling import KINDS
from tests.checks.models import with_statistics

STATIC = Path(module.__file__).parent / "static" / "look"
HOSTILE = [
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(1)</script>",
    "<!--",
    "\u202eevil",
    "\"'&",
    "x" * 1000,
]
needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="the page's program is run by node, which is not here"
)


def model_of(
    layout: str, *, height: int = 9, width: int = 8, channels: int = 1, classes: int = 3, seed: int = 0
) -> Model:
    """Return a model whose normalization has something to do."""
    network = Network(
        Layout.parse(layout),
        height=height,
        width=width,
        channels=channels,
        classes=classes,
        mean=(0.4,),
        std=(0.3,),
        seed=seed,
    )
    return Model(
        network=with_statistics(network, seed),
        layout=network.layout,
        classes=tuple(f"class {place}" for place in range(classes)),
        preprocessing=Preprocessing(height=height, width=width, channels=channels),
    )


def pixels_of(model: Model, seed: int = 0) -> np.ndarray:
    step = model.preprocessing
    return np.random.default_rng(seed).integers(0, 256, (step.height, step.width, step.channels), np.uint8)


def layouts() -> list[tuple[str, int]]:
    """Return layouts that between them have every step in every form, with the channels of the picture."""
    every = [f"5C3-{code}2-4C3{ending}" for code in sorted(KINDS) for ending in ("", f"-{code}g", f"-{code}3/2")]
    every += [f"{code}2-3C2/2v-4N-nonorm" for code in sorted(KINDS)]
    every += [f"6C3-+6C3-MP2-5N-{name}" for name in NONLINEARITIES]
    every += [f"4C3-AP2-4N-{name}-nonorm" for name in NONLINEARITIES]
    every += [
        "4U3-MP2-3U3:2-5N",
        "3U3:2v-2U2",
        "softmax",
        "7N-5N",
        "1C1",
        "9C5/2",
        "8C4-MP2",
        "2C3/3v-APg",
        "3C7",
        "13C3-3C1-MPg",
        "MP2-APg-4N",
        "2C5-BP3-2U1",
    ]
    return [(layout, 1 + 2 * (place % 2)) for place, layout in enumerate(every)]


@needs_node
def test_every_map_is_the_networks_and_what_is_said_of_values_adds_up() -> None:
    models = [model_of(layout, channels=channels, seed=seed) for seed, (layout, channels) in enumerate(layouts())]
    assert len(models) >= 50
    cases = [{"data": page_data(one, [], title="t"), "pixels": pixels_of(one).ravel().tolist()} for one in models]
    node = subprocess.run(
        ["node", str(Path(__file__).parent / "run_engine.mjs"), str(STATIC / "engine.js")],
        input=json.dumps(cases), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert node.returncode == 0, node.stderr
    results = json.loads(node.stdout)
    assert sum(result["checked"] for result in results) >= 1_000
    for model, result in zip(models, results, strict=True):
        assert result["worst"] < 1e-5, model.layout
        for found, expected in zip(result["maps"], maps_of(model), strict=True):
            name = f"{model.layout}, {found['shape']}"
            assert found["shape"] == list(expected.shape), name
            size = float(np.abs(expected).max()) or 1.0
            np.testing.assert_allclose(
                np.reshape(found["values"], expected.shape), expected, atol=1e-4 * size, err_msg=name
            )


def maps_of(model: Model) -> list[np.ndarray]:
    """Return what the network itself makes of the picture, after every step of its layout."""
    found = []
    stages = model.layout.stages
    pixels = torch.from_numpy(pixels_of(model))[None]
    maps = model.network.standardize(pixels)
    found.append(maps[0].detach().numpy())
    modules = iter(model.network.stages)
    place = 0
    while place < len(stages):
        stage = next(modules)
        subsampling = getattr(stage, "subsampling", None)
        if subsampling is not None:  # its maps before the subsampling: the same stage without it
            stage.subsampling, first, stage.subsample_first = None, stage.subsample_first, False
            found.append(stage(maps)[0].detach().numpy())
            stage.subsampling, stage.subsample_first = subsampling, first
            place += 1
        maps = stage(maps)
        found.append(maps[0].detach().numpy())
        place += 1
    scores = model.network.classifier(maps.flatten(1))[0]
    return [one if one.ndim == 3 else one[:, None, None] for one in [*found, scores.detach().numpy()]]


@needs_node
def test_the_modules_make_one_program(tmp_path: Path) -> None:
    (tmp_path / "page.mjs").write_text(bundled(), encoding="utf-8")
    done = subprocess.run(["node", "--check", str(tmp_path / "page.mjs")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"^(import|export) ", bundled(), re.MULTILINE)
    assert {path.stem for path in STATIC.glob("*.js")} == set(MODULES)


@needs_node
@pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_fitted_as_in_training(fit: Any, channels: int, tmp_path: Path) -> None:
    background = (200,) if channels == 1 else (200, 100, 50)
    step = Preprocessing(height=14, width=11, channels=channels, fit=fit, background=background)
    rng = np.random.default_rng(0)
    for number, (height, width) in enumerate([(30, 20), (9, 31), (14, 11), (5, 5)]):
        rgba = rng.integers(0, 256, (height, width, 4), np.uint8)
        Image.fromarray(rgba).save(tmp_path / f"{number}.png")
        expected = step.apply(decode(tmp_path / f"{number}.png"))
        given = {"size": {"height": 14, "width": 11, "channels": channels}, "fit": fit, "background": list(background)}
        program = (
            f"import {{ fitted }} from {json.dumps((STATIC / 'picture.js').as_uri())};"
            f"const rgba = Uint8ClampedArray.from({rgba.ravel().tolist()});"
            f"const pixels = fitted({json.dumps(given)}, rgba, {height}, {width});"
            "process.stdout.write(JSON.stringify(Array.from(pixels)));"
        )
        done = subprocess.run(
            ["node", "--input-type=module"], input=program, capture_output=True, text=True, check=True
        )
        found = np.array(json.loads(done.stdout)).reshape(expected.shape)
        assert np.abs(found - expected.astype(int)).max() <= 2
        assert np.abs(found - expected.astype(int)).mean() < 0.5


def test_names_are_data_and_the_policy_allows_exactly_what_is_inside() -> None:
    model = model_of("2C3-MP2", classes=len(HOSTILE))
    object.__setattr__(model, "classes", tuple(HOSTILE))
    page = render_look(
        model, [Picture(name=name, pixels=pixels_of(model), label=0) for name in HOSTILE], title=HOSTILE[1]
    )
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert "<!--" not in page
    assert "\u202e" not in page
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    given = json.loads(data)
    assert given["classes"][0] == HOSTILE[0]
    assert max(map(len, given["classes"])) <= 200
    policy = re.findall(r'Content-Security-Policy" content="(.*?)"', page)[0].replace("&#x27;", "'")
    assert policy.startswith("default-src 'none'; img-src data: blob:;")
    for kind, text in (
        ("style", re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]),
        ("script", re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)[0]),
    ):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "http:" not in page
    assert "https:" not in page


def test_the_data_say_what_the_network_is() -> None:
    model = model_of("4C3-MP2-5N", channels=3)
    data = page_data(model, [Picture(name="a", pixels=pixels_of(model), label=2)], title="set")
    assert [step["kind"] for step in data["steps"]] == ["sums", "subsampling", "connections", "connections"]
    assert [plan["name"] for plan in data["plan"]] == ["4C3", "MP2", "5N", "softmax"]
    numbers = np.frombuffer(base64.b64decode(data["weights"]), "<f4")
    assert len(numbers) == sum(step.get("weights", 0) + step.get("units", 0) for step in data["steps"])
    assert data["plan"][1]["field"]["down"] == {"size": 4, "stride": 2, "start": -1}
    assert base64.b64decode(data["pictures"][0]["pixels"]) == pixels_of(model).tobytes()
    assert data["pictures"][0]["label"] == 2


def test_a_default_network_makes_a_small_page() -> None:
    model = model_of("24C5-MP2-64C3-MP2-128C3-MP2-192N", height=28, width=28, classes=10)
    assert len(render_look(model, [], title="mnist")) < 3_000_000
