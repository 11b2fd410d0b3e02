"""Whether an ONNX file that was written computes what the network does, by ONNX Runtime."""

from typing import Any

import numpy as np
import torch

from convscope.core.errors import DataError
from convscope.core.machine import usable_cores
from convscope.core.text import printable
from convscope.networks.foreign.proof import LARGEST
from convscope.networks.image_network import ImageNetwork

from .onnx_export import INPUT

_IMAGES = 2


def difference_of_written(content: bytes, network: ImageNetwork, notes: list[str] | None = None) -> float | None:
    """Return the largest difference of the output, relative to its largest value; None where it cannot be computed.

    Args:
        content: of the file.
        network: that it was written from.
        notes: gets why it cannot be computed.

    Raises:
        DataError: it is more than rounding.
    """
    notes = [] if notes is None else notes
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, usable_cores()
    try:
        session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # those of ONNX Runtime have no other base
        reason = printable(str(error).strip().splitlines()[0][:200])
        notes.append(f"It was not compared with ONNX Runtime, which cannot run it ({reason}).")
        return None
    planned = network.plan
    shape = (_IMAGES, planned.height, planned.width, planned.channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    inside = session.get_inputs()[0].type == "tensor(uint8)"
    with torch.inference_mode():
        images = torch.from_numpy(pixels)
        given = pixels if inside else np.ascontiguousarray(network.standardize(images).numpy())
        logits = network(images)
        expected = (network.probabilities(images) if inside and logits.dim() == 2 else logits).numpy()
    found = session.run(None, {INPUT: given})[0]
    difference = float(np.abs(found - expected).max() / max(1e-12, float(np.abs(expected).max())))
    if not difference <= LARGEST:
        raise DataError(
            f"The ONNX file must compute what the network does. Got an output that differs by {difference:.1g} of its "
            "largest value in ONNX Runtime. Try another `--opset`."
        )
    return difference
