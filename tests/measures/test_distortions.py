"""Laws that every distortion keeps, and scipy as the oracle for what lies between pixels."""

import contextlib
import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from convscope.core.errors import DataError, ParameterError
from convscope.measures.distortions.distortion import Distortion
from convscope.measures.distortions.family import (
    DISTORTIONS,
    distort,
    distortion_named,
    fraction_outside,
    generator_of,
    with_margin,
)
from convscope.measures.distortions.motions import Lattice, elastic_field, resample
from tests.checks import distortions as laws

MOVING = [name for name, one in DISTORTIONS.items() if one.motion]
CHANCE = ("elastic", "noise", "occlusion")


def random_images(count: int = 3, channels: int = 3, *, height: int = 11, width: int = 14) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, height, width), generator=generator).float()


@pytest.mark.parametrize("name", DISTORTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_strength_0_changes_nothing_and_others_do(name: str, channels: int) -> None:
    images, one = random_images(channels=channels), DISTORTIONS[name]
    assert distort(images, one, 0) is images
    before = images.clone()
    for strength in one.strengths(11):
        changed = distort(images, one, strength, background=(7.0,))
        assert changed.shape == images.shape
        assert changed.dtype == images.dtype
        assert bool((changed != images).any()), strength
        assert float(changed.min()) >= -1e-3
        assert float(changed.max()) <= 255.001
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_the_result_does_not_depend_on_the_batch(name: str) -> None:
    images, one = random_images(5), DISTORTIONS[name]
    strength = one.strengths(11)[-1]
    whole = distort(images, one, strength, seed=3)
    parts = [distort(images[start : start + 2], one, strength, seed=3, first=start) for start in (0, 2, 4)]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-4)
    if name in CHANCE:
        assert not torch.equal(distort(images, one, strength, seed=4), whole)


def scipy_at(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, background: float) -> np.ndarray:
    places = [rows.numpy(), columns.numpy()]
    return np.stack(
        [
            [scipy.ndimage.map_coordinates(m, places, order=1, mode="grid-constant", cval=background) for m in one]
            for one in images.double().numpy()
        ]
    )


@pytest.mark.parametrize("name", [name for name in MOVING if not DISTORTIONS[name].wrap])
def test_moved_images_are_those_of_scipy(name: str) -> None:
    images, one = random_images(2), DISTORTIONS[name]
    assert one.motion is not None
    for strength in one.strengths(11):
        rows, columns = Lattice.of_image(11, 14).pulled(one.motion(strength, (11, 14)))
        expected = scipy_at(images, rows, columns, 20.0)
        changed = distort(images, one, strength, background=(20.0,)).numpy()
        assert np.abs(changed - expected).max() < 1e-4 * 255


def test_what_wraps_is_that_of_scipy() -> None:
    images = random_images(2)
    for strength in (0.5, -3.25, 17.0):
        expected = scipy.ndimage.shift(images.double().numpy(), (0, 0, 0, strength), order=1, mode="grid-wrap")
        changed = distort(images, DISTORTIONS["circular-shift-x"], strength).numpy()
        assert np.abs(changed - expected).max() < 1e-4 * 255


def test_elastic_takes_its_pixels_as_scipy_does() -> None:
    """The field is the product's own; from it on, scipy says what each image becomes."""
    images, strength = random_images(3), 2.0
    changed = distort(images, DISTORTIONS["elastic"], strength, background=(20.0,), seed=5, first=7).numpy()
    rows, columns = Lattice.of_image(11, 14).pulled(lambda down, across: (down, across))
    for place in range(3):
        field = strength * elastic_field(11, 14, generator=generator_of(5, 7 + place))
        expected = scipy_at(images[place : place + 1], rows + field[0], columns + field[1], 20.0)
        assert np.abs(changed[place] - expected[0]).max() < 1e-4 * 255


def test_blur_is_that_of_scipy() -> None:
    images = random_images(2)
    for sigma in (0.3, 1.0, 2.5):
        expected = scipy.ndimage.gaussian_filter(images.double().numpy(), (0, 0, sigma, sigma), mode="constant", cval=9)
        changed = distort(images, DISTORTIONS["blur"], sigma, background=(9.0,)).numpy()
        assert np.abs(changed - expected).max() < 1e-4 * 255


def test_rotation_by_scipy_too() -> None:
    image = random_images(1, 1, height=15, width=15)
    turned = scipy.ndimage.rotate(image[0, 0].double().numpy(), -30, reshape=False, order=1, mode="grid-constant")
    changed = distort(image, DISTORTIONS["rotation"], 30)[0, 0].numpy()
    assert np.abs(changed - turned).max() < 1e-4 * 255


@pytest.mark.parametrize(("name", "axis"), [("shift-x", 3), ("shift-y", 2)])
@pytest.mark.parametrize("strength", [-3, 1, 4])
def test_whole_shifts_move_pixels_exactly_and_nothing_wraps(name: str, axis: int, strength: int) -> None:
    images = random_images()
    changed = distort(images, DISTORTIONS[name], strength, background=(5.0,))
    expected = images.roll(strength, axis)
    came_in = range(strength) if strength > 0 else range(images.shape[axis] + strength, images.shape[axis])
    expected.index_fill_(axis, torch.tensor(list(came_in)), 5.0)
    assert torch.equal(changed, expected)


def test_circular_shifts_wrap_exactly_and_compose() -> None:
    images, one = random_images(), DISTORTIONS["circular-shift-x"]
    assert torch.equal(distort(images, one, 5), images.roll(5, 3))
    assert torch.equal(distort(distort(images, one, 5), one, -5), images)
    half = distort(images, one, 0.5)
    torch.testing.assert_close(half, (images + images.roll(1, 3)) / 2)


def test_the_tables_of_laws_name_every_distortion() -> None:
    assert laws.SYMMETRIES.keys() | laws.BY_CHANCE == DISTORTIONS.keys()
    assert laws.COMPOSITIONS.keys() | laws.NO_COMPOSITION == DISTORTIONS.keys()
    assert laws.INVERSES.keys() | laws.NO_INVERSE == DISTORTIONS.keys()


@pytest.mark.parametrize("name", laws.SYMMETRIES)
def test_a_mirror_changes_the_strength_and_nothing_else(name: str) -> None:
    mirror, strength, flipped = laws.SYMMETRIES[name]
    images, one = random_images(2, 1, height=16, width=24), DISTORTIONS[name]
    changed, other = mirror(distort(images, one, strength)), distort(mirror(images), one, flipped)
    if name == "jpeg":  # it rounds
        assert float((changed - other).abs().mean()) < 1 < float((mirror(images) - other).abs().mean())
        return
    torch.testing.assert_close(changed, other, rtol=0, atol=1e-3)
    assert not torch.equal(other, mirror(images))


@pytest.mark.parametrize("name", sorted(laws.BY_CHANCE))
def test_chance_knows_no_image(name: str) -> None:
    """The same is done to every image of the same number: to the image and to its negative, in all channels."""
    images, one = random_images(3) * 0.4 + 76, DISTORTIONS[name]
    strength = 0.05 if name == "noise" else 0.3
    changed, other = (distort(some, one, strength, background=(127.5,)) for some in (images, 255 - images))
    expected = changed if name == "occlusion" else images + (other - (255 - images))
    if name == "elastic":
        expected = 255 - other
    if name == "occlusion":
        assert torch.equal(changed == 127.5, other == 127.5)
    torch.testing.assert_close(changed, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", laws.COMPOSITIONS)
def test_one_after_the_other_is_both_at_once(name: str) -> None:
    first, second, both = laws.COMPOSITIONS[name]
    images, one = laws.smooth_image(), DISTORTIONS[name]
    twice, once = distort(distort(images, one, first), one, second), distort(images, one, both)
    difference, change = (float((twice - other).abs().max()) for other in (once, images))
    assert difference < 6 < change


@pytest.mark.parametrize("name", laws.INVERSES)
def test_forth_and_back_leads_home(name: str) -> None:
    """A smooth image far from the edge comes back, but for what lies between pixels."""
    strength, inverse = laws.INVERSES[name]
    images, one = laws.smooth_image(), DISTORTIONS[name]
    there = distort(images, one, strength)
    back = distort(there, one, inverse)
    assert float((back - images).abs().max()) < 6 < float((there - images).abs().max())


def test_a_direction_is_that_of_the_shift() -> None:
    images = random_images()
    torch.testing.assert_close(
        distort(images, distortion_named("shift@90"), 2), distort(images, DISTORTIONS["shift-y"], 2)
    )
    torch.testing.assert_close(
        distort(images, distortion_named("shift@45"), math.sqrt(2)),
        distort(distort(images, DISTORTIONS["shift-x"], 1), DISTORTIONS["shift-y"], 1),
    )


def test_elastic_moves_by_its_strength_on_average() -> None:
    field = elastic_field(28, 28, generator=torch.Generator().manual_seed(0))
    assert float(field.square().sum(0).sqrt().mean()) == pytest.approx(1)
    layers = field.diff(dim=2).abs().mean()
    assert float(layers) < 0.35  # neighbors go together


def test_noise_has_the_deviation_that_it_says() -> None:
    images = torch.full((40, 1, 28, 28), 128.0)
    noise = distort(images, DISTORTIONS["noise"], 0.1) - images
    assert float(noise.std()) == pytest.approx(25.5, rel=0.02)
    assert abs(float(noise.mean())) < 0.5


def test_the_usual_shifts_turns_and_scales_reach_what_lecun_estimated() -> None:
    """Half the height, 30 degrees and a factor of 2, both ways."""
    for name, side in (("shift-y", 28), ("shift-x", 8), ("shift-y", 33)):
        strengths = DISTORTIONS[name].strengths(side)
        assert min(strengths) <= -side / 2 + 0.5
        assert max(strengths) >= side / 2 - 0.5
    assert {-45, -30, 30, 45} <= set(DISTORTIONS["rotation"].usual)
    assert {-0.5, 1.0} <= set(DISTORTIONS["scale"].usual)


def test_what_leaves_the_canvas_is_told() -> None:
    images = torch.zeros(1, 1, 4, 4)
    images[0, 0, :, 2:] = 100.0
    assert fraction_outside(images, distort(images, DISTORTIONS["shift-x"], 1)) == pytest.approx(0.5)
    assert fraction_outside(images, distort(images, DISTORTIONS["shift-x"], -1)) == 0
    assert fraction_outside(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)) == 0


def test_a_margin_makes_room() -> None:
    images = torch.full((1, 1, 12, 12), 200.0)
    roomy = with_margin(images, 3, (10.0,))
    assert roomy.shape == images.shape
    assert fraction_outside(roomy, distort(roomy, DISTORTIONS["shift-x"], 3, background=(10.0,)), (10.0,)) == 0
    assert float(roomy[0, 0, 0, 0]) == 10
    assert float(roomy[0, 0, 6, 6]) == pytest.approx(200)
    assert with_margin(images, 0) is images
    with pytest.raises(ParameterError, match="`margin` must be from 0 to 5 px, less than half the side. Got 6"):
        with_margin(images, 6)


def test_resampling_takes_a_field_for_each_image() -> None:
    images = random_images(2)
    rows, columns = Lattice.of_image(11, 14).pulled(lambda down, across: (down, across))
    field = torch.stack([columns, columns - 1])
    both = resample(images, rows.expand(2, -1, -1), field, torch.zeros(1))
    assert torch.equal(both[0], images[0])
    assert torch.equal(both[1], distort(images, DISTORTIONS["shift-x"], 1)[1])


@pytest.mark.parametrize(
    ("name", "strength", "rule"),
    [("jpeg", 100, "from 0 to 99"), ("scale", -1, "from -0.9 to 9"), ("noise", -0.1, "from 0 to 10")],
)
def test_a_strength_out_of_range_is_refused(name: str, strength: float, rule: str) -> None:
    with pytest.raises(ParameterError, match=f"The strength of {name} must be {rule}"):
        distort(random_images(), DISTORTIONS[name], strength)
    with pytest.raises(ParameterError, match=f"The strength of {name} must be"):
        distort(random_images(), DISTORTIONS[name], math.nan)


@pytest.mark.parametrize(
    ("name", "strength", "refused"),
    [
        ("shift-x", 15.5, None), ("shift-x", -16, "must leave a part of the image of 16x8 pixels inside"),
        ("shift-y", 7.5, None), ("shift-y", 8, "must leave a part"), ("shift@30", -100, "must leave a part"),
        ("circular-shift-x", 16, None), ("circular-shift-x", 17, "at most the longer side of the image, 16 px"),
        ("blur", 100, "at most the longer side"), ("elastic", 100, "at most the longer side"),
        ("rotation", 180, None), ("shear", 80, None), ("jpeg", 100, "from 0 to 99"),
    ],
)  # fmt: skip
def test_a_strength_that_leaves_nothing_of_the_image_is_refused(
    name: str, strength: float, refused: str | None
) -> None:
    with pytest.raises(ParameterError, match=refused) if refused else contextlib.nullcontext():
        distortion_named(name).check_on(strength, (8, 16))


@pytest.mark.parametrize("one", DISTORTIONS.values(), ids=lambda one: one.name)
def test_the_usual_strengths_leave_a_part_of_the_image(one: Distortion) -> None:
    for side in (8, 28):
        for strength in (*one.strengths(side), *one.strengths(side, one.compared)):
            one.check_on(strength, (side, 2 * side))


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="`images` must hold finite numbers"):
        distort(torch.full((1, 1, 4, 4), math.nan), DISTORTIONS["blur"], 1)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ParameterError, match="A distortion must be one of .* Got 'rotaton'. Did you mean 'rotation'"):
        distortion_named("rotaton")
