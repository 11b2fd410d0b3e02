"""What computes a network that only predicts: torch, or OpenVINO or ONNX Runtime where they are installed.

All give the same probabilities, to rounding: before one is used, it is compared with torch on some pictures.
"""

import importlib.util
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import MissingPackageError, ParameterError, choose
from convscope.core.extras import optional
from convscope.core.machine import machine, usable_cores

from .build import Network
from .fast import choose_prediction_precision, ready_to_predict
from .int8 import calibrated
from .onnx_graph import INPUT, onnx_bytes

BackendName = Literal["torch", "openvino", "onnxruntime", "auto"]
Precision = Literal["float32", "bfloat16", "int8", "auto"]
Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Probabilities, float32 N K, of pictures, uint8 N H W C."""

_FASTEST_FIRST = ("openvino", "onnxruntime")
_ALLOWED = {"float32": 1e-3, "bfloat16": 0.1}
_COMPARED = 16


def choose_backend(asked: BackendName, precision: Precision) -> str:
    """Return the back end to try: ``auto`` is the fastest one installed, else torch, for what `precision` asks.

    Raises:
        ParameterError: `asked` or `precision` is none, or the two do not go together.
        MissingPackageError: int8 is asked for, and nothing that computes it is installed.
    """
    choose("backend", asked, get_args(BackendName))
    choose("precision", precision, get_args(Precision))
    if asked == "onnxruntime" and precision == "bfloat16":
        raise ParameterError(
            "`precision` must be float32 or int8 for the back end onnxruntime. Got 'bfloat16'. Use openvino or torch."
        )
    if asked == "torch" and precision == "int8":
        raise ParameterError(
            "`backend` must be openvino or onnxruntime for the precision int8. Got 'torch'. Name one of them, or auto."
        )
    if asked != "auto":
        return asked
    half = precision == "bfloat16" or (precision == "auto" and machine().bfloat16)
    installed = [name for name in _FASTEST_FIRST if importlib.util.find_spec(name) is not None]
    fitting = [name for name in installed if name == "openvino" or not half]
    if precision == "int8" and not fitting:
        raise MissingPackageError(
            "The precision int8 needs OpenVINO or ONNX Runtime, and neither is installed. "
            "Install one with: pip install 'convscope[openvino]'"
        )
    return fitting[0] if fitting else "torch"


def runner(
    network: Network,
    *,
    backend: BackendName,
    precision: Precision,
    calibration: NDArray[np.uint8] | None = None,
) -> Runner | None:
    """Return what computes `network`, or None where torch does.

    Args:
        network: trained.
        backend: of those installed; ``auto`` takes the fastest that agrees with torch.
        precision: ``auto`` is bfloat16 where the processor multiplies it natively, else float32.
        calibration: training pictures, uint8 N H W C, that show which values occur; needed for int8.

    Raises:
        ParameterError: the arguments do not go together, or the back end cannot compute this network.
        MissingPackageError: the back end is not installed.
    """
    name = choose_backend(backend, precision)
    if name == "torch":
        return None
    if precision == "int8" and calibration is None:
        raise ParameterError(
            "`calibration` must be given for the precision int8. Got none. Give pictures that were trained with."
        )
    kind = _word(precision, name)
    try:
        ranges = calibrated(network, calibration) if kind == "int8" and calibration is not None else None
        made = _STARTED[name](onnx_bytes(network, ranges), kind)
        _compare(network, made, name, kind)
    except ParameterError:
        if backend != "auto" or precision == "int8":
            raise
        return None
    return made


def _word(precision: Precision, name: str) -> str:
    if precision != "auto":
        return precision
    half = name == "openvino" and choose_prediction_precision("auto") == torch.bfloat16
    return "bfloat16" if half else "float32"


def _compare(network: Network, made: Runner, name: str, precision: str) -> None:
    """Refuse a back end that gives something else than torch; rounding to 8 bits is asked for, and not judged."""
    if precision not in _ALLOWED:
        return
    planned = network.plan
    shape = _COMPARED, planned.height, planned.width, planned.channels
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with torch.inference_mode():
        expected = ready_to_predict(network).probabilities(torch.from_numpy(images)).numpy()
    difference = float(np.abs(made(images) - expected).max())
    if not difference <= _ALLOWED[precision]:
        raise ParameterError(
            f"`backend` must give what torch gives. Got probabilities that differ by {difference:.2g} from {name} "
            f"(at most {_ALLOWED[precision]:g} is rounding in {precision}). Use the back end torch."
        )


def _openvino(content: bytes, precision: str) -> Runner:
    openvino = optional("openvino", needed_for="Predictions by OpenVINO", extra="openvino")
    core = openvino.Core()
    hints = {
        "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all threads
        "INFERENCE_NUM_THREADS": usable_cores(),
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
    }
    request = core.compile_model(core.read_model(content), "CPU", hints).create_infer_request()

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = np.array(request.infer({0: np.ascontiguousarray(images)}, share_inputs=True)[0])
        return found

    return run


def _onnxruntime(content: bytes, _: str) -> Runner:
    package: Any = optional("onnxruntime", needed_for="Predictions by ONNX Runtime", extra="onnxruntime")
    options = package.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 3  # errors
    session = package.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {INPUT: np.ascontiguousarray(images)})[0]
        return found

    return run


_STARTED: dict[str, Callable[[bytes, str], Runner]] = {"openvino": _openvino, "onnxruntime": _onnxruntime}
