"""Folders of small generated pictures for tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (12, 10), *, gray: bool = False) -> Image.Image:
    """Return a picture of noise, (width, height)."""
    rng = np.random.default_rng(seed)
    shape = size[::-1] if gray else (*size[::-1], 3)
    return Image.fromarray(rng.integers(0, 256, shape, np.uint8))


def save(path: Path, seed: int, size: tuple[int, int] = (12, 10), *, gray: bool = False) -> Path:
    """Write a picture of noise, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed, size, gray=gray).save(path)
    return path


def folder(root: Path, *, each: int = 6, classes: str = "ab", size: tuple[int, int] = (12, 10)) -> Path:
    """Write `each` different pictures into a sub-folder for each letter of `classes`."""
    for place, name in enumerate(classes):
        for number in range(each):
            save(root / name / f"{number}.png", 1000 * place + number, size)
    return root
