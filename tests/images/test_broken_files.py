"""Every broken or odd file gives either a right array or one clear reason: no other error, no warning."""

import io
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.core.errors import UnreadableImageError
from convscope.images.decoding.decoder import decode
from convscope.images.preprocessing import Preprocessing
from convscope.images.values import ValueRange, ValueRanges

from . import broken_files

RANGES = ValueRanges(integer=ValueRange(low=0, high=1e9))
FILES = broken_files.broken_files()


def _check(data: bytes) -> str:
    """Decode and scale `data`; return the reason, "" where it is an image."""
    try:
        decoded = decode(data, limit_pixels=10_000_000)
    except UnreadableImageError as error:
        reason = str(error)
        assert reason
        assert "\n" not in reason
        assert len(reason) < 200
        return reason
    pixels = decoded.pixels
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] in (1, 3, 4)
    assert 0 not in pixels.shape
    assert decoded.full_size == pixels.shape[:2]
    assert Preprocessing(height=9, width=7, ranges=RANGES).apply(decoded).shape == (9, 7, 3)
    return ""


def test_there_are_at_least_sixty_and_each_has_another_content() -> None:
    assert len(FILES) >= 60
    assert len(set(FILES.values())) > len(FILES) * 0.9


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_gives_an_array_or_a_reason(name: str) -> None:
    _check(FILES[name])


@pytest.mark.parametrize("name", [*broken_files.good_files(), *broken_files.odd_files()])
def test_good_and_odd_files_are_read(name: str) -> None:
    reasons = {"nan.tif": "not finite"}
    reason = _check(FILES[name])
    if name == "lab.tif":  # newer Pillow versions turn it into RGB, older ones cannot
        assert reason in ("", "its color mode LAB cannot be converted to RGB")
    else:
        assert reasons[name] in reason if name in reasons else reason == ""


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("cut0.02", "cut0.1", "cut0.3", "cut0.5"))])
def test_a_file_cut_in_half_or_shorter_is_refused(name: str) -> None:
    reason = _check(FILES[name])
    assert any(words in reason for words in ("cut off", "damaged", "not an image", "header"))


@pytest.mark.parametrize("name", broken_files.huge_files())
def test_a_huge_declared_size_is_refused_by_its_size(name: str) -> None:
    reason = _check(FILES[name])
    assert "more than the limit of 10,000,000" in reason or name == "endless.pgm"
    assert reason


def test_a_huge_declared_size_takes_no_memory() -> None:
    resource = pytest.importorskip("resource")
    program = """
        import resource, sys
        from convscope.core.errors import UnreadableImageError
        from convscope.images.decoding.decoder import decode
        from tests.images.broken_files import huge_files
        files = huge_files()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name, data in files.items():
            try:
                decode(data)
            except UnreadableImageError:
                continue
            sys.exit(name)
        sys.exit((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 > 100)
    """
    assert resource
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.jpg", "the file is empty"),
        ("text.jpg", "not an image in a known format"),
        ("page.jpg", "a web page"),
        ("drawing.png", "an SVG drawing"),
        ("document.png", "a PDF document"),
        ("script.png", "a PostScript document"),
        ("archive.jpg", "a zip archive"),
        ("phone.jpg", "unsupported format: HEIC"),
        ("cut0.5-good.jpg", "cut off"),
        ("cut0.5-good.png", "cut off"),
        ("cut0.5-good.bmp", "cut off"),
        ("cut0.5-good.ppm", "cut off"),
    ],
)
def test_the_reason_says_what_is_wrong(name: str, reason: str) -> None:
    assert reason in _check(FILES[name])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(broken_files.good_files())), st.data())
def test_any_damage_gives_an_array_or_a_reason(name: str, data: st.DataObject) -> None:
    changed = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    _check(bytes(changed[: data.draw(st.integers(1, len(changed)))]))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"P6 ", b"RIFF"]),
    st.binary(),
)
def test_any_bytes_give_an_array_or_a_reason(start: bytes, rest: bytes) -> None:
    _check(start + rest)


def test_an_open_file_is_read_like_its_bytes() -> None:
    data = FILES["good.png"]
    assert np.array_equal(decode(io.BytesIO(data)).pixels, decode(data).pixels)
