"""MNIST and Fashion-MNIST as arrays, from their IDX files."""

import gzip
from pathlib import Path

import numpy as np


def read(folder: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return images uint8 N 28 28 and labels uint8 N, for training and for the test."""
    parts = []
    for part in ("train", "t10k"):
        images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
        parts.append(
            (np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8))
        )
    return parts[0], parts[1]
