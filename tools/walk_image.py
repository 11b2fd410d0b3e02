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
FRAME_MS, LAST_MS = 90, 2_500


def main() -> int:
    """Write the image; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        trained = convscope.train("digits", layout="8C3-MP2-32N", epochs=12, output=Path(folder, "run"))
        digit = (load_digits().images[DIGIT] * 255 / 16).astype("uint8")
        drawn = convscope.draw("convolution", trained.folder.path, digit, output=Path(folder, "walk.gif"))
        with Image.open(drawn.path) as moving:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(moving)]
    waits = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(TARGET, save_all=True, append_images=frames[1:], duration=waits, loop=0, quality=60, method=6)
    length = TARGET.stat().st_size
    print(f"{TARGET} ({length / 1000:.0f} kB, {len(frames)} frames)")
    return int(length > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
