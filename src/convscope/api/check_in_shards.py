"""Find what is wrong with a dataset of very many images: features in shards, the verdict from all of them."""

import functools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.cleaning.findings import find_problems
from convscope.core.context import Context, context_of
from convscope.core.errors import ParameterError
from convscope.core.machine import tuned
from convscope.core.options import AnyPath
from convscope.images.dataset import Dataset
from convscope.images.decisions import corrected
from convscope.images.inspection import ClassCount, Inspection, Problem, SizeSpread, spell
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.opening import open_source
from convscope.images.sources.source import Source
from convscope.images.splits import LEFT_OUT
from convscope.images.values import parse_value_range
from convscope.networks.inputs import Input
from convscope.networks.starts import open_start
from convscope.options.check import CheckOptions
from convscope.options.shards import ShardOptions
from convscope.shards.computations import Unusable
from convscope.shards.job import ShardsJob, ShardsResult
from convscope.shards.looks import merged_looks
from convscope.shards.manifest import read_manifest
from convscope.shards.store import Store
from convscope.transfer.preparing import cuts_of

from .check_with_network import check_page_folder, with_findings
from .shards import entries_of

_NOTE = "in shards: sizes, formats, damage and exact duplicates of files are found by check without a model"


def check_in_shards(
    data: AnyPath, how: ShardOptions, options: CheckOptions, *, context: Context | None = None
) -> Inspection | ShardsResult:
    """Return what a network finds in a dataset, its features computed in shards; of a part, what this call has done.

    Args:
        data: a folder or list of image files.
        how: as for `predict_in_shards`.
        options: of which `model` is needed; `force` begins anew what is in the folder.
        context: progress, and the folder of named datasets.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    context = context_of(context)
    if options.model is None:
        raise ParameterError("`model` must be given with `shards`: its features are computed. Got none.")
    if how.part is not None and options.output is not None:
        raise ParameterError("`output` must be left out with `part`: the verdict needs all parts. Got both.")
    check_page_folder(data, options)
    start = open_start(options.model)
    model = start.model
    if (ranges := parse_value_range(options.value_range)) is not None:
        model = replace(model, preprocessing=replace(model.preprocessing, ranges=ranges))

    @functools.cache
    def source() -> Source:
        return open_source(
            data,
            data_dir=context.data_dir,
            reporter=context.reporter,
            unlabeled=True,
            class_depth=options.class_depth,
            channels=model.preprocessing.channels,
        )

    job = ShardsJob(how, "check", model, {"layer": cuts_of(start, None)[0]}, data, options.force, options.device)
    result = job.run(lambda: entries_of(source()), context.reporter)
    store = Store(result.folder)
    manifest = read_manifest(store)
    if how.part is not None or manifest is None:
        return result
    merged = merged_looks(store, manifest, context.reporter)
    dataset = _dataset(source(), model.preprocessing, merged.unusable, options)
    with tuned():
        found = find_problems(dataset, merged.features, merged.looks, seed=options.seed, reporter=context.reporter)
    return with_findings(data, dataset, found, replace(start, model=model), options, context)


class _ReadWhenNeeded:
    """The images of a dataset, of which few are looked at: those of the page."""

    def __init__(self, source: Source, indices: NDArray[np.int64], preprocessing: Preprocessing) -> None:
        self._source, self._indices, self._preprocessing = source, indices, preprocessing

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        path = self._source.path(int(self._indices[index]))
        return Input(name=str(path), content=str(path)).read(self._preprocessing)[0]


def _dataset(source: Source, preprocessing: Preprocessing, unusable: Unusable, options: CheckOptions) -> Dataset:
    """Return the usable images, which are not in memory."""
    without = dict(unusable)
    names = [spell(source.image_name(index)) for index in range(len(source.labels))]
    indices = np.array([index for index, name in enumerate(names) if name not in without], np.int64)
    labels, splits, notes = source.labels[indices], source.splits[indices].copy(), [_NOTE]
    if options.labels is not None:
        found = corrected(
            Path(options.labels), labels, source.classes, lambda one: source.image_name(int(indices[one]))
        )
        labels, notes = found.labels, [*notes, found.note]
        splits[~found.used] = LEFT_OUT
    images: Any = _ReadWhenNeeded(source, indices, preprocessing)
    listed, used = Counter(source.labels.tolist()), Counter(labels.tolist())
    inspection = Inspection(
        source=spell(source.name),
        images=len(names),
        usable=len(indices),
        classes=tuple(
            ClassCount(name=spell(name), images=listed[number], usable=used[number])
            for number, name in enumerate(source.classes)
        ),
        problems=tuple(Problem(name=name, kind="unreadable", detail=reason) for name, reason in unusable),
        sizes=SizeSpread(widths=(preprocessing.width,) * 3, heights=(preprocessing.height,) * 3),
        modes={},
        formats={},
        notes=tuple(notes),
    )
    return Dataset(
        name=source.name,
        images=images,
        labels=labels,
        splits=splits,
        classes=source.classes,
        preprocessing=preprocessing,
        inspection=inspection,
        notes=(),
        flippable=source.flippable,
        source=source,
        source_indices=indices,
    )
