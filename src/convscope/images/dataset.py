"""A set of images ready to learn from: one uint8 array, labels, parts, and sentences that say how it came to be."""

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
from .inspection import Inspection
from .preprocessing import Preprocessing
from .sampling import take_sample
from .sizes import ImageOptions, choose_preprocessing
from .splits import LEFT_OUT, assign, check_fraction
from .values import ValueRanges


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images ready to learn from.

    Attributes:
        name: of the source, for the user.
        images: uint8 N H W C, the usable images; mapped from the cache, or the source's own array. Not writable.
        labels: class of each, int64 N.
        splits: part of each, uint8 N: TRAIN, VALIDATION, TEST; or LEFT_OUT where a training image is also held out,
            or its class is not known.
        classes: names.
        preprocessing: what makes any other image like these.
        inspection: what is wrong with the set.
        notes: sentences that say how size, channels, background and parts were chosen, and what was left out.
        flippable: whether flips left-right keep the class; None where the source does not say.
        source: where they came from.
        source_indices: place of each image in the source, int64 N.
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
        """Return the source_indices in this set of the images of one part, in order."""
        return np.flatnonzero(self.splits == split)

    @property
    def evaluation_split(self) -> int:
        """The part that a network is evaluated on: TEST, else VALIDATION; TRAIN where nothing is held out.

        Raises:
            DataError: no class is known.
        """
        if not self.source.labelled:
            raise DataError(f"`{printable(self.name)}` must have classes to evaluate by. Got images of no class.")
        return next(split for split in (TEST, VALIDATION, TRAIN) if (self.splits == split).any())

    def image_name(self, index: int) -> str:
        """Return the name of one image, relative to the source."""
        return self.source.image_name(int(self.source_indices[index]))

    def path(self, index: int) -> Path | None:
        """Return the file of one image, None where it has none of its own."""
        return self.source.path(int(self.source_indices[index]))


def prepare(
    source: Source,
    *,
    size: tuple[int, int] | int | None = None,
    fit: str = "letterbox",
    background: str = "auto",
    channels: int | None = None,
    ranges: ValueRanges | None = None,
    validation: float | None = None,
    seed: int = 0,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
    workers: int | None = None,
) -> Dataset:
    """Return the images of `source`, all of one size, inspected and divided into parts.

    Files are read once and kept in a cache on disk; arrays that need no change are used where they are.

    Args:
        source: see `convscope.images.sources.opening.open_source`.
        size: (width, height) or one side in pixels; None chooses it from the data.
        fit: "letterbox", "stretch" or "crop", for images of another shape.
        background: "auto", "white", "black" or "#rrggbb": margins and what lies behind transparency.
        channels: 1 (gray) or 3; None takes what the data have.
        ranges: which values of the files become black and white; None chooses them from the data.
        validation: fraction of the training images to hold out; None holds a fifth out where the source has no
            parts of its own.
        seed: of the choice of what is held out.
        cache_dir: folder of the cache; None takes CONVSCOPE_CACHE or the user's cache folder.
        reporter: told how far the reading is.
        workers: how many images are read at once; None takes the number of cores.

    Raises:
        ParameterError: a setting that cannot be.
        DataError: not one readable image in some class.
        StorageError: no room for the cache.

    Examples:
        >>> from convscope.images.sources.opening import open_source
        >>> digits = prepare(open_source((np.eye(8, dtype=np.uint8)[None].repeat(6, 0), [0, 1] * 3)))
        >>> digits.images.shape, digits.notes[0]
        ((6, 8, 8, 1), 'size 8x8 (width x height): the images have it')
    """
    options = ImageOptions(size=size, fit=fit, background=background, channels=channels, ranges=ranges)
    check_fraction(validation)
    reporter = reporter or Silent()
    prepared = _unchanged_stack(source, options)
    if prepared is None:
        entry, extra = cached(source, options, cache_dir=cache_dir, reporter=reporter, workers=workers)
        index = entry.index
        reasons = {int(number): reason for number, reason in index.reasons.items()}
        remarks = {int(number): remark for number, remark in index.remarks.items()}
        prepared = _Prepared(entry.images, entry.facts, reasons, remarks, index.preprocessing, (*index.notes, *extra))
    return _finish(source, prepared, validation, seed)


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """Images as the network sees them (the usable ones), and what was noted of all."""

    images: NDArray[np.uint8]
    facts: NDArray[np.void]
    reasons: Mapping[int, str]
    remarks: Mapping[int, tuple[str, ...]]
    preprocessing: Preprocessing
    notes: tuple[str, ...]


def _unchanged_stack(source: Source, options: ImageOptions) -> _Prepared | None:
    """Return the array of a source where it needs no change, else None."""
    stack = source.stack()
    if stack is None:
        return None
    preprocessing, notes = choose_preprocessing(options, take_sample(source))
    if stack.shape[1:] != (*preprocessing.size, preprocessing.channels):
        return None
    stack = np.ascontiguousarray(stack)  # an array may be turned round, or in Fortran's order
    facts = facts_of_stack(stack, preprocessing.ranges)
    return _Prepared(preprocessing.apply_stack(stack), facts, {}, {}, preprocessing, notes)


def _finish(
    source: Source,
    prepared: _Prepared,
    validation: float | None,
    seed: int,
) -> Dataset:
    facts = prepared.facts
    inspection = check_facts(source, facts, prepared.reasons, prepared.remarks)
    require_every_class(inspection)
    source_indices = np.flatnonzero(~facts["unusable"])
    labels = source.labels[source_indices]
    if source.labelled:
        splits, split_notes = assign(
            source.splits[source_indices], labels, facts["digest"][source_indices], validation=validation, seed=seed
        )
        _refuse_untaught(source, labels, splits)
    else:
        splits, split_notes = np.full(len(source_indices), LEFT_OUT, np.uint8), ()
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
        notes=(*prepared.notes, *_found(prepared), *_remarked(inspection), *source_notes(source), *split_notes),
        flippable=source.flippable,
        source=source,
        source_indices=source_indices,
    )


def _found(prepared: _Prepared) -> list[str]:
    """Return what reading all images showed beyond the sample."""
    notes = []
    unusable = len(prepared.reasons)
    if unusable:
        notes.append(f"{counted(unusable, 'image')} left out, being unusable")
    clipped = int(np.count_nonzero(prepared.facts["clipped"]))
    if clipped:
        notes.append(
            f"{counted(clipped, 'image')} with more than 1 % of the values beyond the range, which are clipped; "
            "--value-range changes it"
        )
    if prepared.preprocessing.channels == 1:
        colored = int(np.count_nonzero(prepared.facts["color"]))
        if colored:
            notes.append(
                f"{counted(colored, 'image')} with colour {are(colored)} turned into gray; --channels 3 keeps colour"
            )
    return notes


def reading_notes(dataset: Dataset) -> list[str]:
    """Return sentences on images that are left out, clipped, or not used as a whole, where a model says how to read.

    Unlike `Dataset.notes` they offer no settings: those are the model's.
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
    return [*notes, *_remarked(inspection)]


def _remarked(inspection: Inspection) -> list[str]:
    """Return one sentence for each kind of usable images that are not whole, or not used as a whole."""
    notes = []
    kinds = {"damaged": "may be damaged", "partly used": "used in part", "invisible": "invisible"}
    for kind, what in (kinds | {"animated": "used in part"}).items():
        problems = inspection.of_kind(kind)
        if problems:
            verb = "" if kind == "damaged" else f"{are(len(problems))} "
            example = f"{printable(problems[0].name)}: {printable(problems[0].detail)}"
            such_as = "such as " if len(problems) > 1 else ""
            notes.append(
                f"{counted(len(problems), 'image')} {verb}{what}, {such_as}{example}; convscope check names all"
            )
    return notes


def classes_in_words(dataset: Dataset, most: int = 10) -> str:
    """Return a line that lists the classes with how many usable images each has; of many, the first ones."""
    counts = dataset.inspection.classes
    listed = ", ".join(f"{printable(count.name)} {count.usable:,}" for count in counts[:most])
    more = f", … and {len(counts) - most:,} more" if len(counts) > most else ""
    return f"{counted(len(counts), 'class', 'classes')}: {listed}{more}"


def source_notes(source: Source) -> list[str]:
    """Return sentences on how classes and splits were read, and on what was found and is not used."""
    return [
        *source.notes,
        *look_alike_note(source.classes),
        *_loose_images(source.loose),
        *passed_over_note(source.passed_over),
    ]


def _loose_images(loose: Sequence[str]) -> list[str]:
    """Return a sentence on images that stand beside the folders of the classes, if there are any."""
    if not loose:
        return []
    where = f", such as {printable(loose[0])}" if len(loose) > 1 else f": {printable(loose[0])}"
    return [f"{counted(len(loose), 'image')} in no folder of a class {are(len(loose))} left out{where}"]


def _refuse_untaught(source: Source, labels: NDArray[np.int64], splits: NDArray[np.uint8]) -> None:
    """Raise DataError if a class has nothing to learn from."""
    counts = np.bincount(labels[splits == TRAIN], minlength=len(source.classes))
    if counts.all():
        return
    name = printable(source.classes[int(np.argmin(counts))])
    raise DataError(
        f"`{printable(source.name)}` must have an image of every class to learn from. Got none of {name!r} that "
        "is not in validation or test too. Add some."
    )
