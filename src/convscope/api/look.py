"""Look inside a network: write the page of the explorer."""

import html
import itertools
import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from convscope.core.atomic import check_output, write_text
from convscope.core.context import Context, context_of
from convscope.core.document import link_pages
from convscope.core.errors import ConvscopeError, DataError, ParameterError, UnreadableImageError
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import printable
from convscope.explorer.data import ExplorerData, NamedImage, class_probabilities, explorer_data
from convscope.explorer.page import render_lesson, render_look
from convscope.explorer.weights import CHECKED, LARGEST_TEXT, text_bytes
from convscope.features.extraction import images_for
from convscope.images.dataset import Dataset
from convscope.images.sources.labels import as_label
from convscope.images.sources.opening import open_recorded
from convscope.images.sources.source import Source
from convscope.networks.inputs import Input, Inputs, list_inputs
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.options.look import LookOptions
from convscope.training.class_metrics import Answer, Cell
from convscope.training.record_files import run_of
from convscope.training.report import read_report
from convscope.training.run_folder import RunFolder

from .kept_inputs import keep_inputs
from .look_records import linked_pages, with_records

MOST_IMAGES = 200
TYPICAL = 4  # images of each class that no report names
MOST_BYTES = 3_500_000  # of all images together, 23 of 224 x 224 pixels; a third more as text
LEAST_BYTES = 1_000_000  # beside weights that fill a page


@dataclass(frozen=True, kw_only=True)
class LookResult:
    """A page that was written.

    Attributes:
        path: of the file.
        images: number of images in it.
        left_out: number of images beyond what the page can hold; 0 where that is unknown.
        unusable: name of each image that cannot be read, and the reason.
    """

    path: Path
    images: int
    left_out: int = 0
    unusable: tuple[tuple[str, str], ...] = ()

    def _repr_html_(self) -> str:
        """Return the page within a notebook: in a frame that may run its own program and save what it draws."""
        if not self.path.is_file():
            return html.escape(str(self.path))
        page = html.escape(self.path.read_text(encoding="utf-8"), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="a look inside the network" sandbox="allow-scripts allow-downloads" '
            'style="width: 100%; height: 60rem; border: 1px solid #8888"></iframe>'
        )


@documented(LookOptions)
def look(
    model: Model | str | os.PathLike[str] | None = None,
    images: Any = None,
    *,
    output: AnyPath | None = None,
    beside: Model | AnyPath | None = None,
    lesson: bool = False,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> LookResult:
    """Write a page that runs the network itself and shows every map and every number, for any image.

    It is one HTML file that needs neither a server nor a network.

    Args:
        model: a model, or the path of a run folder or model file; None with `lesson`.
        images: what `convscope.predict` takes. Where they are too many for a page, it has as many of each
            folder; of an iterator, whose end is not known, the first. None takes images that the run of the model was
            evaluated on, where they can be read again: correct predictions first, one of the class with the highest
            recall at the top; else the page asks for one.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        ModelFileError: there is no model that can be used.
        DataError: a network is too large for a page, none of `images` can be read, or they are an array of another
            shape or kind.
        ParameterError: there is neither `output` nor a file that it could stand beside, or `beside` has other classes.
        StorageError: the file cannot be written, or stands there already.

    Examples:
        >>> import tempfile
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> seen = look(trained.folder.path)
        >>> seen.path.name, seen.images
        ('look.html', 200)
    """
    options_from(LookOptions, locals())
    context = context_of(context, progress=progress)
    if lesson or model is None:
        return _lesson(model, lesson=lesson, output=output, force=force)
    used = opened(model, context.reporter)
    run = run_of(model)
    path = _output(model, run) if output is None else Path(output)
    keep_inputs([path], models=[model, beside], data=[images])
    check_output(path, force=force)
    second = None if beside is None else _second(used, beside, context.reporter)
    unusable: list[tuple[str, str]] = []
    left_out = 0
    told = context.reporter
    with tuned():
        dataset = None
        if images is not None:
            inputs = list_inputs(images, channels=used.preprocessing.channels, size=used.preprocessing.size)
            room = room_of(used)
            with told.task("reading images", min(room, inputs.total or 0), "images") as task:
                chosen = []
                for image in itertools.islice(_readable(used, _spread_out(inputs, room), unusable, told), room):
                    chosen.append(image)
                    task.advance()
            if unusable and not chosen:
                name, reason = unusable[0]
                raise DataError(
                    f"`images` must have one that can be read. Got {printable(name)}: {reason}. Check the path."
                )
            left_out = 0 if inputs.total is None else inputs.total - len(chosen) - len(unusable)
        else:
            dataset, chosen = _evaluated(used, run, (context.data_dir, context.cache_dir), told)
        shown = None if second is None else _beside(second, chosen, title=_beside_title(beside))
        data = explorer_data(used, chosen, title=_title(used, path), beside=shown)
        data = with_records(data, used, chosen, run=run, dataset=dataset, reporter=told)
        with told.task("writing the page", total=0):
            write_text(path, render_look(data))
            if run is not None and path == run.look:
                link_pages(linked_pages(used, run))
    return LookResult(path=path, images=len(chosen), left_out=left_out, unusable=tuple(unusable))


def _lesson(model: Any, *, lesson: bool, output: AnyPath | None, force: bool) -> LookResult:
    """Write the page of the lesson.

    Raises:
        ParameterError: there is a model, too, or neither.
    """
    if not lesson:
        raise ParameterError("`model` must be a run folder or a model file. Got none. Name one, or give `lesson`.")
    if model is not None:
        raise ParameterError("`lesson` must stand alone: it needs no model. Got one, too. Leave one of them out.")
    path = Path("lesson.html" if output is None else output)
    check_output(path, force=force)
    write_text(path, render_lesson())
    return LookResult(path=path, images=0)


def _second(model: Model, beside: Model | str | os.PathLike[str], reporter: Reporter) -> Model:
    """Return the second network.

    Raises:
        ParameterError: it has other classes.
    """
    other = opened(beside, reporter)
    if other.classes != model.classes:
        raise ParameterError(
            f"`beside` must be a model of the same classes in the same order ({_listed(model.classes)}). "
            f"Got {_listed(other.classes)}. Train it with the same images."
        )
    return other


def _beside_title(beside: Model | str | os.PathLike[str] | None) -> str:
    return "" if beside is None or isinstance(beside, Model) else _named(Path(beside))


def _beside(model: Model, images: Sequence[NamedImage], *, title: str) -> ExplorerData:
    """Return the second network of the page, which sees the images of the first."""
    size, gray = model.preprocessing.size, model.preprocessing.channels == 1
    others = []
    for image in images[:CHECKED]:
        shown = Image.fromarray(image.pixels[..., 0] if image.pixels.shape[2] == 1 else image.pixels)
        others.append(np.asarray(shown.convert("L" if gray else "RGB").resize(size[::-1])))
    pixels = np.stack(others).reshape(len(others), *size, -1) if others else None
    return explorer_data(model, title=title, others=pixels)


def _named(path: Path) -> str:
    """Return the name of a run folder, or of a model file without its ending; of its folder for a run's model."""
    run = run_of(path)
    return path.stem if run is None else run.path.absolute().name


def _listed(classes: Sequence[str]) -> str:
    names = ", ".join(printable(name)[:40] for name in classes[:5])
    return names if len(classes) <= 5 else f"{names}, … {len(classes)} in all"


def _output(model: Model | str | os.PathLike[str], run: RunFolder | None) -> Path:
    if isinstance(model, Model):
        raise ParameterError(
            "`output` must name the file of the page where the model is not from a file. Got None. "
            "Give one, for example look.html."
        )
    return Path(model).with_suffix(".look.html") if run is None else run.look


def _title(model: Model, path: Path) -> str:
    """Return the name of the dataset of the model; where it is unknown, of the page's folder; else none."""
    data = Path(model.learned.data or "").name
    return data or (path.absolute().parent.name if model.layout is not None else "")


def room_of(model: Model) -> int:
    """Return how many images a page has room for."""
    preprocessing = model.preprocessing
    values = preprocessing.height * preprocessing.width * preprocessing.channels
    free = (LARGEST_TEXT - text_bytes(model.network.plan.parameters, "int8")) * 3 // 4  # base64
    return max(1, min(MOST_IMAGES, max(LEAST_BYTES, min(MOST_BYTES, free)) // values))


def _spread_out(inputs: Inputs, most: int) -> Iterator[Input]:
    """Yield the images in order; of more than `most`, some of each folder in turn, evenly spread over it.

    So every class of a folder is there, if there are at most `most` of them. Images of unknown number come in order.
    """
    if inputs.total is None or inputs.total <= most:
        yield from inputs.images
        return
    folders: dict[Path, list[Input]] = {}
    for image in inputs.images:
        folders.setdefault(Path(image.name).parent, []).append(image)
    count = math.ceil(most / len(folders))
    for turn in itertools.zip_longest(*(_evenly(images, count) for images in folders.values())):
        yield from (image for image in turn if image is not None)


def _evenly(images: Sequence[Input], count: int) -> Iterator[Input]:
    """Yield `count` of the images, evenly spread, and then the others."""
    first = {number * len(images) // count for number in range(count)}
    yield from (images[index] for index in sorted(first))
    yield from (image for index, image in enumerate(images) if index not in first)


def _readable(
    model: Model, inputs: Iterable[Input], unusable: list[tuple[str, str]], reporter: Reporter
) -> Iterator[NamedImage]:
    """Yield the images that can be read; the others go to `unusable`. A folder with a class's name is the true class.

    The reporter receives remarks on the images.
    """
    labels = {as_label(name): label for label, name in enumerate(model.classes)}
    for image in inputs:
        try:
            pixels, remarks = image.read(model.preprocessing)
        except UnreadableImageError as error:
            unusable.append((image.name, str(error)))
            continue
        if remarks:
            reporter.say(f"note: {printable(image.name)}: {'; '.join(remarks)}")
        yield NamedImage(name=image.name, pixels=pixels, truth=_truth(image.name, labels))


def _truth(name: str, labels: Mapping[str, int]) -> int | None:
    """Return the class whose folder contains an image: the innermost folder, or path of folders, with its name."""
    folders = as_label(Path(name).parent.as_posix()).split("/")
    for end in range(len(folders), 0, -1):
        for start in range(end):
            if (label := labels.get("/".join(folders[start:end]))) is not None:
                return label
    return None


def _evaluated(
    model: Model, run: RunFolder | None, folders: tuple[Path | None, Path | None], reporter: Reporter
) -> tuple[Dataset | None, list[NamedImage]]:
    """Return the dataset of the run and evaluated images, correct predictions first."""
    if run is None:
        return None, []
    try:
        dataset = images_for(
            model, training_source(model, folders[0], reporter), cache_dir=folders[1], reporter=reporter
        )
        indices = list(itertools.islice(_evaluated_indices(run, dataset, room_of(model)), room_of(model)))
    except (ConvscopeError, OSError) as error:
        reporter.say(f"no images of the run are in the page, name some after the model: {printable(str(error))}")
        return None, []
    images = [
        NamedImage(
            name=dataset.image_name(index),
            pixels=np.asarray(dataset.images[index], np.uint8),
            truth=int(dataset.labels[index]),
        )
        for index in indices
    ]
    return dataset, _correct_first(model, images, _best_class(run)) if images else []


def _correct_first(model: Model, images: Sequence[NamedImage], best: int | None) -> list[NamedImage]:
    """Return the images with correct predictions first, and of these the most certain one of the best class."""
    probabilities = class_probabilities(model, np.stack([image.pixels for image in images]))
    predicted = probabilities.argmax(1)
    correct = [image.truth == answer for image, answer in zip(images, predicted, strict=True)]
    first = max(
        range(len(images)), key=lambda index: (correct[index], images[index].truth == best, probabilities[index].max())
    )
    return [images[index] for index in sorted(range(len(images)), key=lambda one: (one != first, not correct[one]))]


def _best_class(run: RunFolder) -> int | None:
    """Return the class with the highest recall, of several the one with the most images; None without a report."""
    if not run.report.is_file():
        return None
    cells = read_report(run.report).cells
    totals = Counter[int]()
    for cell in cells:
        totals[cell.truth] += cell.count
    correct = [cell for cell in cells if cell.correct]
    best = max(correct, key=lambda cell: (cell.count / totals[cell.truth], cell.count), default=None)
    return None if best is None else best.truth


def _evaluated_indices(run: RunFolder, dataset: Dataset, most: int) -> Iterator[int]:
    """Yield the indices of evaluated images: some of each class, then those in the run's report that still exist.

    The report names the least certain of the correct predictions. Wrong ones leave a quarter of `most` to correct ones.
    """
    evaluated = map(int, dataset.indices(dataset.evaluation_split))
    if not run.report.is_file():
        yield from evaluated
        return
    cells = read_report(run.report).cells
    named = {answer.index for cell in cells for answer in cell.images}
    some = list(itertools.islice(_of_each_class(dataset, evaluated, named), most // 4))
    correct = _in_turn(cell for cell in cells if cell.correct)
    wrong = _in_turn(cell for cell in cells if not cell.correct)
    wrong = wrong[: most - min(len(some) + len(correct), max(len(some), most // 4))]
    yield from some
    for answer in [*wrong, *correct]:
        if answer.index < len(dataset) and dataset.image_name(answer.index) == answer.name:
            yield answer.index


def _of_each_class(dataset: Dataset, indices: Iterable[int], without: Collection[int]) -> Iterator[int]:
    """Yield a few of the indices of each class, in order."""
    seen = Counter[int]()
    for index in indices:
        label = int(dataset.labels[index])
        if index not in without and seen[label] < TYPICAL:
            seen[label] += 1
            yield index


def training_source(model: Model, data_dir: Path | None, reporter: Reporter) -> Source:
    """Return the source of the images that the model was trained on.

    Raises:
        ConvscopeError: the model does not say which, or they are not there any more.
    """
    learned = model.learned
    if learned.data is None:
        raise DataError(f"The model has no record of its training dataset. {learned.note}".rstrip())
    folder = data_dir or (Path(learned.data_dir) if learned.data_dir else None)
    return open_recorded(learned.data, data_dir=folder, reporter=reporter, class_depth=learned.class_depth)


def _in_turn(cells: Iterable[Cell]) -> list[Answer]:
    """Return the images of all cells: the first of every cell, then the second, and so on."""
    ranked = [(rank, cell.truth, cell.predicted, answer) for cell in cells for rank, answer in enumerate(cell.images)]
    return [entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])]
