"""What the processor can do, and the settings that make training fast on it. Every setting can be put back."""

import contextlib
import functools
import importlib.util
import os
import platform
import random
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .forks import threads_allowed
from .tunings import TUNINGS, WITHOUT, keep_memory, keeps_memory_on, left_out

if TYPE_CHECKING:
    import torch

_WORTH_SHARING = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine as convscope sees it.

    Attributes:
        processor: its name, as the system gives it.
        cores: physical cores that this process may use.
        bfloat16: whether products in bfloat16 are native (AVX-512 BF16 or AMX); elsewhere they are far slower.
        system: operating system and Python.
    """

    processor: str
    cores: int
    bfloat16: bool
    system: str


@functools.cache
def machine() -> Machine:
    """Return this machine; looked at once."""
    fields = _first_processor(_processors_text())
    return Machine(
        processor=fields.get("model name") or platform.processor() or platform.machine(),
        cores=usable_cores(),
        bfloat16=native_bfloat16(processor_flags()),
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )


def processor_flags() -> list[str]:
    """Return the features of the processor as Linux names them; nothing where it does not say."""
    return _first_processor(_processors_text()).get("flags", "").split()


def native_bfloat16(flags: list[str]) -> bool:
    """Return whether a processor with these feature flags multiplies bfloat16 natively.

    Elsewhere it is 40 to 500 times as slow (pytorch issues 146508, 183815). ARM processors that have it are not
    counted: nobody has measured them here yet, and float32 is right everywhere.

    Examples:
        >>> native_bfloat16(["avx2", "avx512f", "avx512_bf16"]), native_bfloat16(["avx2"])
        (True, False)
    """
    return "avx512_bf16" in flags or "amx_bf16" in flags


def usable_cores() -> int:
    """Return the physical cores that this process may use (its affinity), or what OMP_NUM_THREADS says if that is less.

    Two threads on one core take turns at its arithmetic, and wait for each other besides.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = physical_cores(_processors_text(), allowed)
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


def physical_cores(text: str, allowed: Collection[int]) -> int:
    r"""Return the number of different cores behind the processors `allowed`, by what /proc/cpuinfo says of them.

    Args:
        text: of /proc/cpuinfo; where it says nothing of cores, each processor counts as one.
        allowed: numbers of processors.

    Examples:
        >>> one = "processor: 0\nphysical id: 0\ncore id: 0\n\nprocessor: 1\nphysical id: 0\ncore id: 0"
        >>> physical_cores(one, {0, 1}), physical_cores("", {0, 1})
        (1, 2)
    """
    cores: dict[int, tuple[str, str]] = {}
    for block in text.split("\n\n"):
        fields = _first_processor(block)
        number = fields.get("processor", "")
        if number.isdigit() and "core id" in fields:
            cores[int(number)] = fields.get("physical id", ""), fields["core id"]
    return max(1, len({cores.get(number, (str(number), "alone")) for number in allowed}))


@functools.cache
def _processors_text() -> str:
    """Return /proc/cpuinfo, or nothing where there is none."""
    with contextlib.suppress(OSError):
        return Path("/proc/cpuinfo").read_text(errors="replace")
    return ""


def _first_processor(text: str) -> dict[str, str]:
    """Return the fields of the first processor in the text of /proc/cpuinfo."""
    fields: dict[str, str] = {}
    for line in text.split("\n\n", maxsplit=1)[0].splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return fields


BACKENDS = ("openvino", "onnxruntime")
"""Packages that can predict in place of torch."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One choice that was made for this machine.

    Attributes:
        name: of the choice.
        value: what was chosen.
        why: in a few words.
        change: how to choose otherwise.
    """

    name: str
    value: str
    why: str
    change: str


def tunings(here: Machine | None = None) -> tuple[Tuning, ...]:
    """Return every choice that is made for `here` (this machine if none), with its reason and how to undo it.

    Raises:
        ParameterError: CONVSCOPE_WITHOUT names what is none.
    """
    here = here or machine()
    half = "bfloat16" if here.bfloat16 else "float32"
    why = "native here: products twice as fast" if here.bfloat16 else "bfloat16 is not native here, and slow"
    choices = [
        Tuning(name="precision", value=half, why=why, change="--precision float32|bfloat16"),
        Tuning(
            name="threads",
            value=str(here.cores),
            why="physical cores that may be used; one for a small step, which sharing would slow",
            change="--threads N, OMP_NUM_THREADS",
        ),
    ]
    besides = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    words = f"for prediction; installed besides: {', '.join(besides)}" if besides else "for prediction; the only one"
    choices.append(Tuning(name="back end", value="torch", why=words, change="predict --backend NAME|auto"))
    without = left_out()
    for name, reason in TUNINGS.items():
        on = name not in without and (name != "keep-memory" or keeps_memory_on(here.system))
        choices.append(Tuning(name=name, value="on" if on else "off", why=reason, change=f"{WITHOUT}={name}"))
    return tuple(choices)


def threads_for(macs: int) -> int:
    """Return how many threads pay for a step of so many MACs forward: one where sharing costs too much.

    Examples:
        >>> threads_for(10_000_000)
        1
    """
    return usable_cores() if macs >= _WORTH_SHARING else 1


def memory_format() -> "torch.memory_format":
    """Return the order in memory that maps and weights have."""
    import torch

    return torch.contiguous_format if "channels-last" in left_out() else torch.channels_last


@contextlib.contextmanager
def tuned(threads: int | None = None) -> Iterator[Machine]:
    """Set torch's threads, flush denormal numbers and keep memory while the block runs; put back what can be.

    What the caller has set of torch and NumPy is set aside for as long, see `usual_settings`. A forked child has one
    thread, see `convscope.core.forks`.

    Denormal weights can make arithmetic many times slower (pytorch issue 23862).
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads_allowed(threads or machine().cores))
    torch.set_flush_denormal("flush-denormals" not in left_out())
    keep_memory()
    try:
        with usual_settings():
            yield machine()
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def keep_tiny_numbers() -> None:
    """Let this thread, which reads images, compute with denormal numbers.

    A new thread inherits from the one that starts it, within `tuned`, that they count as 0; an image must not depend on
    which command reads it.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def _random_put_back() -> Iterator[None]:
    """Leave the random states of Python and NumPy as they were: what is imported for the first time may use them."""
    import numpy as np

    states = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002  # the caller's, not drawn from
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


@contextlib.contextmanager
def usual_settings() -> Iterator[None]:
    """Let torch and NumPy compute as they do in a fresh process while the block runs, whatever the caller has set.

    That is: with gradients, outside of inference mode and autocast, in float32 on the processor, without anomaly
    detection; errors of NumPy are warnings. The states of all global randomness are put back.
    """
    import numpy as np

    with _random_put_back(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        if "torch" not in sys.modules:  # nothing of it was set, and nothing computes with it
            yield
            return
        import torch

        kind = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            with (
                torch.inference_mode(mode=False),
                torch.enable_grad(),
                torch.autocast("cpu", enabled=False),
                torch.autograd.set_detect_anomaly(mode=False),
                torch.device("cpu"),
                torch.random.fork_rng(devices=[]),
            ):
                yield
        finally:
            torch.set_default_dtype(kind)
