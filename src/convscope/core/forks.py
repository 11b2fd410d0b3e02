"""Safe forks of a process that has loaded torch: the child does not have the threads of its parent.

A child would wait for ever for the threads that its parent computed with (pytorch issues 17199, 89693), and for the
locks that they held. In such a child torch computes with one thread, which needs neither. A thread holds locks of MKL
for a moment more when it ends: a fork waits for that, too.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

_PATIENCE_S = 10.0
_ENDING_S = 1.0
_FORKED_WITHOUT_PROGRAM = 0x40  # of Linux's flags of a process, PF_FORKNOEXEC
_anew: list[Callable[[], None]] = []


class _Here:
    """State of this process, which a fork changes."""

    one_thread = False
    forking = False
    computing: ClassVar[list[int]] = []  # threads
    helpers: ClassVar[dict[int, set[int]]] = {}  # native threads that a thread has begun, which end with it
    changed = threading.Condition()


def threads_allowed(wanted: int) -> int:
    """Return the number of threads torch may use: `wanted`, but one in a forked child without its parent's threads."""
    return 1 if _Here.one_thread else wanted


def after_fork(renew: Callable[[], None]) -> None:
    """Register `renew` to be called in every forked child, to replace locks that a thread of the parent may hold."""
    _anew.append(renew)


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Delay forks by other threads until the block ends: a child would inherit an inconsistent state.

    After ten seconds they fork anyway.
    """
    own = threading.get_ident()
    with _Here.changed:
        if own not in _Here.computing:
            _Here.changed.wait_for(lambda: not _Here.forking, timeout=_PATIENCE_S)
        _Here.computing.append(own)
    thread = threading.get_native_id()
    known = thread in _Here.helpers or threading.current_thread() is threading.main_thread()
    before = set() if known else _native_threads()
    try:
        yield
    finally:
        with _Here.changed:
            if not known:
                _remember(thread, before)
            if own in _Here.computing:  # false in a child that was forked within the block
                _Here.computing.remove(own)
            _Here.changed.notify_all()


def _remember(thread: int, before: set[int]) -> None:
    """Remember the native threads that this one has begun; forget threads that are gone with all of theirs."""
    now = _native_threads()
    for number, begun in list(_Here.helpers.items()):
        if now.isdisjoint({number, *begun}):
            del _Here.helpers[number]
    _Here.helpers[thread] = now - before


def _before() -> None:
    own = threading.get_ident()
    _Here.changed.acquire()
    _Here.forking = True
    _Here.changed.wait_for(lambda: set(_Here.computing) <= {own}, timeout=_PATIENCE_S)
    _wait_for_ending_threads()


def _wait_for_ending_threads() -> None:
    """Wait for the threads that have computed and are no longer Python's, and for those that they have begun."""
    living = {thread.native_id for thread in threading.enumerate()}
    ended = [thread for thread in list(_Here.helpers) if thread not in living]
    ending = {number for thread in ended for number in {thread, *_Here.helpers.pop(thread)}} - living
    latest = time.monotonic() + _ENDING_S
    while ending & _native_threads() and time.monotonic() < latest:
        time.sleep(0.001)


def _native_threads() -> set[int]:
    """Return the threads of this process, those of libraries included (known on Linux only)."""
    try:
        return {int(name) for name in os.listdir("/proc/self/task")}  # noqa: PTH208  # pathlib is not loaded yet
    except OSError:
        return set()


def _in_parent() -> None:
    if not _Here.forking:
        return  # the fork had begun when this module was imported
    _Here.forking = False
    _Here.changed.notify_all()
    _Here.changed.release()


def _in_child() -> None:
    _Here.changed, _Here.forking, _Here.computing, _Here.helpers = threading.Condition(), False, [], {}
    for renew in _anew:
        renew()
    _keep_to_one_thread()


def _keep_to_one_thread() -> None:
    """Limit torch and the libraries of scikit-learn to one thread, if they are loaded."""
    torch, pools = sys.modules.get("torch"), sys.modules.get("threadpoolctl")
    if hasattr(torch, "set_num_threads"):  # completely loaded
        _Here.one_thread = True
        torch.set_num_threads(1)  # type: ignore[union-attr]  # it has the function
    if hasattr(pools, "threadpool_limits"):
        pools.threadpool_limits(1)  # type: ignore[union-attr]


def _was_forked() -> bool:
    """Return whether this process was forked and has not executed another program since (known on Linux only)."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123  # pathlib is not loaded yet, and this is the import
            return bool(int(file.read().rpartition(b")")[2].split()[6]) & _FORKED_WITHOUT_PROGRAM)
    except (OSError, ValueError, IndexError):
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
    if "torch" in sys.modules and _was_forked():  # perhaps loaded by the parent, with threads that are missing here
        _keep_to_one_thread()
