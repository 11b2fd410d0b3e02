"""An image of the user's own becomes in the page what it becomes in Python."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.records import to_json
from convscope.images.decoding.decoder import Decoded, decode
from convscope.images.preprocessing import FITS, Preprocessing
from convscope.images.values import ValueRange, ValueRanges
from tests.images.generated import png16

from .javascript import STATIC, needs_node, run_driver

SIZES = ((8, 8), (7, 5), (40, 30), (30, 41), (97, 33), (150, 201), (1, 60), (12, 9))  # rows, columns
TARGETS = ((8, 8), (12, 9), (28, 20))


def rgba(size: tuple[int, int], seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 4), dtype=np.uint8)
    if seed % 2:
        pixels[:, :, 3] = 255
    return pixels


@needs_node
def test_an_image_is_fitted_as_in_python(tmp_path: Path) -> None:
    """Up to 1 of 255, and nearly always exactly: versions of Pillow differ in which side they scale first."""
    given: list[dict[str, Any]] = []
    expected = []
    for fit in FITS:
        for channels, background in ((1, (7,)), (3, (250, 3, 90))):
            for height, width in TARGETS:
                for seed, size in enumerate(SIZES):
                    pixels = rgba(size, seed)
                    layer = Preprocessing(height=height, width=width, channels=channels, fit=fit, background=background)
                    kept = pixels if (pixels[:, :, 3] < 255).any() else pixels[:, :, :3]
                    expected.append(layer.apply(Decoded(values=kept)))
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


@needs_node
def test_a_png_of_sixteen_bits_has_the_gray_levels_of_python(tmp_path: Path) -> None:
    words = np.random.default_rng(4).integers(0, 4096, (7, 9, 4), dtype=np.uint16)
    words[0, :, :] = np.arange(36).reshape(9, 4)  # filters of lines are of use here
    chosen = [
        ValueRanges(),
        ValueRanges(integer=ValueRange(low=0, high=4095)),
        ValueRanges(integer=ValueRange(low=171, high=388.5)),
        ValueRanges(each=True),
    ]
    key = words[2, 3, :3].astype(">u2").tobytes()
    files = [png16(words[..., :channels], filters=filters) for channels in (1, 2, 3, 4) for filters in range(5)]
    files.append(png16(words[..., :3], (b"tRNS", key)))
    files.append(png16(words[..., :3], (b"sBIT", b"\x0c\x0b\x0c")))
    cases = [(file, ranges) for file in files for ranges in chosen]
    given = [{"file": base64.b64encode(file).decode(), "ranges": to_json(ranges)} for file, ranges in cases]
    for (file, ranges), made in zip(cases, run_driver("values_driver.mjs", given, tmp_path), strict=True):
        read = decode(file)
        expected = ranges.gray_levels(read.values, read.usual)
        assert expected is not None
        found = np.array(made["levels"], np.uint8).reshape(7, 9, 4)
        color = found[..., :1] if expected.shape[2] == 1 else found[..., : expected.shape[2]]
        assert np.array_equal(color, expected)
    others = [b"\x89PNG", files[0][:24] + b"\x08" + files[0][25:]]
    given = [{"file": base64.b64encode(file).decode(), "ranges": to_json(ValueRanges())} for file in others]
    assert run_driver("values_driver.mjs", given, tmp_path) == [None, None]


@pytest.mark.parametrize("fit", FITS)
def test_every_fit_is_known_to_the_page(fit: str) -> None:
    text = (STATIC / "preprocessing.js").read_text(encoding="utf-8")
    assert fit == "letterbox" or f'"{fit}"' in text
