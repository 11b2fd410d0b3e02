"""Back ends for prediction: torch, or ONNX Runtime, or OpenVINO where it is installed.

All give the same probabilities, to rounding: before one is used, it is compared with torch on some images. Sums of 8
bits round more; there the same class must be named nearly always.
"""

import importlib.util
import time
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.arguments import shown
from convscope.core.devices import Device
from convscope.core.errors import ConvscopeError, ParameterError, choose, is_out_of_memory
from convscope.core.extras import optional
from convscope.core.machine import processor_flags, usable_cores
from convscope.core.precision import BackendPrecision, choose_precision

from .blocked_units import in_blocks
from .export.onnx_export import INPUT, onnx_bytes
from .finite import check_probabilities, without_broken
from .folding import fold
from .image_network import ImageNetwork
from .inference import optimize_for_inference
from .int8 import Int8, calibrated

BackendName = Literal["torch", "openvino", "onnxruntime", "auto"]
Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Probabilities, float32 N K, of images, uint8 N H W C."""

_ALLOWED = {"float32": 1e-3, "bfloat16": 0.1}
_LEAST_AGREED = 0.9  # of the images, in int8
_COMPARED, _COMPARED_INT8 = 16, 200  # images
_TIMED, _TIMED_MACS = (4, 256), 4 * 10**9  # images: as many as have so many MACs, within these limits
_TIMED_S = 0.05  # at least, for each back end
_COMPARED_VALUES = 2**25  # of all their maps
_BLOCK = 8  # channels that ONNX Runtime keeps together with AVX2
_LEAST = 1e-30  # probability whose logarithm is looked at


def fitting_backends(asked: BackendName, precision: BackendPrecision) -> tuple[str, ...]:
    """Return the back ends that can be taken: the one asked for, or for ``auto`` those installed that have `precision`.

    Raises:
        ParameterError: `asked` or `precision` is unknown, or the two cannot be combined.
    """
    choose("backend", asked, get_args(BackendName))
    choose("precision", precision, get_args(BackendPrecision))
    if asked == "onnxruntime" and precision == "bfloat16":
        raise ParameterError(
            "`precision` must be float32 or int8 for the back end onnxruntime. Got 'bfloat16'. Use openvino or torch."
        )
    if asked == "torch" and precision == "int8":
        raise ParameterError(
            "`backend` must be openvino or onnxruntime for the precision int8. Got 'torch'. Name one of them, or auto."
        )
    if asked != "auto":
        return (asked,)
    half = precision != "int8" and choose_precision(precision) == "bfloat16"
    fitting = [name for name in _STARTED if name != "openvino" or importlib.util.find_spec(name) is not None]
    if half:
        fitting.remove("onnxruntime")
    return (*fitting,) if precision == "int8" else (*fitting, "torch")


def runner(
    network: ImageNetwork,
    *,
    backend: BackendName,
    precision: BackendPrecision,
    calibration: NDArray[np.uint8] | None = None,
    device: Device = "cpu",
) -> Runner | None:
    """Return the session that computes `network`, or None for torch.

    Args:
        network: trained.
        backend: ``auto`` is the fastest of those installed that agree with torch, torch included, on some images.
        precision: ``auto`` is bfloat16 where the processor multiplies it natively, else float32.
        calibration: training images, uint8 N H W C, that show which values occur; needed for int8.
        device: another than the processor has the back end torch.

    Raises:
        ParameterError: the arguments do not go together, or the back end cannot compute this network.
        MissingPackageError: the back end is not installed.
        DataError: what the network computes is not a number.
    """
    names = fitting_backends(backend, precision)
    _check_computes(network)
    if device != "cpu":
        if backend not in ("torch", "auto") or precision == "int8":
            raise ParameterError(
                f"`device` {device} has the back end torch in float32 and bfloat16. Got {backend} in {precision}. Use "
                "these, or the device cpu."
            )
        return None
    if names == ("torch",):
        return None
    if precision == "int8" and calibration is None:
        raise ParameterError("`calibration` must be given for the precision int8. Got none. Give training images.")
    if calibration is not None:
        _check_calibration(network, calibration)
    ranges = calibrated(network, calibration) if precision == "int8" and calibration is not None else None
    sessions, failed = {}, []
    for name in names:
        if name == "torch":
            sessions[name] = _torch(network, precision)
            continue
        try:
            sessions[name] = _made(network, name, _word(precision, name), ranges, calibration)
        except ConvscopeError as error:
            failed.append(error)
    if not sessions or (failed and backend != "auto"):
        raise failed[0]
    if len(sessions) == 1:
        return None if "torch" in sessions else next(iter(sessions.values()))
    images = _some_images(network, int(np.clip(_TIMED_MACS // max(1, network.plan.macs), *_TIMED)))
    seconds = {name: _seconds(session, images) for name, session in sessions.items()}
    best = min(seconds, key=seconds.__getitem__)
    return None if best == "torch" else sessions[best]


def _made(
    network: ImageNetwork, name: str, precision: str, ranges: Int8 | None, calibration: NDArray[np.uint8] | None
) -> Runner:
    fills_blocks = name == "onnxruntime" and ranges is None and "avx512f" not in processor_flags()
    content = onnx_bytes(in_blocks(fold(network), _BLOCK) if fills_blocks else network, ranges)
    try:
        session = _STARTED[name](content, precision)
        session(_some_images(network, 1))
    except ConvscopeError:
        raise
    except Exception as error:  # those of ONNX Runtime have no other base
        if is_out_of_memory(error):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ParameterError(
            f"`backend` must be usable on this machine. Got {name!r} ({reason}). "
            "Reinstall it, or use the back end torch."
        ) from error
    if precision == "int8" and calibration is not None:
        _compare_classes(network, session, name, _evenly(calibration, _COMPARED_INT8))
    else:
        images = _some_images(network, _COMPARED) if calibration is None else _evenly(calibration, _COMPARED)
        _compare(network, session, name, precision, images)
    return session


def _check_calibration(network: ImageNetwork, images: NDArray[np.uint8]) -> None:
    planned = network.plan
    shape = (planned.height, planned.width, planned.channels)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else shown(images)
        raise ParameterError(f"`calibration` must be a uint8 array N {' '.join(map(str, shape))}. Got {got}.")


def _check_computes(network: ImageNetwork) -> None:
    """Validate that the output of a network is finite: a fused ReLU, which makes 0 of NaN, could hide it.

    Raises:
        DataError: it is not for a black, a white or a noise image.
    """
    images = _some_images(network, max(3, min(_COMPARED, network.plan.batch_within(_COMPARED_VALUES))))
    images[-2], images[-1] = 0, 255
    plain = optimize_for_inference(network, fused=False)
    with torch.inference_mode():
        for image in images:
            check_probabilities(without_broken(plain.probabilities(torch.from_numpy(image[None])).numpy()))


def _evenly(images: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Return up to `most` of the images, from the first to the last."""
    return images[np.linspace(0, len(images) - 1, min(len(images), most)).round().astype(np.int64)]


def _seconds(session: Runner, images: NDArray[np.uint8]) -> float:
    """Return the seconds that `session` takes for `images`: the shortest of a few runs, after one."""
    taken: list[float] = []
    while len(taken) < 4 or sum(taken) < _TIMED_S:
        started = time.perf_counter()
        session(images)
        taken.append(time.perf_counter() - started)
    return min(taken[1:])


def _torch(network: ImageNetwork, precision: BackendPrecision) -> Runner:
    optimized = optimize_for_inference(network, "float32" if precision == "int8" else choose_precision(precision))

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            result: NDArray[np.float32] = optimized.probabilities(torch.from_numpy(images)).numpy()
        return result

    return run


def _some_images(network: ImageNetwork, count: int) -> NDArray[np.uint8]:
    """Return random images of the size that `network` takes: noise on plain gray, from full contrast to little."""
    planned, rng = network.plan, np.random.default_rng(0)
    noise = rng.integers(0, 256, (count, planned.height, planned.width, planned.channels))
    gray, contrast = rng.integers(0, 256, (count, 1, 1, 1)), np.geomspace(1, 0.05, count).reshape(-1, 1, 1, 1)
    return (gray + contrast * (noise - gray)).astype(np.uint8)


def _word(precision: BackendPrecision, name: str) -> str:
    if precision != "auto":
        return precision
    return choose_precision("auto") if name == "openvino" else "float32"


def _answers(network: ImageNetwork, session: Runner, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return the probabilities that torch gives and those that `session` gives, computed for a few images at once."""
    batches = [images[start : start + _COMPARED] for start in range(0, len(images), _COMPARED)]
    return [np.concatenate([run(batch) for batch in batches]) for run in (_torch(network, "float32"), session)]


def _compare(network: ImageNetwork, session: Runner, name: str, precision: str, images: NDArray[np.uint8]) -> None:
    """Validate that a back end agrees with torch.

    Logits are compared too, as logarithms of probabilities: where one class is certain, wrong ones have the same
    probabilities. They are rounded in proportion to the largest of an image.
    """
    expected, computed = _answers(network, session, images)
    difference = float(np.abs(computed - expected).max())
    logits, found_logits = (np.log(np.maximum(probabilities, _LEAST)) for probabilities in (expected, computed))
    apart = float((np.abs(found_logits - logits) / (1 + np.abs(logits).max(1, keepdims=True))).max())
    allowed = _ALLOWED[precision]
    if not (difference <= allowed and apart <= allowed):
        raise ParameterError(
            f"`backend` must agree with torch. Got probabilities that differ by {difference:.2g} and logits by "
            f"{apart:.2g} of their size from {name} (at most {allowed:g} is rounding in {precision}). "
            "Use the back end torch."
        )


def _compare_classes(network: ImageNetwork, session: Runner, name: str, images: NDArray[np.uint8]) -> None:
    """Validate that 8-bit sums predict the same class as torch for nearly all calibration images."""
    expected, computed = _answers(network, session, images)
    agreed = float(np.mean(computed.argmax(1) == expected.argmax(1)))
    if agreed < _LEAST_AGREED:
        raise ParameterError(
            f"`precision` must be float32 for this network. Got int8, in which {name} names the class that torch does "
            f"for only {agreed:.0%} of the calibration images (at least {_LEAST_AGREED:.0%} are needed). "
            "Give more and other training images, or use float32."
        )


def _openvino(content: bytes, precision: str) -> Runner:
    openvino = optional("openvino", needed_for="Predictions by OpenVINO", extra="openvino")
    core = openvino.Core()
    hints = {
        "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all threads
        "INFERENCE_NUM_THREADS": usable_cores(),
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
    }
    network = core.read_model(content)

    def compiled() -> Any:
        return core.compile_model(network, "CPU", hints).create_infer_request()

    any_number: Any = compiled()
    fixed, last, fixed_to = any_number, 0, 0

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal last, fixed, fixed_to
        if len(images) == last != fixed_to:  # a second time: what is compiled for this number is faster
            network.reshape([last, *images.shape[1:]])
            fixed, fixed_to = compiled(), last
        last = len(images)
        request = fixed if last == fixed_to else any_number
        probabilities: NDArray[np.float32] = np.array(
            request.infer({0: np.ascontiguousarray(images)}, share_inputs=True)[0]
        )
        return probabilities

    return run


def _onnxruntime(content: bytes, _: str) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 3  # errors
    session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        probabilities: NDArray[np.float32] = session.run(None, {INPUT: np.ascontiguousarray(images)})[0]
        return probabilities

    return run


_STARTED: dict[str, Callable[[bytes, str], Runner]] = {"openvino": _openvino, "onnxruntime": _onnxruntime}
