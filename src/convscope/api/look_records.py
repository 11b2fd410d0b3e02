"""The records on the page beside the network: those of its run folder, and its units."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from convscope.attribution.faithfulness_record import Faithfulness
from convscope.core.errors import ConvscopeError
from convscope.core.progress import Reporter, Silent
from convscope.core.records import Dataclass
from convscope.core.text import printable
from convscope.explorer.comparison import comparison_data, shipped_comparison
from convscope.explorer.data import ExplorerData, NamedImage
from convscope.explorer.evaluation import RunEvaluation, evaluation_of
from convscope.explorer.invariance import invariance_data
from convscope.explorer.units import UnitsData, units_data
from convscope.explorer.where import training_data, trust_data
from convscope.images.dataset import Dataset
from convscope.measures.comparison.records import FILE_NAME as COMPARISON_NAME
from convscope.measures.comparison.records import PAGE_NAME, Comparison
from convscope.measures.invariance_record import Invariance
from convscope.measures.units.measuring import measure_units
from convscope.measures.units.random_weights import beside_random
from convscope.measures.units.records import UnitsRecord, UnitsReport
from convscope.networks.model import Model
from convscope.training.history import read_history
from convscope.training.record_files import read_record_file
from convscope.training.report import read_report
from convscope.training.run_folder import RunFolder

MOST_COMPARISONS = 5  # that are looked into
RecordT = TypeVar("RecordT", bound=Dataclass)


def with_records(
    data: ExplorerData,
    model: Model,
    images: Sequence[NamedImage],
    *,
    run: RunFolder | None,
    dataset: Dataset | None,
    reporter: Reporter,
) -> ExplorerData:
    """Return `data` with all records of the network; without a comparison, with the one that comes with the package.

    Args:
        data: the network and its images.
        model: the network.
        images: of the page.
        run: its run folder, if it has one.
        dataset: the dataset of the images, where they are those that the run was evaluated on.
        reporter: receives a sentence for each record that cannot be read.
    """
    where = data.where
    if where is not None and dataset is not None:
        where = dataclasses.replace(where, training=training_data(model, dataset))
    if run is None:
        units = units_of(model, images)
        return dataclasses.replace(data, units=units, where=where, comparison=shipped_comparison())
    trust = _saved(Faithfulness, run.faithfulness, reporter, how=f"convscope explain {run.path} IMAGES")
    if where is not None and trust is not None and _fits(trust.layout, run.faithfulness, model, reporter):
        where = dataclasses.replace(where, trust=trust_data(trust))
    report = _saved(UnitsReport, run.units, reporter, how=f"convscope measure {run.path} DATA --what units")
    if report is not None and not _fits(report.units.layout, run.units, model, reporter):
        report = None
    invariance = _saved(Invariance, run.invariance, reporter, how=f"convscope measure {run.path} DATA")
    if invariance is not None and not _fits(invariance.layout, run.invariance, model, reporter):
        invariance = None
    _, comparison = _comparison_of(model, run, reporter)
    return dataclasses.replace(
        data,
        units=units_of(model, images, report, dataset),
        where=where,
        evaluation=_evaluation(run, reporter),
        invariance=None if invariance is None else invariance_data(invariance),
        comparison=comparison_data(comparison) if comparison and comparison.measured else shipped_comparison(),
    )


def units_of(
    model: Model, shown: Sequence[NamedImage], report: UnitsReport | None = None, dataset: Dataset | None = None
) -> UnitsData | None:
    """Return the units, measured on the images of `report` where those are available, else on those of the page.

    None without either, or without units; and for a network that was read, whose maps may be tens of thousands.
    """
    if report is not None and dataset is not None and _has_images(report.units, dataset):
        return _of_report(report, shown, dataset)
    if not shown or model.layout is None:
        return None
    truths = [image.truth for image in shown if image.truth is not None]
    labels = np.array(truths, dtype=np.int64) if len(truths) == len(shown) else None
    pixels = np.stack([image.pixels for image in shown])
    record = measure_units(model, pixels, labels=labels)
    if not record.layers:
        return None
    report = report or beside_random(record, model, pixels, labels=labels)
    return units_data(record, in_page={index: index for index in range(len(shown))}, report=report)


def _of_report(report: UnitsReport, shown: Sequence[NamedImage], dataset: Dataset) -> UnitsData | None:
    record = report.units
    evaluated = dataset.indices(dataset.evaluation_split)
    by_name = {image.name: index for index, image in enumerate(shown)}
    tops = {top.image: top.name for layer in record.layers for unit in layer.units for top in unit.top}
    in_page = {image: by_name[name] for image, name in tops.items() if name in by_name}

    def image(index: int) -> NDArray[np.uint8]:
        return np.asarray(dataset.images[evaluated[index]])

    background = dataset.preprocessing.background
    return (
        units_data(record, in_page=in_page, image=image, background=background, report=report)
        if record.layers
        else None
    )


def _has_images(record: UnitsRecord, dataset: Dataset) -> bool:
    """Whether the images of the record are the evaluated ones of the dataset, by the names of its top patches."""
    evaluated = dataset.indices(dataset.evaluation_split)
    if record.images != len(evaluated):
        return False
    tops = {top.image: top.name for layer in record.layers for unit in layer.units for top in unit.top}
    return all(
        index < len(evaluated) and dataset.image_name(int(evaluated[index])) == name for index, name in tops.items()
    )


def _saved(kind: type[RecordT], path: Path, reporter: Reporter, *, how: str) -> RecordT | None:
    """Return the record saved at `path` by the command `how`; None where none can be read."""
    if not path.is_file():
        return None
    try:
        return read_record_file(kind, path, how=how)
    except ConvscopeError as error:
        reporter.say(f"{path.name} cannot be read and is not in the page: {printable(str(error))}")
        return None


def linked_pages(model: Model, run: RunFolder) -> dict[str, Path]:
    """Return the pages of a run and of the comparison near it, by title, whether they exist or not."""
    folder, _ = _comparison_of(model, run, Silent())
    return run.pages(folder / PAGE_NAME)


def _comparison_of(model: Model, run: RunFolder, reporter: Reporter) -> tuple[Path, Comparison | None]:
    """Return the newest comparison in or beside the run folder with its dataset and baseline, and where it is."""
    if not run.report.is_file():
        return run.path, None
    try:
        here = run.path.absolute()
        near = (path for place in (here, here.parent) for path in place.glob(f"*/{COMPARISON_NAME}"))
        paths = [here / COMPARISON_NAME, *near]
        name = read_report(run.report).name
        newest = sorted((path for path in paths if path.is_file()), key=lambda path: -path.stat().st_mtime)
    except (ConvscopeError, OSError):
        return run.path, None
    for path in newest[:MOST_COMPARISONS]:
        comparison = _saved(Comparison, path, reporter, how="convscope compare DATA")
        if comparison is not None and _is_among(model, name, comparison):
            return path.parent, comparison
    return run.path, None


def _is_among(model: Model, data: str, comparison: Comparison) -> bool:
    """Whether a network trained on the dataset `data` has the layout and sizes of the comparison."""
    preprocessing = model.preprocessing
    sizes = (preprocessing.height, preprocessing.width, preprocessing.channels)
    same_network = comparison.layout == model.title and comparison.classes == len(model.classes)
    same_images = sizes == (comparison.height, comparison.width, comparison.channels)
    return same_network and same_images and comparison.data == printable(data)


def _fits(layout: str, path: Path, model: Model, reporter: Reporter) -> bool:
    if layout == model.title:
        return True
    reporter.say(f"{path.name} is of another network ({printable(layout)}) and is not in the page")
    return False


def _evaluation(run: RunFolder, reporter: Reporter) -> RunEvaluation | None:
    """Return the evaluation of a run; None where it has no report that can be read."""
    if not run.report.is_file():
        return None
    try:
        history = read_history(run.history).epochs if run.history.is_file() else ()
        return evaluation_of(read_report(run.report), history)
    except ConvscopeError as error:
        reporter.say(f"the evaluation is not in the page: {printable(str(error))}")
        return None
