"""The page of results on classifiers, first stages, and selectivity by depth."""

from results_file import told_by_set
from results_words import (
    NOT_CONFIRMED,
    SETS,
    Found,
    Lines,
    compared,
    mean_of,
    measured_on,
    result,
    surely,
    table,
    written_by,
)

from convscope.core.text import counted

WORDS = {
    "of the softmax network": "on features of the softmax network",
    "of the svm network": "on features of the SVM network",
    "learned with labels": "supervised",
    "whitening, then learned on": "whitening, fine-tuned",
}
"""Names in the result files, in the words of the page."""


def learned_page() -> Lines:
    """Return the page on classifiers, first stages, and selectivity by depth."""
    lines = ["# Softmax or SVM, random or learned, selectivity by depth", "", *written_by(), ""]
    return [*lines, *_softmax_svm(), *_first_stage(), *_selectivity()]


def _softmax_svm() -> Lines:
    found = result("softmax-svm")
    if found is None:
        return []
    lines = ["## Softmax or SVM?", "", "Accuracy of the SVM minus that of the softmax, paired by seed, in points:"]
    ways = dict.fromkeys(what for result in found["sets"].values() for what in result["svm_minus_softmax"])
    rows = [
        [SETS.get(name, name), *(_difference(result["svm_minus_softmax"].get(what), "SVM", "softmax") for what in ways)]
        for name, result in found["sets"].items()
    ]
    sources = "\\\n".join(told_by_set(found, measured_on))
    lines += table(["dataset", *(WORDS.get(what, what) for what in ways)], rows)
    trained = dict.fromkeys(map(_training, found["sets"].values()))
    return [*lines, f"Trained end to end ({'; '.join(trained)}): {'; '.join(_ends(found))}. {_SHORT}", "", sources, ""]


_SHORT = "In short trainings the end-to-end difference includes how fast each classifier learns."


def _ends(found: Found) -> Lines:
    """Return the accuracy of the networks trained end to end."""
    return [
        f"{SETS.get(name, name)} "
        + ", ".join(f"{classifier} {_finely(accuracy)}" for classifier, accuracy in result["accuracy"].items())
        for name, result in found["sets"].items()
    ]


def _training(result: Found) -> str:
    """Return how the networks were trained end to end."""
    seeds = int(next(iter(result["svm_minus_softmax"].values()))["n"])
    images, epochs = counted(result["training_images"], "training image"), counted(result["epochs"], "epoch")
    return f"{images}, {epochs}, {counted(seeds, 'seed')}"


def _finely(found: Found) -> str:
    """Return a mean over seeds in hundredths of a percent, with the half-width of its interval."""
    half_width = found.get("mean_95_half_width")
    return f"{100 * found['mean']:.2f}" + ("" if half_width is None else f" ± {100 * half_width:.2f}")


def _points(gap: Found) -> str:
    half_width = gap.get("mean_95_half_width")
    return f"{100 * gap['mean']:+.2f}" + ("" if half_width is None else f" ± {100 * half_width:.2f}")


def _difference(gap: Found | None, above: str, below: str) -> str:
    """Return a difference in points with its interval, and what is better if it is significant."""
    if gap is None:
        return "–"
    if gap.get("mean_95_half_width", 1) >= abs(gap["mean"]):
        return _points(gap)
    return f"**{_points(gap)}** ({above if gap['mean'] > 0 else below})"


def _first_stage() -> Lines:
    lines = []
    if found := result("first-stage"):
        lines += ["## First stage: random or learned?", ""]
        lines += [
            "The first stage changes, compared with the supervised one, paired by seed "
            f"({'; '.join(_networks(found))}):"
        ]
        ways = dict.fromkeys(way for result in found["sets"].values() for way in result["ways"])
        rows = [
            [WORDS.get(way, way), *(cell for result in found["sets"].values() for cell in _way(result, way))]
            for way in ways
        ]
        names = [SETS.get(name, name) for name in found["sets"]]
        head = ["first stage", *(f"{name}{what}" for name in names for what in ("", ": difference", ": seconds"))]
        lines += [*table(head, rows), measured_on(found), ""]
    if found := result("first-stage-digits04"):
        lines += [
            "The exercise of UFLDL (digits 0 to 4, one stage and a softmax) reports 97.5 % for random units and "
            f"about 99 % for learned ones. Here, with {counted(found['units'], 'unit')} of 9 × 9 learned on the "
            f"digits 5 to 9, and {counted(found['images'], 'training image')}:"
        ]
        rows = [
            [way, _finely(result["accuracy"]), str(result["accuracy"]["n"])] for way, result in found["ways"].items()
        ]
        lines += [*table(["units", "accuracy", "seeds"], rows), measured_on(found), ""]
    return lines


def _networks(found: Found) -> Lines:
    """Return what was trained on each dataset."""
    return [
        f"{SETS.get(name, name)}: `{result['layout']}`, {counted(result['training_images'], 'training image')}, "
        f"{counted(result['epochs'], 'epoch')}, {counted(next(iter(result['ways'].values()))['accuracy']['n'], 'seed')}"
        for name, result in found["sets"].items()
    ]


def _way(result: Found, way: str) -> Lines:
    """Return accuracy of a first stage, its difference from the supervised one, and the seconds of training."""
    if way not in result["ways"]:
        return ["–", "–", "–"]
    values, gain = result["ways"][way], result["minus_learned"].get(way, {}).get("accuracy")
    difference = _difference(gain, "better", "worse")
    return [_finely(values["accuracy"]), difference, f"{values['seconds']['median']:.1f}"]


def _selectivity() -> Lines:
    lines: Lines = []
    rows = []
    for name, (found, _) in compared().items():
        steps = found["sensitivity"]["convolution"]["steps"]
        rows += [
            [SETS[name], step.replace(": ", " "), *(mean_of(values[key], percent=False) for key in _SELECTIVE)]
            for step, values in steps.items()
            if values.get("selectivity") is not None
        ]
        first = next(iter(steps.values()))
        text = f"- {SETS[name]}: {_selectivity_verdict(steps)}"
        if first.get("gabor"):
            text += f" Gabor waves explain {mean_of(first['gabor'])} % of the weights of the first units, "
            text += f"{mean_of(first['gabor_random'])} % of random ones: {_gabor_verdict(first)}."
        lines += [text]
    head = [
        "## Selectivity by depth",
        "",
        "Mean [selectivity](../units.md#from-edges-to-objects-selectivity-by-depth) of the units of a layer: 0 for "
        "equal responses to all classes, 1 for one class only. It rises with random weights, too, because larger "
        "patches are more informative.",
        *table(["dataset", "layer", "selectivity", "with random weights"], rows),
    ]
    return [*head, *lines, "", "The networks are those of [shifts](shifts.md)."] if lines else []


_SELECTIVE = ("selectivity", "selectivity_random")


def _gabor_verdict(first: Found) -> str:
    own, chance = first["gabor"], first["gabor_random"]
    if surely(own, chance):
        return "training makes the filters more like edges"
    if surely(chance, own):
        return f"training makes the filters less like edges. {NOT_CONFIRMED.removesuffix('.**')}**"
    return "no significant difference"


def _selectivity_verdict(steps: dict[str, Found]) -> str:
    """Return whether later units are more selective, and more so than with random weights."""
    known = [values for values in steps.values() if values.get("selectivity") is not None]
    first, last = known[0], known[-1]

    if not surely(last["selectivity"], first["selectivity"]):
        return f"selectivity does not rise significantly with depth. {NOT_CONFIRMED}"
    if not surely(last["selectivity"], last["selectivity_random"]):
        return f"selectivity rises with depth, but no more than with random weights. {NOT_CONFIRMED}"
    added = last["selectivity"]["mean"] - last["selectivity_random"]["mean"]
    chance = last["selectivity_random"]["mean"]
    text = f"selectivity rises with depth, with random weights to {chance:.2f}. Training adds {added:.2f} at the last "
    text += "layer"
    significant = surely(first["selectivity"], first["selectivity_random"])
    return f"{text}{'.' if significant else ', and nothing significant at the first.'}"
