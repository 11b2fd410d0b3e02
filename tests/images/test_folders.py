"""Folders of images: where classes and splits come from, odd names and links, and what is refused."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from convscope.api.check import check
from convscope.core.errors import DataError
from convscope.images.dataset import source_notes
from convscope.images.sources.opening import TEST, TRAIN, UNASSIGNED, VALIDATION, open_source
from convscope.images.sources.tree import Folder
from convscope.networks.inputs import list_inputs

from .broken_files import good_files, odd_names
from .test_sources import write_images


def _touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_each_sub_folder_is_a_class_in_natural_order(tmp_path: Path) -> None:
    for name in ("10", "9", "1"):
        _touch(tmp_path / name / "img10.png", tmp_path / name / "img9.png")
    source = open_source(tmp_path)
    assert source.classes == ("1", "9", "10")
    assert [source.image_name(index) for index in (0, 1)] == ["1/img9.png", "1/img10.png"]
    assert source.path(1) == tmp_path / "1" / "img10.png"
    assert set(source.splits.tolist()) == {UNASSIGNED}


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "val"), {TRAIN, VALIDATION}),
        (("TRAIN", "Valid", "tEST"), {TRAIN, VALIDATION, TEST}),
        (("training", "validation"), {TRAIN, VALIDATION}),
        (("train", "test"), {TRAIN, TEST}),
        (("train",), {UNASSIGNED}),
    ],
)
def test_split_folders_in_any_case(names: tuple[str, ...], splits: set[int], tmp_path: Path) -> None:
    for name in names:
        _touch(tmp_path / name / "a" / "1.png", tmp_path / name / "b" / "1.png")
    source = open_source(tmp_path)
    assert source.classes == ("a", "b")
    assert set(source.splits.tolist()) == splits


def test_split_folders_may_stand_one_folder_deeper(tmp_path: Path) -> None:
    for name in ("train", "val"):
        _touch(tmp_path / "archive" / name / "a" / "1.png", tmp_path / "archive" / name / "b" / "1.png")
    source = open_source(tmp_path)
    assert source.classes == ("a", "b")
    assert source.image_name(0) == "archive/train/a/1.png"


def test_train_may_be_a_class_beside_others(tmp_path: Path) -> None:
    _touch(tmp_path / "train" / "1.png", tmp_path / "bus" / "1.png")
    assert open_source(tmp_path).classes == ("bus", "train")


def test_a_class_may_be_missing_in_test_but_not_in_train(tmp_path: Path) -> None:
    for file in ("train/a/1.png", "train/b/1.png", "test/a/1.png"):
        _touch(tmp_path / file)
    assert len(open_source(tmp_path)) == 3
    _touch(tmp_path / "test" / "c" / "1.png")
    with pytest.raises(DataError, match="'c' only in test"):
        open_source(tmp_path)


def test_what_is_not_listed_is_named(tmp_path: Path) -> None:
    _touch(
        tmp_path / "train" / "a" / "1.png", tmp_path / "train" / "b" / "1.JPEG", tmp_path / "train" / "b" / "notes.txt",
        tmp_path / "test" / "a" / "1.png", tmp_path / "test" / "a" / "no_extension", tmp_path / "readme.md",
        tmp_path / "stray.png", tmp_path / "extra" / "x.png",
        tmp_path / ".DS_Store", tmp_path / "train" / "a" / "Thumbs.db", tmp_path / ".git" / "x.png",
        tmp_path / "__MACOSX" / "._1.png",
    )  # fmt: skip
    source = open_source(tmp_path)
    assert len(source) == 3
    assert set(source.ignored) == {"readme.md", "train/b/notes.txt", "test/a/no_extension", "stray.png", "extra/"}


def test_odd_names_are_listed_and_read(tmp_path: Path) -> None:
    for name in odd_names():
        file = tmp_path / "odd" / os.fsdecode(name) if b"/" not in name else tmp_path / os.fsdecode(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(good_files()["good.png"])
    source = open_source(tmp_path)
    assert len(source) == len(odd_names())
    assert len(source.fingerprint()) == 32
    for index in range(len(source)):
        assert source.decode(index).pixels.shape == (24, 36, 3)
    assert {os.fsencode(source.image_name(index).rpartition("/")[2]) for index in range(len(source))} == {
        name.rpartition(b"/")[2] for name in odd_names()
    }


def test_class_names_written_in_two_unicode_forms_are_one_class(tmp_path: Path) -> None:
    for name in ("train/caf\u00e9", "train/b", "val/cafe\u0301"):
        _touch(tmp_path / name / "1.png")
    assert open_source(tmp_path).classes == ("b", "caf\u00e9")


def test_links_to_files_and_folders_are_followed_once(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "a")
    write_images(tmp_path / "elsewhere")
    (tmp_path / "set" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "a" / "link.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    (tmp_path / "set" / "0-again").symlink_to(tmp_path / "set" / "a")
    (tmp_path / "elsewhere" / "cycle").symlink_to(tmp_path / "set")
    source = open_source(tmp_path / "set")
    assert source.classes == ("a", "b")
    assert len(source) == 7
    assert all("a link to a folder listed already" in name for name in source.ignored)
    assert {name.split(" ")[0] for name in source.ignored} == {"0-again", "b/cycle"}


def test_a_broken_link_stays_to_be_named_and_a_pipe_does_not(tmp_path: Path) -> None:
    write_images(tmp_path / "a")
    write_images(tmp_path / "b")
    (tmp_path / "a" / "gone.png").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    source = open_source(tmp_path)
    assert len(source) == 7
    assert source.ignored == ("b/pipe.png",)
    assert len(source.fingerprint()) == 32


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "must have one sub-folder per class .* Got nothing. Put the images"),
        (["1.png", "2.png"], "must have one sub-folder per class .* Got 2 images directly inside. Put the images"),
        (["notes.txt"], "Got 1 file without an image's extension. Put the images"),
        (["a/", "b/"], "must have images in .* Got 2 sub-folders without any image. Check the path"),
        (["a/1.txt", "b/2.txt"], "Got 2 sub-folders without any image and 2 files without an image's extension"),
        (["a/1.png"], "must have at least two classes. Got only the class 'a' .1 image.. Add another"),
        (["a/1.png", "b/"], r"b/` must hold images of its class. Got an empty class folder \(nothing\)"),
        (["a/1.png", "b/x.txt"], r"Got an empty class folder \(1 file without an image's extension\)"),
        (["train/a/1.png", "train/b/1.png", "test/1.png"], "test/` must have one sub-folder per class. Got 1 image"),
        (["train/a/1.png", "train/b/", "test/b/1.png"], "train/b/` must hold images of its class"),
        (["train/a/1.png", "train/b/1.png", "other/1.png"], "Got train/ with class folders inside, beside other/"),
        (["test/a/1.png", "test/b/1.png"], "must have a train/ folder beside test/. Got none. Add it"),
        (["val/a/1.png", "test/a/1.png"], "must have a train/ folder beside test/ and val/. Got none. Add it"),
        (["train/a/1.png", "val/a/1.png", "valid/a/1.png"], "must have one val folder. Got val/ and valid/"),
        (["train/a/1.png", "val/a/1.png"], "must have at least two classes. Got only the class 'a'"),
    ],
)  # fmt: skip
def test_what_is_no_set_is_one_sentence(files: list[str], sentence: str, tmp_path: Path) -> None:
    for file in files:
        if file.endswith("/"):
            (tmp_path / file).mkdir(parents=True)
        else:
            _touch(tmp_path / file)
    with pytest.raises(DataError, match=sentence) as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


def _refusing(path: str, error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the folder `path` answer with an error where it is listed; root may read everything."""
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if os.path.normpath(folder) == path:
            raise error
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, "there is no permission to read it"),
        (errno.ENOENT, "it is not there any more"),
        (errno.ENAMETOOLONG, "its path is too long"),
        (errno.EIO, "it cannot be read: Input/output error"),
    ],
)
@pytest.mark.parametrize("place", ["c", "b/more"])
def test_a_folder_that_cannot_be_read_is_named_and_the_others_go_on(
    number: int, reason: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", place):
        write_images(tmp_path / name)
    _refusing(str(tmp_path / place), OSError(number, os.strerror(number)), monkeypatch)
    source = open_source(tmp_path)
    assert source.classes == ("a", "b")
    assert source.passed_over == ((f"{place}/", reason),)
    found = check(tmp_path)
    assert [(problem.name, problem.detail) for problem in found.unusable] == [(f"{place}/", reason)]
    rows = list(list_inputs(str(tmp_path)).images)
    assert [(one.name, one.error) for one in rows if one.error] == [(f"{tmp_path}/{place}/", reason)]
    assert len(rows) == 7


def test_a_set_that_a_folder_that_cannot_be_read_leaves_too_small_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "a")
    (tmp_path / "b").mkdir()
    _refusing(str(tmp_path / "b"), PermissionError(errno.EACCES, "Permission denied"), monkeypatch)
    with pytest.raises(DataError, match="permission"):
        open_source(tmp_path)
    _refusing(str(tmp_path), PermissionError(errno.EACCES, "Permission denied"), monkeypatch)
    with pytest.raises(DataError, match="must be a folder that can be read. Got: Permission denied"):
        open_source(tmp_path)


def test_links_that_lead_nowhere_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_images(tmp_path / name)
    (tmp_path / "a" / "me").symlink_to("me")
    (tmp_path / "a" / "me.png").symlink_to("me.png")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "b" / "notes.txt").symlink_to("nowhere")
    source = open_source(tmp_path)
    loop = "it is a link that leads back to itself"
    assert dict(source.passed_over) == {"a/me": loop, "gone": "it is a link that leads nowhere"}
    assert source.ignored == ("b/notes.txt",)
    found = check(tmp_path)
    assert {problem.name for problem in found.unusable} == {"a/me", "a/me.png", "gone"}
    assert found.usable == 6
    rows = list(list_inputs(str(tmp_path)).images)
    assert {os.path.relpath(one.name, tmp_path) for one in rows if one.error} == {"a/me", "gone"}


def test_folders_nested_deeper_than_python_calls_itself_are_gone_through() -> None:
    top = Folder(relative="", images=["1.png"])
    for _ in range(5_000):
        top = Folder(relative="", folders=[top])
    assert (top.count(), len(list(top.every())), list(top.every_image())) == (1, 5_001, ["1.png"])


LOOKING_LIKE_IMAGES = {
    "1.heic": ("HEIC", b""),
    "1.AVIF": ("AVIF", b""),
    "1.jxl": ("JPEG XL", b""),
    "1.jp2": ("JPEG 2000", b""),
    "1.CR2": ("raw", b""),
    "1.dcm": ("DICOM", b""),
    "1.svg": ("SVG", b""),
    "1.jpg_large": (".jpg_large is not an image extension", b""),
    "1.jpg.download": (".download is not an image extension", b""),
    "1.jpg~": (".jpg~ is not an image extension", b""),
    "1.jpg!d": (".jpg!d is not an image extension", b""),
    "1.jpeglarge": (".jpeglarge is not an image extension", b""),
    "plain": ("its name has no extension; it is a JPEG file: rename it to end in .jpg", b"\xff\xd8\xff\xe0"),
    "1.data": ("it is a PNG file: rename it to end in .png", b"\x89PNG\r\n\x1a\n"),
    "phone": ("an unsupported format: HEIC", b"\0\0\0\x18ftypheic"),
    "IM-0001": ("an unsupported format: DICOM", bytes(128) + b"DICM"),
}


@pytest.mark.parametrize("name", LOOKING_LIKE_IMAGES)
def test_what_looks_like_an_image_and_is_not_read_is_named(name: str, tmp_path: Path) -> None:
    for label in ("a", "b"):
        write_images(tmp_path / label)
    reason, content = LOOKING_LIKE_IMAGES[name]
    (tmp_path / "a" / name).write_bytes(content)
    source = open_source(tmp_path)
    assert [one for one, _ in source.passed_over] == [f"a/{name}"]
    assert reason in source.passed_over[0][1]
    assert (len(source), source.ignored) == (6, ())
    assert len(source_notes(source)) == 1
    assert f"{tmp_path}/a/{name}" in [one.name for one in list_inputs(tmp_path).images]


@pytest.mark.parametrize(
    "name", ["notes.txt", "labels.json", "a.jpg.xml", "film.mp4", "README", "weights.bin", ".hidden"]
)
def test_other_files_are_no_images(name: str, tmp_path: Path) -> None:
    for label in ("a", "b"):
        write_images(tmp_path / label)
    (tmp_path / "a" / name).write_bytes(b"something")
    source = open_source(tmp_path)
    assert (source.passed_over, source_notes(source)) == ((), [])
    assert len(list(list_inputs(tmp_path).images)) == 6


def test_an_empty_class_folder_in_test_is_no_matter(tmp_path: Path) -> None:
    _touch(tmp_path / "train" / "a" / "1.png", tmp_path / "train" / "b" / "1.png", tmp_path / "test" / "a" / "1.png")
    (tmp_path / "test" / "b").mkdir()
    assert np.bincount(open_source(tmp_path).splits, minlength=4).tolist() == [0, 2, 0, 1]


def test_empty_class_folders_are_named_where_they_are_not_refused(tmp_path: Path) -> None:
    train, test = tmp_path / "train", tmp_path / "test"
    _touch(train / "a" / "1.png", train / "b" / "1.png", test / "a" / "1.png", test / "c" / "1.png")
    for name in ("c", "d/e"):
        (train / name).mkdir(parents=True)
    source = open_source(tmp_path, empty_classes=True)
    assert source.empty == ("train/c/", "train/d/")
    assert (source.classes, len(source)) == (("a", "b", "c"), 4)
    with pytest.raises(DataError, match="train/c/` must hold images of its class"):
        open_source(tmp_path)
