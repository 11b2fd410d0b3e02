"""The learning curves as SVG: loss and accuracy of every epoch."""

import math
from collections.abc import Iterator, Sequence

from convscope.core.markup import Html, joined, tag
from convscope.core.text import percent
from convscope.training.history import EpochRecord

from .axes import Text
from .plots import Line, PlottedValue, lines

MOST_POINTS = 1_000


def curves(history: Sequence[EpochRecord]) -> Html:
    """Return the charts of loss and accuracy, or a sentence when there is no epoch; of one there is no curve.

    Values that are not finite leave a gap.
    """
    if not history:
        return tag("p", "No epoch was finished, so there are no curves.")
    if len(history) == 1:
        return joined()
    thinned = history[:: math.ceil(len(history) / MOST_POINTS)]
    epochs = [record.epoch for record in thinned]
    loss = _series(epochs, [(record.loss, record.validation_loss) for record in thinned])
    accuracy = _series(epochs, [(record.accuracy, record.validation_accuracy) for record in thinned])
    charts = joined(
        _chart("Loss", "loss (cross-entropy, nats)", loss, reach=0.0, text="{:.3g}".format, tick="{:g}".format),
        _chart("Accuracy", "accuracy (% correct)", accuracy, reach=1.0, text=percent, tick=_tick_text),
    )
    return tag("div", charts, class_="charts")


def _series(epochs: Sequence[int], values: Sequence[tuple[float | None, float | None]]) -> tuple[Line, ...]:
    """Return the lines that have finite values."""

    def points(which: int) -> Iterator[PlottedValue]:
        for epoch, pair in zip(epochs, values, strict=True):
            value = pair[which]
            if value is not None and math.isfinite(value):
                yield PlottedValue(at=epoch, value=value, low=value, high=value)

    found = (Line(name=name, points=tuple(points(which))) for which, name in enumerate(("training", "validation")))
    return tuple(line for line in found if line.points)


def _chart(title: str, label: str, series: tuple[Line, ...], *, reach: float, text: Text, tick: Text) -> Html:
    """Return one chart, whose side reaches `reach`."""
    if not series:
        return tag("p", f"{title}: no finite value was recorded.")
    last = "; ".join(f"{line.name} {text(line.points[-1].value)} after epoch {line.points[-1].at:g}" for line in series)
    heading = f"{title}: {last}"
    return lines(series, title=heading, across="epoch", label=label, text=text, tick=tick, reach=[reach])


def _tick_text(value: float) -> str:
    return percent(value).replace(".0 %", " %")
