"""What decoding promises about modes, orientation, scale and files."""

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from convscope.core.errors import DataError, UnreadableImageError
from convscope.images.decoding.decoder import Decoded, decode
from convscope.images.decoding.decoder_messages import quiet_pillow
from convscope.images.decoding.modes import to_values

from .broken_files import encoded, good_files, odd_files, orientation, sample, write_all, wrong_files, ycbcr_files

ODD = odd_files()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_give_the_same_pixels_back(kind: str) -> None:
    decoded = decode(encoded(sample(), kind))
    assert np.array_equal(decoded.pixels, sample())
    assert (decoded.mode, decoded.format, decoded.animated) == ("RGB", kind, False)


def test_lossless_webp_gives_the_same_pixels_back() -> None:
    assert np.array_equal(decode(good_files()["good.webp"]).pixels, sample())


@pytest.mark.parametrize(
    "name",
    [
        "gray.jpg",
        "bits.png",
        "bits.tif",
        "bits.pbm",
        "wide.png",
        "wide.tif",
        "wide.pgm",
        "float.tif",
        "gray-palette.png",
    ],
)
def test_gray_in_any_mode_stays_one_channel(name: str) -> None:
    assert decode(ODD[name]).pixels.shape == (24, 36, 1)


@pytest.mark.parametrize(
    "name", ["palette-clear.png", "palette-bytes.png", "gray-clear.png", "gray-alpha.png", "alpha.png", "alpha.webp"]
)
def test_transparency_gives_four_channels(name: str) -> None:
    pixels = decode(ODD[name]).pixels
    assert pixels.shape == (24, 36, 4)
    assert pixels[:, :, 3].min() < 255


@pytest.mark.parametrize("name", ["opaque.png", "palette.png", "cmyk.jpg", "cmyk.tif", *ycbcr_files()])
def test_color_without_transparency_gives_three_channels(name: str) -> None:
    assert decode(ODD[name]).pixels.shape == (24, 36, 3)


@pytest.mark.parametrize("name", ["cmyk.jpg", "cmyk.tif", *ycbcr_files()])
def test_cmyk_and_ycbcr_look_like_the_rgb_that_they_came_from(name: str) -> None:
    difference = np.abs(decode(ODD[name]).pixels.astype(int) - sample())
    assert difference.mean() < 8


@pytest.mark.parametrize("name", ["wide.png", "wide.tif", "wide.pgm"])
def test_sixteen_bits_are_scaled_by_their_full_range(name: str) -> None:
    assert np.array_equal(decode(ODD[name]).pixels[:, :, 0], sample()[:, :, 0])  # written as 257 times the value


def test_each_of_65536_values_becomes_the_nearest() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(decode(encoded(values, "PNG")).pixels[:, :, 0], np.rint(values / 257))


def test_opaque_alpha_is_dropped_and_gray_stays_gray() -> None:
    gray = Image.fromarray(sample()[:, :, 0])
    assert decode(encoded(gray.convert("LA"), "PNG")).pixels.shape == (24, 36, 1)
    assert decode(encoded(gray.convert("RGBA"), "PNG")).pixels.shape == (24, 36, 3)


def test_floats_from_zero_to_one_are_multiplied_by_255() -> None:
    assert np.array_equal(decode(ODD["float.tif"]).pixels[:, :, 0], sample()[:, :, 0])


def test_a_mode_without_a_way_to_rgb_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("HSV", (3, 3))

    def refuse(*_: object) -> None:
        raise ValueError("conversion not supported")

    monkeypatch.setattr(image, "convert", refuse)
    with pytest.raises(UnreadableImageError, match="color mode HSV"):
        to_values(image)


@pytest.mark.parametrize("name", ["animated.gif", "animated.webp", "animated.png", "pages.tif"])
def test_the_first_frame_is_read_and_animation_noticed(name: str) -> None:
    decoded = decode(ODD[name])
    assert decoded.animated
    assert decoded.pixels.shape == (24, 36, 3)
    assert np.abs(decoded.pixels.astype(int) - sample()).mean() < 10


def _as_exif_turns(image: np.ndarray, value: int) -> np.ndarray:
    """Return what a viewer shows, from the definition of the tag: which side row 0 and column 0 of the file are."""
    shown = {
        1: image,
        2: image[:, ::-1],
        3: image[::-1, ::-1],
        4: image[::-1],
        5: image.transpose(1, 0, 2),
        6: image.transpose(1, 0, 2)[:, ::-1],
        7: image.transpose(1, 0, 2)[::-1, ::-1],
        8: image.transpose(1, 0, 2)[::-1],
    }
    return shown[value]


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_obeyed_once(value: int, kind: str) -> None:
    if kind == "TIFF":
        data = encoded(sample(), "TIFF", tiffinfo={0x0112: value})
    else:
        data = encoded(sample(), kind, exif=orientation(value))
    decoded, expected = decode(data), _as_exif_turns(sample(), value)
    assert decoded.pixels.shape == expected.shape
    assert decoded.full_size == expected.shape[:2]
    assert np.abs(decoded.pixels.astype(int) - expected).mean() < 8


@pytest.mark.parametrize("name", ["bad-exif.jpg", "exif-999.jpg", "junk-behind.jpg", "twice.jpg"])
def test_damage_outside_the_image_does_not_matter(name: str) -> None:
    assert decode(wrong_files()[name]).pixels.shape == (24, 36, 3)


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("near", [(10, 40), (40, 10), (100, 100), (3, 3), (400, 400)])
def test_reduced_decoding_keeps_half_as_much_again_as_is_wanted(near: tuple[int, int], turn: int) -> None:
    data = encoded(sample(640, 960), "JPEG", exif=orientation(turn))
    decoded, full = decode(data, near=near), decode(data)
    assert min(decoded.pixels.shape[:2]) >= min(1.5 * max(near), 640)
    assert decoded.full_size == full.full_size == full.pixels.shape[:2]
    if max(near) <= 40:
        assert decoded.pixels.size <= full.pixels.size / 16
    if max(near) == 100:  # a quarter of the scale leaves 160 rows
        assert decoded.pixels.size == full.pixels.size / 16


def test_reduced_decoding_changes_no_other_format() -> None:
    data = encoded(sample(640, 960), "PNG")
    assert decode(data, near=(8, 8)).pixels.shape == (640, 960, 3)


def test_a_limit_holds_to_the_pixel() -> None:
    data = good_files()["good.png"]
    assert decode(data, limit_pixels=24 * 36).pixels.size
    with pytest.raises(UnreadableImageError, match="it declares 36 x 24 pixels, more than the limit of 863"):
        decode(data, limit_pixels=24 * 36 - 1)


def test_files_that_cannot_be_opened_say_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="the file is not there"):
        decode(tmp_path / "none.png")
    with pytest.raises(UnreadableImageError, match="a folder or a device, not a file"):
        decode(tmp_path)
    with pytest.raises(UnreadableImageError, match="it cannot be read"):
        decode(tmp_path / ("n" * 300))
    with pytest.raises(UnreadableImageError, match="it cannot be read"):
        decode(tmp_path / "zero\0byte")
    (tmp_path / "broken-link.png").symlink_to(tmp_path / "none.png")
    with pytest.raises(UnreadableImageError, match="the file is not there"):
        decode(tmp_path / "broken-link.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImageError, match="a folder or a device"):
        decode(tmp_path / "pipe.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(good_files()["good.png"])
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(UnreadableImageError, match="no permission"):
        decode(tmp_path / "a.png")


def test_every_file_of_a_folder_of_horrors_is_an_image_or_named(tmp_path: Path) -> None:
    read = 0
    for path in write_all(tmp_path):
        try:
            read += decode(path, limit_pixels=10_000_000).pixels.size > 0
        except UnreadableImageError as error:
            assert isinstance(error, DataError)  # noqa: PT017  # one of many files may raise
    assert read > 60


def test_an_array_is_its_own_full_size() -> None:
    assert Decoded(values=np.zeros((2, 3, 1), np.uint8)).full_size == (2, 3)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "it needs more memory than there is"),
        (struct.error("unpack requires 4 bytes"), "its data are damaged$"),
        (zlib.error("Error -3"), r"its data are damaged \(Error -3\)"),
        (SyntaxError("broken PNG file"), r"its data are damaged \(broken PNG file\)"),
        (OverflowError("too large"), "its data are damaged$"),
        (ValueError("invalid literal for int() with base 10: b'x'"), "its data are damaged$"),
        (IndexError(), "its data are damaged$"),
        (KeyError("tag"), "its data are damaged$"),
        (OSError(5, "Input/output error"), "it cannot be read: Input/output error$"),
        (EOFError(), "the file is cut off: its image data end too early"),
        (OSError("image file is truncated (3 bytes not processed)"), "the file is cut off"),
        (NotImplementedError("x" * 500), r"its data are damaged \(x{100}\)$"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whatever_a_codec_raises_is_a_reason(error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", refuse)
    with pytest.raises(UnreadableImageError, match=reason):
        decode(good_files()["good.tif"])


def test_exif_that_cannot_be_read_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise struct.error("damaged")

    monkeypatch.setattr(Image.Image, "getexif", refuse)
    assert np.array_equal(decode(good_files()["good.png"]).pixels, sample())


def test_warnings_are_quiet_in_many_threads_and_back_afterwards() -> None:
    before = list(warnings.filters)
    data = ODD["palette-bytes.png"]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                decode(data)
        except BaseException as error:  # noqa: BLE001  # handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert list(warnings.filters) == before


def test_only_warnings_of_pillow_are_quiet() -> None:
    with quiet_pillow(), quiet_pillow():
        warnings.warn_explicit("hidden", UserWarning, "Image.py", 1, module="PIL.Image")
        with pytest.raises(UserWarning, match="shown"):
            warnings.warn("shown", stacklevel=1)


def test_pixels_that_are_said_to_stand_behind_the_end_are_cut_off_whichever_way_a_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:  # what Pillow does for a file by its path, where the system has not as much memory
        raise MemoryError

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", refuse)
    saved = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(saved, "TIFF")
    data = bytearray(saved.getvalue())
    entry = data.index(struct.pack("<HHI", 0x111, 4, 1)) if struct.pack("<HHI", 0x111, 4, 1) in data else -1
    assert entry > 0, "the entry that says where the pixels are"
    data[entry + 8 : entry + 12] = struct.pack("<I", 0x7FFF_FFFF)
    path = tmp_path / "far.tif"
    path.write_bytes(data)
    reasons = []
    for content in (path, bytes(data)):
        with pytest.raises(UnreadableImageError) as raised:
            decode(content)
        reasons.append(str(raised.value))
    assert reasons == ["the file is cut off: its image data end too early"] * 2
