"""Damage that knows nothing of the format: bits, bytes, blocks, lengths, ends."""

import struct
from collections.abc import Callable, Sequence

import numpy as np

from .cases import Random, pick

_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
Change = Callable[[bytes, Random], bytes]


def flip_bits(data: bytes, random: Random) -> bytes:
    """Flip 1 to 16 bits."""
    changed = bytearray(data)
    for place in random.integers(0, len(data), int(random.integers(1, 17))) if data else ():
        changed[place] ^= 1 << int(random.integers(8))
    return bytes(changed)


def set_bytes(data: bytes, random: Random) -> bytes:
    """Set 1 to 8 bytes to values that are often special."""
    changed = bytearray(data)
    for place in random.integers(0, len(data), int(random.integers(1, 9))) if data else ():
        changed[place] = pick(random, (0, 1, 0x7F, 0x80, 0xFE, 0xFF, int(random.integers(256))))
    return bytes(changed)


def cut_end(data: bytes, random: Random) -> bytes:
    """Keep a first part of any length."""
    return data[: int(random.integers(0, len(data) + 1))]


def cut_middle(data: bytes, random: Random) -> bytes:
    """Take a part out."""
    start, stop = _span(data, random)
    return data[:start] + data[stop:]


def repeat_block(data: bytes, random: Random) -> bytes:
    """Repeat a part, up to 20 times."""
    start, stop = _span(data, random)
    return data[:stop] + data[start:stop] * int(random.integers(1, 21)) + data[stop:]


def move_block(data: bytes, random: Random) -> bytes:
    """Write a part over another place."""
    start, stop = _span(data, random)
    place = int(random.integers(0, len(data) + 1))
    return data[:place] + data[start:stop] + data[place + stop - start :]


def noise_block(data: bytes, random: Random) -> bytes:
    """Put noise, zeros or ones in place of a part."""
    start, stop = _span(data, random)
    kind = int(random.integers(3))
    block = random.bytes(stop - start) if kind == 0 else (b"\0" if kind == 1 else b"\xff") * (stop - start)
    return data[:start] + block + data[stop:]


def insert_noise(data: bytes, random: Random) -> bytes:
    """Insert up to 64 bytes somewhere."""
    place = int(random.integers(0, len(data) + 1))
    return data[:place] + random.bytes(int(random.integers(1, 65))) + data[place:]


def set_number(data: bytes, random: Random) -> bytes:
    """Put an extreme number of 16 or 32 bits, of either byte order, over any place; often near the start."""
    wide = bool(random.integers(2))
    size = 4 if wide else 2
    if len(data) < size:
        return data
    reach = len(data) if random.integers(2) else min(len(data), 128)
    place = int(random.integers(0, reach - size + 1))
    number = pick(random, _EXTREMES) & (0xFFFFFFFF if wide else 0xFFFF)
    code = pick(random, "<>") + ("I" if wide else "H")
    return data[:place] + struct.pack(code, number) + data[place + size :]


def append(data: bytes, random: Random) -> bytes:
    """Put noise, or the file once more, behind the end."""
    return data + (data if random.integers(2) else random.bytes(int(random.integers(1, 2000))))


CHANGES: tuple[Change, ...] = (
    flip_bits, set_bytes, cut_end, cut_middle, repeat_block, move_block, noise_block, insert_noise, set_number, append,
)  # fmt: skip


def damaged(data: bytes, random: Random, more: Sequence[Change] = ()) -> bytes:
    """Return the data after one to four changes, those of the format (`more`) as often as all others together."""
    for _ in range(int(random.integers(1, 5)) if random.integers(2) else 1):
        changes = more if more and random.integers(2) else CHANGES
        data = pick(random, changes)(data, random)
    return data


def splice(data: bytes, other: bytes, random: Random) -> bytes:
    """Return the start of one file and the end of another."""
    at = int(random.integers(0, len(data) + 1))
    return data[:at] + other[int(at / max(1, len(data)) * len(other)) :]


def _span(data: bytes, random: Random) -> tuple[int, int]:
    """Return where a part begins and ends: short as a rule, at most a quarter of the data."""
    if not data:
        return 0, 0
    longest = max(1, len(data) // 4)
    length = int(min(longest, np.exp(random.uniform(0, np.log(longest + 1)))))
    start = int(random.integers(0, len(data) - length + 1))
    return start, start + length
