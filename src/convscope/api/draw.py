"""Draw what a network is and does: weights, maps, receptive fields, curves, and the layer itself."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convscope.core.arguments import check_arguments, is_path
from convscope.core.atomic import check_output
from convscope.core.errors import DataError, ParameterError, UnreadableImageError, choose
from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent, Task
from convscope.core.text import printable
from convscope.features.trace import trace
from convscope.features.walk import Walk, shared_layers, walk, walk_of_unit
from convscope.figures.animation import STILLS, check_animation, save_animation
from convscope.figures.confusion import draw_confusion
from convscope.figures.convolution import MOST_FRAMES, Pixels, animate, frames_of
from convscope.figures.curves import draw_curves
from convscope.figures.fields import draw_fields
from convscope.figures.filters import draw_filters
from convscope.figures.invariance import draw_invariance
from convscope.figures.layout import draw_layout
from convscope.figures.letters import boxes_sentence
from convscope.figures.maps import draw_maps
from convscope.figures.patches import draw_patches
from convscope.figures.sensitivity import draw_sensitivity
from convscope.figures.style import Figure, Theme, check_kind, save, theme_named
from convscope.layers.pooling import Pooling
from convscope.measures.invariance_record import Curve, Invariance
from convscope.measures.units.records import UnitsReport
from convscope.networks.folding import Sums, fold
from convscope.networks.inputs import list_inputs
from convscope.networks.model import Model, opened
from convscope.networks.plan import Plan
from convscope.training.history import read_history
from convscope.training.report import read_report
from convscope.training.run_folder import RunFolder

from .kept import read_kept, stands
from .named_layout import plan_of_layout

_WALK = "convolution"
_Drawing: TypeAlias = Callable[[], Figure]
_OF_LAYOUTS = "layout", "fields"
_EDGES = np.array(  # an image of 5 × 5 with an upright edge in it, and a unit that looks for one
    [[0, 0, 1, 1, 1], [0, 0, 1, 1, 1], [0, 1, 1, 1, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 0]]
)
_EDGE_UNIT = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])


@dataclass(frozen=True, kw_only=True)
class DrawResult:
    """A figure that was written.

    Attributes:
        path: where it is.
        frames: how many it has, 1 if it does not move.
        unwritten: words that are boxes in it, as no font of this computer has their letters.
    """

    path: Path
    frames: int = 1
    unwritten: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What is to be drawn of what."""

    model: Any
    image: Any
    layer: int | None
    unit: int
    distortions: Sequence[str]
    size: str | int | tuple[int, int] | None
    channels: int | None
    classes: int | None
    theme: Theme
    reporter: Reporter

    def loaded(self) -> Model:
        """Return the model."""
        if self.model is None:
            raise ParameterError("`model` must name a model file or run folder. Got none. Put it after what to draw.")
        return opened(self.model)

    def planned(self) -> Plan:
        """Return the network's plan, or that of a layout that is no model."""
        planned = plan_of_layout(self.model, size=self.size, channels=self.channels, classes=self.classes)
        return self.loaded().network.plan if planned is None else planned

    def run(self) -> RunFolder:
        """Return the run folder."""
        place = Path(self.model) if is_path(self.model) else None
        if place is None or not place.is_dir():
            raise ParameterError(f"`model` must name a run folder here. Got {self.model!r}. Name one, like runs/demo.")
        return RunFolder(path=place)

    def invariance(self) -> tuple[Invariance, list[Curve]]:
        """Return what the run folder keeps of distorted images, and the curves that are wanted."""
        run = self.run()
        found = read_kept(Invariance, run.invariance, how=f"convscope measure {run.path} DATA")
        known = {curve.distortion: curve for curve in found.curves}
        wanted = [choose("distortions", name, tuple(known)) for name in self.distortions or known]
        return found, [known[name] for name in wanted]

    def pixels(self, model: Model) -> NDArray[np.uint8]:
        """Return the image as the network takes it; what is not as it should be with it is said."""
        if self.image is None:
            raise ParameterError("`image` must name an image. Got none. Put it after the model.")
        given = [self.image] if isinstance(self.image, np.ndarray) else self.image
        layer = model.preprocessing
        first = next(list_inputs(given, channels=layer.channels, size=layer.size).images, None)
        if first is None:
            raise ParameterError("`image` must be an image. Got an empty list. Name one.")
        try:
            pixels, remarks = first.read(layer)
        except UnreadableImageError as error:
            raise DataError(f"{first.name} must be an image. {str(error).capitalize()}. Name another one.") from None
        if remarks:
            self.reporter.say(f"note: {printable(first.name)}: {'; '.join(remarks)}")
        return pixels


def draw(
    what: str,
    model: Model | str | os.PathLike[str] | None = None,
    image: Any = None,
    *,
    output: str | os.PathLike[str] | None = None,
    layer: int | None = None,
    unit: int = 1,
    distortions: Sequence[str] = (),
    size: str | int | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
    theme: str = "light",
    force: bool = False,
    reporter: Reporter | None = None,
) -> DrawResult:
    """Draw one thing into a file.

    Args:
        what: ``filters``, ``maps``, ``layout``, ``fields``, ``curves``, ``confusion``, ``invariance``, ``sensitivity``,
            ``patches`` or ``convolution``.
        model: a model, or the path of a run folder or model file; for ``layout`` and ``fields`` also a layout as text.
        image: for ``maps``, ``fields`` and ``convolution``: the path of an image, its bytes, or an array.
        output: the file: .png, .svg or .pdf; for ``convolution`` .gif, .mp4 or .png (a strip of stills). If none, it is
            called after `what`, in the run folder if there is one.
        layer: which of the network's layers, from 1, for ``filters``, ``patches`` and ``convolution``; the first with
            units of its own if none.
        unit: which unit walks, from 1.
        distortions: for ``invariance`` and ``sensitivity``: which; all that were measured if none.
        size: of the images of a layout that is text: one side, or width x height, in pixels; 28 if none.
        channels: of the images of a layout that is text; 1 if none.
        classes: of a layout that is text; 10 if none.
        theme: ``light`` or ``dark``.
        force: replace what stands at `output`.
        reporter: told how far it is, and which names no font here can write; nobody if none.

    Raises:
        ParameterError: something that is needed is missing, or has a value that it cannot have.
        DataError: the image cannot be read, or the run has no report or curves.
        StorageError: the file cannot be written, or stands there already.

    Examples:
        >>> import tempfile
        >>> drawn = draw("layout", "8C3-MP2-16N", size=8, output=Path(tempfile.mkdtemp()) / "layout.png")
        >>> drawn.path.name, drawn.path.stat().st_size > 1_000
        ('layout.png', True)
    """
    check_arguments(locals())
    choose("what", what, (*_FIGURES, _WALK))
    for name, value in (("size", size), ("channels", channels), ("classes", classes)):
        if value is not None and what not in _OF_LAYOUTS:
            raise ParameterError(
                f"`{name}` is for a layout that is no model, of which {' and '.join(_OF_LAYOUTS)} are drawn. "
                f"Got {value!r} for {what}. Leave it out."
            )
    order = _Order(
        model=model,
        image=image,
        layer=layer,
        unit=unit,
        distortions=tuple(distortions),
        size=size,
        channels=channels,
        classes=classes,
        theme=theme_named(theme),
        reporter=reporter or Silent(),
    )
    path = _place(what, model) if output is None else Path(output)
    (check_animation if what == _WALK else check_kind)(path)
    check_output(path, force=force)
    told = order.reporter
    with tuned():
        if what == _WALK:
            return DrawResult(path=path, frames=_animated(order, path, told))
        drawing = _FIGURES[what](order)  # what cannot be drawn is said before anything is
        with told.task(f"drawing {what}", total=0):
            unwritten = save(drawing(), path)
    if unwritten:
        told.say(boxes_sentence(unwritten, path.name))
    return DrawResult(path=path, unwritten=unwritten)


def _animated(order: _Order, path: Path, told: Reporter) -> int:
    """Write the animation of the layer; return how many frames it has."""
    walked = _walk(order)
    frames = frames_of(walked, most=STILLS if path.suffix.lower() == ".png" else MOST_FRAMES)

    def counted_frames(task: Task) -> Iterator[Pixels]:
        for frame in animate(walked, frames, theme=order.theme):
            yield frame
            task.advance()

    with told.task("drawing convolution", total=len(frames), unit="frames") as task:
        return save_animation(counted_frames(task), path)


def _place(what: str, model: Model | str | os.PathLike[str] | None) -> Path:
    """Return the file that is written if none is named."""
    name = f"{what}.{'gif' if what == 'convolution' else 'png'}"
    folder = Path(model) if not isinstance(model, Model) and is_path(model) else None
    return folder / name if folder is not None and stands(folder) and folder.is_dir() else Path(name)


def _filters(order: _Order) -> _Drawing:
    model = order.loaded()
    folded = fold(model.network).layers
    known = [number for number, sums in enumerate(folded, start=1) if isinstance(sums, Sums)]
    if not known:
        raise ParameterError(f"`filters` are those of convolutions. Got {model.layout}, which has none.")
    number = order.layer or known[0]
    sums = folded[number - 1] if number in known else None
    if not isinstance(sums, Sums):
        raise ParameterError(f"`layer` must be a convolution, one of {known}. Got {number}.")
    return functools.partial(draw_filters, sums, name=model.network.plan.layers[number - 1].name, theme=order.theme)


def _maps(order: _Order) -> _Drawing:
    model = order.loaded()
    return functools.partial(draw_maps, trace(model, order.pixels(model)), theme=order.theme)


def _fields(order: _Order) -> _Drawing:
    pixels = None if order.image is None else order.pixels(order.loaded())
    return functools.partial(draw_fields, order.planned(), pixels, theme=order.theme)


def _curves(order: _Order) -> _Drawing:
    run = order.run()
    report = read_report(run.report) if run.report.is_file() else None
    validation_images = report.images if report is not None and report.split == "validation" else 0
    return functools.partial(
        draw_curves, read_history(run.history).epochs, validation_images=validation_images, theme=order.theme
    )


def _invariance(order: _Order) -> _Drawing:
    found, curves = order.invariance()
    return functools.partial(draw_invariance, found, curves, theme=order.theme)


def _sensitivity(order: _Order) -> _Drawing:
    found, curves = order.invariance()
    return functools.partial(draw_sensitivity, found, curves, theme=order.theme)


def _patches(order: _Order) -> _Drawing:
    run = order.run()
    record = read_kept(UnitsReport, run.units, how=f"convscope measure {run.path} DATA --what units").units
    known = {layer.layer: layer for layer in record.layers}
    number = order.layer or next(iter(known), 0)
    if number not in known:
        raise ParameterError(f"`layer` must have units of its own, one of {list(known) or 'none here'}. Got {number}.")
    return functools.partial(draw_patches, record, known[number], theme=order.theme)


_FIGURES: dict[str, Callable[[_Order], _Drawing]] = {
    "filters": _filters,
    "maps": _maps,
    "layout": lambda order: functools.partial(draw_layout, order.planned(), theme=order.theme),
    "fields": _fields,
    "curves": _curves,
    "invariance": _invariance,
    "sensitivity": _sensitivity,
    "patches": _patches,
    "confusion": lambda order: functools.partial(draw_confusion, read_report(order.run().report), theme=order.theme),
}


def _walk(order: _Order) -> Walk:
    """Return the walk of the unit that is asked for; without a model, of one over an image of 5 × 5."""
    if order.model is None:
        pooling = Pooling(code="MP", window=2, stride=1)
        return walk(_EDGES, _EDGE_UNIT, nonlinearity="relu", pooling=pooling, channels=("image",))
    model = order.loaded()
    traced = trace(model, order.pixels(model))
    known = shared_layers(model)
    if not known:
        raise ParameterError(
            "`model` must have a convolution with shared weights for a unit to walk. "
            f"Got {model.layout}, which has none."
        )
    return walk_of_unit(model, traced, layer=order.layer or known[0], unit=order.unit)
