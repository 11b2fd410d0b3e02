"""The processor, and the settings of torch that make computing fast on it; every setting is restored."""

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
from .python_process import can_start_python
from .text import large
from .tunings import TUNINGS, WITHOUT, keep_memory, keeps_memory_on, left_out

if TYPE_CHECKING:
    import torch

_PARALLEL_MACS = 100_000_000
_RANKS_FEWEST_MACS = 300_000_000  # of a step, see docs/decisions/0019-ranks.md
_RANKS_MOST_MACS = {"bfloat16": 2_000_000_000, "float32": 16_000_000_000}
_RANKS_TRAINING_MACS, _RANK_IMAGES = 1_500_000_000_000, 16
_TRAINED_MACS_PER_S = 5e9  # forward MACs of a core while it trains, backward pass included in the time


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine.

    Attributes:
        processor: name given by the system.
        cores: physical cores that this process may use.
        bfloat16: whether bfloat16 products are native (AVX-512 BF16 or AMX); otherwise they are far slower.
        system: operating system and Python.
    """

    processor: str
    cores: int
    bfloat16: bool
    system: str


@functools.cache
def machine() -> Machine:
    """Return this machine; determined once."""
    fields = _first_processor(_processors_text())
    return Machine(
        processor=fields.get("model name") or platform.processor() or platform.machine(),
        cores=usable_cores(),
        bfloat16=native_bfloat16(processor_flags()),
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )


def processor_flags() -> list[str]:
    """Return the processor's feature flags by their Linux names; empty if unknown."""
    return _first_processor(_processors_text()).get("flags", "").split()


def native_bfloat16(flags: list[str]) -> bool:
    """Return whether a processor with these feature flags multiplies bfloat16 natively.

    Other processors are 40 to 500 times slower (pytorch issues 146508, 183815). ARM processors with bfloat16 do not
    count: they have not been measured, and float32 is correct everywhere.

    Examples:
        >>> native_bfloat16(["avx2", "avx512f", "avx512_bf16"]), native_bfloat16(["avx2"])
        (True, False)
    """
    return "avx512_bf16" in flags or "amx_bf16" in flags


def usable_cores() -> int:
    """Return the number of physical cores that this process may use (its affinity), at most OMP_NUM_THREADS.

    Two threads on one core share its arithmetic units, and wait for each other.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = physical_cores(_processors_text(), allowed)
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


def physical_cores(text: str, allowed: Collection[int]) -> int:
    r"""Return the number of physical cores of the logical processors `allowed`.

    Args:
        text: of /proc/cpuinfo; without core numbers, each logical processor counts as a core.
        allowed: numbers of logical processors.

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
    """Return the text of /proc/cpuinfo, "" where there is none."""
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


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One choice for this machine.

    Attributes:
        name: of the choice.
        value: chosen value.
        why: reason, in a few words.
        change: how to choose another value.
    """

    name: str
    value: str
    why: str
    change: str


def tunings(here: Machine | None = None) -> tuple[Tuning, ...]:
    """Return every choice for `here` (None: this machine), with its reason and how to change it.

    Raises:
        ParameterError: CONVSCOPE_WITHOUT names an unknown tuning.
    """
    here = here or machine()
    half = "bfloat16" if here.bfloat16 else "float32"
    why = "native here: products twice as fast" if here.bfloat16 else "bfloat16 is not native here, and slow"
    fewest, most = large(_RANKS_FEWEST_MACS), large(_RANKS_MOST_MACS[half])
    choices = [
        Tuning(name="precision", value=half, why=why, change="--precision float32|bfloat16"),
        Tuning(
            name="threads",
            value=str(here.cores),
            why="usable physical cores; one for a small step, which more would slow down",
            change="--threads N, OMP_NUM_THREADS",
        ),
        Tuning(
            name="ranks",
            value=str(here.cores),
            why=f"processes that share each batch; one if a step is not {fewest} to {most} MACs, or the training short",
            change="--ranks N",
        ),
    ]
    openvino = ", openvino" if importlib.util.find_spec("openvino") is not None else ""
    words = f"for many images the fastest of torch, onnxruntime{openvino}; for few torch"
    choices.append(Tuning(name="back end", value="auto", why=words, change="predict --backend NAME"))
    without = left_out()
    for name, reason in TUNINGS.items():
        on = name not in without and (name != "keep-memory" or keeps_memory_on(here.system))
        choices.append(Tuning(name=name, value="on" if on else "off", why=reason, change=f"{WITHOUT}={name}"))
    return tuple(choices)


def threads_for(macs: int) -> int:
    """Return the number of threads for a step of so many forward MACs: one if more would not pay.

    Examples:
        >>> threads_for(10_000_000)
        1
    """
    return usable_cores() if macs >= _PARALLEL_MACS else 1


def images_trained_in(minutes: float, macs: int) -> float:
    """Return how many images a training takes in so many minutes, by its forward MACs an image; a rough estimate."""
    return minutes * 60 * _TRAINED_MACS_PER_S * usable_cores() / macs


def ranks_for(macs: int, *, steps: int, batch: int, precision: str) -> int:
    """Return the number of processes for a training: one a core where that is measured to be faster, else one.

    Args:
        macs: forward, of one step.
        steps: of the training.
        batch: images per step.
        precision: float32 or bfloat16, whose products are faster and leave threads less to share.

    Examples:
        >>> ranks_for(10_000_000, steps=1_000_000, batch=256, precision="float32")
        1
    """
    cores = usable_cores()
    worth = _RANKS_FEWEST_MACS <= macs <= _RANKS_MOST_MACS[precision]
    pays = worth and macs * steps >= _RANKS_TRAINING_MACS and batch >= _RANK_IMAGES * cores
    return cores if pays and can_start_python() else 1


def memory_format() -> "torch.memory_format":
    """Return the memory format of feature maps and weights."""
    import torch

    return torch.contiguous_format if "channels-last" in left_out() else torch.channels_last


@contextlib.contextmanager
def tuned(threads: int | None = None) -> Iterator[Machine]:
    """Set torch's threads, flush denormal numbers and keep freed memory while the block runs; restore the settings.

    Settings of the caller are suspended, see `usual_settings`. A forked child has one thread, see
    `convscope.core.forks`.

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


def preserve_denormals() -> None:
    """Make this thread, which decodes images, compute with denormal numbers.

    A thread started within `tuned` inherits that they count as 0; an image must not depend on the command that
    decodes it.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def _restored_random_states() -> Iterator[None]:
    """Restore the random states of Python and NumPy, which a first import may change."""
    import numpy as np

    states = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002  # the caller's, not drawn from
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


@contextlib.contextmanager
def usual_settings() -> Iterator[None]:
    """Compute with the default settings of torch and NumPy while the block runs, whatever the caller has set.

    These are: gradients, no inference mode, no autocast, float32 (on a GPU without TF32, which has 11 bits), on the
    CPU, no anomaly detection; NumPy errors are warnings. All global random states are restored.
    """
    import numpy as np

    with _restored_random_states(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        if "torch" not in sys.modules:  # torch has no settings yet, and the block does not use it
            yield
            return
        import torch

        kind, short = torch.get_default_dtype(), torch.backends.cudnn.allow_tf32
        torch.set_default_dtype(torch.float32)
        torch.backends.cudnn.allow_tf32 = False
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
            torch.backends.cudnn.allow_tf32 = short
