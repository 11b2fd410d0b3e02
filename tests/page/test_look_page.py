"""The page that looks inside a network takes names for names, opens nothing, and says when it is damaged."""

import base64
import json
import re
import shutil
import subprocess
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from convscope.core.document import allowed, inline_json, inline_values, program
from convscope.core.records import from_json, to_json
from convscope.explorer.data import FORMAT_VERSION, ExplorerData, NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.pooling import POOLINGS
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from tests.checks.models import LAYOUTS, small_model, some_pixels

from .javascript import NODE, STATIC, needs_node
from .test_report_page import HOSTILE, Page

PROGRAMS = ("explorer.js", "worker.js")
NAMES = [*HOSTILE, "</script><script>alert(1)</script>", "<!--<script>", "x" * 1_000, "]]>", "\u2028\u2029"]


def hostile_page() -> str:
    layout = Layout.parse("2C3-MP2")
    network = Network(layout, height=17, width=14, channels=3, classes=len(NAMES))
    model = Model(network=network, classes=tuple(NAMES), preprocessing=small_model(classes=2).preprocessing)
    images = [
        NamedImage(name=name, pixels=pixels, truth=0)
        for name, pixels in zip(NAMES, some_pixels(len(NAMES)), strict=True)
    ]
    return render_look(explorer_data(model, images, title=NAMES[-4]))


DATA = 'script type="text/plain" id="data"'


def data_of(page: str) -> str:
    """Return the JSON of a page."""
    return zlib.decompress(base64.b64decode(inline(page, DATA))).decode("ascii")


def inline(text: str, kind: str) -> str:
    found = re.search(rf"<{kind}>(.*?)</{kind.split(maxsplit=1)[0]}>", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_names_are_data_and_never_markup() -> None:
    text = hostile_page()
    page = Page(text)
    assert [kind for kind, _ in page.elements].count("script") == 3
    assert not page.all("img")
    assert not {name for _, attributes in page.elements for name in attributes if name.startswith("on")}
    data = from_json(ExplorerData, json.loads(data_of(text)))
    assert len(data.classes) == len(NAMES)
    assert data.classes[0] == NAMES[0]
    assert len(data.images[-3].name) == 1_000
    assert not set("\u202e\u2028\x00") & set("".join(data.classes)), "marks that turn the text are written out"


def test_the_file_is_ascii_so_that_no_mail_or_server_changes_it() -> None:
    text = hostile_page()
    assert text.isascii()
    assert "\\u00d7" in text, "of a program"
    assert "\\002192" in text, "of the style"


def test_nothing_may_be_loaded_and_only_the_programs_of_the_page_run() -> None:
    text = hostile_page()
    policy = next(
        attributes["content"] for attributes in Page(text).all("meta") if "http-equiv" in attributes and attributes
    )
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"{allowed(inline(text, 'script'))} 'wasm-unsafe-eval'", "no text becomes a program"
    assert rules["style-src"] == allowed(inline(text, "style"))
    assert rules["worker-src"] == "blob:"
    assert "connect-src" not in rules, "so default-src holds for connections"
    assert not re.search(r"https?://", text), "no address at all"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_one_script_without_imports_whose_names_do_not_collide(name: str) -> None:
    text = program("convscope.explorer", name)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert "</script" not in text.lower()
    assert "<!--" not in text
    names = Counter(re.findall(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", text, re.MULTILINE))
    assert len(names) > 10
    assert [name for name, count in names.items() if count > 1] == []


def test_the_worker_loads_no_text_of_the_page() -> None:
    assert "export const TEXT" in (STATIC / "text.js").read_text(encoding="utf-8")
    assert "const TEXT" not in program("convscope.explorer", "worker.js")


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_made_from_text_but_text(name: str) -> None:
    text = program("convscope.explorer", name)
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert way not in text, way


@needs_node
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_javascript(name: str, tmp_path: Path) -> None:
    (tmp_path / "program.cjs").write_text(program("convscope.explorer", name), encoding="utf-8")
    done = subprocess.run([str(NODE), "--check", "program.cjs"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[:2_000]


def test_the_page_computes_and_describes_every_nonlinearity_and_pooling() -> None:
    nonlinearities = (STATIC / "nonlinearity.js").read_text(encoding="utf-8")
    poolings = (STATIC / "pooling.js").read_text(encoding="utf-8")
    data = explorer_data(small_model())
    assert {kind.code: (kind.formula, kind.phrase) for kind in data.nonlinearities} == {
        name: (kind.formula, kind.phrase) for name, kind in NONLINEARITIES.items()
    }
    assert {kind.code: (kind.name, kind.phrase, kind.sees) for kind in data.poolings} == {
        code: (kind.name, kind.phrase, kind.sees) for code, kind in POOLINGS.items()
    }
    for name in NONLINEARITIES:
        assert f"\n  {name}: " in nonlinearities
    for code in POOLINGS:
        assert re.search(rf"^  {code}[(:]", poolings, re.MULTILINE) or f'"{code}"' in poolings


def test_both_sides_name_one_version() -> None:
    text = (STATIC / "reading.js").read_text(encoding="utf-8")
    assert f"export const FORMAT_VERSION = {FORMAT_VERSION};" in text


@pytest.mark.parametrize("text", LAYOUTS)
def test_the_record_comes_back_from_json(text: str) -> None:
    data = explorer_data(small_model(text), [NamedImage(name="a", pixels=some_pixels(1)[0], truth=1)], title="t")
    assert from_json(ExplorerData, json.loads(inline_json(to_json(data)))) == data


@needs_node
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": FORMAT_VERSION + 1}, f"The data have version {FORMAT_VERSION + 1}"),
        ({"images": [{"name": "", "truth": None, "answer": 0, "pixels": "AAAA"}]}, "wrong size"),
        ({"layers": None}, "damaged"),
    ],
)
def test_a_damaged_or_newer_file_says_so(change: dict[str, object], sentence: str, tmp_path: Path) -> None:
    data = to_json(explorer_data(small_model("2C3"))) | change
    if change.get("layers", 0) is None:
        data = to_json(explorer_data(small_model("2C3")))
        data["layers"][0]["tensors"]["weight"] = data["layers"][0]["tensors"]["weight"][:-8]
    shutil.copytree(STATIC, tmp_path / "look")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "data.json").write_text(json.dumps(data))
    (tmp_path / "read.js").write_text(
        'import { readFileSync } from "node:fs";\nimport { readNetwork } from "./look/reading.js";\n'
        'try { readNetwork(readFileSync("data.json", "utf8")); } catch (error) { console.log(error.message); }\n'
    )
    done = subprocess.run([str(NODE), "read.js"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sentence in done.stdout


def test_images_go_in_as_they_are_with_what_the_network_says() -> None:
    model = small_model()
    images = some_pixels(5)
    data = explorer_data(model, [NamedImage(name=str(place), pixels=one) for place, one in enumerate(images)])
    for one, pixels, answer in zip(data.images, images, model.predict_proba(images).argmax(1), strict=True):
        assert base64.b64decode(one.pixels) == pixels.tobytes()
        assert (one.truth, one.predicted) == (None, answer)


@needs_node
def test_numbers_of_fewer_bits_are_those_of_numpy(tmp_path: Path) -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    numbers = np.random.default_rng(0).standard_normal(1_000).astype(np.float32)
    shutil.copytree(STATIC, tmp_path / "look")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "halves.txt").write_text(inline_values(halves, "<f2"))
    (tmp_path / "thirds.txt").write_text(inline_values(numbers, "<f3"))
    (tmp_path / "read.js").write_text(
        'import { readFileSync } from "node:fs";\nimport { floatsOf } from "./look/unpacking.js";\n'
        f'const halves = [...floatsOf(readFileSync("halves.txt", "utf8"), {len(halves)}, "float16")];\n'
        f'const thirds = [...floatsOf(readFileSync("thirds.txt", "utf8"), {len(numbers)}, "float24")];\n'
        "console.log(JSON.stringify([halves, thirds]));\n"
    )
    done = subprocess.run([str(NODE), "read.js"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    np.testing.assert_array_equal(np.array(found[0]), halves.astype(np.float64))
    np.testing.assert_allclose(np.array(found[1]), numbers, rtol=2.0**-16)
    assert np.ptp(found[1]) > 0


def test_weights_of_a_large_network_are_rounded_unless_they_are_too_large_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = small_model("4C3-MP2")
    exact = explorer_data(model)
    monkeypatch.setattr("convscope.explorer.weights.MOST_EXACT", 10)
    nearly = explorer_data(model)
    monkeypatch.setattr("convscope.explorer.weights.MOST_NEARLY_EXACT", 10)
    rounded = explorer_data(model)
    assert (exact.weight_dtype, nearly.weight_dtype, rounded.weight_dtype) == ("float32", "float24", "float16")
    weights = np.frombuffer(base64.b64decode(exact.layers[0].tensors["weight"]), "<f4")
    halves = np.frombuffer(base64.b64decode(rounded.layers[0].tensors["weight"]), "<f2")
    np.testing.assert_array_equal(halves, weights.astype(np.float16))
    assert exact.layers[0].tensors["bias"] == rounded.layers[0].tensors["bias"]
    with torch.no_grad():
        model.network.weighted_sums().weight[0, 0] = 1e5
    assert explorer_data(model).weight_dtype == "float24"
