"""The first lesson computes what the library computes: one unit, copied to every place of a small picture."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convscope.stages import convolve
from convscope.stages.nonlinearity import NONLINEARITIES
from convscope.stages.subsampling import KINDS
from tests.oracles import stages as oracle

from .javascript import STATIC, needs_node, run_driver

SIDE = 5


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    rng = np.random.default_rng(0)
    given = [
        {
            "picture": rng.integers(0, 10, SIDE * SIDE).tolist(),
            "weights": rng.integers(-3, 4, 9).tolist(),
            "bias": int(rng.integers(-9, 10)),
            "zeros": zeros,
            "stride": stride,
            "nonlinearity": nonlinearity,
            "code": code,
        }
        for zeros, stride, nonlinearity, code in itertools.product((0, 1), (1, 2), ("linear", "relu"), ("", *KINDS))
    ]
    return list(zip(given, run_driver("toy_driver.mjs", given, tmp_path_factory.mktemp("lesson")), strict=True))


@needs_node
def test_a_unit_of_3_x_3_on_a_picture_of_5_x_5_has_9_features(lessons: Any) -> None:
    toy, made = lessons[0]
    assert (toy["zeros"], toy["stride"], toy["code"]) == (0, 1, "")
    (features,) = made["steps"]
    assert (features["rows"], features["columns"]) == (3, 3)
    image = np.reshape(toy["picture"], (SIDE, SIDE)).astype(np.float32)
    unit = np.reshape(toy["weights"], (3, 3)).astype(np.float32)
    np.testing.assert_allclose(np.reshape(features["values"], (3, 3)), convolve(unit, image) + toy["bias"], atol=1e-4)


@needs_node
def test_every_choice_gives_what_the_library_gives(lessons: Any) -> None:
    for toy, made in lessons:
        image = np.reshape(toy["picture"], (1, SIDE, SIDE)).astype(float)
        np.testing.assert_allclose(made["picture"], toy["picture"], rtol=1e-6)
        unit, bias = np.reshape(toy["weights"], (1, 1, 3, 3)).astype(float), np.array([float(toy["bias"])])
        sizes = {"stride": toy["stride"], "before": toy["zeros"], "after": toy["zeros"]}
        maps = torch.from_numpy(oracle.convolution(image, unit, bias, **sizes))
        maps = NONLINEARITIES[toy["nonlinearity"]].apply(maps).numpy()
        expected = [maps]
        if len(made["steps"]) == 2:
            expected.append(oracle.subsampling(toy["code"], maps, window=(2, 2), stride=(2, 2), whole=False))
        for step, values in zip(made["steps"], expected, strict=True):
            assert (1, step["rows"], step["columns"]) == values.shape
            np.testing.assert_allclose(step["values"], values.ravel(), atol=1e-4, err_msg=str(toy))
            np.testing.assert_allclose([one["value"] for one in step["taken"]], values.ravel(), atol=1e-4)


@needs_node
def test_features_move_along_with_the_picture(lessons: Any) -> None:
    for toy, made in lessons:
        if toy["stride"] == 1 and toy["zeros"] == 0:
            features = made["steps"][0]
            before, after = (np.reshape(features[name], (3, 3)) for name in ("values", "moved"))
            np.testing.assert_allclose(after[:, 1:], before[:, :-1], atol=1e-5)


@needs_node
def test_the_marked_pixels_are_those_that_the_value_depends_on(lessons: Any) -> None:
    for toy, made in lessons:
        for one in made["steps"][0]["taken"]:
            assert one["box"] == one["field"], str(toy)
        for step in made["steps"][1:]:
            for one in step["taken"]:
                assert one["field"]["tall"] == one["field"]["wide"] == 3 + toy["stride"]


def test_the_lesson_offers_every_nonlinearity() -> None:
    words = Path(STATIC / "look" / "words.js").read_text(encoding="utf-8")
    for name in NONLINEARITIES:
        assert f'{name}: "' in words
