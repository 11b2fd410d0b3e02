"""What libtiff complains of is caught for the image at hand, in any thread and process, and printed nowhere."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.core.errors import UnreadableImageError
from convscope.images.checks import inspect
from convscope.images.dataset import prepare
from convscope.images.decoding import decoder_messages
from convscope.images.decoding.decoder import decode
from convscope.images.loading.chunks import Chunk, LoadResult, load_files
from convscope.images.loading.worker import WorkerProcess
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.opening import open_source

from .broken_files import encoded, sample

GOOD = encoded(sample(), "TIFF", compression="tiff_lzw")


def _damaged(compression: str, seed: int = 0) -> bytes:
    """Return a TIFF whose decoder complains."""
    data = bytearray(encoded(sample(seed=seed), "TIFF", compression=compression))
    middle = len(data) // 2
    data[middle : middle + 30] = bytes(value ^ 90 for value in data[middle : middle + 30])
    return bytes(data)


def _with_remark() -> bytes:
    """Return a TIFF whose decoder complains and gives pixels: lines of a fax that end too early."""
    noise = np.random.default_rng(0).integers(0, 2, (64, 64)).astype(bool)
    good = encoded(Image.fromarray(noise), "TIFF", compression="group3")
    for place in range(100, len(good)):
        data = bytearray(good)
        data[place] ^= 255
        try:
            if decode(bytes(data)).remarks:
                return bytes(data)
        except UnreadableImageError:
            continue
    raise AssertionError("no such file")


NOISY = _with_remark()


def _standard_error(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "descriptor":
        monkeypatch.setattr(decoder_messages, "_library", lambda: None)
    elif decoder_messages._library() is None:
        pytest.skip("the libtiff of this Pillow cannot be reached")


@pytest.mark.parametrize("way", ["handler", "descriptor"])
@pytest.mark.parametrize(
    ("compression", "reason"),
    [
        ("tiff_lzw", r"damaged \(Using code not yet in table\)"),
        ("tiff_deflate", r"damaged \(Decoding error at scanline"),
    ],
)
def test_a_complaint_is_the_reason_and_is_not_printed(
    compression: str, reason: str, way: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _standard_error(monkeypatch, way)
    with pytest.raises(UnreadableImageError, match=reason):
        decode(_damaged(compression))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("way", ["handler", "descriptor"])
def test_of_an_image_with_pixels_it_is_a_remark(
    way: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _standard_error(monkeypatch, way)
    decoded = decode(NOISY)
    assert decoded.pixels.shape == (64, 64, 1)
    assert [remark.partition(": ")[0] for remark in decoded.remarks] == ["its decoder reported damage"]
    assert capfd.readouterr() == ("", "")


def test_good_images_have_no_remark() -> None:
    assert decode(GOOD).remarks == ()


@pytest.mark.parametrize("way", ["handler", "descriptor"])
def test_what_others_print_meanwhile_is_printed(
    way: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _standard_error(monkeypatch, way)
    with decoder_messages.captured_messages(GOOD[:64]) as found:
        os.write(2, b"\rreading: 7 %\nhalf a line")
    assert found == []
    assert capfd.readouterr().err == "\rreading: 7 %\nhalf a line"


@pytest.mark.parametrize("way", ["handler", "descriptor"])
def test_everything_is_put_back(way: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    _standard_error(monkeypatch, way)
    with pytest.raises(UnreadableImageError):
        decode(_damaged("tiff_lzw"))
    with Image.open(io.BytesIO(_damaged("tiff_lzw"))) as image, pytest.raises(OSError, match="-2"):
        image.load()
    assert "Using code not yet in table" in capfd.readouterr().err


@pytest.mark.parametrize("way", ["handler", "descriptor"])
def test_each_thread_gets_the_complaints_of_its_own_image(
    way: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _standard_error(monkeypatch, way)
    found: dict[int, set[str]] = {}

    def work(number: int) -> None:
        data = (GOOD, _damaged("tiff_lzw"), _damaged("tiff_deflate"), NOISY)[number]
        for _ in range(30):
            try:
                said = str(decode(data).remarks)
            except UnreadableImageError as error:
                said = str(error)
            found.setdefault(number, set()).add(said)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == {"()"}
    assert [len(found[number]) for number in range(4)] == [1, 1, 1, 1]
    assert "table" in next(iter(found[1]))
    assert "scanline" in next(iter(found[2]))
    assert "reported damage" in next(iter(found[3]))
    assert capfd.readouterr() == ("", "")


def test_what_pillow_logs_is_not_printed() -> None:
    data = encoded(sample(), "TIFF")
    many = data.replace(b"\x15\x01\x03\0\1\0\0\0\3\0", b"\x15\x01\x03\0\1\0\0\0\xff\0")  # 255 channels
    assert many != data
    program = (
        "import sys\nfrom convscope.images.decoding.decoder import decode\n"
        "try: decode(sys.stdin.buffer.read())\nexcept ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=many, capture_output=True, check=True)
    assert (b"damaged" in done.stdout, done.stderr) == (True, b"")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_can_decode(capfd: pytest.CaptureFixture[str]) -> None:
    program = """
import os, sys, threading
from convscope.images.decoding import decoder_messages
from convscope.images.decoding.pixel_budget import IN_FLIGHT
from convscope.images.decoding.decoder import decode
data = sys.stdin.buffer.read()
inside, go = threading.Event(), threading.Event()
def hold():
    locks = decoder_messages._lock, decoder_messages._handled._lock
    with decoder_messages.captured_messages(data[:4]), IN_FLIGHT.held(), locks[0], locks[1]:
        IN_FLIGHT.take(178_000_000)
        inside.set()
        go.wait()
thread = threading.Thread(target=hold)
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    IN_FLIGHT.take(178_000_000)
    decode(data)
    os._exit(0)
_, status = os.waitpid(child, 0)
go.set()
thread.join()
sys.exit(status)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], input=GOOD, timeout=60, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def _set(folder: Path) -> Path:
    for name in "ab":
        (folder / name).mkdir()
        for number in range(3):
            (folder / name / f"{number}.tif").write_bytes(encoded(sample(seed=ord(name) + number), "TIFF"))
    (folder / "a" / "noisy.tif").write_bytes(NOISY)
    (folder / "b" / "damaged.tif").write_bytes(_damaged("tiff_lzw"))
    return folder


def test_check_and_train_name_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = open_source(_set(tmp_path))
    (problem,) = inspect(source).of_kind("damaged")
    assert problem.name == str(Path("a", "noisy.tif"))
    assert problem.usable
    assert problem.detail.startswith("its decoder reported damage: ")
    for _ in range(2):  # read, and from the cache
        prepared = prepare(source, cache_dir=tmp_path / "cache")
        assert prepared.inspection.of_kind("damaged") == (problem,)
        (note,) = (note for note in prepared.notes if "may be damaged" in note)
        assert "noisy.tif: its decoder reported damage" in note
    assert capfd.readouterr() == ("", "")


def test_a_reading_process_says_the_same_as_this_one(tmp_path: Path) -> None:
    folder = _set(tmp_path)
    files = tuple(str(file) for file in sorted(folder.rglob("*.tif")))
    run = Chunk(start=0, files=files, preprocessing=Preprocessing(height=8, width=8))
    process = WorkerProcess()
    try:
        assert process.has_started()
        there = process.load(run)
    finally:
        process.end()
    here = load_files(run)
    assert isinstance(there, LoadResult)
    assert (there.reasons, there.remarks) == (here.reasons, here.remarks)
    assert (len(here.reasons), len(here.remarks)) == (1, 1)
    assert np.array_equal(there.facts, here.facts)
