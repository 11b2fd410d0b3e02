"""Build the pages of docs/gallery/: train a network for each dataset, measure it, and write its page.

python tools/gallery.py [--photos FOLDER] [--only NAME]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import convscope
from convscope.core.errors import DataError, StorageError

GALLERY = Path(__file__).resolve().parents[1] / "docs" / "gallery"
MEASURED = 500  # images that are distorted
WITHOUT_UNITS = 500, 100  # images that each unit is switched off on; photographs need a larger network
DISTORTIONS = ["shift-x", "shift-y", "rotation", "scale", "noise"]
LARGEST = 3_000_000, 8_000_000  # bytes of a page of digits, and of photographs


def build(
    name: str, data: str, folder: Path, *, epochs: int, size: int | None = None, ablation: int = WITHOUT_UNITS[0]
) -> Path:
    """Train on `data`, measure the units and the robustness, write the page."""
    sets = os.environ.get("CONVSCOPE_DATA")
    context = convscope.Context(progress=True, data_dir=Path(sets) if sets else None)
    trained = convscope.train(data, output=folder / name, epochs=epochs, size=size, context=context)
    run, page = trained.folder.path, GALLERY / f"{name}.html"
    convscope.units(run, data, ablation=ablation, context=context)
    convscope.measure(run, data, distortions=DISTORTIONS, images=MEASURED, context=context)
    convscope.look(run, output=page, force=True, context=context)
    length = page.stat().st_size
    print(f"{page} ({length / 1e6:.1f} MB{', larger than planned' if length > LARGEST[size is not None] else ''})")
    return page


def main() -> int:
    """Build the pages that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photographs with one sub-folder per class")
    parser.add_argument("--only", choices=("mnist", "fashion-mnist", "photos"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("mnist", "fashion-mnist"):
            if given.only in (None, name):
                try:
                    build(name, name, Path(folder), epochs=1)
                except (DataError, StorageError) as error:
                    print(f"{name}.html is left out: {error}")
        if given.photos and given.only in (None, "photos"):
            build("photos", str(given.photos), Path(folder), epochs=8, size=64, ablation=WITHOUT_UNITS[1])
    if not given.photos:
        print("photos.html is left out: name a folder with make gallery PHOTOS=my-photos/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
