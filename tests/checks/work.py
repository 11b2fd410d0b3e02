"""How much work something is, in calls of functions: the same on a machine that has other work."""

import contextlib
import sys
from collections.abc import Iterator


class Calls:
    """A number of calls, of functions in Python and in C."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, _frame: object, event: str, _argument: object) -> None:
        self.number += event in ("call", "c_call")


@contextlib.contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls of this thread while the block runs.

    Examples:
        >>> with counted_calls() as calls:
        ...     _ = [abs(number) for number in range(100)]
        >>> 100 <= calls.number < 110
        True
    """
    calls, before = Calls(), sys.getprofile()
    sys.setprofile(calls)
    try:
        yield calls
    finally:
        sys.setprofile(before)
