"""In a real browser, in the page's own worker, every map of every kind of network is PyTorch's."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.explorer.page import render_look
from tests.checks.models import maps_of, small_model
from tests.page.random_networks import IMAGES, every_case, images_of, model_of, relative

from .opening import Open

ASK = """async (datas) => {
  const base64 = (maps) => {
    let text = "";
    for (const byte of new Uint8Array(maps.buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const program = new Blob([document.getElementById("worker").textContent], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(program));
  const loops = new Set();
  const answers = [];
  for (const data of datas) {
    const network = readNetwork(JSON.stringify(data));
    worker.postMessage({ network: { ...network, images: [] }, plain: PLAIN });
    const maps = [];
    for (const { pixels } of network.images) {
      const answer = await new Promise((done, failed) => {
        worker.onmessage = (event) => done(event.data.answer);
        worker.onerror = (event) => failed(event.message);
        worker.postMessage({ job: { pixels, off: [] }, turn: 1 });
      });
      loops.add(answer.loops);
      maps.push(answer.all.map(base64));
    }
    answers.push(maps);
  }
  worker.terminate();
  return [answers, [...loops]];
}"""


@pytest.fixture(scope="module")
def networks() -> list[Any]:
    chosen = every_case(50)
    return [(case, model_of(case, seed), images_of(case, IMAGES, seed + 1_000)) for seed, case in enumerate(chosen)]


@pytest.mark.parametrize("plain", [False, True], ids=["WebAssembly", "JavaScript"])
def test_every_map_is_that_of_pytorch(open_page: Open, networks: list[Any], tmp_path: Path, plain: bool) -> None:
    page = tmp_path / "look.html"
    page.write_text(render_look(explorer_data(small_model())), encoding="utf-8")
    given = [
        to_json(explorer_data(model, [NamedImage(name="", pixels=one) for one in images]))
        for _, model, images in networks
    ]
    opened = open_page(page)
    made, loops = opened.page.evaluate(ASK.replace("PLAIN", str(plain).lower()), given)
    assert loops == ["plain"] if plain else loops in (["fused"], ["simd"])
    assert len(made) > 60
    assert {case.channels for case, _, _ in networks} == {1, 3}
    worst = 0.0
    for (case, model, images), seen in zip(networks, made, strict=True):
        expected = maps_of(model.network, images)
        for index, layers in enumerate(seen):
            assert len(layers) == len(expected)
            for layer, text in enumerate(layers):
                maps = np.frombuffer(base64.b64decode(text), "<f4").reshape(expected[layer][index].shape)
                worst = max(worst, relative(maps, expected[layer][index]))
                assert worst < 1e-4, f"{case.layout} layer {layer}"
    assert worst > 0, "nothing was compared"
