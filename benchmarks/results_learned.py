"""The page of results on classifiers, first stages, and strokes and parts."""

from results_file import told_by_set
from results_words import (
    NOT_BORNE_OUT,
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


def learned_page() -> Lines:
    """Return the page on classifiers, first stages, and strokes and parts."""
    lines = ["# Softmax or SVM, random or learned, strokes or parts", "", *written_by(), ""]
    return [*lines, *_softmax_svm(), *_first_stage(), *_strokes()]


def _softmax_svm() -> Lines:
    found = result("softmax-svm")
    if found is None:
        return []
    lines = ["## Softmax or SVM?", "", "The same network, weights and images; SVM less softmax, paired by seed:"]
    rows = []
    for name, one in found["sets"].items():
        for what, gap in one["svm_minus_softmax"].items():
            rows.append([SETS.get(name, name), what, _points(gap), str(gap["n"]), _told(gap, "SVM", "softmax")])
    told = "\\\n".join(told_by_set(found, measured_on))
    lines += table(["set", "read", "difference, points", "seeds", "better"], rows)
    return [*lines, f"Trained end to end: {'; '.join(_ends(found))}. {_SHORT}", "", told, ""]


_SHORT = "Where training is short, as here, end to end also says which of the two learns faster."


def _ends(found: Found) -> Lines:
    """Return the accuracy of the networks trained end to end, and what they learned from."""
    return [
        f"{SETS.get(name, name)} ({counted(one['training_images'], 'training image')}, "
        f"{counted(one['epochs'], 'epoch')}): "
        + ", ".join(f"{classifier} {_finely(accuracy)}" for classifier, accuracy in one["accuracy"].items())
        for name, one in found["sets"].items()
    ]


def _finely(found: Found) -> str:
    """Return a mean over seeds in hundredths of a per cent, with the half-width of its interval."""
    half = found.get("mean_95_half_width")
    return f"{100 * found['mean']:.2f} %" if half is None else f"{100 * found['mean']:.2f} ± {100 * half:.2f} %"


def _points(gap: Found) -> str:
    half = gap.get("mean_95_half_width")
    return f"{100 * gap['mean']:+.2f}" + ("" if half is None else f" ± {100 * half:.2f}")


def _told(gap: Found, above: str, below: str) -> str:
    """Return what is better for sure, or that it cannot be told."""
    if gap.get("mean_95_half_width", 1) >= abs(gap["mean"]):
        return "cannot be told"
    return above if gap["mean"] > 0 else below


def _first_stage() -> Lines:
    lines = []
    if found := result("first-stage"):
        lines += ["## First stage: random or learned?", ""]
        lines += [
            "The same network with another first stage, beside the one that is learned with labels, paired by seed "
            f"({'; '.join(_networks(found))}):"
        ]
        rows = [
            [SETS.get(name, name), way, *_way(one, way)] for name, one in found["sets"].items() for way in one["ways"]
        ]
        head = ["set", "first stage", "accuracy", "seconds, median", "points to learned", "seeds", "better"]
        lines += [*table(head, rows), measured_on(found), ""]
    if found := result("first-stage-digits04"):
        lines += [
            "The exercise of UFLDL (digits 0 to 4, one stage read by a softmax), where 97.5 % for random units and "
            f"about 99 % for learned ones are given; {counted(found['units'], 'unit')} of 9 × 9, learned on 5 to 9, "
            f"and {counted(found['images'], 'training image')}:"
        ]
        rows = [[way, _finely(one["accuracy"]), str(one["accuracy"]["n"])] for way, one in found["ways"].items()]
        lines += [*table(["units", "accuracy", "seeds"], rows), measured_on(found), ""]
    return lines


def _networks(found: Found) -> Lines:
    """Return what was trained on each set."""
    return [
        f"{SETS.get(name, name)}: `{one['layout']}`, {counted(one['training_images'], 'training image')}, "
        f"{counted(one['epochs'], 'epoch')}"
        for name, one in found["sets"].items()
    ]


def _way(one: Found, way: str) -> Lines:
    """Return accuracy and seconds of a first stage, and what it gains on the learned one."""
    values, gain = one["ways"][way], one["minus_learned"].get(way)
    cells = [_finely(values["accuracy"]), f"{values['seconds']['median']:.1f} s"]
    if gain is None:
        return [*cells, "", str(values["accuracy"]["n"]), ""]
    points = gain["accuracy"]
    return [*cells, _points(points), str(points["n"]), _told(points, way, "learned with labels")]


def _strokes() -> Lines:
    lines = []
    for name, (found, _) in compared().items():
        steps = found["sensitivity"]["convolution"]["steps"]
        rows = [
            [step.replace(": ", " "), *(mean_of(values[key], percent=False) for key in _SELECTIVE)]
            for step, values in steps.items()
            if values.get("selectivity") is not None
        ]
        first = next(iter(steps.values()))
        lines += [f"### {SETS[name]}", *table(["step", "selectivity", "with random weights"], rows)]
        if first.get("gabor"):
            lines += [
                f"Gabor waves explain {mean_of(first['gabor'])} of the weights of the first units, "
                f"{mean_of(first['gabor_random'])} of random ones: {_stroke_verdict(first)}.",
                "",
            ]
        lines += [_parts_verdict(steps), "", "Measured with " + measured_on(found), ""]
    head = [
        "## From strokes to parts?",
        "",
        "Early units are said to answer to strokes, late ones to parts of objects and so to classes. The number for it "
        "is the mean [selectivity](../units.md) of a step's units: 0 for units that fire for all classes alike, 1 for "
        "one class only.",
        "",
    ]
    return [*head, *lines] if lines else []


_SELECTIVE = ("selectivity", "selectivity_random")


def _stroke_verdict(first: Found) -> str:
    own, chance = first["gabor"], first["gabor_random"]
    if surely(own, chance):
        return "training makes strokes of them"
    if surely(chance, own):
        return f"training makes fewer strokes than chance. {NOT_BORNE_OUT.removesuffix('.**')}**"
    return "no difference from chance can be told"


def _parts_verdict(steps: dict[str, Found]) -> str:
    """Return whether later units are more selective, and more so than random weights make them."""
    known = [values for values in steps.values() if values.get("selectivity") is not None]
    first, last = known[0], known[-1]

    if not surely(last["selectivity"], first["selectivity"]):
        return f"Selectivity does not rise from the first units to the last by more than chance. {NOT_BORNE_OUT}"
    text = "Selectivity rises from the first units to the last"
    if surely(last["selectivity"], last["selectivity_random"]):
        added = last["selectivity"]["mean"] - last["selectivity_random"]["mean"]
        text += (
            f". With random weights it rises, too, to {last['selectivity_random']['mean']:.2f}: larger patches tell "
        )
        text += f"more. Training adds {added:.2f} at the last step"
        told = surely(first["selectivity"], first["selectivity_random"])
        return f"{text}{'.' if told else ', and at the first nothing that can be told.'}"
    return f"{text}, but no more than random weights give. {NOT_BORNE_OUT}"
