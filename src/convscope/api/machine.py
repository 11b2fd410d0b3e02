"""Describe this computer, and every choice that training and prediction make for it."""

from dataclasses import dataclass

from convscope.core.machine import Machine, Tuning, tunings
from convscope.core.machine import machine as this_machine


@dataclass(frozen=True, kw_only=True)
class MachineResult:
    """This computer.

    Attributes:
        machine: processor, cores, memory.
        tunings: every choice made for it, with the reason and what changes it.
    """

    machine: Machine
    tunings: tuple[Tuning, ...]


def machine() -> MachineResult:
    """Return what convscope knows of this computer, and the choices that follow.

    Examples:
        >>> machine().machine.cores > 0
        True
    """
    return MachineResult(machine=this_machine(), tunings=tuple(tunings()))
