"""TIFF files of kinds that Pillow does not know: read, or named as what they are; what is not used is said."""

import io
from collections.abc import Callable

import numpy as np
import PIL
import pytest
from PIL import Image

from convscope.core.errors import UnreadableImageError
from convscope.images.decoding.decoder import decode
from convscope.images.decoding.tiff import read_values, turn
from convscope.images.decoding.tiff_tags import read_tags

from .tiff_files import tiff

RAMP = np.arange(20 * 30).reshape(20, 30, 1) / 599
BYTES = np.rint(RAMP * 255).astype(np.uint8)


def _channels(number: int, kind: str = "u1") -> np.ndarray:
    return np.concatenate([BYTES] * number, axis=2).astype(kind)


SHAPES = {
    "plain": {},
    "deflated": {"deflated": True},
    "tiles": {"tile": 16},
    "deflated tiles": {"tile": 16, "deflated": True},
    "BigTIFF": {"big": True},
    "big-endian": {"order": ">"},
    "big-endian BigTIFF": {"order": ">", "big": True},
    "one strip": {"rows": 20},
}


@pytest.mark.parametrize("how", SHAPES)
@pytest.mark.parametrize("kind", ["f8", "f2", "u8", "i8"])
def test_gray_values_that_pillow_does_not_know_are_read(kind: str, how: str) -> None:
    values = (RAMP * (1 if kind[0] == "f" else 200)).astype(kind)
    stream = io.BytesIO(tiff(values, **SHAPES[how]))
    tags = read_tags(stream)
    assert tags is not None
    assert np.array_equal(read_values(stream, tags, 10_000), values.astype(float))
    decoded = decode(stream.getvalue())
    assert (decoded.pixels.shape, decoded.format) == ((20, 30, 1), "TIFF")
    assert len(np.unique(decoded.pixels)) > 100


@pytest.mark.parametrize("planar", [False, True])
def test_color_of_floats_is_read(planar: bool) -> None:
    values = np.concatenate([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2).astype("f4")
    pixels = decode(tiff(values, photometric=2, planar=planar)).pixels
    assert np.abs(pixels - values * 255).max() <= 0.5


@pytest.mark.parametrize("value", range(1, 9))
def test_they_are_turned_as_pillow_turns_others(value: int) -> None:
    with Image.open(io.BytesIO(tiff(BYTES, tags={274: value}))) as image:
        image.load()
        assert np.array_equal(turn(BYTES, value)[..., 0], np.asarray(image))
    assert np.array_equal(decode(tiff(BYTES / 255, tags={274: value})).pixels, turn(BYTES, value))


def test_differences_between_neighbors_are_summed_up() -> None:
    steps = np.diff(np.arange(600, dtype=">u8").reshape(20, 30), axis=1, prepend=0)[..., None]
    stream = io.BytesIO(tiff(steps.astype("u8"), deflated=True, tags={317: 2}))
    tags = read_tags(stream)
    assert tags is not None
    assert read_values(stream, tags, 10_000)[..., 0].tolist() == np.arange(600).reshape(20, 30).tolist()


def test_where_zero_is_white_whole_numbers_are_turned_round() -> None:
    stream = io.BytesIO(tiff(np.array([[[0], [2**16 - 1]]], ">u2"), photometric=0, order=">"))
    tags = read_tags(stream)
    assert tags is not None
    assert read_values(stream, tags, 10_000)[..., 0].tolist() == [[65535, 0]]


OTHERS: dict[str, Callable[[], bytes]] = {
    "5 channels of 8 bits": lambda: tiff(_channels(5)),
    "2 channels of 16 bits, gray and alpha": lambda: tiff(_channels(2, "u2"), extra=(2,)),
    "2 channels of 16 bits": lambda: tiff(_channels(2, "u2"), extra=(0,)),
    "3 channels of 8 bits, marked as gray": lambda: tiff(_channels(3)),
    "3 channels of 8 bits, marked as gray, one after another": lambda: tiff(_channels(3), planar=True),
    "7 channels of 32-bit floats": lambda: tiff(_channels(7, "f4"), big=True),
    "200 channels of 16 bits": lambda: tiff(_channels(200, "u2"), tile=16),
    "1 channel of 64-bit complex numbers": lambda: tiff(RAMP.astype("c8")),
    "5 channels of 8 bits, inks": lambda: tiff(_channels(5), photometric=5, extra=(2,)),
    "1 channel of 8 bits, compressed by LERC": lambda: tiff(BYTES, tags={259: 34887}),
    "1 channel of 8 bits, compressed by JPEG 2000": lambda: tiff(BYTES, tags={259: 34712}),
    "1 channel of 8 bits, compressed by JPEG XL": lambda: tiff(BYTES, tags={259: 50002}),
    "1 channel of 8 bits, compressed by method 60123": lambda: tiff(BYTES, tags={259: 60123}),
    "1 channel of 16 bits, a camera's raw mosaic": lambda: tiff(BYTES.astype("u2"), photometric=32803),
    "3 channels of 8, 16, 8 bits, RGB": lambda: tiff(_channels(3, "u2"), photometric=2, tags={258: (8, 16, 8)}),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_whole_tiff_that_is_not_read_is_named_by_its_kind(kind: str) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        decode(OTHERS[kind]())
    assert str(caught.value) == f"it is a TIFF of an unsupported kind ({kind})"


@pytest.mark.parametrize(
    "data",
    [
        tiff(BYTES / 255)[:-300],  # the directory stands at the end
        tiff(_channels(5))[:500],
        tiff(BYTES / 255, tags={273: (8, 8, 10**6)}),
        tiff(BYTES / 255, tags={279: (9, 9, 9)}),
        tiff(BYTES / 255, tags={256: 0}),
        tiff(BYTES / 255, tags={257: 10**6}),
        tiff(BYTES / 255, tags={258: 72}),
        tiff(BYTES / 255, tags={262: 77}),
        tiff(BYTES / 255, tags={284: 9}),
        tiff(BYTES / 255, tags={277: 0}),
    ],
)
def test_damage_stays_damage(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="damaged or cut off|not an image"):
        decode(data)


def test_damaged_contents_of_what_is_read_here_are_said() -> None:
    data = bytearray(tiff(RAMP, deflated=True))
    data[40:60] = bytes(20)
    with pytest.raises(UnreadableImageError, match="damaged|cut off"):
        decode(bytes(data))
    with pytest.raises(UnreadableImageError, match="cut off"):  # a strip that inflates to less than it should
        decode(tiff(RAMP, deflated=True, rows=20, tags={257: 40, 278: 40}))


@pytest.mark.parametrize("limit", [599, 100])
def test_the_limit_of_pixels_holds(limit: int) -> None:
    with pytest.raises(UnreadableImageError, match=f"it declares 30 x 20 pixels, more than the limit of {limit}"):
        decode(tiff(BYTES / np.float16(255)), limit_pixels=limit)


def test_a_tile_that_declares_far_more_than_the_image_is_not_unpacked() -> None:
    with pytest.raises(UnreadableImageError, match="unsupported"):
        decode(tiff(RAMP, deflated=True, tile=16, tags={322: 10**5, 323: 10**5, 324: (8,), 325: (9,)}))


PARTS = {
    "only the first of 2 channels is used": tiff(_channels(2), extra=(0,)),
    "only the first 3 of 4 channels are used": tiff(_channels(4), photometric=2, extra=(0,)),
    "only the first 3 of 6 channels are used": tiff(_channels(6), photometric=2, extra=(0, 0, 0)),
    "only the first 4 of 5 channels are used": tiff(_channels(5), photometric=2, extra=(2, 0)),
    "only the first of 9 slices is used": tiff(BYTES, tags={32997: 9}),
}


@pytest.mark.parametrize("remark", PARTS)
def test_what_is_not_used_of_an_image_is_said(remark: str) -> None:
    if " of 2 channels" in remark and int(PIL.__version__.split(".")[0]) < 13:
        pytest.skip("Pillow before 13 reads no such file")
    assert decode(PARTS[remark]).remarks == (remark,)


@pytest.mark.parametrize(
    "data", [tiff(BYTES), tiff(_channels(3), photometric=2), tiff(_channels(4), photometric=2, extra=(2,))]
)
def test_of_an_image_that_is_used_as_a_whole_nothing_is_said(data: bytes) -> None:
    assert decode(data).remarks == ()
