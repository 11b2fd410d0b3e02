"""Large images wait for one another, small ones wait for nobody, and converting takes little memory."""

import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.core import memory
from convscope.core.progress import Silent
from convscope.images.decoding import modes, pixel_budget
from convscope.images.decoding.decoder import decode
from convscope.images.decoding.modes import by_blocks, to_values
from convscope.images.decoding.pixel_budget import IN_FLIGHT, SMALL_PIXELS, PixelBudget
from convscope.images.loading import pool
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.opening import open_source

from .broken_files import encoded, odd_files, sample

BIG = 10 * SMALL_PIXELS


def _in_threads(work: list[int], budget: PixelBudget) -> int:
    """Take images of so many pixels, each in a thread, and return the most that were held at once."""
    most = 0
    lock = threading.Lock()

    def one(pixels: int) -> None:
        nonlocal most
        with budget.held():
            budget.take(pixels)
            with lock:
                most = max(most, budget.used)
            time.sleep(0.01)

    threads = [threading.Thread(target=one, args=(pixels,)) for pixels in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert budget.used == 0
    return most


@pytest.mark.parametrize(
    ("work", "most"),
    [
        ([BIG] * 6, 2 * BIG),
        ([3 * BIG] * 3, 3 * BIG),  # more than there is in all: alone
        ([BIG, 3 * BIG, BIG, BIG, 3 * BIG], 3 * BIG),
        ([SMALL_PIXELS] * 9, 0),
    ],
)
def test_no_more_is_held_than_may_be(work: list[int], most: int) -> None:
    assert _in_threads(work, PixelBudget(2 * BIG)) <= most


def test_a_small_image_does_not_wait_for_a_large_one() -> None:
    one = PixelBudget(BIG)
    with one.held():
        one.take(BIG)
        assert _done_soon(lambda: one.take(SMALL_PIXELS))
        assert not _done_soon(lambda: one.take(SMALL_PIXELS + 1), seconds=0.05)


def test_a_large_image_is_not_overtaken_for_ever() -> None:
    one = PixelBudget(2 * BIG)
    order: list[str] = []
    first, second = (threading.Thread(target=_take, args=(one, size, name, order)) for size, name in
                     ((2 * BIG, "large"), (BIG, "later")))  # fmt: skip
    with one.held():
        one.take(BIG)
        first.start()
        while not one._waiting:
            time.sleep(0.001)
        second.start()  # there would be room for it
        time.sleep(0.02)
        assert order == []
    first.join(timeout=30)
    second.join(timeout=30)
    assert order == ["large", "later"]


def test_a_thread_that_holds_some_does_not_wait() -> None:
    one = PixelBudget(BIG)
    with one.held():
        one.take(BIG)
        with one.held():
            one.take(3 * BIG)
        assert one.used == 3 * BIG
    assert one.used == 0


def _take(one: PixelBudget, pixels: int, name: str, order: list[str]) -> None:
    with one.held():
        one.take(pixels)
        order.append(name)


def _done_soon(work: object, seconds: float = 10) -> bool:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout=seconds)
    return not thread.is_alive()


@pytest.mark.parametrize("name", ["good.png", "damaged.png"])
def test_decoding_gives_back_what_it_took(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_budget, "SMALL_PIXELS", 10)
    data = encoded(sample(), "PNG")
    taken: list[int] = []
    take = PixelBudget.take
    monkeypatch.setattr(PixelBudget, "take", lambda self, pixels: (taken.append(pixels), take(self, pixels))[1])
    if name == "damaged.png":
        with pytest.raises(ValueError, match="cut off"):
            decode(data[:-300])
    else:
        decode(data)
    assert 24 * 36 in taken
    assert IN_FLIGHT.used == 0


@pytest.mark.parametrize("name", [name for name in odd_files() if not name.startswith(("nan", "animated", "lab"))])
def test_blocks_of_rows_give_what_the_whole_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = odd_files()[name]
    whole = decode(data)
    monkeypatch.setattr(modes, "_BLOCK_PIXELS", 36 * 3)
    assert np.array_equal(decode(data).pixels, whole.pixels)


@pytest.mark.parametrize("opaque_rows", [0, 7, 24])
@pytest.mark.parametrize("color_from", [0, 7, 24])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_blocks_agree_on_their_channels(
    mode: str, opaque_rows: int, color_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.concatenate([sample(), np.full((24, 36, 1), 255, np.uint8)], axis=2)
    pixels[:color_from, :, 1:3] = pixels[:color_from, :, :1]
    pixels[opaque_rows:, 5, 3] = 9
    image = Image.fromarray(pixels).convert(mode)
    whole = to_values(image)
    monkeypatch.setattr(modes, "_BLOCK_PIXELS", 36 * 3)
    assert np.array_equal(by_blocks(image, to_values), whole)


def test_a_process_leaves_large_images_to_the_one_that_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.png").write_bytes(encoded(sample(seed=number), "PNG"))
    Image.new("L", (2500, 2000), 9).save(tmp_path / "a" / "large.png")
    (tmp_path / "b" / "bomb.png").write_bytes(_declares(60_000))
    source, step = open_source(tmp_path), Preprocessing(height=8, width=8)
    monkeypatch.setattr(pool, "_MANY", 1)
    asked: list[tuple[str, ...]] = []
    read = pool.load_files
    monkeypatch.setattr(pool, "load_files", lambda run, *rest: (asked.append(run.files), read(run, *rest))[1])
    found = pool.load_images(source, step, pixels=100, target=None, reporter=Silent(), workers=2)
    assert sorted(Path(name).name for names in asked for name in names) == ["bomb.png", "large.png"]
    monkeypatch.setattr(pool, "_MANY", 10**9)
    alone = pool.load_images(source, step, pixels=100, target=None, reporter=Silent(), workers=2)
    assert np.array_equal(found.facts, alone.facts)
    assert found.reasons == alone.reasons
    assert sorted(found.facts["width"].tolist()) == [0, *[36] * 6, 2500]


def _declares(side: int) -> bytes:
    data = bytearray(encoded(sample(), "PNG"))
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def test_available_memory_is_the_least_of_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = tmp_path / "one" / "two"
    group.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("0::/one/two\n")
    (tmp_path / "one" / "memory.max").write_text("1000000\n")
    (tmp_path / "one" / "memory.current").write_text("700000\n")
    (tmp_path / "one" / "memory.stat").write_text("anon 5\ninactive_file 100000\n")
    (group / "memory.max").write_text("max\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OWN_GROUP", tmp_path / "cgroup")
    assert memory.available_bytes() == 400_000
    (tmp_path / "cgroup").write_text("4:cpu,memory:/gone\n9:cpuset:/\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("5000\n")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("4000\n")
    assert memory.available_bytes() == 1000
    (tmp_path / "cgroup").unlink()
    assert memory.available_bytes() > 10_000_000


def test_before_a_large_image_what_was_freed_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(pixel_budget, "return_free_memory", lambda: given_back.append(1))
    with IN_FLIGHT.held():
        IN_FLIGHT.take(BIG)
        assert given_back == [1]
    assert given_back == [1, 1]
