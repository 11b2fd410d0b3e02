"""Damage that knows JSON: values of other types, numbers beyond all sense, keys that are gone, twice, or misspelt."""

import copy
import json
from typing import Any

from .bytewise import damaged
from .cases import Random, pick

_ODD = (
    None, True, False, 0, 1, -1, 2, 0.0, -0.0, 0.5, -0.5, 1.5, 1e-300, 1e300, 10**9, 10**18, 10**30, -(10**18),
    float("nan"), float("inf"), float("-inf"), "", " ", "x", "0", "1", "NaN", "../../x", "a\nb", "\x00", "\x1b[31m",
    "=1+1", "<script>", "ä", "\u2028", "x" * 3_000, [], {}, [[]], [None], [0], ["x"], {"x": 1}, [1] * 2_000,
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container within `value` with each of its keys."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        one = left.pop()
        items = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        for key, inner in items:
            found.append((one, key))
            left.append(inner)
    return found


def changed(value: Any, random: Random, times: int = 1) -> Any:
    """Return a copy of a JSON value after some changes of its structure."""
    value = copy.deepcopy(value)
    for _ in range(times):
        every = places(value)
        if not every:
            return copy.deepcopy(pick(random, _ODD))
        _change(*pick(random, every), every, random)
    return value


def _change(container: Any, key: Any, every: list[tuple[Any, Any]], random: Random) -> None:
    here = container[key]
    what = int(random.integers(9))
    if what == 0:
        del container[key]
    elif what == 1 and isinstance(container, dict):
        container[f"{key}_"] = container.pop(key)
    elif what == 2 and isinstance(container, list):
        container.insert(0, copy.deepcopy(here))
    elif what == 3:
        other, place = pick(random, every)
        container[key] = copy.deepcopy(other[place])
    elif what == 4 and isinstance(here, list):
        container[key] = here * int(pick(random, (0, 2, 5)))
    elif what in (5, 6) and isinstance(here, (int, float)):
        container[key] = pick(random, (-here, here + 1, here - 1, here * 1000, here / 3, str(here), [here]))
    elif what == 7 and isinstance(container, dict):
        container[pick(random, ("", "x", "format_version", "__class__"))] = copy.deepcopy(pick(random, _ODD))
    else:
        container[key] = copy.deepcopy(pick(random, _ODD))


def changed_text(text: str, random: Random) -> bytes:
    """Return JSON text after changes of its structure, or of its letters."""
    try:
        value = json.loads(text)
    except ValueError:
        return damaged(text.encode(), random)
    what = int(random.integers(10))
    if what == 0:
        return damaged(text.encode(), random)
    written = json.dumps(changed(value, random, 1 + int(random.integers(3))))
    if what == 1:  # the same key twice
        written = written.replace("{", '{"format_version": 7, ', 1)
    if what == 2:
        written = written.replace("0.", pick(random, ("1e999", "-1e999", "0.", "1e-999")), 1)
    if what == 3:
        depth = int(pick(random, (10, 500, 200_000)))
        written = "[" * depth + written + "]" * depth
    return written.encode()
