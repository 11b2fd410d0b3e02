"""What a prediction is due to, on the image; and how far that can be trusted, as curves."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convscope.attribution.explanation import Explanation
from convscope.attribution.faithfulness_record import EDGES, RANDOM, Faithfulness
from convscope.attribution.method import Attribution
from convscope.attribution.methods import about, facts, title_of, verdict
from convscope.attribution.nearest import NEAREST, TITLE
from convscope.core.text import printable

from .style import Theme, bare, drawing, figure, name_values, scale_of, short_name

_PANEL, _TALL, _ROW = 2.7, 3.4, 1.7  # inches
_FAINT = 0.35  # how much of the image shows below a map
Images = NDArray[np.uint8]


def draw_explanation(
    explanation: Explanation,
    thumbnails: Sequence[Images],
    classes: Sequence[str],
    *,
    faithfulness: Faithfulness | None,
    theme: Theme,
) -> Figure:
    """Return the image, its map by each method, and the nearest training images.

    Args:
        explanation: of one prediction.
        thumbnails: the nearest training images, uint8 H W C.
        classes: names.
        faithfulness: of the methods, if it was measured.
        theme: the colors.
    """
    across = 1 + len(explanation.attributions)
    near = bool(thumbnails)
    with drawing(theme):
        drawn = figure(max(2, across) * _PANEL, _TALL + near * _ROW, theme)
        rows = drawn.subfigures(1 + near, 1, height_ratios=[_TALL, _ROW][: 1 + near], squeeze=False)[:, 0]
        panels = rows[0].subplots(1, across, squeeze=False)[0]
        _show(panels[0], explanation.pixels)
        panels[0].set_title(short_name(explanation.name.rpartition("/")[2], 24), parse_math=False)
        bare(panels[0], theme)
        for axes, one in zip(panels[1:], explanation.attributions, strict=True):
            _show_map(axes, explanation, one, faithfulness, theme)
            name_values(drawn, axes, scale_of(one.values), theme, "")
        if near:
            said = "" if faithfulness is None else verdict(faithfulness, NEAREST)
            rows[1].suptitle(f"{TITLE}{f' ({said})' if said else ''}", x=0.01, ha="left", fontsize=9)
            below = rows[1].subplots(1, len(thumbnails), squeeze=False)[0]
            for axes, pixels, training in zip(below, thumbnails, explanation.nearest, strict=True):
                _show(axes, pixels)
                axes.set_title(short_name(classes[training.label], 16), fontsize=8, parse_math=False)
                axes.set_xlabel(f"distance {training.distance:.3g}", fontsize=7)
                bare(axes, theme)
        predicted = (
            "" if explanation.target == explanation.predicted else f" (predicted: {classes[explanation.predicted]})"
        )
        heading = f"Why {printable(explanation.label)}: {explanation.probability:.1%}, logit {explanation.logit:.3g}"
        drawn.suptitle(heading + printable(predicted), x=0.01, ha="left", fontsize=10, parse_math=False)
    return drawn


def _show(axes: Axes, pixels: Images, *, strength: float = 1.0) -> None:
    axes.imshow(pixels[..., 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255, alpha=strength)


def _show_map(
    axes: Axes, explanation: Explanation, one: Attribution, faithfulness: Faithfulness | None, theme: Theme
) -> None:
    _show(axes, np.asarray(explanation.pixels.mean(axis=2, keepdims=True), np.uint8), strength=_FAINT)
    axes.imshow(one.values, cmap=theme.signed, norm=scale_of(one.values), alpha=0.75)
    axes.set_title(title_of(one.method))
    lines = [
        facts(explanation, one),
        verdict(faithfulness, one.method) if faithfulness else "faithfulness not measured",
    ]
    axes.set_xlabel("\n".join(map(_wrapped, lines)), fontsize=7, loc="left", parse_math=False)
    bare(axes, theme)


def _wrapped(line: str) -> str:
    """Return a line in several of the width of a panel."""
    import textwrap

    return "\n".join(textwrap.wrap(printable(line), 46))


def draw_faithfulness(faithfulness: Faithfulness, *, theme: Theme) -> Figure:
    """Return the probability of the predicted class as pixels go, and as they come, in the order of each map."""
    with drawing(theme):
        drawn = figure(9.0, 3.8, theme)
        left, right = drawn.subplots(1, 2, sharey=True)
        x = 100 * np.array(faithfulness.fractions)
        for number, one in enumerate(faithfulness.orders):
            baseline = {EDGES: (theme.ink, "--"), RANDOM: (theme.quiet, ":")}.get(one.name)
            color, style = baseline or (theme.series[number % len(theme.series)], "-")
            left.plot(x, one.deleted, color=color, linestyle=style, label=title_of(one.name))
            right.plot(x, one.inserted, color=color, linestyle=style)
        left.set(title="Deletion: lower is better", xlabel="% of pixels gone", ylim=(0, 1.02))
        left.set_ylabel("probability of the predicted class")
        right.set(title="Insertion: higher is better", xlabel="% of pixels back in the blurred image")
        for axes in (left, right):
            axes.grid(visible=True, alpha=0.5)
            axes.spines[["top", "right"]].set_visible(False)
        drawn.legend(loc="outside lower left", ncols=5, frameon=False, fontsize=8, labelcolor=theme.ink)
        drawn.suptitle(about(faithfulness), x=0.01, ha="left", fontsize=10, parse_math=False)
    return drawn
