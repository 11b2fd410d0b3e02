"""The ten digits as strokes of a pen, drawn in several ways."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Stroke = list[tuple[float, float]]
SIDE = 280  # pixels, as the page's drawing pad


def _arc(x: float, y: float, wide: float, tall: float, start: float, end: float) -> Stroke:
    angles = [math.radians(start + (end - start) * step / 24) for step in range(25)]
    return [(x + wide * math.cos(angle), y + tall * math.sin(angle)) for angle in angles]


DIGITS: tuple[list[Stroke], ...] = (
    [_arc(0.5, 0.5, 0.3, 0.45, 0, 360)],
    [[(0.38, 0.2), (0.52, 0.05), (0.52, 0.95)]],
    [[*_arc(0.5, 0.3, 0.28, 0.25, 180, 380), (0.2, 0.95), (0.8, 0.95)]],
    [[*_arc(0.47, 0.28, 0.27, 0.23, 200, 450), *_arc(0.47, 0.72, 0.3, 0.23, 270, 520)]],
    [[(0.28, 0.05), (0.2, 0.6), (0.8, 0.6)], [(0.65, 0.3), (0.6, 0.95)]],
    [[(0.75, 0.05), (0.32, 0.05), (0.28, 0.45), *_arc(0.47, 0.68, 0.28, 0.27, 250, 500)]],
    [[(0.6, 0.05), (0.35, 0.35), *_arc(0.5, 0.7, 0.26, 0.25, 200, 560)]],
    [[(0.2, 0.05), (0.8, 0.05), (0.42, 0.95)]],
    [[*_arc(0.5, 0.28, 0.22, 0.22, 90, 450), *_arc(0.5, 0.72, 0.27, 0.23, 270, 630)]],
    [[*_arc(0.5, 0.3, 0.25, 0.25, 0, 360), (0.74, 0.35), (0.62, 0.95)]],
)


def _scaled(side: float, left: float, top: float, slant: float = 0) -> Callable[[float, float], tuple[float, float]]:
    return lambda x, y: ((left + side * (x + slant * (0.5 - y))) * SIDE, (top + side * y) * SIDE)


WAYS = {
    "thin": (_scaled(0.7, 0.15, 0.15), 0.05),
    "thick": (_scaled(0.7, 0.15, 0.15), 0.13),
    "small": (_scaled(0.35, 0.33, 0.33), 0.06),
    "large": (_scaled(0.88, 0.06, 0.06), 0.09),
    "in a corner": (_scaled(0.45, 0.03, 0.03), 0.07),
    "slanted": (_scaled(0.7, 0.15, 0.15, slant=0.35), 0.09),
}


def drawn(digit: int, way: str) -> NDArray[np.uint8]:
    """Return a digit, white on black, rows x columns."""
    place, pen = WAYS[way]
    width = pen * SIDE
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)
    for stroke in DIGITS[digit]:
        points = [place(x, y) for x, y in stroke]
        draw.line(points, fill=255, width=round(width), joint="curve")
        for x, y in points:
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(image)
