import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import ParameterError, StorageError
from convscope.core.temporaries import host_mark
from convscope.core.text import size_text
from convscope.images.cache import caching
from convscope.images.cache import entry as cache_module
from convscope.images.cache import folder as folder_module
from convscope.images.cache.caching import close_gaps
from convscope.images.cache.entry import FACTS_FILE, IMAGES, INDEX
from convscope.images.cache.folder import MARKER, cache_folder, clear, entries
from convscope.images.cache.limit import limit_bytes, parse_bytes
from convscope.images.dataset import Dataset, prepare
from convscope.images.sizes import ImageOptions
from convscope.images.sources.opening import open_source
from tests.checks.processes import interruptible
from tests.images.generated import folder, save


@pytest.fixture
def images(tmp_path):
    return folder(tmp_path / "images", each=8)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def builds(monkeypatch):
    """Count how often an entry is built."""
    counted = []
    build = caching._build
    monkeypatch.setattr(caching, "_build", lambda *given, **named: counted.append(1) or build(*given, **named))
    return counted


def ready(images: Path, place: Path, **options) -> Dataset:
    return prepare(open_source(images), ImageOptions(**options), cache_dir=place)


def entry(place: Path) -> Path:
    (only,) = (path for path in place.iterdir() if path.is_dir())
    return only


def test_the_second_time_nothing_is_decoded(images, place, builds, monkeypatch):
    first = ready(images, place)
    monkeypatch.setattr("convscope.images.sources.files.decode", None)
    monkeypatch.setattr("convscope.images.loading.chunks.decode", None)
    second = ready(images, place)
    assert len(builds) == 1
    assert np.array_equal(first.images, second.images)
    assert (first.notes, first.inspection, first.preprocessing) == (
        second.notes,
        second.inspection,
        second.preprocessing,
    )


def test_other_settings_have_an_entry_of_their_own(images, place, builds):
    for options in ({}, {"size": 8}, {"fit": "crop"}, {"background": "white"}, {"channels": 1}):
        ready(images, place, **options)
    assert len(builds) == len(entries(place)) == 5
    prepare(open_source(images), cache_dir=place, validation=0.5, seed=3)
    assert len(builds) == 5


def test_options_that_say_what_the_data_chose_share_its_entry(images, place, builds):
    first = ready(images, place)
    options = {"fit": first.preprocessing.fit, "channels": 3, "ranges": first.preprocessing.ranges}
    color = "#" + "".join(f"{value:02x}" for value in first.preprocessing.background)
    size = first.preprocessing.width, first.preprocessing.height
    second = ready(images, place, size=size, background=color, **options)
    assert len(builds) == 1
    assert np.array_equal(first.images, second.images)
    assert second.preprocessing == first.preprocessing
    assert second.notes[0].endswith(": as set")
    third = ready(images, place, size=size, background="#010203", **options)
    assert len(builds) == 2
    assert third.preprocessing.background == (1, 2, 3)
    ready(images, place.parent / "elsewhere", size=size, background=color, **options)
    assert second.notes == ready(images, place.parent / "elsewhere", size=size, background=color, **options).notes
    assert len(builds) == 3


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def cut(path: Path, length: int) -> None:
    with path.open("r+b") as file:
        file.truncate(length)


def replace_in(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def foreign_index(path: Path) -> None:
    path.write_text("[" * 100_000)


DAMAGE = {
    "pixels cut off": lambda path: cut(path / IMAGES, 100),
    "pixels cut to nothing": lambda path: cut(path / IMAGES, 0),
    "pixels longer": lambda path: (path / IMAGES).write_bytes((path / IMAGES).read_bytes() + b"x"),
    "first byte of the pixels": lambda path: flip(path / IMAGES, 0),
    "last byte of the pixels": lambda path: flip(path / IMAGES, -1),
    "a byte of the facts": lambda path: flip(path / FACTS_FILE, 17),
    "facts cut off": lambda path: cut(path / FACTS_FILE, 20),
    "no pixels": lambda path: (path / IMAGES).unlink(),
    "no facts": lambda path: (path / FACTS_FILE).unlink(),
    "no index": lambda path: (path / INDEX).unlink(),
    "index cut off": lambda path: cut(path / INDEX, 200),
    "empty index": lambda path: cut(path / INDEX, 0),
    "index is no JSON object": lambda path: (path / INDEX).write_text("[]"),
    "index nested deeply": lambda path: foreign_index(path / INDEX),
    "another width in the index": lambda path: replace_in(path / INDEX, b'"width": 12', b'"width": 10'),
    "another background in the index": lambda path: replace_in(path / INDEX, b'"background": [', b'"background": [9,'),
    "another note in the index": lambda path: replace_in(path / INDEX, b"channels 3", b"channels 9"),
    "not UTF-8 in the index": lambda path: replace_in(path / INDEX, b"channels 3", b"channels \xff"),
    "no marker, and no facts": lambda path: [(path / name).unlink() for name in (MARKER, FACTS_FILE)],
    "a folder in place of the facts": lambda path: [(path / FACTS_FILE).unlink(), (path / FACTS_FILE).mkdir()],
    "a file in its place": lambda path: [shutil.rmtree(path), path.write_text("x")],
    "a broken link in its place": lambda path: [shutil.rmtree(path), path.symlink_to(path.parent / "gone")],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_built_again(images, place, builds, damage):
    expected = np.array(ready(images, place).images)
    DAMAGE[damage](entry(place))
    dataset = ready(images, place)
    assert len(builds) == 2
    assert np.array_equal(dataset.images, expected)
    ready(images, place)
    assert len(builds) == 2


def test_an_entry_that_fits_its_sum_but_not_its_fields_is_built_again(images, place, builds):
    for field, value in (
        ("rows", 10**15),
        ("rows", -1),
        ("images", "x"),
        ("version", 99),
        ("blocks", []),
        ("key", "0"),
    ):
        ready(images, place)
        path = entry(place) / INDEX
        body = {**json.loads(path.read_text())["index"], field: value}
        path.write_text(json.dumps({"sum": cache_module._sum(cache_module._canonical(body)), "index": body}))
        before = len(builds)
        ready(images, place)
        assert len(builds) == before + 1, field


def test_another_version_builds_an_entry_of_its_own(images, place, builds, monkeypatch):
    ready(images, place)
    monkeypatch.setattr(caching, "VERSION", 99)
    monkeypatch.setattr(cache_module, "VERSION", 99)
    ready(images, place)
    assert len(builds) == 2


def test_of_a_large_entry_some_blocks_are_checked_and_all_where_its_times_changed(images, place, builds, monkeypatch):
    monkeypatch.setattr(cache_module, "_BLOCK", 64)
    monkeypatch.setattr(cache_module, "_ALL_BELOW", 100)
    monkeypatch.setattr(cache_module, "_CHECKED", 2)
    checked = []
    block_sum = cache_module._block_sum
    ready(images, place)
    monkeypatch.setattr(cache_module, "_block_sum", lambda *given: checked.append(1) or block_sum(*given))
    ready(images, place)
    assert len(checked) == 2
    flip(entry(place) / IMAGES, 3000)
    ready(images, place)
    assert len(builds) == 2


def changed_secretly(images: Path) -> None:
    path = images / "a" / "3.png"
    state, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)


CHANGES = {
    "changed, size and time put back": changed_secretly,
    "added": lambda images: save(images / "a" / "new.png", 900),
    "removed": lambda images: (images / "a" / "3.png").unlink(),
    "renamed": lambda images: (images / "a" / "3.png").rename(images / "a" / "33.png"),
    "moved to another class": lambda images: (images / "a" / "3.png").rename(images / "b" / "33.png"),
    "class renamed": lambda images: (images / "a").rename(images / "c"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_images_is_noticed(images, place, builds, change):
    ready(images, place)
    CHANGES[change](images)
    ready(images, place)
    assert len(builds) == 2


def test_a_change_of_a_list_is_noticed(images, place, builds, tmp_path):
    rows = [f"{path},{path.parent.name}" for path in sorted(images.rglob("*.png"))]
    (tmp_path / "list.csv").write_text("path,label\n" + "\n".join(rows))
    ready(tmp_path / "list.csv", place)
    (tmp_path / "list.csv").write_text("path,label\n" + "\n".join([rows[0][:-1] + "b", *rows[1:]]))
    dataset = ready(tmp_path / "list.csv", place)
    assert len(builds) == 2
    assert dataset.labels[0] == 1


SLOW = """
import sys, time
from pathlib import Path
from convscope.images.cache import caching
from convscope.images.loading import chunks
from convscope.images.sources import files
from convscope.images.dataset import prepare
from convscope.images.sources.opening import open_source
decode, read = chunks.decode, []
def slow(*given, **named):
    print("reading", flush=True)
    read.append(given)
    if len(read) == 3:
        sys.stdin.read()  # until the one that started this lets it go on
    time.sleep(0.1)
    return decode(*given, **named)
chunks.decode = slow
prepare(open_source(sys.argv[1]), cache_dir=Path(sys.argv[2]), workers=1)
"""


def started(images: Path, place: Path) -> subprocess.Popen:
    """Start a process that builds slowly, and return it half-way, where it waits until its standard input ends."""
    process = interruptible(
        [sys.executable, "-c", SLOW, str(images), str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(3):
        process.stdout.readline()
    return process


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_what_a_killed_process_left_is_never_read_and_is_removed_by_the_next(images, place, builds):
    process = started(images, place)
    assert [path.name[:9] for path in place.iterdir() if path.is_dir()] == [".building"]
    process.kill()
    process.communicate()
    assert len(list(place.glob(".building*"))) == 1
    assert entries(place) == []
    assert len(ready(images, place)) == 16
    assert list(place.glob(".building*")) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_leaves_nothing_behind(images, place):
    process = started(images, place)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in errors
    assert [path for path in place.iterdir() if path.is_dir()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_reading_process_outlives_the_one_that_started_it(tmp_path, place, number):
    folder(tmp_path / "many", each=300, size=(64, 64))
    code = SLOW.replace("decode, read =", "from convscope.images.loading import pool; pool._MANY = 1\ndecode, read =")
    code = code.replace("workers=1", "workers=2").replace(
        "prepare(",
        "import os; pool.WorkerProcess.load = lambda *a: (print('reading', flush=True), time.sleep(2))\nprepare(",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "many"), str(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    process.send_signal(number)
    process.communicate(timeout=200)
    deadline = time.monotonic() + 200
    while any(_runs(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(child) for child in children)


def _runs(process: str) -> bool:
    """Return whether a process is there and is no mere entry that nobody has asked for."""
    try:
        return "images.loading.worker" in Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="mapped files cannot be replaced on Windows")
def test_two_processes_that_build_the_same_do_not_harm_each_other(images, place):
    processes = [started(images, place) for _ in range(2)]
    assert [process.communicate(timeout=200)[1] for process in processes] == [b"", b""]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(entries(place)) == 1
    assert list(place.glob(".*ing*")) == []


def test_a_folder_that_cannot_be_written_is_told_and_another_is_used(images, tmp_path):
    (tmp_path / "file").write_text("x")
    dataset = ready(images, tmp_path / "file")
    assert len(dataset) == 16
    kept = Path(dataset.notes[-2].split("cached in ")[1].split(" until")[0])
    assert dataset.notes[-2].startswith(f"cache: {tmp_path / 'file'} cannot be written; the images are cached in ")
    assert kept.is_dir()
    del dataset
    assert not kept.exists()


def test_a_folder_that_cannot_be_made_is_told_and_another_is_used(images):
    dataset = ready(images, Path("/proc/x"))
    assert any("cannot be written; the images are cached in" in note for note in dataset.notes)


def test_a_read_only_folder_with_a_whole_entry_is_used(images, place, builds, monkeypatch):
    ready(images, place)
    monkeypatch.setattr(Path, "mkdir", lambda *given, **named: (_ for _ in ()).throw(PermissionError(13, "no")))
    ready(images, place)
    assert len(builds) == 1


def test_a_full_disk_is_one_sentence_before_anything_is_written(images, place, monkeypatch):
    usage = shutil._ntuple_diskusage(10**12, 10**12, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", "1GB")
    with pytest.raises(
        StorageError,
        match=r"needs 10\.6 kB, .* 1 kB are free .* CONVSCOPE_CACHE=FOLDER",
    ):
        ready(images, place)
    assert not place.exists()


def test_a_disk_that_fills_up_half_way_is_one_sentence_and_leaves_nothing(images, place, monkeypatch):
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching, "close_gaps", full)
    with pytest.raises(StorageError, match=r"the disk is full"):
        ready(images, place)
    assert [path for path in place.iterdir() if path.is_dir()] == []


def test_a_set_larger_than_the_limit_is_one_sentence(images, place, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", "2KB")
    with pytest.raises(StorageError, match=r"needs 10\.6 kB, more than the limit of 2 kB"):
        ready(images, place)


def test_what_was_used_least_goes_first_and_what_is_in_use_stays(images, place, monkeypatch):
    in_use = ready(images, place, size=10)
    for size in (11, 12, 13):
        ready(images, place, size=size)
    for each, side in zip(entries(place), _sides(place), strict=True):
        os.utime(Path(each.path) / MARKER, (side, side))  # 10 is the oldest
    limit = sum(each.bytes for each in entries(place)) + 8000
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", str(limit))
    ready(images, place, size=14)
    assert sorted(_sides(place)) == [10, 12, 13, 14]
    assert sum(each.bytes for each in entries(place)) <= limit
    assert np.asarray(in_use.images).shape == (16, 10, 10, 3)


def test_when_all_is_in_use_and_the_limit_reached_it_is_one_sentence(images, place, monkeypatch):
    in_use = ready(images, place, size=50)
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", str(entries(place)[0].bytes + 5_000))
    with pytest.raises(StorageError, match=r"running commands use .* of the limit of"):
        ready(images, place, size=40)
    assert len(in_use) == 16
    assert _sides(place) == [50]


def test_an_entry_that_another_process_built_meanwhile_is_used(images, place, monkeypatch):
    sampled, read, reads = caching.take_sample, caching.load_images, []

    def while_another_builds(source, reporter=None):
        monkeypatch.setattr(caching, "take_sample", sampled)
        ready(images, place)
        return sampled(source, reporter)

    monkeypatch.setattr(caching, "take_sample", while_another_builds)
    monkeypatch.setattr(caching, "load_images", lambda *given, **named: reads.append(1) or read(*given, **named))
    ready(images, place)
    assert reads == [1]


def test_what_is_half_removed_can_still_be_removed(images, place, monkeypatch):
    ready(images, place)

    def fails(*_given: object, **_named: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(folder_module.shutil, "rmtree", fails)
        assert clear(place)[1] == 1
    assert [path.name[:9] for path in place.iterdir() if path.is_dir()] == [".removed-"]
    clear(place)
    assert not place.exists()


def _sides(place: Path) -> list[int]:
    return [
        json.loads(Path(each.path, INDEX).read_text())["index"]["preprocessing"]["width"] for each in entries(place)
    ]


def test_using_an_entry_is_noted(images, place):
    ready(images, place)
    os.utime(entry(place) / MARKER, (5, 5))
    ready(images, place)
    assert entries(place)[0].used > time.time() - 100


def test_clearing_removes_only_what_convscope_made_and_nobody_uses(images, place):
    mine, used = ready(images, place), ready(images, place, size=9)
    size = sum(each.bytes for each in entries(place))
    kept = sum(each.bytes for each in entries(place) if Path(each.path, IMAGES).stat().st_size == used.images.size)
    (place / "yours").mkdir()
    (place / "yours" / "index.json").write_text("{}")
    (place / "file.txt").write_text("x")
    del mine
    assert clear(place) == (size - kept, 1)
    assert {path.name for path in place.iterdir()} >= {"yours", "file.txt", "CACHEDIR.TAG"}
    assert len(entries(place)) == 1
    del used
    assert clear(place) == (kept, 0)
    assert {path.name for path in place.iterdir()} == {"yours", "file.txt", "CACHEDIR.TAG"}


def test_clearing_leaves_no_empty_folder(images, place):
    ready(images, place)
    clear(place)
    assert not place.exists()
    assert clear(place) == (0, 0)


def test_what_a_killed_removal_leaves_is_cleared(images, place):
    ready(images, place)
    (place / ".removed-0123456789abcdef").mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (place / f".building-{host_mark()}-{gone.pid}-01234567").mkdir()
    here = f".building-{host_mark()}-{os.getpid()}-01234567"
    (place / here).mkdir()
    (place / ".removed-mine").mkdir()
    clear(place)
    assert {path.name for path in place.iterdir()} == {".removed-mine", here, "CACHEDIR.TAG"}


def test_a_disk_that_is_read_only_is_not_called_full(images, place, monkeypatch):
    place.mkdir()
    monkeypatch.setattr("convscope.images.cache.limit.os.access", lambda path, _: Path(path) != place)
    usage = shutil.disk_usage
    full = shutil._ntuple_diskusage(10**12, 10**12, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full if Path(path) == place else usage(path))
    assert any("cannot be written" in note for note in ready(images, place).notes)


def test_a_link_in_the_cache_is_not_followed(images, place, tmp_path):
    ready(images, place)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / MARKER).write_text("{}")
    (place / "link").symlink_to(tmp_path / "elsewhere")
    clear(place)
    assert (place / "link").is_symlink()
    assert (tmp_path / "elsewhere" / MARKER).exists()


def test_an_entry_that_lost_its_marker_is_listed_and_cleared(images, place):
    ready(images, place)
    (entry(place) / MARKER).unlink()
    assert len(entries(place)) == 1
    assert clear(place)[0] > 0
    assert not place.exists()


def test_a_folder_without_the_marker_is_never_removed(tmp_path):
    (tmp_path / "yours").mkdir()
    (tmp_path / "yours" / "x").write_text("x")
    assert not folder_module.remove(tmp_path / "yours")
    assert (tmp_path / "yours" / "x").exists()


@pytest.mark.parametrize("unusable", [[], [0], [9], [0, 9], [3, 4, 5], list(range(9)), [1, 3, 5, 7, 9]])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_rows_move_together_in_order(tmp_path, monkeypatch, unusable, step):
    rows = np.arange(10 * 4, dtype=np.uint8).reshape(10, 4)
    (tmp_path / "x").write_bytes(rows.tobytes())
    mask = np.isin(np.arange(10), unusable)
    monkeypatch.setattr(caching, "_MOVED", step * 4)
    assert close_gaps(tmp_path / "x", mask, 4) == 10 - len(unusable)
    assert (tmp_path / "x").read_bytes() == rows[~mask].tobytes()


def test_where_the_cache_is(monkeypatch, tmp_path):
    assert cache_folder(tmp_path) == tmp_path
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x"
    monkeypatch.delenv("CONVSCOPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for platform, expected in (
        ("linux", tmp_path / "xdg"),
        ("darwin", Path.home() / "Library" / "Caches"),
        ("win32", tmp_path / "local"),
    ):
        monkeypatch.setattr(folder_module.sys, "platform", platform)
        assert cache_folder() == expected / "convscope" / "images"


@pytest.mark.parametrize(
    ("text", "expected"), [("20GB", 20 * 10**9), ("1.5 mb", 1_500_000), ("2048", 2048), ("3k", 3000), ("1TB", 10**12)]
)
def test_sizes_are_read(text, expected):
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "lots", "1 PB", "1,5GB", "nan"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(ParameterError, match=r"`CONVSCOPE_CACHE_LIMIT` must be a size"):
        parse_bytes(text)


def test_the_limit_is_at_most_half_of_what_is_free(place, monkeypatch):
    for free, expected in ((10**12, 20 * 10**9), (10**9, 5 * 10**8)):
        usage = shutil._ntuple_diskusage(10**12, 0, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
        assert limit_bytes(place) == expected


def test_sizes_are_written_for_people():
    assert [size_text(count) for count in (0, 1, 999, 1000, 999_600, 12_345_678, 20e9)] == [
        "0 bytes", "1 byte", "999 bytes", "1 kB", "1 MB", "12.3 MB", "20 GB",
    ]  # fmt: skip
