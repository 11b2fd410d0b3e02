"""The comparison that comes with the package: four variants on MNIST, each trained with five seeds.

    python benchmarks/shipped_comparison.py --data-dir SETS
    python benchmarks/shipped_comparison.py --words    # only names, descriptions and the sentence

Scope: shared weights, own weights, a plain network and no pooling (`convscope compare`) on few images of MNIST, with
the same training images, epochs and recipe; accuracy clean and distorted. It writes the record that a page without a
comparison of its own shows, and the counts of every run into the results.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from results_file import RESULTS, write

import convscope
from convscope.core.context import Context
from convscope.core.records import json_text, to_json
from convscope.explorer.comparison import SHIPPED, comparison_data
from convscope.measures.comparison.moved import SAID, SHIFTED, sentence_of
from convscope.measures.comparison.records import VariantRun
from convscope.measures.comparison.variants import VARIANTS
from convscope.measures.distortions.family import GROUPS

TRAINING, TEST, DISTORTED, EPOCHS, SEEDS = 4_000, 2_000, 1_000, 3, 5
LAYOUT = "16C5-MP2-32C3-MP2-128N"
PACKAGED = Path(convscope.__file__).parent / "explorer" / "static" / SHIPPED


def _counts(run: VariantRun) -> dict[str, Any]:
    """Return the correct predictions of a run, clean and by strength of each distortion."""
    return {
        "seed": run.seed,
        "epochs": run.epochs,
        "seconds": round(run.seconds, 1),
        "correct": run.accuracy.correct,
        "clean": int(run.clean().sum()),
        "distorted": {one.distortion: dict(zip(one.strengths, one.correct, strict=True)) for one in run.distorted},
    }


def _moved_accuracy(runs: list[dict[str, Any]], pixels: float) -> float:
    counts: list[int] = [
        count
        for run in runs
        for name in GROUPS[SHIFTED]
        for strength, count in run["distorted"].get(name, {}).items()
        if abs(float(strength)) == pixels
    ]
    return sum(counts) / (len(counts) * DISTORTED)


def _with_words(record: dict[str, Any], runs: dict[str, Any]) -> dict[str, Any]:
    """Return a record with today's names, descriptions and sentence; its numbers are those that were counted."""
    names = {one["name"]: VARIANTS[variant] for one, variant in zip(record["variants"], SAID, strict=True)}
    for one in record["variants"]:
        one |= {"name": names[one["name"]].title, "description": names[one["name"]].description}
    moved = record["moved"]
    moved["variants"] = [
        one | {"name": title, "accuracy": _moved_accuracy(runs[title], moved["pixels"])}
        for one, title in zip(moved["variants"], runs, strict=True)
    ]
    sentence = sentence_of(moved["pixels"], {one["name"]: one["accuracy"] for one in moved["variants"]})
    moved["sentence"] = sentence
    return record


def write_words() -> None:
    """Write names, descriptions and the sentence anew, without a training."""
    measured = json.loads((RESULTS / "shipped-comparison.json").read_text(encoding="utf-8"))
    measured["runs"] = dict(zip((VARIANTS[name].title for name in SAID), measured["runs"].values(), strict=True))
    measured["record"] = _with_words(measured["record"], measured["runs"])
    (RESULTS / "shipped-comparison.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    PACKAGED.write_text(json_text(measured["record"]) + "\n", encoding="utf-8")


def main() -> None:
    """Compare and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data-dir", type=Path, help="where the named sets are")
    options.add_argument("--folder", type=Path, help="keeps finished trainings, so that it can be continued")
    options.add_argument("--words", action="store_true", help="write only what is said, into what is there")
    given = options.parse_args()
    if given.words:
        write_words()
        return
    result = convscope.compare(
        "mnist",
        variants=SAID,
        epochs=EPOCHS,
        seeds=SEEDS,
        layout=LAYOUT,
        images=TRAINING,
        test_images=TEST,
        distorted=DISTORTED,
        output=given.folder or tempfile.mkdtemp(),
        force=True,
        progress=True,
        context=Context(data_dir=given.data_dir),
    )
    record = comparison_data(result.comparison, own=False)
    PACKAGED.write_text(json_text(record) + "\n", encoding="utf-8")
    runs = {variant.title: [_counts(run) for run in variant.runs] for variant in result.comparison.measured}
    write("shipped-comparison", (__doc__ or "").splitlines()[0], {"record": to_json(record), "runs": runs})


if __name__ == "__main__":
    main()
