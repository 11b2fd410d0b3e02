"""Whatever the caller has set of torch, NumPy and Python: the same results, and everything as it was afterwards."""

import contextlib
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import convscope

IMAGES = np.random.default_rng(0).integers(0, 255, (40, 8, 8)).astype(np.uint8)
LABELS = np.array(["a", "b"] * 20)


@contextlib.contextmanager
def _set(put: Callable[[Any], None], value: Any, before: Any) -> Iterator[None]:
    put(value)
    try:
        yield
    finally:
        put(before)


@contextlib.contextmanager
def _strict_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


CALLERS: dict[str, Callable[[], Any]] = {
    "no grad": torch.no_grad,
    "inference": lambda: torch.inference_mode(mode=True),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "float64": lambda: _set(torch.set_default_dtype, torch.float64, torch.float32),
    "another device": lambda: torch.device("meta"),
    "deterministic": lambda: _set(torch.use_deterministic_algorithms, True, False),
    "gradients off": lambda: _set(torch.set_grad_enabled, False, True),
    "strict numpy": lambda: np.errstate(all="raise"),
    "strict warnings": _strict_warnings,
}


def _done(folder: Path) -> list[Any]:
    """Return numbers that every way to use the library comes to."""
    trained = convscope.train(
        (IMAGES, LABELS), epochs=1, layout="4C3-ST2-6N", validation=0.25, seed=3, output=folder / "run"
    )
    model = convscope.load(folder / "run")
    measured = convscope.measure(model, (IMAGES, LABELS), distortions=["rotation"], strengths=[10], images=10)
    fitted = convscope.ConvClassifier("4C3-MP2", epochs=1).fit(IMAGES, LABELS)
    convscope.look(model, IMAGES[:2], output=folder / "look.html")
    convscope.cost(model, repeats=1, batch=2)
    return [
        trained.report.accuracy.fraction,
        model.predict_proba(IMAGES[..., None]),
        [one.probability for one in convscope.predict(model, IMAGES)],
        convscope.extract_features(model, (IMAGES, LABELS)).values,
        measured.curves[0].points[0].probability_change,
        convscope.units(model, (IMAGES, LABELS), ablation=4, probes=False).units.layers[0].units[0].largest,
        fitted.predict_proba(IMAGES),
        convscope.ConvFeatures(model).fit_transform(IMAGES),
        (folder / "look.html").read_bytes() == b"",
    ]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return _done(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize("caller", CALLERS)
def test_the_settings_of_the_caller_change_nothing(caller: str, expected: list[Any], tmp_path: Path) -> None:
    with CALLERS[caller]():
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype(), np.geterr()
        found = _done(tmp_path)
        after = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype(), np.geterr()
    assert after == before
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_random_numbers_of_the_caller_are_neither_used_nor_changed(expected: list[Any], tmp_path: Path) -> None:
    torch.manual_seed(5)
    np.random.seed(7)  # noqa: NPY002  # the state that is not to be changed
    random.seed(9)
    drawn = torch.rand(1), np.random.rand(), random.random()  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(7)  # noqa: NPY002
    random.seed(9)
    found = _done(tmp_path)
    assert (torch.rand(1), np.random.rand(), random.random()) == drawn  # noqa: NPY002
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
