"""Folders of small generated images for tests."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def image(seed: int, size: tuple[int, int] = (12, 10), *, gray: bool = False) -> Image.Image:
    """Return an image of noise, (width, height)."""
    rng = np.random.default_rng(seed)
    shape = size[::-1] if gray else (*size[::-1], 3)
    return Image.fromarray(rng.integers(0, 256, shape, np.uint8))


def save(path: Path, seed: int, size: tuple[int, int] = (12, 10), *, gray: bool = False) -> Path:
    """Write an image of noise, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image(seed, size, gray=gray).save(path)
    return path


def folder(root: Path, *, each: int = 6, classes: str = "ab", size: tuple[int, int] = (12, 10)) -> Path:
    """Write `each` different images into a sub-folder for each letter of `classes`."""
    for place, name in enumerate(classes):
        for number in range(each):
            save(root / name / f"{number}.png", 1000 * place + number, size)
    return root


def png16(values: NDArray[np.uint16], *chunks: tuple[bytes, bytes], filters: int = 0) -> bytes:
    """Return a PNG of 16 bits a channel, H W C, which Pillow cannot write in color; every line has the same filter."""
    height, width, channels = values.shape
    lines = values.astype(">u2").reshape(height, -1).view(np.uint8).astype(int)  # H, 2 W C
    left = np.pad(lines, ((0, 0), (2 * channels, 0)))[:, : lines.shape[1]]
    above = np.pad(lines, ((1, 0), (0, 0)))[:height]
    corner = np.pad(above, ((0, 0), (2 * channels, 0)))[:, : lines.shape[1]]
    guess = left + above - corner
    away = [np.abs(guess - one) for one in (left, above, corner)]
    nearest = np.where((away[0] <= away[1]) & (away[0] <= away[2]), left, np.where(away[1] <= away[2], above, corner))
    expected = [np.zeros_like(lines), left, above, (left + above) // 2, nearest][filters]
    filtered = ((lines - expected) % 256).astype(np.uint8)
    rows = b"".join(bytes([filters]) + line.tobytes() for line in filtered)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    every = (head, *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in every
    )
