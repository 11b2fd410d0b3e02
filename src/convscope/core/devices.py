"""The device that computes networks: decided here, and only here."""

import os
from typing import TYPE_CHECKING, Literal, get_args

from .errors import ParameterError, choose

if TYPE_CHECKING:
    from torch import Tensor, device

Device = Literal["cpu", "cuda", "mps"]
DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
"""What the user may ask for; ``auto`` is a GPU of NVIDIA or AMD (cuda) where torch finds one, else the processor."""


def choose_device(asked: str) -> Device:
    """Return the device where `asked` is a `DeviceChoice`; ``mps``, on which nothing is measured, is never automatic.

    Raises:
        ParameterError: `asked` is none of them, or torch finds no such device.
    """
    choose("device", asked, get_args(DeviceChoice))
    if asked == "cpu":
        return "cpu"
    import torch

    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return "cuda" if found["cuda"] else "cpu"
    if not found[asked]:
        raise ParameterError(f"`device` must be one that torch {torch.__version__} finds here. Got {asked}. Use cpu.")
    return "cuda" if asked == "cuda" else "mps"


def own_device(device: Device) -> str:
    """Return the device of this process: of several processes on a machine with several GPUs each takes its own."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" else device


def brought(values: "Tensor", place: "device") -> "Tensor":
    """Return `values` on a device, without waiting for what it has yet to compute; on it already, as they are.

    From the processor's memory they are copied before this returns, but for Apple's, where only a wait is safe.
    """
    return values.to(place, non_blocking=place.type != "mps")
