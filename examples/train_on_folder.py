"""Create a folder of small images (discs, squares and crosses), train on it, and predict.

Run: python examples/train_on_folder.py
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import convscope
from convscope.core.context import Context

SIDE = 24


def draw(shape: str, random: np.random.Generator) -> Image.Image:
    """Return an image of `shape` at a random position, in a random size and color, on a noisy background."""
    image = Image.fromarray(random.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(image)
    radius = int(random.integers(4, 8))
    x, y = (int(center) for center in random.integers(radius, SIDE - radius, 2))
    color = (*(int(value) for value in random.integers(120, 256, 3)),)
    if shape == "disc":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    elif shape == "square":
        pen.rectangle((x - radius, y - radius, x + radius, y + radius), fill=color)
    else:
        pen.line((x - radius, y, x + radius, y), fill=color, width=3)
        pen.line((x, y - radius, x, y + radius), fill=color, width=3)
    return image


def make_folder(folder: Path, images: int) -> None:
    """Write `images` PNG files of each shape, one sub-folder per shape."""
    random = np.random.default_rng(0)
    for shape in ("cross", "disc", "square"):
        (folder / shape).mkdir(parents=True)
        for number in range(images):
            draw(shape, random).save(folder / shape / f"{number:03}.png")


def main() -> None:
    """Create, check, train, predict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="of each shape")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        shapes = Path(folder, "shapes")
        make_folder(shapes, options.images)

        checked = convscope.check(str(shapes))
        print(f"{checked.images} images, {len(checked.problems)} problems")

        trained = convscope.train(
            str(shapes),
            epochs=options.epochs,
            output=Path(folder, "run"),
            context=Context(cache_dir=Path(folder, "cache")),
        )
        accuracy = trained.report.accuracy
        low, high = accuracy.interval
        print(f"{trained.report.layout}: {accuracy.fraction:.1%} correct (95 % interval {low:.1%} to {high:.1%})")

        model = convscope.load(trained.folder.model)
        images = np.stack([np.asarray(draw("disc", np.random.default_rng(seed))) for seed in range(5)])
        for probabilities in model.predict_proba(images):
            best = int(probabilities.argmax())
            print(f"a disc is predicted as {model.classes[best]} with {probabilities[best]:.0%}")


if __name__ == "__main__":
    main()
