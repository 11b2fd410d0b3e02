"""Other back ends agree with torch; what they cannot do, or what is not installed, is one sentence."""

import importlib.util
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convscope.core import precision as precision_module
from convscope.core.errors import MissingPackageError, ParameterError
from convscope.core.machine import machine
from convscope.networks import backends
from convscope.networks.backends import fitting_backends
from convscope.networks.export.onnx_export import onnx_bytes
from tests.checks.models import small_model, some_pixels

OTHERS = ("openvino", "onnxruntime")


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("layout", ["8C3-MP2-+8C3-12N", "4C3/2v-MP3/2-5N-nonorm-tanh", "6C3-MP2-9C3-MP2-6N-svm"])
def test_a_back_end_gives_what_torch_gives(backend: Any, layout: str) -> None:
    model = small_model(layout)
    images = some_pixels(50, 17, 14)
    ready = model.optimize("float32", backend=backend)
    assert ready.runner is not None
    np.testing.assert_allclose(ready.predict_proba(images, batch=16), model.predict_proba(images), atol=1e-5)


def test_openvino_compiles_anew_for_a_number_of_images_that_comes_twice_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    openvino = pytest.importorskip("openvino")
    compile_model, compiled = openvino.Core.compile_model, []

    def counted(core: Any, network: Any, *options: Any) -> Any:
        compiled.append(str(network.inputs[0].partial_shape[0]))
        return compile_model(core, network, *options)

    monkeypatch.setattr(openvino.Core, "compile_model", counted)
    model = small_model()
    session = backends._STARTED["openvino"](onnx_bytes(model.network), "float32")
    for count in (5, 5, 5, 2, 5, 5, 2, 2, 3):
        images = some_pixels(count)
        np.testing.assert_allclose(session(images), model.predict_proba(images), atol=1e-5)
    assert compiled == ["?", "5", "2"]


@pytest.mark.parametrize("backend", OTHERS)
def test_int8_names_the_same_classes_nearly_always(backend: Any) -> None:
    model = small_model("8C3-MP2-12C3-MP2-16N")
    images = some_pixels(200, 17, 14)
    ready = model.optimize("int8", backend=backend, calibration=images)
    found, expected = ready.predict_proba(images), model.predict_proba(images)
    assert np.abs(found - expected).max() < 0.05
    assert np.mean(found.argmax(1) == expected.argmax(1)) >= 0.95


def test_a_back_end_that_gives_something_else_is_refused_and_auto_takes_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = lambda content, precision: lambda images: np.zeros((len(images), 3), np.float32)  # noqa: E731
    monkeypatch.setattr(backends, "_STARTED", dict.fromkeys(OTHERS, wrong))
    with pytest.raises(ParameterError, match="agree with torch"):
        small_model().optimize("float32", backend="openvino")
    assert small_model().optimize("float32", backend="auto").runner is None


def started(runner: backends.Runner) -> dict[str, Any]:
    """Return back ends that all compute with `runner`."""
    return dict.fromkeys(OTHERS, lambda content, precision: runner)


def test_int8_that_names_other_classes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = small_model(), some_pixels(40)
    correct = backends._torch(model.network, "float32")
    for wrong, refused in ((3, False), (8, True)):

        def run(pixels: NDArray[np.uint8], some: NDArray[np.uint8] = images[:wrong]) -> NDArray[np.float32]:
            found = correct(pixels)
            moved = [any(np.array_equal(image, one) for one in some) for image in pixels]
            found[moved] = np.roll(found[moved], 1, axis=1)
            return found

        monkeypatch.setattr(backends, "_STARTED", started(run))
        if refused:
            with pytest.raises(ParameterError, match=r"`precision` must be float32 .* for only 80% of the calibration"):
                model.optimize("int8", backend="auto", calibration=images)
        else:
            assert model.optimize("int8", backend="auto", calibration=images).runner is not None


def test_wrong_scores_are_seen_where_one_class_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model("4C3-MP2")
    with torch.no_grad():
        model.network.classifier.bias[0] += 40
    correct = backends._torch(model.network, "float32")
    assert correct(some_pixels(9)).max(1).min() > 0.999999

    def wrong(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = np.log(correct(pixels)) * 1.2
        return np.exp(logits - np.log(np.exp(logits).sum(1, keepdims=True)))

    monkeypatch.setattr(backends, "_STARTED", started(wrong))
    for calibration in (None, some_pixels(20)):
        with pytest.raises(ParameterError, match="agree with torch"):
            model.optimize("float32", backend="openvino", calibration=calibration)
    monkeypatch.setattr(backends, "_STARTED", started(correct))
    assert model.optimize("float32", backend="openvino").runner is correct


def test_it_is_compared_on_the_calibration_images_else_on_many_contrasts(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = small_model(), []
    correct = backends._torch(model.network, "float32")

    def run(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append(pixels)
        return correct(pixels)

    monkeypatch.setattr(backends, "_STARTED", started(run))
    model.optimize("float32", backend="openvino", calibration=some_pixels(16))
    assert any(np.array_equal(pixels, some_pixels(16)) for pixels in seen)
    seen.clear()
    model.optimize("float32", backend="openvino")
    spread = seen[-1].std(axis=(1, 2, 3))
    assert spread.max() > 60 > 6 > spread.min()


@pytest.mark.parametrize(
    "error", [RuntimeError("no such plugin"), ImportError("libtbb.so"), Exception("INVALID_GRAPH")]
)
def test_one_that_does_not_work_is_a_sentence_and_auto_goes_on(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(content: bytes, precision: str) -> backends.Runner:
        raise error

    model, images = small_model(), some_pixels(20)
    correct = backends._torch(model.network, "float32")
    monkeypatch.setattr(backends, "_STARTED", {"openvino": broken, "onnxruntime": lambda content, precision: correct})
    with pytest.raises(ParameterError, match=rf"usable .* Got 'openvino' \({error}\)"):
        model.optimize("float32", backend="openvino")
    assert model.optimize("float32", backend="auto").predict_proba(images) == pytest.approx(correct(images), abs=1e-5)
    assert model.optimize("int8", backend="auto", calibration=images).runner is correct
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)  # found, but cannot be imported
    monkeypatch.setitem(backends._STARTED, "openvino", backends._openvino)
    assert model.optimize("int8", backend="auto", calibration=images).runner is correct


def test_auto_takes_torch_for_what_no_graph_can_say() -> None:
    assert small_model("4U3-MP2").optimize("float32", backend="auto").runner is None
    with pytest.raises(ParameterError, match="must have no locally connected stage"):
        small_model("4U3-MP2").optimize("float32", backend="openvino")


@pytest.mark.parametrize(
    ("openvino", "half", "precision", "fitting"),
    [
        (False, False, "auto", ("onnxruntime", "torch")),
        (True, True, "float32", ("openvino", "onnxruntime", "torch")),
        (False, True, "auto", ("torch",)),  # ONNX Runtime has no bfloat16, and that is twice as fast
        (True, True, "bfloat16", ("openvino", "torch")),
        (False, True, "int8", ("onnxruntime",)),
    ],
)
def test_auto_looks_at_what_is_installed_and_has_the_precision(
    openvino: bool, half: bool, precision: Any, fitting: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if openvino else None)
    monkeypatch.setattr(precision_module, "machine", lambda: replace(machine(), bfloat16=half))
    assert fitting_backends("auto", precision) == fitting


@pytest.mark.parametrize("fastest", ["openvino", "onnxruntime", "torch"])
def test_auto_takes_the_fastest(fastest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: lambda images: np.zeros((len(images), 3), np.float32) for name in (*OTHERS, "torch")}
    monkeypatch.setattr(backends, "_made", lambda network, name, *_: made[name])
    monkeypatch.setattr(backends, "_torch", lambda *_: made["torch"])
    monkeypatch.setattr(backends, "_seconds", lambda one, images: 0.1 if one is made[fastest] else 0.2)
    found = small_model().optimize("float32", backend="auto").runner
    assert found is (None if fastest == "torch" else made[fastest])


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ParameterError, match="`backend` must be openvino or onnxruntime for the precision int8"):
        fitting_backends("torch", "int8")
    with pytest.raises(ParameterError, match="`precision` must be float32 or int8 for the back end onnxruntime"):
        fitting_backends("onnxruntime", "bfloat16")
    with pytest.raises(ParameterError, match=r"`backend` must be .*openvino"):
        fitting_backends("openvinno", "float32")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="`calibration` must be given for the precision int8"):
        small_model().optimize("int8", backend="onnxruntime")


def test_openvino_where_it_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingPackageError, match=r"Predictions by OpenVINO need .*convscope\[openvino\]"):
        small_model().optimize("float32", backend="openvino")
