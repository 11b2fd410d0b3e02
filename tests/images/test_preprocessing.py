"""Laws of preprocessing: the size that was asked for, nothing where nothing is to do, the same for one and many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convscope.core.errors import DataError, ParameterError
from convscope.core.records import from_json, to_json
from convscope.images.decoding.decoder import Decoded, decode
from convscope.images.preprocessing import FITS, Preprocessing
from convscope.images.values import ValueRange, ValueRanges

from .broken_files import encoded, sample


def _apply(pixels: np.ndarray, **settings_: object) -> np.ndarray:
    return Preprocessing(**settings_).apply(Decoded(values=pixels))  # type: ignore[arg-type]


@settings(max_examples=120, deadline=None)
@given(
    st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 3, 4]), st.integers(1, 40), st.integers(1, 40),
    st.sampled_from([1, 3]), st.sampled_from(FITS),
)  # fmt: skip
def test_every_image_becomes_the_size_and_one_and_many_agree(
    height: int, width: int, channels: int, to_height: int, to_width: int, to_channels: int, fit: str
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    step = Preprocessing(height=to_height, width=to_width, channels=to_channels, fit=fit)  # type: ignore[arg-type]
    single = [step.apply(Decoded(values=image)) for image in images]
    assert all(one.shape == (to_height, to_width, to_channels) and one.dtype == np.uint8 for one in single)
    assert np.array_equal(step.apply_stack(images), np.stack(single))


@pytest.mark.parametrize("fit", FITS)
def test_an_image_of_one_color_keeps_it(fit: str) -> None:
    pixels = np.full((31, 77, 3), (9, 99, 199), np.uint8)
    result = _apply(pixels, height=16, width=20, fit=fit, background=(9, 99, 199))
    assert np.array_equal(result, np.full((16, 20, 3), (9, 99, 199), np.uint8))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (1, 1), (2, 3000)])
def test_extreme_shapes_work(fit: str, shape: tuple[int, int]) -> None:
    for size in ((32, 32), (1, 300), (300, 1)):
        result = _apply(sample(*shape), height=size[0], width=size[1], fit=fit)
        assert result.shape == (*size, 3)


def test_nothing_is_done_where_nothing_is_to_do() -> None:
    pixels = sample(16, 20)
    assert _apply(pixels, height=16, width=20) is pixels
    stack = np.stack([pixels, pixels])
    assert Preprocessing(height=16, width=20).apply_stack(stack) is stack


def test_letterbox_keeps_the_whole_image_in_the_middle() -> None:
    result = _apply(np.full((10, 20, 1), 200, np.uint8), height=20, width=20, channels=1, background=(7,))
    assert (result[5:15] == 200).all()
    assert (result[:5] == 7).all()
    assert (result[15:] == 7).all()


def test_crop_takes_the_middle() -> None:
    pixels = np.zeros((10, 30, 1), np.uint8)
    pixels[:, 10:20] = 255
    assert (_apply(pixels, height=10, width=10, channels=1, fit="crop") == 255).all()


def test_stretch_uses_every_part() -> None:
    pixels = np.zeros((10, 30, 1), np.uint8)
    pixels[:, 15:] = 255
    result = _apply(pixels, height=10, width=10, channels=1, fit="stretch")[:, :, 0]
    assert (result[:, :4] == 0).all()
    assert (result[:, 6:] == 255).all()


def test_scaling_down_averages_instead_of_skipping() -> None:
    pixels = np.zeros((64, 64, 1), np.uint8)
    pixels[::2] = 255  # stripes finer than the small image can show
    result = _apply(pixels, height=8, width=8, channels=1)
    assert np.abs(result.astype(int) - 127).max() <= 3


def test_fast_reduction_agrees_with_the_full_filter() -> None:
    pixels = sample(600, 800)
    exact = np.asarray(Image.fromarray(pixels).resize((40, 30), Image.Resampling.BILINEAR))
    assert np.abs(_apply(pixels, height=30, width=40).astype(int) - exact).max() <= 2


def test_reduced_decoding_agrees_with_full_decoding() -> None:
    data = encoded(sample(480, 640), "JPEG", quality=95)
    step = Preprocessing(height=30, width=40)
    fast, full = step.apply(decode(data, near=step.size)), step.apply(decode(data))
    assert np.abs(fast.astype(int) - full).max() <= 6


def test_gray_is_repeated_and_color_becomes_luma() -> None:
    gray = sample(9, 9)[:, :, :1]
    assert np.array_equal(_apply(gray, height=9, width=9), np.repeat(gray, 3, axis=2))
    assert np.array_equal(_apply(gray, height=7, width=9), np.repeat(_apply(gray, height=7, width=9, channels=1), 3, 2))
    red = np.full((1, 1, 3), (255, 0, 0), np.uint8)
    assert _apply(red, height=1, width=1, channels=1)[0, 0, 0] == 76  # 0.299 * 255


def test_what_is_transparent_shows_the_background() -> None:
    clear = np.zeros((4, 4, 4), np.uint8)
    assert np.array_equal(_apply(clear, height=4, width=4, background=(1, 2, 3))[0, 0], [1, 2, 3])
    assert (_apply(clear, height=2, width=2, channels=1, background=(200,)) == 200).all()
    half = np.full((1, 1, 4), (200, 100, 0, 128), np.uint8)
    assert np.abs(_apply(half, height=1, width=1)[0, 0].astype(int) - [100, 50, 0]).max() <= 1


def test_colors_behind_full_transparency_do_not_bleed() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = (0, 255, 0, 0)  # green, but nothing of it shows
    pixels[:, 4:] = (255, 0, 0, 255)
    assert (_apply(pixels, height=4, width=4)[:, :, 1] == 0).all()


def test_it_is_a_record() -> None:
    step = Preprocessing(height=4, width=5, channels=1, fit="crop", background=(3,))
    assert from_json(Preprocessing, to_json(step)) == step
    assert step.size == (4, 5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"height": 0}, "`height` must be a whole number of pixels from 1 to 16384. Got 0"),
        ({"width": 2.5}, "`width` must be a whole number of pixels from 1 to 16384. Got 2.5"),
        ({"width": True}, "`width` must be a whole number"),
        ({"channels": 4}, r"`channels` must be 1 \(gray\) or 3 \(RGB\). Got 4"),
        (
            {"fit": "letterbx"},
            "`fit` must be one of letterbox, stretch, crop. Got 'letterbx'. Did you mean 'letterbox'",
        ),
        ({"background": (1,)}, "`background` must be 3 whole numbers from 0 to 255"),
        ({"background": (1, 2, 256)}, "`background` must be 3 whole numbers from 0 to 255"),
    ],
)
def test_wrong_settings_fail_when_built(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Preprocessing(**{"height": 8, "width": 8, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(301, 407, 3), (500, 97, 4), (64, 640, 1), (13, 11, 4)])
def test_a_large_image_in_blocks_of_rows_has_the_same_pixels(
    shape: tuple[int, int, int], channels: int, fit: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = Decoded(values=np.random.default_rng(0).integers(0, 250, shape).astype(dtype))
    ranges = ValueRanges(integer=ValueRange(low=0, high=249))
    step = Preprocessing(height=12, width=9, channels=channels, fit=fit, ranges=ranges)  # type: ignore[arg-type]
    whole = step.apply(decoded)
    monkeypatch.setattr("convscope.images.preprocessing._LARGE_VALUES", 0)
    monkeypatch.setattr("convscope.images.preprocessing._BLOCK_VALUES", 5_000)
    assert np.array_equal(step.apply(decoded), whole)


def test_a_stack_must_be_numbers_n_h_w_c() -> None:
    with pytest.raises(DataError, match="`images` must be numbers of shape N H W C"):
        Preprocessing(height=2, width=2).apply_stack(np.zeros((3, 2, 2), np.uint8))
