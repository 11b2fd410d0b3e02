"""What a process that was forked from one with torch in it must know: the threads of its parent are not there.

A child waits for ever for the threads that its parent computed with (pytorch issues 17199, 89693), and for locks that
they held. In such a child torch computes with one thread, which needs neither.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

_PATIENCE_S = 10.0
_FORKED_WITHOUT_PROGRAM = 0x40  # of Linux's flags of a process, PF_FORKNOEXEC
_anew: list[Callable[[], None]] = []


class _Here:
    """What is known of this process: there is one of it, and a fork changes it."""

    one_thread = False
    forking = False
    computing: ClassVar[list[int]] = []  # threads
    changed = threading.Condition()


def threads_allowed(wanted: int) -> int:
    """Return with how many threads torch may compute here: `wanted`, but one where those of a parent are missing."""
    return 1 if _Here.one_thread else wanted


def is_without_threads() -> bool:
    """Return whether this process was forked from one that had loaded torch."""
    return _Here.one_thread


def after_fork(renew: Callable[[], None]) -> None:
    """Have `renew` called in every forked child, to make locks anew that a thread of the parent may have held."""
    _anew.append(renew)


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Let other threads of this process fork only when the block has ended: a child would inherit half of its state.

    After ten seconds they fork all the same.
    """
    own = threading.get_ident()
    with _Here.changed:
        if own not in _Here.computing:
            _Here.changed.wait_for(lambda: not _Here.forking, timeout=_PATIENCE_S)
        _Here.computing.append(own)
    try:
        yield
    finally:
        with _Here.changed:
            if own in _Here.computing:  # not in a child that was forked within the block
                _Here.computing.remove(own)
            _Here.changed.notify_all()


def _before() -> None:
    own = threading.get_ident()
    _Here.changed.acquire()
    _Here.forking = True
    _Here.changed.wait_for(lambda: set(_Here.computing) <= {own}, timeout=_PATIENCE_S)


def _in_parent() -> None:
    _Here.forking = False
    _Here.changed.notify_all()
    _Here.changed.release()


def _in_child() -> None:
    _Here.changed, _Here.forking, _Here.computing = threading.Condition(), False, []
    for renew in _anew:
        renew()
    _keep_to_one_thread()


def _keep_to_one_thread() -> None:
    """Let torch, and what scikit-learn computes with, use one thread from now on; only where they are loaded."""
    torch, pools = sys.modules.get("torch"), sys.modules.get("threadpoolctl")
    if hasattr(torch, "set_num_threads"):  # loaded, and not only half
        _Here.one_thread = True
        torch.set_num_threads(1)  # type: ignore[union-attr]  # it has the function
    if hasattr(pools, "threadpool_limits"):
        pools.threadpool_limits(1)  # type: ignore[union-attr]


def _was_forked() -> bool:
    """Return whether this process was forked and has not begun another program since; only Linux says so."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123  # pathlib is not loaded yet, and this is the import
            return bool(int(file.read().rpartition(b")")[2].split()[6]) & _FORKED_WITHOUT_PROGRAM)
    except (OSError, ValueError, IndexError):
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
    if "torch" in sys.modules and _was_forked():  # perhaps by the parent, with threads that are not here
        _keep_to_one_thread()
