"""Draw the figures of docs/layers/ and docs/classifiers.md; convscope computes every number and region in them.

python tools/draw_pages.py
"""

import argparse
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import hand_made
from convscope.figures.style import THEMES
from convscope.layers import convolve
from convscope.layers.locally_connected import regions_along
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.normalization import BatchNormalization
from convscope.layers.pooling import POOLINGS
from convscope.networks.build import Network
from convscope.networks.classifiers import LINEAR_CLASSIFIERS
from convscope.networks.layout import Layout
from convscope.networks.stages import PoolingStage
from convscope.scanning.families import families

ASSETS = Path(__file__).resolve().parents[1] / "docs" / "assets" / "pages"
LIGHT = THEMES["light"]
BLUE, ORANGE, GREEN = LIGHT.series[:3]
TINTS = ("#cfe3f2", "#fbe3c0", "#cdeadd", "#f1d6e6")
GRAY = "#e8eaed"

Values = NDArray[np.float64]


def panels(number: int, width: float = 8.0, height: float = 2.4) -> tuple[Figure, list[Axes]]:
    """Return a figure with `number` panels side by side."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return figure, list(np.atleast_1d(figure.subplots(1, number)))


def numbers(axes: Axes, values: Values, title: str, *, tint: Callable[[int, int], str], bold: Any = ()) -> None:
    """Draw a map as a table of numbers in the colors of `tint`; `bold` cells are marked, NaN cells stay empty."""
    rows, columns = values.shape
    colors = [[_rgb(tint(row, column)) for column in range(columns)] for row in range(rows)]
    axes.imshow(np.array(colors, np.uint8), extent=(0, columns, rows, 0), interpolation="nearest")
    across = [value for column in range(1, columns) for value in (column, column, np.nan)]
    down = [value for row in range(1, rows) for value in (row, row, np.nan)]
    axes.plot(across, [0, rows, np.nan] * (columns - 1), color="white", linewidth=1.5)
    axes.plot([0, columns, np.nan] * (rows - 1), down, color="white", linewidth=1.5)
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        marked = (row, column) in bold
        axes.text(
            column + 0.5, row + 0.5, f"{values[row, column]:.3g}", ha="center", va="center",
            fontsize=8, color=LIGHT.mark if marked else LIGHT.ink, fontweight="bold" if marked else "normal",
        )  # fmt: skip
    axes.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal")
    axes.axis("off")
    axes.set_title(title, fontsize=8, color=LIGHT.ink)


def _rgb(color: str) -> list[int]:
    """Return red, green and blue, 0…255, of a color like "#0072b2"."""
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def convolution() -> Figure:
    """Draw a unit, an image and the map, with one position marked."""
    unit = np.array([[-1, 0, 1]] * 3, dtype=float)
    image = np.array([[0, 0, 0, 9, 9]] * 5, dtype=float)
    feature_map = convolve(unit, image)
    figure, (left, center, right) = panels(3)
    numbers(left, image, "image 5 × 5", tint=lambda row, column: TINTS[0] if row < 3 and column > 1 else GRAY)
    numbers(center, unit, "the unit's 9 weights", tint=lambda *_: TINTS[1])
    numbers(
        right, feature_map, "its map, 3 × 3", tint=lambda row, column: TINTS[0] if (row, column) == (0, 2) else GRAY
    )
    return figure


def locally_connected() -> Figure:
    """Draw which positions share their weights: all, those of a region, none."""
    figure, drawn = panels(3)
    for axes, regions, title in zip(
        drawn, (1, 3, 6), ("6C3: one set", "6U3:3: nine sets", "6U3: 36 sets"), strict=True
    ):
        region = regions_along(6, regions)
        sets = np.array([[1 + down * regions + across for across in region] for down in region], dtype=float)
        numbers(
            axes, sets, f"{title} of weights",
            tint=lambda row, column, region=region: TINTS[(region[row] % 2) * 2 + region[column] % 2],
        )  # fmt: skip
    return figure


def pooling(code: str) -> Figure:
    """Draw a map, its pooled values, and both after a shift by one pixel."""
    wide = np.array([[1, 2, 0, 1, 0], [3, 8, 1, 0, 2], [0, 1, 4, 4, 1], [2, 0, 4, 5, 0]], dtype=float)
    pool = PoolingStage(code=code, window=2, stride=2).build().eval()

    def pooled(maps: Values) -> Values:
        result: Values = pool(torch.from_numpy(maps.copy())[None, None])[0, 0].numpy()
        return result

    first, moved = wide[:, :4], wide[:, 1:]
    figure, drawn = panels(4)
    window = lambda row, column: TINTS[(row // 2) * 2 + column // 2]  # noqa: E731  # the colors of all four panels
    each = lambda row, column: TINTS[row * 2 + column]  # noqa: E731
    numbers(drawn[0], first, "a map", tint=window)
    numbers(drawn[1], pooled(first), f"after {code}2", tint=each)
    numbers(drawn[2], moved, "the image moved by 1", tint=window)
    changed = {tuple(position) for position in np.argwhere(pooled(first) != pooled(moved)).tolist()}
    numbers(drawn[3], pooled(moved), f"after {code}2 (pink: changed)", tint=each, bold=changed)
    return figure


def windows() -> Figure:
    """Draw which positions the windows of MP2, MP3/2 and a stride see."""
    figure, drawn = panels(3)
    texts = ("MP2: side by side", "MP3/2: they overlap", "a stride of 2: one position each")
    for axes, (size, title) in zip(drawn, ((2, texts[0]), (3, texts[1]), (1, texts[2])), strict=True):
        starts = range(0, 7 - size + 1, 2)
        seen = np.zeros((7, 7))
        for top in starts:
            for left in starts:
                seen[top : top + size, left : left + size] += 1
        numbers(
            axes, seen, title, tint=lambda row, column, seen=seen: ("#ffffff", *TINTS)[min(int(seen[row, column]), 4)]
        )
    return figure


def nonlinearities() -> Figure:
    """Draw every nonlinearity."""
    figure, drawn = panels(len(NONLINEARITIES), width=9.0, height=1.7)
    points = torch.linspace(-3, 3, 61)
    for axes, (name, member) in zip(drawn, NONLINEARITIES.items(), strict=True):
        axes.axhline(0, color=LIGHT.line, linewidth=0.8)
        axes.axvline(0, color=LIGHT.line, linewidth=0.8)
        axes.plot(points, member.apply(points), color=BLUE)
        axes.set(xlim=(-3, 3), ylim=(-1.5, 3), xticks=[-2, 0, 2], yticks=[-1, 0, 1, 2])
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=6, labelleft=axes is drawn[0])
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def normalization() -> Figure:
    """Draw the values of two maps before and after normalization."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.stack(
        [torch.randn(4_000, generator=generator) * 0.4 + 3, torch.randn(4_000, generator=generator) * 2 - 1]
    )
    after = BatchNormalization(2).train()(maps.T).detach().T
    figure, drawn = panels(2)
    for axes, values, title in zip(drawn, (maps, after), ("weighted sums of two units", "normalized"), strict=True):
        for sums, color in zip(values, (BLUE, ORANGE), strict=True):
            axes.hist(sums, bins=40, range=(-7, 7), color=color, alpha=0.6, histtype="stepfilled")
        axes.set_title(title, fontsize=8)
        axes.set_yticks([])
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def toy() -> tuple[Values, NDArray[np.int64]]:
    """Return points of three classes in the plane, one of them in two clusters."""
    random = np.random.default_rng(3)
    centers = ((-1.6, 0.2), (1.4, 1.3), (1.2, -1.5), (-0.4, 2.2))
    points = np.concatenate([random.normal(center, 0.62, (22, 2)) for center in centers])
    return points, np.repeat([0, 1, 2, 2], 22)


def regions(name: str) -> Figure:
    """Draw the class that a classifier predicts for each point of a plane, and its training points."""
    points, labels = toy()
    classifier = CLASSIFIERS[name](0).fit(points, labels)
    side = np.linspace(-4, 4, 160)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    predicted = classifier.predict(plane).reshape(160, 160)
    figure, (axes,) = panels(1, width=3.4, height=3.2)
    colors = np.array([_rgb(tint) for tint in TINTS[:3]], np.uint8)
    axes.imshow(colors[predicted], extent=(-4, 4, -4, 4), origin="lower", interpolation="nearest")
    for label, (color, marker) in enumerate(zip((BLUE, ORANGE, GREEN), "os^", strict=True)):
        own = points[labels == label]
        axes.plot(
            own[:, 0],
            own[:, 1],
            marker,
            color=color,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            linestyle="",
        )
    axes.set(xticks=[], yticks=[], xlim=(-4, 4), ylim=(-4, 4))
    axes.set_title(name, fontsize=9)
    axes.set_xlabel("one feature", fontsize=8)
    axes.set_ylabel("another feature", fontsize=8)
    return figure


def losses() -> Figure:
    """Draw the loss of each classifier against the margin of the correct class."""
    figure, (axes,) = panels(1, width=4.6, height=2.6)
    margins = torch.linspace(-2, 3, 101)
    logits = torch.stack([margins, -margins], dim=1)  # two classes with opposite logits
    for (name, member), color in zip(LINEAR_CLASSIFIERS.items(), (BLUE, ORANGE, GREEN), strict=True):
        losses = [member.loss(pair[None], torch.tensor([0]), None, 0.0).item() for pair in logits]
        axes.plot(margins, losses, color=color, label=name)
    axes.set(ylim=(0, 8), xlabel="logit of the correct class; the other has the opposite", ylabel="loss")
    axes.xaxis.label.set_size(8)
    axes.yaxis.label.set_size(8)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def by_hand() -> Figure:
    """Draw a digit, its histograms of gradients, its local binary patterns, and its first 10 principal components."""
    from skimage.feature import hog, local_binary_pattern
    from skimage.transform import resize
    from sklearn.datasets import load_digits

    digits = (load_digits().images * 15.9).astype(np.uint8)
    large = (resize(digits[3] / 255, (32, 32), order=1) * 255).astype(np.uint8)
    _, gradients = hog(large, pixels_per_cell=(8, 8), cells_per_block=(2, 2), visualize=True)
    patterns = local_binary_pattern(large, 8, 1, method="uniform")
    features = hand_made("pixels", digits[..., None], learn_from=np.arange(1_000))
    rows = np.concatenate(list(features.of(digits[..., None])))
    mean = rows.mean(axis=0)
    axes_of = np.linalg.svd(rows[:1_000] - mean, full_matrices=False)[2][:10]
    projected = ((rows[3] - mean) @ axes_of.T @ axes_of + mean).reshape(8, 8)
    figure, drawn = panels(4)
    titles = ("the image", "HOG: directions in 4 × 4 cells", "LBP: a pattern at each pixel", "PCA: 10 components")
    for axes, image, title in zip(drawn, (large, gradients, patterns, projected), titles, strict=True):
        axes.imshow(image, cmap="gray", interpolation="nearest")
        axes.set_title(title, fontsize=8)
        axes.axis("off")
    return figure


def families_of_positions() -> Figure:
    """Draw the families of window positions after each layer of a network with zeros around its maps."""
    network = Network(Layout.parse("8C5-MP2-8C3-MP2-8N"), height=16, width=16, channels=1, classes=2)
    graph = network.graph
    found = families(graph, 1)
    names = ("image", "convolution1", "pooling1", "convolution2", "pooling2")
    titles = ("window", "5 × 5 convolution", "2 × 2 max", "3 × 3 convolution", "2 × 2 max")
    figure, axes = panels(len(names), width=9.0, height=2.1)
    for one, name, title in zip(axes, names, titles, strict=True):
        sides = []
        for side in found or ():
            numbers = np.zeros(sum(len(family.positions) for family in side[name]), int)
            for number, family in enumerate(side[name]):
                numbers[list(family.positions)] = number
            sides.append((numbers, len(side[name])))
        (rows, down), (columns, across) = sides
        size = len(rows)
        shades = (
            (rows[:, None] * across + columns[None]) * 7 % (down * across) if down > 1 else np.full((size, size), 0.15)
        )
        one.imshow(
            shades,
            cmap="Pastel1" if down > 1 else "Greys",
            extent=(0, size, size, 0),
            vmin=0,
            vmax=max(1, down * across - 1),
        )
        for edge in range(size + 1):
            one.axhline(edge, color="white", linewidth=0.6)
            one.axvline(edge, color="white", linewidth=0.6)
        one.set_title(f"{title}\n{down} × {across} {'family' if down * across == 1 else 'families'}", fontsize=8)
        one.set_axis_off()
    return figure


IMAGES: dict[str, Callable[[], Figure]] = {
    "convolution": convolution,
    "locally-connected": locally_connected,
    "windows": windows,
    "nonlinearities": nonlinearities,
    "normalization": normalization,
    "losses": losses,
    "by-hand": by_hand,
    "families": families_of_positions,
    **{f"pooling-{code.lower()}": lambda code=code: pooling(code) for code in POOLINGS},
    **{f"regions-{name}": lambda name=name: regions(name) for name in CLASSIFIERS},
}
"""The function that draws each figure, by the name of its file."""


def _shorter(svg: str) -> str:
    """Return the figure without comments and metadata, with coordinates to two decimals."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<=[ "(,MLQCHV\n])(-?\d+\.\d\d)\d+', r"\1", svg)
    return re.sub(r"\s*\n\s*", "\n", svg)


def main() -> int:
    """Draw all figures, or the named ones; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="default: all of " + ", ".join(IMAGES))
    parser.add_argument("--to", type=Path, default=ASSETS)
    options = parser.parse_args()
    mpl.rcParams |= {"svg.hashsalt": "convscope", "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"]}
    options.to.mkdir(parents=True, exist_ok=True)
    for name in options.names or IMAGES:
        figure = IMAGES[name]()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
        (options.to / f"{name}.svg").write_text(_shorter(file.getvalue()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
