"""The record of an inspection: the problems of a dataset, with the files that have them."""

import dataclasses
import os

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import choose
from convscope.core.text import are, counted, printable

NO_CLASS = ("",)
"""The classes of images without known classes."""
PROBLEM_KINDS: dict[str, tuple[bool, str]] = {
    "empty file": (False, "files of zero bytes"),
    "not an image": (False, "files that are not images"),
    "truncated": (False, "files that are cut off"),
    "decompression bomb": (False, "images that declare too many pixels"),
    "unsupported": (False, "images of an unsupported kind"),
    "unreadable": (False, "images that cannot be read"),
    "passed over": (False, "files that look like images and are not read, and unreadable folders"),
    "class without images": (True, "class folders without an image, which train refuses: fill or remove them"),
    "wrong extension": (True, "files with the extension of another format"),
    "single color": (True, "images of a single color"),
    "damaged": (True, "images that may be damaged: their decoder reported errors, but returned pixels"),
    "partly used": (True, "images of which only some channels or slices are used"),
    "invisible": (
        True,
        "drawings on a transparent ground in the color of the background, which gives them one color",
    ),
    "animated": (True, "animated images: the first frame is used"),
    "clipped": (True, "images with values beyond the range of the dataset, which become black or white"),
    "duplicate": (True, "images that occur more than once"),
    "similar names": (True, "classes whose names look alike and may be one class"),
    "two classes": (True, "images that are in more than one class"),
    "train and test": (True, "images that are in more than one of train, validation and test"),
    "wrong label": (True, "labels that look wrong"),
    "near-duplicate": (True, "images that are copies of another, changed or not"),
    "outlier": (True, "images that are unlike all others"),
    "blurred": (True, "images that are blurred beside the others"),
    "dark": (True, "images that are dark beside the others"),
    "over-exposed": (True, "images that are over-exposed beside the others"),
    "other kind": (
        True,
        "images of another kind, such as drawings among photographs, or gray ones among colored ones",
    ),
    "hard example": (True, "windows that look like another class than their image is of"),
    "uncertain": (True, "windows that may be of two classes"),
    "few images": (True, "classes with few images"),
    "imbalance": (True, "classes of very different size"),
    "empty class folder": (True, "classes without an image in a split"),
    "ignored": (True, "files and folders that are ignored"),
}
"""Kinds of problems: whether such an image is still usable, and a description in the plural."""

UNUSABLE = frozenset(kind for kind, (usable, _) in PROBLEM_KINDS.items() if not usable)
"""Kinds that exclude an image from training."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    r"""One problem with one image, class or file.

    name: of the image (its path relative to the source), class or file; valid Unicode, other bytes as ``\xff``.
    kind: one of PROBLEM_KINDS. detail: in words. others: the other images of a group of duplicates. score: of what a
    network has found, the precision of such findings where errors were put in on purpose, 0…1. label: class of the
    image. suggested: the class that it looks like. index: of the image in the dataset.
    """

    name: str
    kind: str
    detail: str
    others: tuple[str, ...] = ()
    score: float | None = None
    label: str = ""
    suggested: str = ""
    index: int | None = None

    def __post_init__(self) -> None:
        choose("kind", self.kind, PROBLEM_KINDS)

    @property
    def usable(self) -> bool:
        """Whether the image is still usable."""
        return self.kind not in UNUSABLE


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassCount:
    """Number of images of a class, and how many of them are usable."""

    name: str
    images: int
    usable: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SizeSpread:
    """Widths and heights in pixels, each as minimum, median, maximum."""

    widths: tuple[int, int, int]
    heights: tuple[int, int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspection:
    """Contents and problems of a dataset.

    source: its name. images: number of files listed. usable: number of readable ones. modes, formats: number of usable
    images by Pillow mode and by format. values: notes on how values of other types than uint8 become gray levels.
    notes: notes on how classes, splits and text were read.
    """

    source: str
    images: int
    usable: int
    classes: tuple[ClassCount, ...]
    problems: tuple[Problem, ...]
    sizes: SizeSpread
    modes: dict[str, int]
    formats: dict[str, int]
    values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def labeled(self) -> bool:
        """Whether the images have classes."""
        return tuple(count.name for count in self.classes) != NO_CLASS

    @property
    def scored(self) -> tuple[Problem, ...]:
        """The problems that were found with a network, each with a score."""
        return tuple(problem for problem in self.problems if problem.score is not None)

    @property
    def unusable(self) -> tuple[Problem, ...]:
        """The problems of the unusable images, one each."""
        return tuple(problem for problem in self.problems if not problem.usable)

    @property
    def refused(self) -> tuple[Problem, ...]:
        """The problems for which training refuses the dataset."""
        return self.of_kind("class without images")

    def of_kind(self, kind: str) -> tuple[Problem, ...]:
        """Return the problems of one kind.

        Raises:
            ParameterError: there is no such kind.
        """
        choose("kind", kind, PROBLEM_KINDS)
        return tuple(problem for problem in self.problems if problem.kind == kind)


def spell(name: str) -> str:
    r"""Return the name of a file as valid Unicode: bytes that are not UTF-8 become ``\xff``; newlines stay.

    Examples:
        >>> spell("caf\udce9.jpg")
        'caf\\xe9.jpg'
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        try:
            return os.fsencode(name).decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # surrogates that no file system made
            return name.encode("utf-8", "backslashreplace").decode()
    return name


def image_notes(facts: NDArray[np.void], channels: int) -> list[str]:
    """Return notes on unusable, clipped and color images, by the facts (FACTS) of all images.

    channels: of the preprocessed images.
    """
    notes = []
    unusable = int(np.count_nonzero(facts["unusable"]))
    if unusable:
        notes.append(f"{counted(unusable, 'image')} left out, being unusable")
    clipped = int(np.count_nonzero(facts["clipped"]))
    if clipped:
        notes.append(
            f"{counted(clipped, 'image')} with more than 1 % of the values beyond the range, which are clipped; "
            "--value-range changes it"
        )
    if channels == 1:
        colored = int(np.count_nonzero(facts["color"]))
        if colored:
            notes.append(
                f"{counted(colored, 'image')} with color {are(colored)} converted to gray; --channels 3 keeps color"
            )
    return notes


def defect_notes(inspection: Inspection) -> list[str]:
    """Return one note for each kind of defect of usable images."""
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
