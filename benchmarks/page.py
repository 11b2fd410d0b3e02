"""The page that looks inside a network: how large, how soon, how fast, beside TensorFlow.js and ONNX Runtime Web.

    python benchmarks/page.py [--cases digits mnist cifar10 photographs] [--rounds 5] [--without-peers]

Scope: default networks with weights as they begin (times and sizes do not depend on what was learned) on random
images. `look` is the time of `convscope.look` on a model and 200 images, or as many as a page takes. Then
headless Chromium opens the file from disk: `first_image_ms` from the start of loading until the frame with the
first image and its maps is shown; `frame_ms` from one frame to the next while the slider moves for each: the whole
network forward, all maps drawn and painted, the rate of frames not limited; `answer_ms` from a movement of a slider
at rest until a frame after the one that shows what the network makes of it, which waits for the browser's clock (a
sixtieth of a second). `forward_ms` are all engines in one page, in turn, one thread each, from pixels to scores; ours
also gives every map, as the page needs them. Peers are npm packages, installed when
first needed (network), with Playwright's Python package and Chromium. `fluid` are networks of growing width.
"""

import argparse
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from peer_environments import FOLDER, python_of
from peer_environments import PROGRAMS as PEERS
from results_file import processor_share, spread, write
from step import Case, description, save_weights

import convscope
from convscope.core.document import program
from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.defaults import default_layout
from convscope.networks.layout import Layout
from convscope.networks.model import Model

ENGINES = Path(__file__).parent / "page_engines" / "engines.js"
PACKAGES = ("@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0", "onnxruntime-web@1.30.0")
SCRIPTS = (
    "@tensorflow/tfjs/dist/tf.min.js",
    "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
    "onnxruntime-web/dist/ort.wasm.min.js",
)
SITE = "http://engines.invalid"  # never asked: its files are handed to the browser
KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-frame-rate-limit", "--disable-gpu-vsync")
IMAGES, FRAMES, LOADS = 200, 60, 5
ONNX = "import json, sys; from onnx_graph import graph; sys.stdout.buffer.write(graph(json.loads(sys.argv[1])))"
FIRST_IMAGE = """
  window.firstImage = new Promise((shown) => document.addEventListener("drawn",
    () => requestAnimationFrame(() => shown(performance.now())), { once: true }));
"""
MOVE = """async ({ count, rest }) => {
  const slider = document.querySelector(".sliders input[type=range]");
  const samples = [];
  let before = performance.now();
  for (let turn = 0; turn < count + 5; turn++) {
    const drawn = new Promise((done) => document.addEventListener("drawn", done, { once: true }));
    if (rest) before = performance.now();
    slider.value = String(turn % 2 ? 1 + (turn % 3) : -1 - (turn % 3));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn;
    if (rest) await new Promise(requestAnimationFrame); // the frame has been shown when the next begins
    samples.push(performance.now() - before);
    if (!rest) before = performance.now();
  }
  return samples.slice(5); // the first are warm-up
}"""


def cases() -> dict[str, Case]:
    """Return the default networks of sets that everybody knows."""
    sets = {
        "digits": (8, 1, 1_437),
        "mnist": (28, 1, 60_000),
        "cifar10": (32, 3, 50_000),
        "photographs": (96, 3, 20_000),
    }
    found = {}
    for name, (side, channels, images) in sets.items():
        layout = default_layout(height=side, width=side, channels=channels, images=images, flipped=channels == 3)
        found[name] = Case(layout=str(layout), side=side, channels=channels, batch=1)
    return found


def model_of(case: Case) -> Model:
    """Return the untrained model of a case, with ten classes."""
    layout, side = Layout.parse(case.layout), case.side
    network = Network(layout, height=side, width=side, channels=case.channels, classes=10).eval()
    step = Preprocessing(height=side, width=side, channels=case.channels)
    return Model(network=network, classes=tuple("0123456789"), preprocessing=step)


def images_of(case: Case, count: int) -> np.ndarray:
    """Return random images, smooth enough to look like something."""
    rng = np.random.default_rng(0)
    progressive_resizing = rng.integers(
        0, 256, (count, case.side // 4 + 1, case.side // 4 + 1, case.channels), dtype=np.uint8
    )
    return np.ascontiguousarray(
        np.repeat(np.repeat(progressive_resizing, 4, axis=1), 4, axis=2)[:, : case.side, : case.side]
    )


@contextmanager
def browser() -> Iterator[Any]:
    """Start headless Chromium, and end it."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


def measure_page(
    chromium: Any, case: Case, folder: Path, *, frames: int = FRAMES, loads: int = LOADS
) -> dict[str, Any]:
    """Write the page of a case, open it, move its image."""
    path = folder / "look.html"
    started = time.perf_counter()
    looked = convscope.look(model_of(case), images_of(case, IMAGES), output=path, force=True)
    seconds = time.perf_counter() - started
    first: list[float] = []
    samples: list[float] = []
    answers: list[float] = []
    for load in range(loads):
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(FIRST_IMAGE)
        page.goto(path.as_uri())
        first.append(page.evaluate("firstImage"))
        if load == loads - 1:
            samples, answers = (page.evaluate(MOVE, {"count": frames, "rest": rest}) for rest in (False, True))
        page.close()
    return {
        "look_seconds": round(seconds, 2),
        "images": looked.images,
        "file_bytes": path.stat().st_size,
        "first_image_ms": rounded(first),
        "frame_ms": rounded(samples),
        "answer_ms": rounded(answers),
    }


def rounded(samples: list[float]) -> dict[str, float]:
    """Return the spread of samples in a few digits."""
    return {name: round(value, 3) for name, value in spread(samples).items()}


def engines_folder() -> Path:
    """Return the folder of the peers' packages, installed if it is not there."""
    folder = FOLDER / "page"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        npm = shutil.which("npm")
        assert npm is not None, "npm installs the peers; it comes with node"
        subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, check=True)
        (folder / "installed").touch()
    return folder / "node_modules"


def graph_of(case: Case, folder: Path) -> bytes:
    """Return the case's network as an ONNX graph."""
    weights = folder / "weights.npz"
    save_weights(case, weights)
    given = json.dumps(description(case, "predict", weights))
    done = subprocess.run([python_of("onnx_runtime"), "-c", ONNX, given], cwd=PEERS, check=True, capture_output=True)
    return done.stdout


def compare_engines(chromium: Any, case: Case, folder: Path, *, rounds: int) -> dict[str, Any]:
    """Return the milliseconds of every engine, and how much what they say differs from ours."""
    packages = engines_folder()
    page = chromium.new_page()
    scripts = "".join(f'<script src="/{name}"></script>' for name in SCRIPTS)

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(f"{SITE}/")
        body = f"<!DOCTYPE html>{scripts}".encode() if not name else (packages / name).read_bytes()
        route.fulfill(body=body, content_type=KINDS.get(Path(name).suffix, "text/html"))

    page.route("**/*", answer)
    page.goto(SITE)
    page.evaluate(f"globalThis.tf.wasm.setWasmPaths('{SITE}/@tensorflow/tfjs-backend-wasm/wasm-out/')")
    page.evaluate("globalThis.tf.wasm.setThreadsCount(1)")
    for module in ("engine.js", "reading.js"):
        page.add_script_tag(content=program("convscope.explorer", module).removeprefix('"use strict";\n'))
    page.add_script_tag(content=ENGINES.read_text(encoding="utf-8"))
    shown = [NamedImage(name="", pixels=image) for image in images_of(case, 8)]
    given = [
        json.dumps(to_json(explorer_data(model_of(case), shown))),
        base64.b64encode(graph_of(case, folder)).decode(),
    ]
    found: dict[str, Any] = page.evaluate(
        f"([data, graph]) => compareEngines(readNetwork(data), bytesOf(graph), {rounds}, 300)", given
    )
    page.close()
    ours = np.array(found["probabilities"]["convscope"])
    for name, values in found["probabilities"].items():
        assert np.abs(ours - np.array(values)).max() < 1e-3, f"{name} computes something else"
    forward = {name: rounded(values) for name, values in found["milliseconds"].items()}
    medians = {name: times["median"] for name, times in forward.items()}
    return {
        "loops": found["loops"],
        "forward_ms": forward,
        "convscope_is_times_as_fast": {name: round(value / medians["convscope"], 2) for name, value in medians.items()},
    }


def fluid(chromium: Any, folder: Path) -> list[dict[str, Any]]:
    """Return frames of wider networks, of more colors of images, and of larger images."""
    found = []
    for side, times in ((32, 1), (32, 2), (32, 3), (64, 1), (64, 2), (96, 1), (160, 1), (224, 1), (320, 1)):
        stages = ["C5/2" if side > 40 else "C5", "MP2"]
        layout = str(default_layout(height=side, width=side, channels=3, images=50_000, flipped=True))
        layout = "-".join(_wider(stage, times) for stage in layout.split("-"))
        assert any(stage in layout for stage in stages)
        case = Case(layout=layout, side=side, channels=3, batch=1)
        measured = measure_page(chromium, case, folder, frames=20, loads=1)
        plan = model_of(case).network.plan
        facts = {"layout": layout, "side": side, "parameters": plan.parameters}
        facts["macs"] = sum(step.macs for step in plan.layers)
        found.append({**facts, **measured})
        print(f"{layout:70} {side:4} {measured['frame_ms']['median']:8.1f} ms", file=sys.stderr)
    return found


def _wider(stage: str, times: int) -> str:
    """Return a stage with so many times its units."""
    plus, rest = ("+", stage[1:]) if stage.startswith("+") else ("", stage)
    units = rest.split("C")[0]
    return f"{plus}{int(units) * times}C{rest.split('C')[1]}" if units.isdigit() else stage


def main() -> None:
    """Measure, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=cases(), default=list(cases()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--without-fluid", action="store_true")
    parser.add_argument("--name", default="page", help="of the file of results")
    given = parser.parse_args()
    results: dict[str, Any] = {"processor_share_before": processor_share(), "peers": list(PACKAGES)}
    with tempfile.TemporaryDirectory() as scratch, browser() as chromium:
        results["chromium"], results["playwright"] = chromium.version, version("playwright")
        for name in given.cases:
            case = cases()[name]
            found = measure_page(chromium, case, Path(scratch))
            if not given.without_peers:
                found |= compare_engines(chromium, case, Path(scratch), rounds=given.rounds)
            results.setdefault("cases", {})[name] = {"layout": case.layout, **found}
            forward = {engine: values["median"] for engine, values in found.get("forward_ms", {}).items()}
            print(
                f"{name:12} {found['file_bytes'] / 1e6:5.2f} MB, look {found['look_seconds']} s, first "
                f"{found['first_image_ms']['median']:.0f} ms, frame {found['frame_ms']['median']:.1f} ms {forward}",
                file=sys.stderr,
            )
        if not given.without_fluid:
            results["fluid"] = fluid(chromium, Path(scratch))
    results["processor_share_after"] = processor_share()
    print(write(given.name, __doc__.strip().splitlines()[0], results))


if __name__ == "__main__":
    main()
