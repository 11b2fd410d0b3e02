"""Names of splits in folders and columns, such as ``train``, ``seg_train`` and ``val2017``."""

import dataclasses
import functools
import re
import unicodedata

from .source import SPLIT_WORDS

UNLABELED = 4
"""The split of a folder with images to predict, which have no class and are left out."""

_WORDS = {
    **SPLIT_WORDS,
    **dict.fromkeys(
        ("predict", "prediction", "predictions", "pred", "inference", "unlabelled", "unlabeled", "unsup"), UNLABELED
    ),
}
_FILLERS = frozenset(
    {
        "set", "sets", "data", "dataset", "datasets", "image", "images", "img", "imgs", "photo",
        "photos", "split", "splits", "folder", "files", "seg", "class", "classes", "cls", "jpg", "jpeg", "png", "tif",
        "bmp", "v", "x", "px", "new", "final", "raw", "original", "full", "part", "copy", "cropped", "resized",
    }
)  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitName:
    """A name that contains the word for a split.

    split: TRAIN, VALIDATION, TEST or UNLABELED. rest: other words, without fillers such as "set" or "images"; if there
    are some, only the neighboring folders show whether a split is meant.
    """

    split: int
    rest: tuple[str, ...]


@functools.lru_cache(1024)
def split_name(name: str) -> SplitName | None:
    """Return the split that a name contains; None if it contains none, or two.

    Examples:
        >>> [split_name(name).split for name in ("Train", "seg_train", "val2017", "testSet", "test-images")]
        [1, 1, 2, 3, 3]
        >>> split_name("imagenet_train").rest, split_name("cat"), split_name("train_test")
        (('imagenet',), None, None)
    """
    text = unicodedata.normalize("NFKC", name)
    return _named(text) or _named(_CAMEL.sub(" ", text))


def _named(text: str) -> SplitName | None:
    splits, rest = set(), []
    for word in _LETTERS.findall(text.casefold()):
        split = _split_of(word)
        if split is not None:
            splits.add(split)
        elif word not in _FILLERS:
            rest.append(word)
    return SplitName(split=splits.pop(), rest=tuple(rest)) if len(splits) == 1 else None


def plain_split(name: str) -> int | None:
    """Return the split of a name without other words, else None.

    Examples:
        >>> plain_split("training set"), plain_split("test tube")
        (1, None)
    """
    known = split_name(name)
    return known.split if known and not known.rest else None


def _split_of(word: str) -> int | None:
    """Return the split of a word, alone or joined with a filler ("trainset")."""
    if word in _WORDS:
        return _WORDS[word]
    for known, split in _WORDS.items():
        if (word.startswith(known) and word[len(known) :] in _FILLERS) or (
            word.endswith(known) and word[: -len(known)] in _FILLERS
        ):
            return split
    return None
