"""Find what is wrong with a dataset by the features of a network, and write it as a page and a table."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from convscope.cleaning.findings import Findings, find_problems
from convscope.core.atomic import check_folder, refuse_existing, write_text
from convscope.core.context import Context
from convscope.core.machine import tuned
from convscope.core.tables import DataTable
from convscope.features.extraction import image_options
from convscope.images.dataset import Dataset, prepare, reading_notes
from convscope.images.decisions import LEAVE_OUT, Decision, read_decisions
from convscope.images.inspection import PROBLEM_KINDS, Inspection, Problem, spell
from convscope.images.sources.opening import DataSource, open_source
from convscope.images.values import parse_value_range
from convscope.networks.starts import Start, open_start
from convscope.options.check import CheckOptions
from convscope.options.data import data_name, refuse_among_images
from convscope.report.check_page import render_check
from convscope.transfer.preparing import cuts_of
from convscope.transfer.start_features import StartFeatures, Wanted
from convscope.transfer.views import ITSELF

from .kept_inputs import keep_inputs

PAGE, TABLE = "check.html", "check.csv"
_COLUMNS = ("image", "kind", "score", "label", "suggested", "other", "detail")
_MEMORIZED = (
    "the network has learned from this dataset: what it learned by heart looks right, so that fewer wrong labels are "
    "found than with a network that does not know it"
)


def check_with_network(data: DataSource, options: CheckOptions, context: Context) -> Inspection:
    """Return every problem of the images of `data`, among them those that the network of the options finds.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    check_page_folder(data, options)
    start = open_start(options.model)
    there = start.model.to(options.device)
    with tuned():
        dataset = _images(data, start, options, context)
        model = dataclasses.replace(there, preprocessing=dataset.preprocessing)
        cut = cuts_of(start, None)
        every = Wanted(view=ITSELF, indices=np.arange(len(dataset)))
        features = StartFeatures(model, cut, dataset, cache_dir=context.cache_dir, reporter=context.reporter).of(
            [every]
        )[0][cut[0]]
        found = find_problems(dataset, features, seed=options.seed, reporter=context.reporter)
    return with_findings(data, dataset, found, start, options, context)


def check_page_folder(data: DataSource, options: CheckOptions) -> None:
    """Raise an error for a folder that the page and the table cannot be written into.

    Raises:
        ParameterError: it is one of images.
        StorageError: they are there already.
    """
    if options.output is None:
        return
    folder = Path(options.output)
    refuse_among_images(folder, data_name(data))
    keep_inputs((folder / name for name in (PAGE, TABLE)), data=[data, options.labels])
    check_folder(folder)
    for name in (PAGE, TABLE):
        refuse_existing(folder / name, force=options.force)


def with_findings(  # noqa: PLR0917  # what every way to check has
    data: DataSource, dataset: Dataset, found: Findings, start: Start, options: CheckOptions, context: Context
) -> Inspection:
    """Return the inspection of a dataset with what a network found, without what was decided; write page and table."""
    decisions = {} if options.labels is None else read_decisions(Path(options.labels))
    memorized = isinstance(data, (str, os.PathLike)) and start.model.learned.data == data_name(data)
    problems = [problem for problem in found.problems if not _is_decided(problem, decisions)]
    order = list(PROBLEM_KINDS)
    inspection = dataclasses.replace(
        dataset.inspection,
        problems=tuple(sorted((*dataset.inspection.problems, *problems), key=lambda one: order.index(one.kind))),
        notes=(*dataset.inspection.notes, *start.notes, *found.notes, *[_MEMORIZED] * memorized),
    )
    if options.output is not None:
        folder = Path(options.output)
        places = {spell(dataset.image_name(index)): index for index in range(len(dataset))}
        page = render_check(inspection, lambda name: np.asarray(dataset.images[places[name]]), decisions=decisions)
        write_text(folder / PAGE, page)
        write_text(folder / TABLE, findings_table(inspection).csv())
        context.reporter.say(f"findings: {folder / PAGE} and {folder / TABLE}")
    return inspection


def findings_table(inspection: Inspection) -> DataTable:
    """Return what a network has found, a row each."""
    return DataTable.of(
        _COLUMNS,
        [
            [
                problem.name,
                problem.kind,
                f"{problem.score:.3f}",
                problem.label,
                problem.suggested,
                next(iter(problem.others), ""),
                problem.detail,
            ]
            for problem in inspection.scored
        ],
    )


def _images(data: DataSource, start: Start, options: CheckOptions, context: Context) -> Dataset:
    """Return the images as the network takes them."""
    reporter = context.reporter
    source = open_source(
        data,
        data_dir=context.data_dir,
        reporter=reporter,
        unlabeled=True,
        class_depth=options.class_depth,
        channels=start.model.preprocessing.channels,
    )
    wanted = image_options(start.model.preprocessing)
    if options.value_range is not None:
        wanted = dataclasses.replace(wanted, ranges=parse_value_range(options.value_range))
    decisions = None if options.labels is None else Path(options.labels)
    dataset = prepare(
        source, wanted, decisions=decisions, cache_dir=context.cache_dir, reporter=reporter, workers=options.workers
    )
    for note in reading_notes(dataset):
        reporter.say(note)
    return dataset


def _is_decided(problem: Problem, decisions: dict[str, Decision]) -> bool:
    """Return whether there is a decision on an image, or its copy is left out."""
    copies = (decisions.get(name.strip()) for name in problem.others)
    return problem.name.strip() in decisions or any(copy is not None and copy.action == LEAVE_OUT for copy in copies)
