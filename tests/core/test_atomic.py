"""Outputs: whole or not there, written to what they really are, and nothing is left beside them."""

import errno
import io
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from convscope.core.atomic import (
    Output,
    check_folder,
    check_output,
    open_own,
    refuse_existing,
    refuse_unwritable,
    remove,
    replacing,
    write_bytes,
    write_new,
    write_text,
)
from convscope.core.errors import StorageError
from convscope.core.targets import target_of
from convscope.core.temporaries import discard, open_temporary, remove_stale, temporary_folder
from tests.checks.disks import FAULTS, broken_disk

posix = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links of POSIX")
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes devices and mounts"
)
LONG = b"0123456789" * 3_000


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("there", [True, False])
def test_on_a_disk_that_fails_what_was_there_stays_and_nothing_is_left(
    fault: str, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    if there:
        path.write_text("old")
    broken_disk(monkeypatch, fault)
    with pytest.raises(StorageError, match=r"Cannot write .*file: the disk is full\. Free some space"):
        write_bytes(path, LONG)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"] * there


@posix
def test_a_link_stays_and_what_it_names_is_replaced_or_made(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "old").write_text("old")
    for name in ("old", "new"):
        link, second = tmp_path / f"link-to-{name}", tmp_path / f"second-{name}"
        link.symlink_to(f"disk/{name}")
        second.symlink_to(link)
        write_text(second, "rows")
        assert second.is_symlink()
        assert link.is_symlink()
        assert (tmp_path / "disk" / name).read_text() == "rows"
    assert sorted(one.name for one in (tmp_path / "disk").iterdir()) == ["new", "old"]


@posix
@pytest.mark.parametrize(
    "write", [lambda path: write_text(path, ""), refuse_unwritable, lambda p: refuse_existing(p, force=True)]
)
def test_links_that_lead_nowhere_are_one_sentence(write, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StorageError, match="a: it is a link that leads back to itself"):
        write(tmp_path / "a")
    (tmp_path / "lost").symlink_to("unmounted/disk/file")
    with pytest.raises(StorageError, match=r"lost: it is a link"):
        write(tmp_path / "lost")
    assert not (tmp_path / "unmounted").exists()


@posix
def test_a_pipe_gets_the_bytes_and_stays(tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    check_output(pipe, force=False)  # waits for nobody
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, LONG)
    reader.join()
    assert found == [LONG]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_socket_gets_the_bytes_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        server.listen()
        check_output(Path("socket"), force=False)
        write_bytes(Path("socket"), b"rows")
        connection = server.accept()[0]
        with connection:
            assert connection.recv(100) == b"rows"
    assert stat.S_ISSOCK(Path("socket").stat().st_mode)


@as_root
def test_a_device_gets_the_bytes_and_stays(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        with device.open("wb"):
            pass
    except OSError:
        pytest.skip("no devices here")
    check_output(device, force=False)
    write_bytes(device, LONG)
    remove(device)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert list(tmp_path.iterdir()) == [device]


@posix
@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_an_open_stream_gets_the_bytes_where_it_stands(form: str, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before ")
        file.flush()
        name = Path(form.format(file.fileno()))
        if form == "link":
            name = tmp_path / "link"
            name.symlink_to(f"/dev/fd/{file.fileno()}")
        check_output(name, force=False)
        write_bytes(name, b"rows")
        file.write(b" after")
    assert (tmp_path / "file").read_bytes() == b"before rows after"


@posix
def test_a_stream_that_is_closed_or_only_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="/dev/fd/987: that stream is closed"):
        refuse_unwritable(Path("/dev/fd/987"))
    (tmp_path / "file").touch()
    with (tmp_path / "file").open("rb") as file, pytest.raises(StorageError, match="it is not open for writing"):
        refuse_unwritable(Path(f"/dev/fd/{file.fileno()}"))


@posix
def test_what_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    write_text(path, "rows")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_is_mounted_is_written_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, "busy")

    (tmp_path / "file").write_text("something longer")
    monkeypatch.setattr(Path, "replace", busy)
    write_text(tmp_path / "file", "rows")
    assert (tmp_path / "file").read_text() == "rows"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("folder", "folder is a folder. Give the name of a file"),
        ("file/x", "is a file, not a folder"),
        ("x" * 300, "the name is too long"),
        ("folder/" + "x" * 300 + "/file", "the name is too long"),
        ("zero\0byte", "zero byte"),
    ],
)
def test_names_that_cannot_be_are_refused_before_anything_is_done(name: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=sentence):
        check_output(tmp_path / name, force=True)


def test_folders_that_cannot_be_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"it already exists and is not a folder"):
        check_folder(tmp_path / "file")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        check_folder(tmp_path / "file" / "run")
    check_folder(tmp_path / "new" / "folder")
    if os.name == "posix":
        (tmp_path / "lost").symlink_to("nothing")
        with pytest.raises(StorageError, match="it is a link to the folder .*nothing, which is not there"):
            check_folder(tmp_path / "lost")
        (tmp_path / "linked").symlink_to(tmp_path)
        check_folder(tmp_path / "linked")
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(StorageError, match="it already exists and is not a folder"):
            check_folder(tmp_path / "pipe")
    assert not (tmp_path / "new").exists()


@posix
def test_temporary_files_are_made_exclusively_and_follow_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "0" * 8)
    path, stream = open_temporary(tmp_path / "file")
    stream.close()
    discard(path)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        open_temporary(tmp_path / "file")
    write_new(path, "text")
    with pytest.raises(StorageError, match="already exists and is a link"), open_own(path):
        pass
    assert not (tmp_path / "elsewhere").exists()


@posix
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_a_file_that_stays_is_no_pipe_and_no_folder(kind: str, tmp_path: Path) -> None:
    (os.mkfifo if kind == "pipe" else os.mkdir)(tmp_path / "x")
    with (
        pytest.raises(StorageError, match=r"x(: it is a folder| already exists and is not a regular file)"),
        open_own(tmp_path / "x"),
    ):
        pass


PROGRAM = """
import os, signal, sys
from collections.abc import Callable
from pathlib import Path
from convscope.core.atomic import Output
output = Output(Path(sys.argv[1]))
output.stream.write(b"rows")
output.stream.flush()
print("writing", flush=True)
sys.stdin.read()
"""


@posix
def test_the_next_run_removes_what_killed_ones_have_left_and_nothing_else(tmp_path: Path) -> None:
    mine = [tmp_path / "file.part", tmp_path / ".file.12345678.part", tmp_path / ".file.convscope-x-1-y.part"]
    for one in mine:
        one.write_text("mine")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        living.stdout.readline()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
            killed.stdout.readline()
            killed.send_signal(signal.SIGKILL)
        own = Output(tmp_path / "own")
        assert len(set(tmp_path.iterdir()) - set(mine)) == 2  # of the living one, and of this process
        write_text(tmp_path / "another", "rows")
        assert len(set(tmp_path.iterdir()) - set(mine)) == 3
        own.finish()
        living.send_signal(signal.SIGKILL)
    check_output(tmp_path / "new", force=False)  # any command that will write there
    assert set(tmp_path.iterdir()) == {*mine, tmp_path / "own", tmp_path / "another"}


@posix
def test_a_number_of_a_process_that_another_has_now_is_no_protection_for_ever(tmp_path: Path) -> None:
    path, stream = open_temporary(tmp_path / "file")
    stream.close()
    left = tmp_path / path.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")
    path.rename(left)
    remove_stale(tmp_path)
    assert left.exists()
    os.utime(left, (0, 0))
    remove_stale(tmp_path)
    assert not left.exists()


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "file") as stream:  # noqa: PT012
        stream.write(LONG)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@posix
def test_removing_an_earlier_output_keeps_the_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    remove(tmp_path / "link")
    remove(tmp_path / "link")
    assert [one.name for one in tmp_path.iterdir()] == ["link"]


def test_without_a_folder_for_temporary_files_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/gone']")

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    with pytest.raises(StorageError, match="TMPDIR"):
        temporary_folder()


@as_root
def test_a_whole_disk_is_not_written_without_force(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 250))
    except OSError:
        pytest.skip("no devices here")
    with pytest.raises(StorageError, match="already there and is not overwritten"):
        refuse_existing(tmp_path / "disk", force=False)


SMALL_DISK = """
mount -t tmpfs -o size=16k none "$1" && "$2" -c '
import sys
from collections.abc import Callable
from pathlib import Path
from convscope.core.atomic import write_bytes
from convscope.core.errors import StorageError
disk = Path(sys.argv[1])
write_bytes(disk / "old", b"old")
for size in (1, 5_000, 20_000, 1_000_000):
    try:
        write_bytes(disk / "file", b"x" * size)
    except StorageError as error:
        print(size, "disk is full" in str(error), sorted(one.name for one in disk.iterdir()))
    else:
        print(size, (disk / "file").stat().st_size)
' "$1" && mount -o remount,ro "$1" && "$2" -c '
import sys
from collections.abc import Callable
from pathlib import Path
from convscope.core.atomic import check_folder, check_output
for check in (check_folder, lambda path: check_output(path, force=True)):
    try: check(Path(sys.argv[1]) / "new")
    except OSError as error: print("read-only" in str(error))
' "$1"
"""


@as_root
def test_on_a_small_disk_and_on_one_that_is_read_only(tmp_path: Path) -> None:
    command = ["unshare", "-m", "sh", "-c", SMALL_DISK, "sh", str(tmp_path), sys.executable]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if not done.stdout:
        pytest.skip("no mounts here")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["1 1", "5000 5000"], done.stderr
    assert lines[-3:] == ["1000000 True ['file', 'old']", "True", "True"]


def test_where_it_goes_is_said_of_new_names_too(tmp_path: Path) -> None:
    found = target_of(tmp_path / "new")
    assert (found.is_stream, found.is_folder, found.holds_data, found.status) == (False, False, False, None)


@pytest.mark.parametrize("step", ["copy", "fsync"])
def test_a_mounted_file_that_was_overwritten_in_part_leaves_the_whole_new_one_and_names_it(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("something longer")
    replace = Path.replace

    def busy(self: Path, target: Path) -> None:
        if target == path:
            raise OSError(errno.EBUSY, "busy")
        replace(self, target)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    def full_after_some(source: BinaryIO, file: BinaryIO) -> None:
        file.write(source.read(2))
        full()

    synced = iter([lambda: None, full])  # the new file, the old one
    monkeypatch.setattr(Path, "replace", busy)
    if step == "copy":
        monkeypatch.setattr("convscope.core.atomic.shutil.copyfileobj", full_after_some)
    else:
        monkeypatch.setattr("convscope.core.atomic.os.fsync", lambda _: next(synced)())
    with pytest.raises(StorageError, match=r"file: the disk is full\..* incomplete now; .*file\.part\.$"):
        write_text(path, "rows")
    assert (tmp_path / "file.part").read_text() == "rows"
    assert set(tmp_path.iterdir()) == {path, tmp_path / "file.part"}


def test_a_mounted_file_that_cannot_be_opened_stays_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("earlier")

    def busy(self: Path, target: Path) -> None:
        path.unlink()
        path.mkdir()  # which cannot be opened, even as root
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(Path, "replace", busy)
    with pytest.raises(StorageError, match=r"file: it is a folder"):
        write_text(path, "rows")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="the name of an open stream")
def test_a_reader_that_left_before_a_stream_is_opened_is_no_fault_of_the_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class _Left(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError(errno.EPIPE, "the reader left")

    monkeypatch.setattr(sys, "stdout", _Left())
    with pytest.raises(BrokenPipeError), replacing(Path("/dev/fd/2")):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="/proc of Linux")
@pytest.mark.parametrize("check", [check_folder, refuse_unwritable, lambda path: write_bytes(path, b"")])
def test_a_folder_of_the_system_that_takes_no_files_is_named(check: Callable[[Path], None]) -> None:
    with pytest.raises(StorageError, match="Cannot write /proc/x: nothing can be created in /proc"):
        check(Path("/proc/x"))
    with pytest.raises(StorageError, match="Cannot write /proc/x/y: its folder does not exist and cannot be created"):
        check(Path("/proc/x/y"))
