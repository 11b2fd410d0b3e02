"""A picture of the user's own becomes in the page what it becomes in Python."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.images.decoding.pictures import Decoded
from convscope.images.preprocessing import FITS, Preprocessing

from .javascript import STATIC, needs_node, run_driver

SIZES = ((8, 8), (7, 5), (40, 30), (30, 41), (97, 33), (150, 201), (1, 60), (12, 9))  # rows, columns
TARGETS = ((8, 8), (12, 9), (28, 20))


def rgba(size: tuple[int, int], seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 4), dtype=np.uint8)
    if seed % 2:
        pixels[:, :, 3] = 255
    return pixels


@needs_node
def test_a_picture_is_fitted_as_in_python(tmp_path: Path) -> None:
    """Up to 1 of 255, and nearly always exactly: versions of Pillow differ in which side they scale first."""
    given: list[dict[str, Any]] = []
    expected = []
    for fit in FITS:
        for channels, background in ((1, (7,)), (3, (250, 3, 90))):
            for height, width in TARGETS:
                for seed, size in enumerate(SIZES):
                    pixels = rgba(size, seed)
                    step = Preprocessing(height=height, width=width, channels=channels, fit=fit, background=background)
                    kept = pixels if (pixels[:, :, 3] < 255).any() else pixels[:, :, :3]
                    expected.append(step.apply(Decoded(pixels=kept)))
                    raster = {"data": base64.b64encode(pixels.tobytes()).decode(), "rows": size[0], "columns": size[1]}
                    target = {"height": height, "width": width, "channels": channels, "fit": fit}
                    given.append({"raster": raster, "target": {**target, "background": background}})
    made = run_driver("preprocessing_driver.mjs", given, tmp_path)
    assert len(made) == len(expected) > 100
    different = total = 0
    for text, pixels, one in zip(made, expected, given, strict=True):
        found = np.frombuffer(base64.b64decode(text), np.uint8).reshape(pixels.shape)
        described = f"{one['raster']['rows']}x{one['raster']['columns']} {one['target']}"
        np.testing.assert_allclose(found.astype(int), pixels, rtol=0, atol=1, err_msg=described)
        different += int((found != pixels).sum())
        total += pixels.size
    assert different < 0.05 * total


@pytest.mark.parametrize("fit", FITS)
def test_every_fit_is_known_to_the_page(fit: str) -> None:
    text = (STATIC / "look" / "preprocessing.js").read_text(encoding="utf-8")
    assert fit == "letterbox" or f'"{fit}"' in text
