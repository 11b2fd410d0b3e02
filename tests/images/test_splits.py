import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.core.errors import ParameterError
from convscope.images.sources.source import TEST, TRAIN, UNASSIGNED, VALIDATION
from convscope.images.splits import LEFT_OUT, assign, group


def digests_of(numbers: list[int]) -> np.ndarray:
    """Return digests that are equal where the numbers are."""
    values = np.array(numbers, np.uint64)
    return np.stack([values * np.uint64(0x9E3779B97F4A7C15), values], axis=1)


def distinct(count: int, start: int = 0) -> np.ndarray:
    return digests_of(list(range(start, start + count)))


sets = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=80)
fractions = st.floats(0, 0.95)


@settings(deadline=None)
@given(sets, fractions, st.integers(-5, 2**70))
def test_the_same_image_is_never_on_two_sides(images, fraction, seed):
    labels = np.array([label for label, _ in images])
    digests = digests_of([content for _, content in images])
    splits, _ = assign(np.zeros(len(labels), np.uint8), labels, digests, validation=fraction, seed=seed)
    groups = group(digests)
    assert set(splits) <= {TRAIN, VALIDATION}
    for number in range(groups.max() + 1):
        assert len(set(splits[groups == number])) == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), fractions, st.integers(0, 9))
def test_of_different_images_each_class_gives_its_share_within_one_image(labels, fraction, seed):
    labels = np.array(labels)
    splits, _ = assign(np.zeros(len(labels), np.uint8), labels, distinct(len(labels)), validation=fraction, seed=seed)
    for label in set(labels.tolist()):
        held, count = np.count_nonzero(splits[labels == label] == VALIDATION), np.count_nonzero(labels == label)
        if fraction and count > 1:
            assert abs(held - fraction * count) <= 1
            assert 1 <= held < count
        else:
            assert held == 0


@settings(deadline=None)
@given(sets, fractions, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_choice_depends_on_the_images_and_not_on_their_order(images, fraction, seed, shuffler):
    def held(items: list[tuple[int, int]]) -> list[tuple[int, int]]:
        labels = np.array([label for label, _ in items])
        digests = digests_of([content for _, content in items])
        splits, _ = assign(np.zeros(len(items), np.uint8), labels, digests, validation=fraction, seed=seed)
        return sorted(item for item, split in zip(items, splits, strict=True) if split == VALIDATION)

    shuffled = list(images)
    shuffler.shuffle(shuffled)
    assert held(images) == held(shuffled)


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    labels, given_splits = np.zeros(200, np.int64), np.zeros(200, np.uint8)
    one, two, three = (assign(given_splits, labels, distinct(200), seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)


def test_a_fifth_is_held_out_where_the_set_has_no_parts():
    splits, notes = assign(np.zeros(100, np.uint8), np.arange(100) % 2, distinct(100))
    assert np.count_nonzero(splits == VALIDATION) == 20
    assert len(notes) == 1
    assert notes[0].startswith("validation: ")
    assert notes[0].endswith("20 of 100 images")


def test_a_class_of_two_images_gives_one_and_a_class_of_one_keeps_it():
    labels = np.array([0, 0, 1])
    splits, _ = assign(np.zeros(3, np.uint8), labels, distinct(3))
    assert sorted(splits[:2]) == [TRAIN, VALIDATION]
    assert splits[2] == TRAIN


def test_parts_of_the_set_are_kept_and_nothing_more_is_held_out():
    parts = np.array([TRAIN] * 8 + [TEST] * 2, np.uint8)
    splits, notes = assign(parts, np.arange(10) % 2, distinct(10))
    assert np.array_equal(splits, parts)
    assert len(notes) == 1
    assert notes[0].startswith("test: 2 images")


def test_validation_is_carved_off_training_where_asked():
    parts = np.array([TRAIN] * 20 + [TEST] * 4, np.uint8)
    splits, notes = assign(parts, np.arange(24) % 2, distinct(24), validation=0.3)
    assert np.count_nonzero(splits == VALIDATION) == 6
    assert np.count_nonzero(splits == TEST) == 4
    assert "0.3" in notes[-1]
    assert "6 of 20" in notes[-1]


def test_images_that_the_set_gives_to_no_part_are_learned_from():
    parts = np.array([TRAIN, TRAIN, UNASSIGNED, VALIDATION], np.uint8)
    splits, notes = assign(parts, np.array([0, 1, 1, 0]), distinct(4))
    assert splits.tolist() == [TRAIN, TRAIN, TRAIN, VALIDATION]
    assert notes[0].startswith("1 image without a split")


def test_what_is_in_validation_or_test_leaves_training():
    parts = np.array([TRAIN, TRAIN, TRAIN, VALIDATION, TEST], np.uint8)
    splits, notes = assign(parts, np.zeros(5, np.int64), digests_of([1, 2, 3, 1, 2]))
    assert splits.tolist() == [LEFT_OUT, LEFT_OUT, TRAIN, VALIDATION, TEST]
    assert notes[-1] == "2 training images are left out: the same image is in validation or test"


@pytest.mark.parametrize("fraction", [1, -0.1, float("nan"), "0.2", True])
def test_a_fraction_that_cannot_be_is_refused(fraction):
    with pytest.raises(ParameterError, match=r"`validation` must be a fraction"):
        assign(np.zeros(2, np.uint8), np.arange(2), distinct(2), validation=fraction)


def test_validation_twice_is_refused():
    parts = np.array([TRAIN, VALIDATION], np.uint8)
    with pytest.raises(ParameterError, match="omitted"):
        assign(parts, np.zeros(2, np.int64), distinct(2), validation=0.2)
