"""What every source of images promises: one suite over each kind; `fresh` opens the same source once more."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from convscope.images.decoding.decoder import Decoded
from convscope.images.sources.opening import TEST, TRAIN, UNASSIGNED, VALIDATION, Source

Maker = Callable[[], Source]


def check_lengths_agree(fresh: Maker) -> None:
    """Labels and splits are as many as the images."""
    source = fresh()
    assert len(source) > 0
    assert source.labels.shape == source.splits.shape == (len(source),)
    assert source.labels.dtype == np.int64
    assert source.splits.dtype == np.uint8


def check_labels_are_indices_of_classes(fresh: Maker) -> None:
    """Every label has a class; classes are different texts, at least two."""
    source = fresh()
    assert len(source.classes) >= 2
    assert len(set(source.classes)) == len(source.classes)
    assert all(isinstance(name, str) and name for name in source.classes)
    assert source.labels.min() >= 0
    assert source.labels.max() < len(source.classes)


def check_splits_are_all_or_nothing(fresh: Maker) -> None:
    """Either no image has a split, or all have one and some are for training and some not."""
    present = set(fresh().splits.tolist())
    assert present == {UNASSIGNED} or (TRAIN in present and present & {VALIDATION, TEST} and UNASSIGNED not in present)


def check_images_are_uint8(fresh: Maker) -> None:
    """Every image is decoded to uint8 H W C, also at reduced scale."""
    source = fresh()
    for index in range(min(len(source), 20)):
        for near in (None, (4, 4)):
            decoded = source.decode(index, near)
            assert isinstance(decoded, Decoded)
            assert decoded.pixels.dtype == np.uint8
            assert decoded.pixels.ndim == 3
            assert decoded.pixels.shape[2] in (1, 3, 4)


def check_names_are_different_and_paths_exist(fresh: Maker) -> None:
    """Each image has a name of its own; those with files lead to them."""
    source = fresh()
    names = [source.image_name(index) for index in range(len(source))]
    assert len(set(names)) == len(names)
    paths = [source.path(index) for index in range(len(source))]
    assert all(path is None or path.is_file() for path in paths)
    assert len({path is None for path in paths}) == 1


def check_stack_is_the_same_as_decoding(fresh: Maker) -> None:
    """Where all images are one array, it holds what decoding gives."""
    source = fresh()
    stack = source.stack()
    if stack is None:
        assert isinstance(source.path(0), Path)
        return
    assert stack.dtype == np.uint8
    assert stack.shape[0] == len(source)
    for index in (0, len(source) - 1):
        assert np.array_equal(source.decode(index).pixels, stack[index])


def check_opening_twice_gives_the_same(fresh: Maker) -> None:
    """Order, names, labels and fingerprint do not depend on the run."""
    first, second = fresh(), fresh()
    assert first.fingerprint() == second.fingerprint() == first.fingerprint()
    assert int(first.fingerprint(), 16) >= 0
    assert first.classes == second.classes
    assert np.array_equal(first.labels, second.labels)
    assert [first.image_name(i) for i in range(len(first))] == [second.image_name(i) for i in range(len(second))]


def check_it_says_what_it_is(fresh: Maker) -> None:
    """A name for the user, and whether flips keep the class."""
    source = fresh()
    assert source.name
    assert source.flippable in (True, False, None)
    assert isinstance(source.ignored, tuple)


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]
