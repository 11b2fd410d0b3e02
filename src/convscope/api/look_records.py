"""The further records that go into the page: what a run folder holds, and what units respond to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ConvscopeError
from convscope.core.progress import Reporter
from convscope.core.records import Dataclass
from convscope.core.text import printable
from convscope.images.dataset import Dataset
from convscope.measures.comparison.records import FILE_NAME as COMPARISON_NAME
from convscope.measures.comparison.records import Comparison
from convscope.measures.invariance_record import Invariance
from convscope.measures.units.measuring import measure_units
from convscope.measures.units.records import AblationRecord, UnitsRecord, UnitsReport
from convscope.networks.model import Model
from convscope.page.comparison_data import comparison_data
from convscope.page.good_data import GoodData, good_data
from convscope.page.invariance_data import invariance_data
from convscope.page.look_data import Records, Shown
from convscope.page.units_data import UnitsData, units_data
from convscope.training.history import read_history
from convscope.training.report import read_report
from convscope.training.run_folder import RunFolder

from .kept import read_kept

MOST_COMPARISONS = 5  # that are looked into
RecordT = TypeVar("RecordT", bound=Dataclass)


def records_of(
    model: Model, shown: Sequence[Shown], run: RunFolder | None, dataset: Dataset | None, reporter: Reporter
) -> Records:
    """Return what is known of a network beside its weights.

    Args:
        model: the network.
        shown: images of the page.
        run: its run folder, if it has one.
        dataset: the set that the images are from, where they are those that the run was evaluated on.
        reporter: told what is there and cannot be read.
    """
    if run is None:
        return Records(units=units_of(model, shown))
    report = _kept(UnitsReport, run.units, reporter, how=f"convscope measure {run.path} DATA --what units")
    if report is not None and not _fits(report.units.layout, run.units, model, reporter):
        report = None
    invariance = _kept(Invariance, run.invariance, reporter, how=f"convscope measure {run.path} DATA")
    if invariance is not None and not _fits(invariance.layout, run.invariance, model, reporter):
        invariance = None
    comparison = _comparison_of(model, run, reporter)
    return Records(
        units=units_of(model, shown, report, dataset),
        good=_good_of(run, reporter),
        invariance=None if invariance is None else invariance_data(invariance),
        comparison=comparison_data(comparison) if comparison is not None and comparison.measured else None,
    )


def units_of(
    model: Model, shown: Sequence[Shown], report: UnitsReport | None = None, dataset: Dataset | None = None
) -> UnitsData | None:
    """Return what units respond to: in the images of `report` where those are at hand, else in those of the page.

    None without either, or without units.
    """
    ablation = report.ablation if report else None
    if report is not None and dataset is not None and _are_those(report.units, dataset):
        return _of_report(report.units, ablation, shown, dataset)
    if not shown:
        return None
    truths = [one.truth for one in shown if one.truth is not None]
    labels = np.array(truths, dtype=np.int64) if len(truths) == len(shown) else None
    record = measure_units(model, np.stack([one.pixels for one in shown]), labels=labels)
    return units_data(record, places={at: at for at in range(len(shown))}, ablation=ablation) if record.layers else None


def _of_report(
    record: UnitsRecord, ablation: AblationRecord | None, shown: Sequence[Shown], dataset: Dataset
) -> UnitsData | None:
    evaluated = dataset.indices(dataset.evaluation_split)
    in_page = {one.name: at for at, one in enumerate(shown)}
    tops = {top.image: top.name for layer in record.layers for unit in layer.units for top in unit.top}
    places = {image: in_page[name] for image, name in tops.items() if name in in_page}

    def image(index: int) -> NDArray[np.uint8]:
        return np.asarray(dataset.images[evaluated[index]])

    background = dataset.preprocessing.background
    return (
        units_data(record, places=places, image=image, background=background, ablation=ablation)
        if record.layers
        else None
    )


def _are_those(record: UnitsRecord, dataset: Dataset) -> bool:
    """Whether the record's images are those of the set that are evaluated, as far as its top patches tell."""
    evaluated = dataset.indices(dataset.evaluation_split)
    if record.images != len(evaluated):
        return False
    tops = {top.image: top.name for layer in record.layers for unit in layer.units for top in unit.top}
    return all(at < len(evaluated) and dataset.image_name(int(evaluated[at])) == name for at, name in tops.items())


def _kept(kind: type[RecordT], path: Path, reporter: Reporter, *, how: str) -> RecordT | None:
    """Return the record that `path` holds, made by the command `how`; None where there is none that can be read."""
    if not path.is_file():
        return None
    try:
        return read_kept(kind, path, how=how)
    except ConvscopeError as error:
        reporter.say(f"{path.name} cannot be read and is not in the page: {printable(str(error))}")
        return None


def _comparison_of(model: Model, run: RunFolder, reporter: Reporter) -> Comparison | None:
    """Return the newest comparison beside the run folder that was made of the same set after the same network."""
    if not run.report.is_file():
        return None
    try:
        found = [place / COMPARISON_NAME for place in run.path.absolute().parent.glob("compare-*")]
        name = read_report(run.report).name
        newest = sorted((path for path in found if path.is_file()), key=lambda path: -path.stat().st_mtime)
    except (ConvscopeError, OSError):
        return None
    read = (_kept(Comparison, path, reporter, how="convscope compare DATA") for path in newest[:MOST_COMPARISONS])
    return next((one for one in read if one is not None and _is_among(model, name, one)), None)


def _is_among(model: Model, data: str, comparison: Comparison) -> bool:
    """Whether a network that has learned the set `data` is of the sizes and layout that were compared."""
    layer, sizes = model.preprocessing, (comparison.height, comparison.width, comparison.channels)
    same_network = comparison.layout == str(model.layout) and comparison.classes == len(model.classes)
    return same_network and sizes == (layer.height, layer.width, layer.channels) and comparison.data == printable(data)


def _fits(layout: str, path: Path, model: Model, reporter: Reporter) -> bool:
    if layout == str(model.layout):
        return True
    reporter.say(f"{path.name} is of another network ({printable(layout)}) and is not in the page")
    return False


def _good_of(run: RunFolder, reporter: Reporter) -> GoodData | None:
    """Return how good the network was when its run ended; None where the run has no report that can be read."""
    if not run.report.is_file():
        return None
    try:
        history = read_history(run.history).epochs if run.history.is_file() else ()
        return good_data(read_report(run.report), history)
    except ConvscopeError as error:
        reporter.say(f"how good it was is not in the page: {printable(str(error))}")
        return None
