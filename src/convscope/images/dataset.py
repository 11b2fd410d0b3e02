"""A dataset ready for training: one uint8 array of images, labels, splits, and notes on how they were made."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.core.text import are, counted, printable
from convscope.images.cache.caching import cached
from convscope.images.loading.facts import facts_of_stack
from convscope.images.sources.foreign import passed_over_note
from convscope.images.sources.naming import look_alike_note
from convscope.images.sources.source import TEST, TRAIN, VALIDATION, Source

from .checks import check_facts, require_every_class
from .decisions import corrected
from .inspection import Inspection, defect_notes, image_notes
from .preprocessing import Preprocessing
from .sampling import take_sample
from .sizes import ImageOptions, choose_preprocessing
from .splits import LEFT_OUT, assign, check_fraction


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images, labels and splits, ready for training.

    Attributes:
        name: of the source, for the user.
        images: uint8 N H W C, the usable images; memory-mapped from the cache, or the array of the source. Read-only.
        labels: class index of each, int64 N.
        splits: split of each, uint8 N: TRAIN, VALIDATION, TEST; LEFT_OUT for a training image whose duplicate is in
            another split, and for images of unknown class.
        classes: names.
        preprocessing: applied to these images, and to any other image.
        inspection: problems of the dataset.
        notes: sentences on how size, channels, background and splits were chosen, and what was left out.
        flippable: whether a horizontal flip preserves the class; None if the source does not say.
        source: origin of the images.
        source_indices: index of each image in the source, int64 N.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    splits: NDArray[np.uint8]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    inspection: Inspection
    notes: tuple[str, ...]
    flippable: bool | None
    source: Source
    source_indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def indices(self, split: int) -> NDArray[np.int64]:
        """Return the indices of the images of one split, in order."""
        return np.flatnonzero(self.splits == split)

    def drawn(self, split: int, most: int, seed: int) -> NDArray[np.int64]:
        """Return the indices of at most `most` images of a split, drawn at random, in increasing order."""
        return np.sort(np.random.default_rng(seed).permutation(self.indices(split))[:most])

    @property
    def evaluation_split(self) -> int:
        """The split that a network is evaluated on: TEST, else VALIDATION, else TRAIN.

        Raises:
            DataError: the images have no classes.
        """
        if not self.source.labeled:
            raise DataError(f"`{printable(self.name)}` must have classes to evaluate by. Got unlabeled images.")
        return next(split for split in (TEST, VALIDATION, TRAIN) if (self.splits == split).any())

    def image_name(self, index: int) -> str:
        """Return the name of one image, relative to the source."""
        return self.source.image_name(int(self.source_indices[index]))

    def path(self, index: int) -> Path | None:
        """Return the file of one image, None if it has no file of its own."""
        return self.source.path(int(self.source_indices[index]))


def prepare(
    source: Source,
    options: ImageOptions | None = None,
    *,
    validation: float | None = None,
    seed: int = 0,
    decisions: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
    workers: int | None = None,
) -> Dataset:
    """Return the images of `source`, all of one size, inspected and split.

    Files are decoded once and cached on disk; arrays that need no change are used as they are.

    Args:
        source: see `convscope.images.sources.opening.open_source`.
        options: of preprocessing; None chooses all by the data.
        validation: fraction of the training images for validation; None takes 0.2 if the source has no splits.
        seed: of the validation split.
        decisions: CSV file of images with another class, or left out (`convscope.images.decisions`).
        cache_dir: cache folder; None takes CONVSCOPE_CACHE or the user's cache folder.
        reporter: shows progress.
        workers: number of images loaded in parallel; None takes the number of cores.

    Raises:
        ParameterError: an invalid option.
        DataError: a class has no readable image.
        StorageError: the cache does not fit on the disk.

    Examples:
        >>> from convscope.images.sources.opening import open_source
        >>> digits = prepare(open_source((np.eye(8, dtype=np.uint8)[None].repeat(6, 0), [0, 1] * 3)))
        >>> digits.images.shape, digits.notes[0]
        ((6, 8, 8, 1), 'size 8x8 (width x height): that of the images')
    """
    options = options or ImageOptions()
    check_fraction(validation)
    reporter = reporter or Silent()
    prepared = _unchanged_stack(source, options)
    if prepared is None:
        entry, extra = cached(source, options, cache_dir=cache_dir, reporter=reporter, workers=workers)
        index = entry.index
        reasons = {int(number): reason for number, reason in index.reasons.items()}
        remarks = {int(number): remark for number, remark in index.remarks.items()}
        prepared = _Prepared(entry.images, entry.facts, reasons, remarks, index.preprocessing, (*index.notes, *extra))
    return _finish(source, prepared, validation, seed, decisions)


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """The usable images, preprocessed, and the facts of all images."""

    images: NDArray[np.uint8]
    facts: NDArray[np.void]
    reasons: Mapping[int, str]
    remarks: Mapping[int, tuple[str, ...]]
    preprocessing: Preprocessing
    notes: tuple[str, ...]


def _unchanged_stack(source: Source, options: ImageOptions) -> _Prepared | None:
    """Return the array of a source if it needs no change, else None."""
    stack = source.stack()
    if stack is None:
        return None
    preprocessing, notes = choose_preprocessing(options, take_sample(source))
    if stack.shape[1:] != (*preprocessing.size, preprocessing.channels):
        return None
    stack = np.ascontiguousarray(stack)  # an array may be reversed, or in Fortran order
    facts = facts_of_stack(stack, preprocessing.ranges)
    return _Prepared(preprocessing.apply_stack(stack), facts, {}, {}, preprocessing, notes)


def _finish(
    source: Source,
    prepared: _Prepared,
    validation: float | None,
    seed: int,
    decisions: Path | None,
) -> Dataset:
    facts = prepared.facts
    inspection = check_facts(source, facts, prepared.reasons, prepared.remarks)
    require_every_class(inspection)
    source_indices = np.flatnonzero(~facts["unusable"])
    labels, used, decided = _decided(source, source_indices, decisions)
    splits = np.full(len(source_indices), LEFT_OUT, np.uint8)
    split_notes: tuple[str, ...] = ()
    if source.labeled:
        indices = source_indices[used]
        splits[used], split_notes = assign(
            source.splits[indices], labels[used], facts["digest"][indices], validation=validation, seed=seed
        )
        _require_training_images(source, labels, splits)
    images = prepared.images.view()
    images.flags.writeable = False
    return Dataset(
        name=source.name,
        images=images,
        labels=labels,
        splits=splits,
        classes=source.classes,
        preprocessing=prepared.preprocessing,
        inspection=inspection,
        notes=(
            *prepared.notes,
            *image_notes(facts, prepared.preprocessing.channels),
            *defect_notes(inspection),
            *source_notes(source),
            *decided,
            *split_notes,
        ),
        flippable=source.flippable,
        source=source,
        source_indices=source_indices,
    )


def _decided(
    source: Source, indices: NDArray[np.int64], decisions: Path | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_], tuple[str, ...]]:
    """Return the labels of images, which of them are used, and a note, after the decisions on them.

    Raises:
        DataError: the decisions cannot be carried out.
    """
    labels = source.labels[indices]
    if decisions is None:
        return labels, np.ones(len(indices), bool), ()
    if not source.labeled:
        raise DataError(f"`labels` needs images with classes. Got none in {printable(source.name)}. Leave it out.")
    found = corrected(decisions, labels, source.classes, lambda index: source.image_name(int(indices[index])))
    return found.labels, found.used, (found.note,)


def reading_notes(dataset: Dataset) -> list[str]:
    """Return notes on images that are left out, clipped or partly used, for a dataset read for a trained model.

    Unlike `Dataset.notes` they suggest no options: the model sets them.
    """
    inspection = dataset.inspection
    notes = []
    if unusable := len(inspection.unusable) - len(inspection.of_kind("passed over")):
        notes.append(f"{counted(unusable, 'image')} left out, being unusable")
    if clipped := len(inspection.of_kind("clipped")):
        notes.append(
            f"{counted(clipped, 'image')} with more than 1 % of the values beyond the range of the model, which are "
            "clipped"
        )
    return [*notes, *defect_notes(inspection)]


_NAMED = 10  # classes


def classes_in_words(dataset: Dataset) -> str:
    """Return a line with the classes and their numbers of usable images; at most ten classes."""
    counts = dataset.inspection.classes
    listed = ", ".join(f"{printable(count.name)} {count.usable:,}" for count in counts[:_NAMED])
    more = f", … and {len(counts) - _NAMED:,} more" if len(counts) > _NAMED else ""
    return f"{counted(len(counts), 'class', 'classes')}: {listed}{more}"


def source_notes(source: Source) -> list[str]:
    """Return notes on how classes and splits were read, and on files that are not used."""
    return [
        *source.notes,
        *look_alike_note(source.classes),
        *_loose_images(source.loose),
        *passed_over_note(source.passed_over),
    ]


def _loose_images(loose: Sequence[str]) -> list[str]:
    """Return a note on images beside the class folders, if there are any."""
    if not loose:
        return []
    where = f", such as {printable(loose[0])}" if len(loose) > 1 else f": {printable(loose[0])}"
    return [f"{counted(len(loose), 'image')} in no folder of a class {are(len(loose))} left out{where}"]


def _require_training_images(source: Source, labels: NDArray[np.int64], splits: NDArray[np.uint8]) -> None:
    """Raise DataError if a class has no training image."""
    counts = np.bincount(labels[splits == TRAIN], minlength=len(source.classes))
    if counts.all():
        return
    name = printable(source.classes[int(np.argmin(counts))])
    raise DataError(
        f"`{printable(source.name)}` must have a training image of every class. Got none of {name!r} that is not "
        "in validation or test too. Add some."
    )
