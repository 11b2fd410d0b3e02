"""What is learned in bfloat16 is what is learned in float32, to rounding, whatever surrounds the training."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

import convscope

CALLERS: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
    "nothing": contextlib.nullcontext,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast that is off": lambda: torch.autocast("cpu", enabled=False),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_learns_in_every_precision_within_every_context(
    precision: Literal["float32", "bfloat16"], caller: str, tmp_path: Path
) -> None:
    with CALLERS[caller]():
        trained = convscope.train("digits", layout="8C3-MP2", epochs=4, precision=precision, output=tmp_path / "run")
    assert trained.report.accuracy.fraction > 0.7  # by chance 0.1


def test_weights_in_bfloat16_are_close_to_those_in_float32(tmp_path: Path) -> None:
    first, second = (
        convscope.train("digits", layout="4C3-MP2", epochs=1, precision=precision, output=tmp_path / precision).model
        for precision in ("float32", "bfloat16")
    )
    for one, other in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert (one - other).norm() < 0.2 * one.norm() + 0.02
