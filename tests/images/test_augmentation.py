"""Whole batches are shifted, flipped, turned and erased as the words say, pixel for pixel."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from convscope.core.draws import Draws
from convscope.images import augmentation
from convscope.images.augmentation import Augmentation, alternating, distort, take


def random_images(count: int = 12, height: int = 7, width: int = 9, channels: int = 3) -> Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8))


def seeded(seed: int = 0, **share: int) -> Draws:
    return Draws(generator=torch.Generator().manual_seed(seed), **share)


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the image moved by loops over pixels, the edge repeated."""
    height, width = image.shape[:2]
    result = np.empty_like(image)
    for row, column in itertools.product(range(height), range(width)):
        result[row, column] = image[min(max(row - down, 0), height - 1), min(max(column - right, 0), width - 1)]
    return result


def test_no_change_gives_the_images_themselves() -> None:
    images, places = random_images(), torch.tensor([3, 1, 1, 11])
    assert torch.equal(take(images, places, Augmentation(), seeded(), None), images[places])


def test_a_shift_moves_every_pixel_and_repeats_the_edge() -> None:
    images = random_images(40)
    result = take(images, torch.arange(40), Augmentation(shift=2), seeded(), None).numpy()
    seen = set()
    for before, after in zip(images.numpy(), result, strict=True):
        fits = [
            move for move in itertools.product(range(-2, 3), repeat=2) if np.array_equal(moved(before, *move), after)
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {down for down, _ in seen} == {right for _, right in seen} == {-2, -1, 0, 1, 2}


def test_a_shift_beyond_the_image_repeats_an_edge_everywhere() -> None:
    images = random_images(30)
    result = take(images, torch.arange(30), Augmentation(shift=1_024), seeded(), None)
    corners = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    ends = [any(torch.equal(r, i[a, b].expand_as(r)) for a, b in corners) for r, i in zip(result, images, strict=True)]
    assert sum(ends) > 25


def test_a_flip_flips_those_images_that_are_named_and_leaves_the_others() -> None:
    images, flipped = random_images(20), torch.arange(20) % 3 == 0
    result = take(images, torch.arange(20), Augmentation(), seeded(), flipped)
    assert torch.equal(result[flipped], images[flipped].flip(2))
    assert torch.equal(result[~flipped], images[~flipped])


def test_an_image_that_is_flipped_and_shifted_is_shifted_as_the_network_sees_it() -> None:
    images, places, change = random_images(30), torch.arange(30), Augmentation(shift=2)
    both = take(images, places, change, seeded(4), torch.ones(30, dtype=torch.bool))
    for before, after in zip(images.numpy()[:, :, ::-1], both.numpy(), strict=True):
        moves = itertools.product(range(-2, 3), repeat=2)
        assert any(np.array_equal(moved(before, *move), after) for move in moves)


def test_in_two_epochs_every_image_is_seen_both_ways() -> None:
    images, places, change = random_images(200), torch.arange(200).flip(0), Augmentation()
    seen = [take(images, places, change, seeded(epoch), alternating(places, epoch, seed=5)) for epoch in range(4)]
    assert torch.equal(seen[1], seen[0].flip(2))
    assert torch.equal(seen[2], seen[0])
    assert torch.equal(seen[3], seen[1])


@pytest.mark.parametrize("seed", [0, 1, 2, 2**31 - 1])
@pytest.mark.parametrize("step", [1, 2, 10, 256])
def test_which_half_begins_flipped_has_no_order_and_depends_on_the_seed(seed: int, step: int) -> None:
    half = alternating(torch.arange(0, 2_000 * step, step), 0, seed)
    assert 900 < int(half.sum()) < 1_100
    repeats = (half[1:] == half[:-1]).float().mean()
    assert 0.4 < float(repeats) < 0.6
    assert 800 < int((half ^ alternating(torch.arange(0, 2_000 * step, step), 0, seed + 1)).sum()) < 1_200


@pytest.mark.parametrize("flipped", [None, torch.tensor([True, False, True])])
def test_pixels_stay_uint8_in_their_order_and_the_same_randomness_gives_the_same_bits(flipped: Tensor | None) -> None:
    images, places, change = random_images(), torch.tensor([5, 0, 5]), Augmentation(shift=3)
    one, two = (take(images, places, change, seeded(3), flipped) for _ in range(2))
    assert one.dtype == torch.uint8
    assert one.shape == (3, 7, 9, 3)
    assert torch.equal(one, two)
    different = [take(images, torch.arange(12), change, seeded(seed), None) for seed in (1, 2)]
    assert not torch.equal(*different)


def test_images_mapped_from_a_file_are_read_and_not_changed(tmp_path: Path) -> None:
    images = random_images()
    np.save(tmp_path / "images.npy", images.numpy())
    mapped = np.load(tmp_path / "images.npy", mmap_mode="c")
    change, flipped = Augmentation(shift=2), torch.arange(12) % 2 == 0
    result = take(torch.from_numpy(mapped), torch.arange(12), change, seeded(), flipped)
    assert torch.equal(result, take(images, torch.arange(12), change, seeded(), flipped))
    assert np.array_equal(np.load(tmp_path / "images.npy"), images.numpy())


def maps(count: int = 6, height: int = 15, width: int = 15) -> Tensor:
    return torch.randn(count, 2, height, width, generator=seeded(5).generator)


def test_nothing_asked_changes_no_bit() -> None:
    assert torch.equal(distort(maps(), Augmentation(shift=3, flip=True), seeded()), maps())


@pytest.mark.parametrize(("height", "width"), [(15, 15), (11, 21)])
@pytest.mark.parametrize(("rotate", "scale"), [(30.0, 0.0), (0.0, 0.3), (40.0, 0.2)])
def test_a_turn_is_that_of_scipy(height: int, width: int, rotate: float, scale: float) -> None:
    images = maps(6, height, width)
    result = distort(images, Augmentation(rotate=rotate, scale=scale), seeded(2)).numpy()
    generator = seeded(2).generator
    angles = np.radians(rotate) * (torch.rand(6, generator=generator).numpy() * 2 - 1)
    sizes = 1 + scale * (torch.rand(6, generator=generator).numpy() * 2 - 1)
    center = np.array([height - 1, width - 1]) / 2
    compared = 0
    for image, after, angle, size in zip(images.numpy(), result, angles, sizes, strict=True):
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / size
        offset = center - matrix @ center
        for before, turned in zip(image, after, strict=True):
            expected = ndimage.affine_transform(before, matrix, offset, order=1, cval=np.nan)
            inside = np.isfinite(expected)
            assert np.abs(expected - turned)[inside].max() < 1e-3
            compared += int(inside.sum())
    assert compared > 0.7 * images.numel()


def test_every_image_is_turned_by_its_own_angle() -> None:
    same = maps(1).expand(5, -1, -1, -1)
    result = distort(same, Augmentation(rotate=20.0), seeded())
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(result, 2))


def test_a_constant_image_stays_constant_when_turned() -> None:
    result = distort(torch.full((4, 1, 9, 9), 2.5), Augmentation(rotate=45.0, scale=0.5), seeded())
    assert torch.allclose(result, torch.tensor(2.5))


@pytest.mark.parametrize(("part", "side"), [(0.01, 1), (0.2, 2), (0.5, 5), (1.0, 10)])
def test_one_square_of_exactly_the_side_is_erased_in_all_channels(part: float, side: int) -> None:
    images = torch.ones(30, 2, 10, 14)
    result = distort(images, Augmentation(erase=part), seeded())
    corners = set()
    for image in result:
        assert torch.equal(image[0], image[1])
        rows, columns = (sorted(set(torch.nonzero(image[0] == 0)[:, axis].tolist())) for axis in (0, 1))
        assert int((image[0] == 0).sum()) == side * side
        assert rows == list(range(rows[0], rows[0] + side))
        assert columns == list(range(columns[0], columns[0] + side))
        corners.add((rows[0], columns[0]))
    assert len(corners) > 3
    assert bool((images == 1).all())


def test_an_image_of_one_pixel_takes_every_change() -> None:
    change = Augmentation(shift=1, flip=True, rotate=10.0, scale=0.1, erase=0.5)
    assert take(
        random_images(3, 1, 1, 1), torch.arange(3), change, seeded(), torch.tensor([True, False, True])
    ).shape == (
        3,
        1,
        1,
        1,
    )
    assert distort(torch.ones(3, 1, 1, 1), change, seeded()).shape == (3, 1, 1, 1)


def test_the_global_randomness_is_not_touched() -> None:
    before = torch.get_rng_state()
    change = Augmentation(shift=1, flip=True, rotate=10.0, scale=0.1, erase=0.5)
    distort(
        take(random_images(), torch.arange(3), change, seeded(), torch.tensor([True, False, True]))
        .permute(0, 3, 1, 2)
        .float(),
        change,
        seeded(),
    )
    assert torch.equal(torch.get_rng_state(), before)


def test_the_changes_are_named_in_words() -> None:
    change = Augmentation(shift=2, flip=True, rotate=10, scale=0.1, erase=0.25)
    words = "shift up to 2 px, flip left-right, rotate up to 10°, scale by up to 10%, erase a square of 25% of the side"
    assert str(change) == words
    assert str(augmentation.Augmentation()) == "none"


def test_a_share_of_a_batch_is_changed_as_in_the_whole() -> None:
    images, change = random_images(17), Augmentation(shift=2, rotate=10.0, scale=0.1, erase=0.3)

    def changed(share: slice) -> Tensor:
        draws, places = seeded(3, before=share.start, after=17 - share.stop), torch.arange(17)[share]
        taken = take(images, places, change, draws, None)
        return distort(taken.permute(0, 3, 1, 2).float(), change, draws)

    assert torch.equal(
        torch.cat([changed(slice(0, 6)), changed(slice(6, 7)), changed(slice(7, 17))]), changed(slice(0, 17))
    )
