"""Write docs/assets/walk.webp, the moving image of README.md: a unit walks over a digit and fills its feature map.

python tools/walk_image.py
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageSequence
from sklearn.datasets import load_digits

import convscope

TARGET = Path(__file__).resolve().parents[1] / "docs" / "assets" / "walk.webp"
LARGEST = 400_000  # bytes
DIGIT = 2  # index of the image
FRAME_MS, LAST_MS = 110, 2_500
SIZE = (1040, 300)  # of the frames, without the margin below
COLORS = 28  # of a late frame, for all: the file is half as large


def write(animation: Path) -> int:
    """Write the frames of a GIF as WebP; return its length."""
    with Image.open(animation) as moving:
        frames = [frame.convert("RGB").crop((0, 0, *SIZE)) for frame in ImageSequence.Iterator(moving)]
    palette = frames[-10].quantize(COLORS)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB") for frame in frames]
    waits = [FRAME_MS] * (len(drawn) - 1) + [LAST_MS]
    drawn[0].save(
        TARGET, save_all=True, append_images=drawn[1:], duration=waits, loop=0, lossless=True, quality=60, method=3
    )
    return TARGET.stat().st_size


def main() -> int:
    """Write the image; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        trained = convscope.train("digits", layout="8C3-MP2-32N", epochs=12, output=Path(folder, "run"))
        digit = (load_digits().images[DIGIT] * 255 / 16).astype("uint8")
        drawn = convscope.draw("convolution", trained.folder.path, digit, output=Path(folder, "walk.gif"))
        length = write(drawn.path)
    print(f"{TARGET} ({length / 1000:.0f} kB)")
    return int(length > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
