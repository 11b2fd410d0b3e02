"""Thumbnails of the page are files of images, which any program reads."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from .javascript import needs_node, run_driver

SHAPES = ((5, 3, 1), (4, 7, 3), (90, 90, 3))  # rows, columns, channels: with 3, 3 and 2 bytes to fill a line up


@needs_node
def test_a_thumbnail_holds_its_image_exactly(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, shape, dtype=np.uint8) for shape in SHAPES]
    given = [
        {"rows": rows, "columns": columns, "channels": channels, "pixels": base64.b64encode(one.tobytes()).decode()}
        for one, (rows, columns, channels) in zip(images, SHAPES, strict=True)
    ]
    addresses = run_driver("bitmap_driver.mjs", given, tmp_path)
    assert len(addresses) == 2 * len(images)
    for place, address in enumerate(addresses):
        head, data = address.split(",")
        assert head == "data:image/bmp;base64"
        with Image.open(BytesIO(base64.b64decode(data))) as opened:
            found = np.asarray(opened.convert("RGB"))
        expected = images[place // 2]
        np.testing.assert_array_equal(found, np.broadcast_to(expected, (*expected.shape[:2], 3)))
