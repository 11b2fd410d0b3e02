"""How well `convscope check --model` finds what was put into a dataset on purpose, and what its scores mean.

    python benchmarks/clean.py FLOWERS CIFAR10 [--seeds 5] [--copies 100] [--spoiled 50]

Scope: FLOWERS has train/ and test/ with one sub-folder per class, CIFAR10 test/; features of EfficientNet-lite0.
Labels: 5 % of the labels of FLOWERS changed, at random or to the class that is most often confused, beside cleanlab
with its defaults on the same features; wrong labels that FLOWERS has itself count as false. Copies: of each kind of
change, some changed photographs beside all of FLOWERS; pairs found among FLOWERS and among the test images of CIFAR10
as they are (with few pixels as features) are listed. Bad images: photographs blurred, darkened, over-exposed or
drawn, 50 of a kind beside all of FLOWERS, and 50 images of CIFAR10 as outliers, 5 at a time. The precision at a raw
value is that of isotonic regression.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peer_environments import python_of, versions_of
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from results_file import spread, write
from sklearn.isotonic import IsotonicRegression

from convscope.cleaning.calibration import least_value
from convscope.cleaning.near_duplicates import near_duplicates, squares
from convscope.cleaning.out_of_fold import out_of_fold
from convscope.cleaning.quality import oddness, outlyingness, statistics_of
from convscope.cleaning.wrong_labels import LEAST_SCORE as LEAST_OF_LABELS
from convscope.cleaning.wrong_labels import suspect_labels
from convscope.core.progress import Silent
from convscope.features.extraction import image_options
from convscope.images.dataset import Dataset, prepare
from convscope.images.sources.opening import open_source
from convscope.networks.starts import open_start
from convscope.transfer.head_model import normalized
from convscope.transfer.preparing import cuts_of
from convscope.transfer.start_features import StartFeatures, Wanted
from convscope.transfer.views import ITSELF

NETWORK, PEER = "efficientnet-lite0", "cleanlab_defaults"
WRONG, LEAST = 0.05, 0.5
Change = Callable[[Image.Image, np.random.Generator], Image.Image]
Features = NDArray[np.float32]
Flags = NDArray[np.bool_]


def _cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut away 5 % of width and height, at sides drawn at random."""
    width, height = image.size
    left, top = (round(0.05 * side * rng.random()) for side in (width, height))
    return image.crop((left, top, left + round(0.95 * width), top + round(0.95 * height)))


def _scaled(factor: float) -> Change:
    return lambda image, _: image.resize((round(image.width * factor), round(image.height * factor)))


COPIES: dict[str, Change] = {
    "recompressed": lambda image, _: image,  # all are saved as JPEG of quality 60
    "resized by 0.7": _scaled(0.7),
    "resized by 1.3": _scaled(1.3),
    "cropped by 5 %": _cropped,
    "flipped": lambda image, _: ImageOps.mirror(image),
    "rotated": lambda image, rng: image.rotate(int(rng.integers(1, 4)) * 90, expand=True),
    "flipped, cropped, resized by 0.7": lambda image, rng: _scaled(0.7)(_cropped(ImageOps.mirror(image), rng), rng),
}


def _blurred(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(max(image.size) * rng.uniform(0.006, 0.02)))


def _drawn(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Return edges on white, as a drawing has them."""
    return ImageOps.posterize(ImageOps.invert(image.convert("L").filter(ImageFilter.FIND_EDGES)).convert("RGB"), 2)


SPOILS: dict[str, Change] = {
    "blurred": _blurred,
    "dark": lambda image, rng: ImageEnhance.Brightness(image).enhance(rng.uniform(0.1, 0.35)),
    "over-exposed": lambda image, rng: ImageEnhance.Brightness(image).enhance(rng.uniform(2.2, 4)),
    "other kind": _drawn,
}


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flowers", type=Path)
    parser.add_argument("cifar10", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--spoiled", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--peer-answer", type=Path, default=None)
    chosen = parser.parse_args()
    flowers, features = featured(chosen.flowers, chosen.cache)
    files = [path for index in range(len(flowers)) if (path := flowers.path(index)) is not None]
    results: dict[str, Any] = {"network": NETWORK}
    results["labels"], curve = labels_found(normalized(features), flowers, chosen)
    print(json.dumps(results["labels"]), curve, flush=True)
    curves = {"wrong label": curve}
    with tempfile.TemporaryDirectory() as place:
        spoiled = files[1 :: len(files) // chosen.spoiled]
        results["bad images"], more = bad_found(flowers, features, spoiled, place, chosen)
        results["copies"], curves["near-duplicate"] = copies_found(flowers, features, files, Path(place), chosen)
    results["precision"] = curves | more
    write("clean", __doc__.partition("Scope: ")[2], results)
    results["false pairs"] = false_pairs(flowers, features, chosen)
    write("clean", __doc__.partition("Scope: ")[2], results)


def featured(path: Path, cache: Path | None, *, class_depth: int | None = None) -> tuple[Dataset, Features]:
    """Return images as the network takes them, and their features."""
    start = open_start(NETWORK)
    dataset = prepare(
        open_source(str(path), unlabeled=True, class_depth=class_depth),
        image_options(start.model.preprocessing),
        cache_dir=cache,
    )
    cut = cuts_of(start, None)
    every = Wanted(view=ITSELF, indices=np.arange(len(dataset)))
    (found,) = StartFeatures(start.model, cut, dataset, cache_dir=cache, reporter=Silent()).of([every])
    return dataset, found[cut[0]]


def changed(files: list[Path], folder: Path, change: Change, *, quality: int = 60) -> Path:
    """Write the changed images, in their order; return their folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, file in enumerate(files):
        with Image.open(file) as image:
            change(image.convert("RGB"), rng).save(folder / f"{number:05}.jpg", quality=quality)
    return folder


def calibrated(values: NDArray[np.float64], right: Flags) -> list[tuple[float, float]]:
    """Return the precision by raw value, where it changes: isotonic regression at quantiles of the values."""
    fitted = IsotonicRegression(out_of_bounds="clip").fit(values, right)
    at = np.quantile(values[right], np.linspace(0, 1, 11)), np.quantile(values[~right], [0.5, 0.9, 0.98, 1])
    raw = np.unique(np.concatenate(at).round(3))
    precision = np.pad(fitted.predict(raw).round(3), 1, constant_values=(0, 1))
    changes = (np.diff(precision)[:-1] > 0) | (np.diff(precision)[1:] > 0)
    return list(zip(raw[changes].tolist(), precision[1:-1][changes].tolist(), strict=True))


def labels_found(
    features: Features, flowers: Dataset, chosen: argparse.Namespace
) -> tuple[dict[str, Any], list[tuple[float, float]]]:
    """Return recall and precision of changed labels, beside cleanlab's, and the precision by margin."""
    labels, classes = flowers.labels, len(flowers.classes)
    clean = out_of_fold(features, labels, classes=classes).argmax(axis=1)
    confused = np.zeros((classes, classes), int)
    np.add.at(confused, (labels, clean), 1)
    np.fill_diagonal(confused, 0)
    given: dict[str, list[tuple[NDArray[np.int64], Flags]]] = {"at random": [], "between similar classes": []}
    for seed in range(chosen.seeds):
        for kind, made in given.items():
            rng = np.random.default_rng(seed)
            at = rng.permutation(len(labels))[: round(WRONG * len(labels))]
            changed_ones = labels.copy()
            at_random = (labels[at] + rng.integers(1, classes, len(at))) % classes
            changed_ones[at] = at_random if kind == "at random" else confused.argmax(axis=1)[labels[at]]
            made.append((changed_ones, changed_ones != labels))
    flat = [pair for made in given.values() for pair in made]
    peer = _peer(features, [labeling for labeling, _ in flat], chosen.peer_answer)
    suspects = [
        suspect_labels(out_of_fold(features, labeling, classes=classes, seed=seed), labeling)
        for seed, (labeling, _) in enumerate(flat)
    ]
    right = np.concatenate([wrong[one.indices] for one, (_, wrong) in zip(suspects, flat, strict=True)])
    curve = calibrated(np.concatenate([one.margins for one in suspects]), right)
    own = [one.indices[np.interp(one.margins, *np.array(curve).T) >= LEAST_OF_LABELS].tolist() for one in suspects]
    print("confused with", confused.argmax(axis=1), flush=True)
    result: dict[str, Any] = {"cleanlab": versions_of(PEER), "images": len(labels), "wrong": WRONG}
    for number, kind in enumerate(given):
        part = slice(number * chosen.seeds, (number + 1) * chosen.seeds)
        result[kind] = {
            name: _recall_and_precision(found[part], [wrong for _, wrong in flat[part]])
            for name, found in (("convscope", own), ("cleanlab defaults", peer))
        }
    return result, curve


def _peer(features: Features, labelings: list[NDArray[np.int64]], answer: Path | None) -> list[list[int]]:
    """Return the indices that cleanlab finds; `answer` is what it printed before, for the same labels."""
    if answer is not None and answer.exists():
        return json.loads(answer.read_text())  # type: ignore[no-any-return]  # of its own program
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, features=features, labels=np.stack(labelings))
        file.flush()
        program = Path(__file__).parent / "peers" / f"{PEER}.py"
        done = subprocess.run([python_of(PEER), program, file.name], check=True, capture_output=True, text=True)
    if answer is not None:
        answer.write_text(done.stdout)
    return json.loads(done.stdout)  # type: ignore[no-any-return]  # of its own program


def _recall_and_precision(found: list[list[int]], wrong: list[Flags]) -> dict[str, dict[str, float]]:
    hits = [int(flags[indices].sum()) for indices, flags in zip(found, wrong, strict=True)]
    return {
        "recall": spread([hit / int(flags.sum()) for hit, flags in zip(hits, wrong, strict=True)]),
        "precision": spread([hit / len(indices) for hit, indices in zip(hits, found, strict=True)]),
    }


def copies_found(
    flowers: Dataset, features: Features, files: list[Path], place: Path, chosen: argparse.Namespace
) -> tuple[dict[str, Any], list[tuple[float, float]]]:
    """Return the fraction of changed copies that are found, by kind, and the precision by likeness."""
    at = {flowers.path(index): index for index in range(len(flowers))}
    parts = [files[number :: len(COPIES)][: chosen.copies] for number in range(len(COPIES))]
    made = place / "copies"
    for (kind, change), part in zip(COPIES.items(), parts, strict=True):
        changed(part, made / kind, change)
    copies, theirs = featured(made, chosen.cache, class_depth=1)
    images = np.concatenate([flowers.images, copies.images])
    found = near_duplicates(squares(images), np.concatenate([features, theirs]))
    originals = {kind: [at[file] for file in part] for kind, part in zip(COPIES, parts, strict=True)}
    kinds = [copies.classes[label] for label in copies.labels]
    places = [int(Path(copies.image_name(index)).stem) for index in range(len(copies))]
    expected = {
        (originals[kind][place], len(flowers) + index): kind
        for index, (kind, place) in enumerate(zip(kinds, places, strict=True))
    }
    of = [expected.get((first, second)) for first, second in found.pairs.tolist()]
    result = {}
    for kind in COPIES:
        scores = found.scores[[one == kind for one in of]]
        result[kind] = {
            "copies": chosen.copies,
            "found": int((scores >= least_value("near-duplicate", LEAST)).sum()),
            "scores": spread(scores.tolist()),
        }
        print(kind, result[kind], flush=True)
    right = np.array([one is not None for one in of])
    false = found.scores[~right & (found.pairs[:, 0] < len(flowers))]
    result["highest false scores"] = np.sort(false)[::-1][:10].round(3).tolist()
    return result, calibrated(found.scores.astype(float), right)


def false_pairs(flowers: Dataset, features: Features, chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the pairs that are found where no copy was put, with their names."""
    result = {}
    cifar = prepare(open_source(str(chosen.cifar10 / "test")), cache_dir=chosen.cache)
    thinned = squares(cifar.images).reshape(len(cifar), -1).numpy()[:, ::7]
    for name, dataset, vectors in (("flowers", flowers, features), ("cifar10", cifar, thinned)):
        found = near_duplicates(squares(dataset.images), vectors, least_value("near-duplicate", LEAST))
        pairs = zip(found.pairs.tolist(), found.scores.tolist(), strict=True)
        listed = [[*(dataset.image_name(index) for index in pair), round(score, 3)] for pair, score in pairs]
        result[name] = {"images": len(dataset), "pairs": listed}
        print(name, len(listed), flush=True)
    return result


def bad_found(
    flowers: Dataset, features: Features, files: list[Path], place: str, chosen: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, list[tuple[float, float]]]]:
    """Return recall and precision of bad images at an even score, and the precision by raw value, by kind."""
    result, curves = {}, {}
    others = sorted((chosen.cifar10 / "test").rglob("*.jpg"))
    for kind in (*SPOILS, "outlier"):
        strange = kind == "outlier"
        used = others[:: len(others) // len(files)][: len(files)] if strange else files
        change = COPIES["recompressed"] if strange else SPOILS[kind]
        bad, theirs = featured(changed(used, Path(place) / kind, change, quality=85), chosen.cache)
        if strange:  # a few at a time: many would be each other's neighbors
            found = [
                outlyingness(np.concatenate([features, theirs[at :: len(theirs) // 5]]))
                for at in range(len(theirs) // 5)
            ]
            own = np.mean([one[: len(flowers)] for one in found], axis=0)
            raw = np.concatenate([own, *(one[len(flowers) :] for one in found)])
        else:
            raw = oddness(statistics_of(np.concatenate([flowers.images, bad.images])))[kind]
        wrong = np.arange(len(raw)) >= len(flowers)
        curves[kind] = calibrated(raw, wrong)
        at, precision = np.array(curves[kind]).T
        shown = np.interp(raw, at, precision) >= LEAST
        right = int((shown & wrong).sum())
        result[kind] = {"images": len(raw), "bad": int(wrong.sum()), "shown": int(shown.sum()), "right": right}
        print(kind, result[kind], curves[kind], flush=True)
    return result, curves


if __name__ == "__main__":
    main()
