"""The style of all figures: color-blind safe light and dark themes, and how figures are saved."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from convscope.core.atomic import write_bytes
from convscope.core.errors import ParameterError, choose
from convscope.core.text import printable

from .letters import FONT, write_letters
from .settings import default_settings

FIGURE_FORMATS = (".png", ".svg", ".pdf")
_RESOLUTION = 150  # pixels an inch

Numbers = NDArray[np.floating]
Figure: TypeAlias = MatplotlibFigure
"""A figure of matplotlib, for modules that do not import it."""


def short_name(name: str, most: int) -> str:
    """Return the name of a class, printable, truncated to `most` characters with an ellipsis.

    Examples:
        >>> short_name("a long name", 7), short_name("cat", 7)
        ('a long…', 'cat')
    """
    text = printable(name)
    return text if len(text) <= most else text[: most - 1] + "…"


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The colors of one theme.

    Attributes:
        paper, ink, quiet, line: of the background, of text, of secondary text, of frames and grids.
        above, below: of values above and below 0; 0 has the color of the background.
        mark: of highlights.
        series: of lines in one chart: blue, orange, green, pink and purple, safe for the color-blind (after Okabe and
            Ito 2008), lighter on a dark background.
    """

    paper: str
    ink: str
    quiet: str
    line: str
    above: str
    below: str
    mark: str
    series: tuple[str, ...]

    def readable_on(self, color: Sequence[float]) -> str:
        """Return ink or paper, whichever has more contrast on a color (red, green, blue from 0 to 1; WCAG 2)."""
        ground = _luminance(color)

        def contrast(name: str) -> float:
            pair = sorted((ground, _luminance(to_rgb(name))))
            return (pair[1] + 0.05) / (pair[0] + 0.05)

        return max((self.ink, self.paper), key=contrast)

    @property
    def signed(self) -> Colormap:
        """Color map from below 0 over the background to above 0."""
        return LinearSegmentedColormap.from_list("signed", [self.below, self.paper, self.above])


def _luminance(color: Sequence[float]) -> float:
    """Return the relative luminance of red, green and blue (WCAG 2)."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


THEMES = {
    "light": Theme(
        paper="#ffffff",
        ink="#1c1f24",
        quiet="#5a616b",
        line="#c9ced6",
        above="#0a58a6",
        below="#b85000",
        mark="#d6008f",
        series=("#0072b2", "#d55e00", "#008060", "#b5558d", "#6b4fa0"),
    ),
    "dark": Theme(
        paper="#15181c",
        ink="#e8eaed",
        quiet="#a3abb6",
        line="#454c56",
        above="#5ab9fa",
        below="#ff9a3d",
        mark="#ff5cc8",
        series=("#56b4e9", "#ff9a4d", "#33c9a0", "#e08cc0", "#b9a4ea"),
    ),
}


def theme_named(name: str) -> Theme:
    """Return the theme ``light`` or ``dark``.

    Raises:
        ParameterError: it has another name.
    """
    choose("theme", name, tuple(THEMES))
    return THEMES[name]


def figure(width: float, height: float, theme: Theme, *, resolution: int = _RESOLUTION) -> Figure:
    """Return an empty figure of width × height inches in the theme; `resolution` is in pixels an inch."""
    return Figure(figsize=(width, height), dpi=resolution, facecolor=theme.paper, layout="constrained")


@contextlib.contextmanager
def drawing(theme: Theme) -> Iterator[None]:
    """Draw in the colors of the theme, without the user's matplotlib settings."""
    settings: dict[Any, Any] = {
        "text.color": theme.ink,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.ink,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "xtick.color": theme.quiet,
        "ytick.color": theme.quiet,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "grid.color": theme.line,
        "font.family": FONT,
        "font.size": 9,
    }
    with default_settings(settings):
        yield


def scale_of(values: Numbers) -> Normalize:
    """Return the scale of values, symmetric around 0."""
    largest = float(np.abs(values).max(initial=0.0))
    return Normalize(-(largest or 1.0), largest or 1.0)


def bare(axes: Axes, theme: Theme) -> None:
    """Remove the ticks from axes that show an image; a thin frame stays."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_edgecolor(theme.line)


def name_values(figure: Figure, axes: Axes | list[Axes], scale: Normalize, theme: Theme, label: str) -> None:
    """Add a color bar beside `axes`."""
    bar = figure.colorbar(ScalarMappable(scale, theme.signed), ax=axes, fraction=0.03, pad=0.01)
    bar.set_label(label)
    bar.outline.set_edgecolor(theme.line)


def check_kind(path: Path) -> None:
    """Raise ParameterError unless the suffix of `path` is that of a figure."""
    if path.suffix.lower() not in FIGURE_FORMATS:
        raise ParameterError(
            f"`output` must end in {', '.join(FIGURE_FORMATS)}. Got {path.name!r}. Choose one of these."
        )


def save(drawn: Figure, path: Path) -> tuple[str, ...]:
    """Write the figure to `path` atomically, as .png, .svg or .pdf by its suffix.

    Returns:
        The words that are boxes in it, because no installed font has their letters.

    Raises:
        ParameterError: the suffix is another.
        StorageError: the file cannot be written.
    """
    check_kind(path)
    kind = path.suffix.lower().removeprefix(".")
    undated = {"png": {"Software": "convscope"}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    same: dict[Any, Any] = {"svg.hashsalt": "convscope"}  # the same figure gives the same file
    written = io.BytesIO()
    with default_settings(same), without_warnings_of_letters():
        unwritten = write_letters(drawn)
        drawn.savefig(written, format=kind, metadata=undated, facecolor=drawn.get_facecolor())
    write_bytes(path, written.getvalue())
    return unwritten


@contextlib.contextmanager
def without_warnings_of_letters() -> Iterator[None]:
    """Hide matplotlib's warnings of missing glyphs; `save` returns them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        warnings.filterwarnings("ignore", "Matplotlib currently does not support .* natively")  # before 3.11
        yield
