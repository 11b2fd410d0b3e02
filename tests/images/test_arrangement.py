"""How a folder becomes classes and splits: what is recognized, what is asked about, and that it is said."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from convscope.core.errors import DataError, ParameterError
from convscope.images.sources.opening import open_source
from convscope.images.sources.source import Source
from convscope.images.sources.split_names import plain_split, split_name

_LETTERS = "-tvT"  # no split, train, validation, test


def write(root: Path, places: Sequence[str]) -> Path:
    """Make two empty images in each folder, a file where the last part has a dot, a folder where it ends in /."""
    for place in places:
        path = root / place
        if place.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        elif "." in path.name:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.mkdir(parents=True, exist_ok=True)
            for name in ("0.png", "1.png"):
                (path / name).touch()
    return root


def counts(source: Source) -> dict[str, int]:
    """Return how many images each class has in each split."""
    labels, splits = source.labels.tolist(), source.splits.tolist()
    return Counter(f"{_LETTERS[split]} {source.classes[label]}" for label, split in zip(labels, splits, strict=True))


def _within(outer: str, inner: str) -> list[str]:
    return [f"{one}/{two}" for one in outer.split() for two in inner.split()]


_BOTH = {"t a": 2, "t b": 2, "T a": 2, "T b": 2}
_HELD = {"t a": 2, "t b": 2, "v a": 2, "v b": 2}


@pytest.mark.parametrize(
    ("places", "expected", "said"),
    [
        (_within("cats dogs", "phone web"), {"- cats": 4, "- dogs": 4}, "belong to the class that they are in: cats/"),
        (_within("cats/2019 dogs/2020/may", "phone"), {"- cats": 2, "- dogs": 2}, "cats/ .2019., dogs/ .2020."),
        (["cats", "cats/more", "dogs"], {"- cats": 4, "- dogs": 2}, r"\(more\); --class-depth 2 makes each a class"),
        ([*_within("animals", "cat dog"), "cars/vw"], {"- animals": 4, "- cars": 2}, r"animals/ \(cat, dog\), cars/"),
        (["melanoma/patient 1", "benign/patient 2"], {"- benign": 2, "- melanoma": 2}, "patient 1"),
        (_within("a b", "train val"), _HELD, "splits are taken from the folders in a/, b/"),
        (_within("a b", "Training_Set testing"), _BOTH, "splits are taken"),
        (_within("a b", "train/images test/images"), _BOTH, "splits are taken"),
        ([*_within("seg_train/seg_train seg_test/seg_test", "a b"), "seg_pred/seg_pred"], _BOTH, "seg_pred/ .2 image"),
        (_within("set/training_set/training_set set/test_set/test_set", "a b"), _BOTH, "passed through set/, set/"),
        (_within("train/images val/images", "a b"), _HELD, "passed through train/images/, val/images/"),
        (_within("train2017 val2017", "a b"), _HELD, ""),
        (_within("imagenet_train imagenet_val", "a b"), _HELD, ""),
        (_within("ILSVRC_img_train ILSVRC_img_val", "a b"), _HELD, ""),
        (_within("trainSet testSet", "a b"), _BOTH, ""),
        (_within("TRAIN Dev", "a b"), _HELD, ""),
        (_within("train eval", "a b"), _HELD, ""),
        (_within("x/y/z", "a b"), {"- a": 2, "- b": 2}, "passed through x/, x/y/, x/y/z/"),
        ([*_within("train", "a b"), "unlabeled"], {"- a": 2, "- b": 2}, "unlabeled/ .2 images. is ignored"),
        ([*_within("train test", "a b"), "extra"], _BOTH, "extra/ .2 images. is ignored: not a split folder"),
        ([*_within("train", "a b"), "test/a"], {"t a": 2, "t b": 2, "T a": 2}, "no image in test of b, which is in"),
        (["train", "car", "bus"], {"- bus": 2, "- car": 2, "- train": 2}, "train/ is read as a class"),
        (["train", "train/web", "car"], {"- car": 2, "- train": 4}, "train/ is read as a class"),
        (["valid", "invalid"], {"- invalid": 2, "- valid": 2}, "valid/ is read as a class"),
        (["test tube/web", "car/web"], {"- car": 2, "- test tube": 2}, "car/ .web., test tube/ .web."),
        (["contest", "strain"], {"- contest": 2, "- strain": 2}, ""),
    ],
)  # fmt: skip
def test_what_is_recognized_is_said(places: list[str], expected: dict[str, int], said: str, tmp_path: Path) -> None:
    source = open_source(write(tmp_path, places))
    assert counts(source) == expected
    assert bool(source.notes) == bool(said)
    assert re.search(said, " | ".join(source.notes))


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        (["train/web", "car/web"], "Got train/ with class folders inside, beside car/.* give --class-depth 1"),
        (["test tube/web", "train station/web"], "whether its folders are splits or classes. Got test tube/ and train"),
        (_within("imagenet_train val", "a b"), "its folders are splits or classes. Got val/ and imagenet_train/"),
        (["cat", "cat/test", "dog"], "Got cat/test/ beside images that are in no split"),
        (["cat/train", "dog/test"], "Got dog/test/ beside images that are in no split"),
        (["cat/train", "cat/val", "dog"], "in every class or in none. Got cat/train/ and, without splits, dog/"),
        (["train", "test", "car"], "train/` must have one sub-folder per class.* If these folders are classes, give"),
        (_within("train train_2 val", "a b"), "must have one train folder. Got train/ and train_2/"),
        ([*_within("train", "ab b"), "val/Ab"], "Got the class 'Ab' only in val.* It looks like 'ab'"),
        (_within("test1 test2", "a b"), "must have a train/ folder beside test1/ and test2/"),
        (["only/train/a", "only/train/b", "only/other/a"], "only/` must have either classes or train/"),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_asked_about(places: list[str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        open_source(write(tmp_path, places))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("places", "depth", "expected"),
    [
        (_within("animals cars", "x y"), 2, {"- animals/x": 2, "- animals/y": 2, "- cars/x": 2, "- cars/y": 2}),
        ([*_within("animals", "x y"), "animals", "car"], 2, {"- animals/x": 2, "- animals/y": 2, "- car": 2}),
        (_within("train val", "g/a h/b"), 2, {"t g/a": 2, "t h/b": 2, "v g/a": 2, "v h/b": 2}),
        (_within("g/train g/val h/train h/val", "a"), 2, {"t g/a": 2, "v g/a": 2, "t h/a": 2, "v h/a": 2}),
        (_within("g/a g/b", "train val"), 2, _HELD),
        (_within("a b", "train val"), 1, _HELD),
        (_within("a b", "train val"), 2, _HELD),
        (["train", "test", "car"], 1, {"- car": 2, "- test": 2, "- train": 2}),
        (["train/web", "car/web"], 1, {"- car": 2, "- train": 2}),
        (["test tube/web", "train station/web"], 1, {"- test tube": 2, "- train station": 2}),
        (["cat", "cat/test", "dog"], 1, {"- cat": 4, "- dog": 2}),
        (["a/b/c/d", "a/b/e", "f"], 20, {"- a/b/c/d": 2, "- a/b/e": 2, "- f": 2}),
    ],
)  # fmt: skip
def test_the_depth_says_which_level_counts(
    places: list[str], depth: int, expected: dict[str, int], tmp_path: Path
) -> None:
    assert counts(open_source(write(tmp_path, places), class_depth=depth)) == expected


def test_the_depth_must_be_one_that_can_be_and_comes_with_a_folder(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"])
    for depth, sentence in ((0, "at least 1"), (True, "at least 1"), (21, "at most 20")):
        with pytest.raises(ParameterError, match=f"`class_depth` must be .*{sentence}"):
            open_source(tmp_path, class_depth=depth)
    with pytest.raises(ParameterError, match="must come with a folder"):
        open_source("digits", class_depth=2)


def test_every_pair_of_words_for_train_and_test_is_a_pair_of_splits(tmp_path: Path) -> None:
    trains = ("train", "Training", "train_set", "trainset", "train-images", "seg_train", "01 train", "Train (1)")
    tests = ("test", "Testing", "test_set", "testset", "test-images", "seg_test", "02 test", "Test (1)")
    for number, (train, test) in enumerate(itertools.product(trains, tests)):
        root = write(tmp_path / str(number), [f"{train}/a", f"{train}/b", f"{test}/a"])
        assert counts(open_source(root)) == {"t a": 2, "t b": 2, "T a": 2}


@pytest.mark.parametrize(
    "name", ["contest", "strain", "invalid", "device", "test tube", "train_test", "valley", "rain"]
)
def test_a_name_with_other_words_is_no_plain_split(name: str) -> None:
    assert plain_split(name) is None


def test_a_word_in_wide_letters_is_the_same_word() -> None:
    found = split_name("\uff34\uff52\uff41\uff49\uff4e")
    assert found is not None
    assert found.split == 1
