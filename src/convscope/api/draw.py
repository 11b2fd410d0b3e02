"""Draw a network: weights, feature maps, receptive fields, curves, and a convolution in motion."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convscope.core.arguments import is_path
from convscope.core.atomic import check_output
from convscope.core.context import Context, context_of
from convscope.core.errors import DataError, ParameterError, UnreadableImageError, choose, did_you_mean
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, Size, documented, options_from
from convscope.core.progress import Reporter, Task
from convscope.core.text import printable
from convscope.features.trace import trace
from convscope.features.walk import Walk, shared_layers, walk, walk_of_unit
from convscope.figures.animation import STILLS, check_animation, save_animation
from convscope.figures.confusion import draw_confusion
from convscope.figures.convolution import MOST_FRAMES, Pixels, animate, frames_of
from convscope.figures.curves import draw_curves
from convscope.figures.diagram import draw_diagram
from convscope.figures.fields import draw_fields, useful_fields
from convscope.figures.filters import draw_filters
from convscope.figures.invariance import draw_invariance, draw_sensitivity
from convscope.figures.layout import draw_layout
from convscope.figures.letters import boxes_sentence
from convscope.figures.maps import draw_maps
from convscope.figures.patches import draw_patches
from convscope.figures.style import Figure, Theme, check_kind, save, theme_named
from convscope.layers.geometry import Window
from convscope.layers.kinds import Convolution, LocallyConnected, Pooling
from convscope.measures.invariance_record import Curve, Invariance
from convscope.measures.units.records import UnitsReport
from convscope.networks.blocks import blocks_of
from convscope.networks.folding import fold
from convscope.networks.inputs import list_inputs
from convscope.networks.layer_names import layer_named
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.networks.named_layout import plan_of_layout
from convscope.networks.plan import NetworkPlan, Plan
from convscope.options.look import DrawOptions, ThemeName
from convscope.training.history import read_history
from convscope.training.record_files import RecordT, read_record_file
from convscope.training.report import read_report
from convscope.training.run_folder import RunFolder

from .kept_inputs import keep_inputs

_WALK = "convolution"
MOST_MAPS, MOST_FIELDS = 11, 24  # rows of a network that is no layout
_FILTERED = Convolution, LocallyConnected
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
        unwritten: words that are boxes in it, because no installed font has their letters.
    """

    path: Path
    frames: int = 1
    unwritten: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What is drawn, and how."""

    model: Any
    image: Any
    options: DrawOptions
    theme: Theme
    reporter: Reporter

    @functools.cached_property
    def loaded(self) -> Model:
        """The model."""
        if self.model is None:
            raise ParameterError("`model` must name a model file or run folder. Got none. Put it after what to draw.")
        return opened(self.model, self.reporter)

    def planned(self) -> NetworkPlan:
        """Return the network's plan, or that of a layout that is no model."""
        planned: NetworkPlan | None = plan_of_layout(
            self.model, size=self.options.size, channels=self.options.channels, classes=self.options.classes
        )
        return self.loaded.network.plan if planned is None else planned

    def rows(self, planned: NetworkPlan, most: int) -> list[tuple[int, str]]:
        """Return index and name of the layers to draw: the one that is asked for, else all, or the ends of blocks."""
        names = [layer.name for layer in planned.layers]
        if isinstance(planned, Plan):
            named = [(index, f"layer {index + 1}: {name}") for index, name in enumerate(names)]
        else:
            named = list(enumerate(names))
        if self.options.layer is not None:
            graph = fold(self.loaded.network).graph
            return [named[layer_named(graph, self.options.layer, range(len(names)))]]
        if isinstance(planned, Plan):
            return named
        return [(block.layers[-1], block.name) for block in blocks_of(names, most)]

    def run(self, what: str) -> RunFolder:
        """Return the run folder; `what` is drawn of it."""
        if not is_path(self.model) or not Path(self.model).is_dir():
            got = "none" if self.model is None else self._outside()
            raise ParameterError(
                f"`model` must name the folder of a run for {what}, which training here records. Got {got}. "
                "Name one, like runs/demo."
            )
        return RunFolder(path=Path(self.model))

    def _outside(self) -> str:
        """Name a model that is no run folder; say so if it was not trained here."""
        if isinstance(self.model, Model):
            name, model = self.model.title, self.model
        elif os.path.isfile(self.model):  # noqa: PTH113  # a layout may be longer than a name
            name, model = printable(str(self.model)), opened(self.model)
        else:
            return repr(self.model)
        return f"{name}, " + ("a network that was not trained here" if model.learned.data is None else "no folder")

    def record(self, kind: type[RecordT], name: str, *, options: str = "") -> RecordT:
        """Return the measurement `name` of the run folder, or in the file that is named."""
        path = Path(self.model) if is_path(self.model) else None
        if path is not None and path.suffix == ".json":
            return read_record_file(kind, path, how=f"convscope measure MODEL DATA{options} -o {path}")
        if path is not None and path.is_dir():
            run = RunFolder(path=path)
            return read_record_file(kind, getattr(run, name), how=f"convscope measure {run.path} DATA{options}")
        model = "MODEL" if path is None else printable(str(path))
        raise ParameterError(
            f"`model` must name a run folder that was measured, or the record of a measurement. Got {self.model!r}. "
            f"Make a record with: convscope measure {model} DATA{options} -o {name}.json, and draw {name}.json."
        )

    def invariance(self) -> tuple[Invariance, list[Curve]]:
        """Return the measurement of distortions, and the chosen curves."""
        found = self.record(Invariance, "invariance")
        known = {curve.distortion: curve for curve in found.curves}
        chosen = [choose("distortions", name, tuple(known)) for name in self.options.distortions or known]
        return found, [known[name] for name in chosen]

    def pixels(self, model: Model) -> NDArray[np.uint8]:
        """Return the image as the network takes it; report what is odd about it."""
        if self.image is None:
            raise ParameterError("`image` must name an image. Got none. Put it after the model.")
        given = [self.image] if isinstance(self.image, np.ndarray) else self.image
        preprocessing = model.preprocessing
        first = next(list_inputs(given, channels=preprocessing.channels, size=preprocessing.size).images, None)
        if first is None:
            raise ParameterError("`image` must be an image. Got an empty list. Name one.")
        try:
            pixels, remarks = first.read(preprocessing)
        except UnreadableImageError as error:
            raise DataError(f"{first.name} must be an image. {str(error).capitalize()}. Name another one.") from None
        if remarks:
            self.reporter.say(f"note: {printable(first.name)}: {'; '.join(remarks)}")
        return pixels


@documented(DrawOptions)
def draw(
    what: str,
    model: Model | str | os.PathLike[str] | None = None,
    image: Any = None,
    *,
    output: AnyPath | None = None,
    layer: str | int | None = None,
    unit: int = 1,
    distortions: Sequence[str] = (),
    theme: ThemeName = "light",
    size: Size | None = None,
    channels: int | None = None,
    classes: int | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> DrawResult:
    """Draw one thing into a file.

    Args:
        what: ``filters``, ``maps``, ``layout``, ``fields``, ``curves``, ``confusion``, ``invariance``, ``sensitivity``,
            ``patches`` or ``convolution``.
        model: a model, or the path of a run folder or model file; for ``layout`` and ``fields`` also a layout as
            text; for ``invariance``, ``sensitivity`` and ``patches`` also the record of a measurement.
        image: for ``maps``, ``fields`` and ``convolution``: the path of an image, its bytes, or an array.
        progress: True shows progress on standard error.
        context: where progress goes.

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
    options, context = options_from(DrawOptions, locals()), context_of(context, progress=progress)
    choose("what", what, (*_FIGURES, _WALK))
    for name in ("size", "channels", "classes"):
        value = getattr(options, name)
        if value is not None and what not in _OF_LAYOUTS:
            raise ParameterError(
                f"`{name}` is for a layout that is no model, with {' or '.join(_OF_LAYOUTS)}. "
                f"Got {value!r} for {what}. Leave it out."
            )
    subject = _Subject(
        model=model, image=image, options=options, theme=theme_named(options.theme), reporter=context.reporter
    )
    path = _default_path(what, model) if output is None else Path(output)
    (check_animation if what == _WALK else check_kind)(path)
    keep_inputs([path], models=[model], data=[image])
    check_output(path, force=force)
    reporter = context.reporter
    with tuned():
        if what == _WALK:
            return DrawResult(path=path, frames=_animated(subject, path, reporter))
        drawing = _FIGURES[what](subject)  # refuses before anything is drawn
        with reporter.task(f"drawing {what}", total=0):
            unwritten = save(drawing(), path)
    if unwritten:
        reporter.say(boxes_sentence(unwritten, path.name))
    return DrawResult(path=path, unwritten=unwritten)


def _animated(subject: _Subject, path: Path, reporter: Reporter) -> int:
    """Write the animation of the layer; return how many frames it has."""
    walked = _walk(subject)
    frames = frames_of(walked, most=STILLS if path.suffix.lower() == ".png" else MOST_FRAMES)

    def counted_frames(task: Task) -> Iterator[Pixels]:
        for frame in animate(walked, frames, theme=subject.theme):
            yield frame
            task.advance()

    with reporter.task("drawing convolution", total=len(frames), unit="frames") as task:
        return save_animation(counted_frames(task), path)


def _default_path(what: str, model: Model | str | os.PathLike[str] | None) -> Path:
    """Return the file for `what` where `output` names none."""
    name = f"{what}.{'gif' if what == 'convolution' else 'png'}"
    folder = Path(model) if not isinstance(model, Model) and is_path(model) else None
    in_run = folder is not None and os.path.isdir(folder)  # noqa: PTH112  # a layout may be longer than a name
    return folder / name if folder is not None and in_run else Path(name)


def _filters(subject: _Subject) -> _Drawing:
    model = subject.loaded
    arithmetic = fold(model.network)
    nodes = arithmetic.graph.nodes
    known = [index for index, node in enumerate(nodes) if isinstance(node.layer, _FILTERED)]
    if not known:
        raise ParameterError(f"`filters` are those of convolutions. Got {model.title}, which has none.")
    index = known[0] if subject.options.layer is None else _index(model, subject.options.layer, known)
    layer, name = nodes[index].layer, model.network.plan.layers[index].name
    return functools.partial(
        draw_filters,
        arithmetic.tensors_of(nodes[index])["weight"].detach().numpy(),
        name=name if name == layer.notation or model.layout else f"{name}, {layer.notation}",
        groups=layer.groups if isinstance(layer, Convolution) else 1,
        theme=subject.theme,
    )


def _index(model: Model, layer: str | int, known: Sequence[int]) -> int:
    """Return the index of the convolution that is asked for."""
    return layer_named(fold(model.network).graph, layer, known, "a convolution")


def _maps(subject: _Subject) -> _Drawing:
    model = subject.loaded
    shown = subject.rows(model.network.plan, MOST_MAPS)
    return functools.partial(draw_maps, trace(model, subject.pixels(model)), theme=subject.theme, shown=shown)


def _fields(subject: _Subject) -> _Drawing:
    pixels = None if subject.image is None else subject.pixels(subject.loaded)
    planned = subject.planned()
    shown = [(index, name.replace(": ", ", ")) for index, name in subject.rows(planned, MOST_FIELDS)]
    if not isinstance(planned, Plan) and subject.options.layer is None:
        shown = useful_fields(planned, shown)
    return functools.partial(draw_fields, planned, pixels, theme=subject.theme, shown=shown)


def _layout(subject: _Subject) -> _Drawing:
    planned = subject.planned()
    if isinstance(planned, Plan):
        return functools.partial(draw_layout, planned, theme=subject.theme)
    graph = fold(subject.loaded.network).graph
    return functools.partial(draw_diagram, graph, title=planned.title, theme=subject.theme)


def _curves(subject: _Subject) -> _Drawing:
    run = subject.run("curves")
    report = read_report(run.report) if run.report.is_file() else None
    validation_images = report.images if report is not None and report.split == "validation" else 0
    return functools.partial(
        draw_curves, read_history(run.history).epochs, validation_images=validation_images, theme=subject.theme
    )


def _invariance(subject: _Subject) -> _Drawing:
    found, curves = subject.invariance()
    return functools.partial(draw_invariance, found, curves, theme=subject.theme)


def _sensitivity(subject: _Subject) -> _Drawing:
    found, curves = subject.invariance()
    return functools.partial(draw_sensitivity, found, curves, theme=subject.theme)


def _patches(subject: _Subject) -> _Drawing:
    record = subject.record(UnitsReport, "units", options=" --what units").units
    known = {str(layer.layer): layer for layer in record.layers}
    named = {layer.name: layer for layer in reversed(record.layers)} | known
    wanted = next(iter(known), "") if subject.options.layer is None else str(subject.options.layer)
    if wanted not in named:
        every = ", ".join(known) or "none here"
        listed = every if len(known) <= MOST_MAPS else f"1 to {record.layers[-1].layer}"
        close = did_you_mean(wanted, named)
        raise ParameterError(f"`layer` must have units of its own, one of {listed}. Got {wanted!r}.{close}")
    return functools.partial(draw_patches, record, named[wanted], theme=subject.theme)


_FIGURES: dict[str, Callable[[_Subject], _Drawing]] = {
    "filters": _filters,
    "maps": _maps,
    "layout": _layout,
    "fields": _fields,
    "curves": _curves,
    "invariance": _invariance,
    "sensitivity": _sensitivity,
    "patches": _patches,
    "confusion": lambda subject: functools.partial(
        draw_confusion, read_report(subject.run("confusion").report), theme=subject.theme
    ),
}


def _walk(subject: _Subject) -> Walk:
    """Return the walk of the unit that is asked for; without a model, of one over an image of 5 × 5."""
    if subject.model is None:
        pooling = Pooling(code="MP", rows=Window(kernel=2), columns=Window(kernel=2))
        return walk(_EDGES, _EDGE_UNIT, nonlinearity="relu", pooling=pooling, channels=("image",))
    model = subject.loaded
    traced = trace(model, subject.pixels(model))
    known = shared_layers(model)
    if not known:
        raise ParameterError(
            "`model` must have a convolution with shared weights for a unit to walk. "
            f"Got {model.title}, which has none."
        )
    asked = subject.options.layer
    number = known[0] if asked is None else _index(model, asked, [one - 1 for one in known]) + 1
    return walk_of_unit(model, traced, layer=number, unit=subject.options.unit)
