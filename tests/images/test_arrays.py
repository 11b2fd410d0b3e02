"""Arrays and .npz files: which shapes, kinds and ranges are taken, and how, and broken archives."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.core.memory import available_bytes
from convscope.estimators.classifier import ConvClassifier
from convscope.images.checks import inspect
from convscope.images.dataset import prepare, source_notes
from convscope.images.sampling import take_sample
from convscope.images.sizes import ImageOptions, choose_preprocessing
from convscope.images.sources.arrays import from_arrays
from convscope.images.sources.opening import TEST, TRAIN, VALIDATION, open_source

BYTES = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    "images",
    [
        BYTES,
        BYTES.astype(np.int64),
        BYTES.astype(np.float32),
        BYTES.astype(np.float64) / 255,
        (BYTES / 255).astype(np.float32),
        BYTES.astype(np.uint16) * 257,
        np.asfortranarray(BYTES),
    ],
    ids=lambda images: str(images.dtype),
)
def test_every_scale_of_numbers_gives_the_same_images(images: np.ndarray) -> None:
    assert np.array_equal(prepare(from_arrays(images, LABELS)).images, BYTES)


def test_uint8_is_not_copied_and_gray_gets_a_channel() -> None:
    assert from_arrays(BYTES, LABELS).stack() is BYTES
    assert from_arrays(BYTES[..., 0], LABELS).stack().shape == (6, 4, 5, 1)
    assert from_arrays(BYTES[..., 0] > 99, LABELS).stack().max() == 255


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a", "c", "b", "a", "c"], ("a", "b", "c")),
        (np.array(["b", "a", "c", "b", "a", "c"], dtype=object), ("a", "b", "c")),
        (np.array([b"b", b"a", b"c", b"b", b"a", b"c"]), ("a", "b", "c")),
        ([10, 9, 100, 10, 9, 100], ("9", "10", "100")),
        ([1.0, 0.0, 2.0, 1.0, 0.0, 2.0], ("0", "1", "2")),
        ([[1], [0], [2], [1], [0], [2]], ("0", "1", "2")),
        ([-1, -2, 5, -1, -2, 5], ("-2", "-1", "5")),
        ([True, False] * 3, ("False", "True")),
    ],
)
def test_labels_of_any_kind_are_named_by_themselves(labels: Any, classes: tuple[str, ...]) -> None:
    source = from_arrays(BYTES, labels)
    assert source.classes == classes
    flat = np.asarray(labels).reshape(-1).tolist()
    same = [[first == second for second in flat] for first in flat]
    assert np.array_equal(source.labels[:, None] == source.labels, same)


def test_given_class_names_name_the_numbers() -> None:
    assert from_arrays(BYTES, LABELS, classes=("x", "y", "z", "unused")).classes == ("x", "y", "z", "unused")


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((4, 4)), [0, 1], r"`images` must have the shape N H W or N H W C .* Got \(4, 4\). Reshape them"),
        (np.zeros((6, 3, 8, 8)), LABELS, r"Got \(6, 3, 8, 8\). The channels come last: np.moveaxis\(images, 1, -1\)"),
        (np.zeros((0, 3, 8)), [], "must have at least one image of at least one pixel"),
        (np.zeros((6, 0, 8)), LABELS, "must have at least one image of at least one pixel"),
        (np.full((6, 2, 2), np.nan), LABELS, "must hold finite numbers. Got NaN or infinity"),
        (np.full((6, 2, 2), np.inf), LABELS, "must hold finite numbers"),
        (np.full((6, 2, 2), "x"), LABELS, "must hold numbers. Got <U1"),
        (np.full((6, 2, 2), 1j), LABELS, "must hold numbers. Got complex128"),
        (BYTES, LABELS[:5], "`labels` must have one label an image. Got 5 for 6 images"),
        (BYTES, np.eye(6), r"`labels` must have the shape N. Got \(6, 6\)"),
        (BYTES, LABELS + 0.5, "`labels` must be names or whole numbers. Got float64"),
        (BYTES, LABELS * np.nan, "`labels` must be names or whole numbers. Got float64"),
        (BYTES, np.array([None] * 6), "`labels` must be names or whole numbers. Got object"),
        (BYTES, [0] * 6, "must have at least two classes. Got only the class '0'"),
    ],
)
def test_arrays_that_do_not_fit_are_one_sentence(images: Any, labels: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        from_arrays(images, labels)


def test_splits_and_class_names_must_fit() -> None:
    with pytest.raises(DataError, match="`splits` must have one value from 0 to 3 an image"):
        from_arrays(BYTES, LABELS, splits=[1, 2])
    with pytest.raises(DataError, match="`splits` must have one value from 0 to 3 an image"):
        from_arrays(BYTES, LABELS, splits=[1, 2, 9, 1, 2, 1])
    with pytest.raises(DataError, match="indices 0 to 1. Got '0'"):
        from_arrays(BYTES, LABELS, classes=("a", "b"))


@pytest.mark.parametrize(
    "keys",
    [("x", "y"), ("images", "labels"), ("data", "target"), ("arr_0", "arr_1"), ("X", "Y"), ("pixels", "kinds")],
)
def test_npz_pairs_are_found_by_name_or_shape(keys: tuple[str, str], tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **{keys[0]: BYTES, keys[1]: LABELS})
    source = open_source(tmp_path / "a.npz")
    assert np.array_equal(source.stack(), BYTES)
    assert np.array_equal(source.labels, LABELS)


@pytest.mark.parametrize("form", ["{0}_{1}", "{1}_{0}"])
def test_npz_splits_are_found_on_either_side_of_the_name(form: str, tmp_path: Path) -> None:
    arrays = {}
    for part, count in (("train", 6), ("val", 3), ("test", 4)):
        arrays[form.format("images", part)] = BYTES[:count] / 255
        arrays[form.format("labels", part)] = LABELS[:count, None]
    np.savez(tmp_path / "a.npz", class_names=["a", "b", "c"], **arrays)
    source = open_source(tmp_path / "a.npz")
    assert source.splits.tolist() == [TRAIN] * 6 + [VALIDATION] * 3 + [TEST] * 4
    step, _ = choose_preprocessing(ImageOptions(), take_sample(source))
    assert np.array_equal(step.apply_stack(source.stack())[:6], BYTES)
    assert source.classes == ("a", "b", "c")


def _npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def _with_header(shape: str, kind: str = "|u1", data: bytes = b"") -> bytes:
    """Return an .npz whose x declares a shape that is not there."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)
        labels = io.BytesIO()
        np.save(labels, LABELS)
        archive.writestr("y.npy", labels.getvalue())
    return stream.getvalue()


GOOD = _npz(x=BYTES, y=LABELS)
BROKEN = {
    "empty": (b"", "must be a whole .npz file"),
    "text": (b"hello", "must be a whole .npz file"),
    "cut": (GOOD[: len(GOOD) // 2], "must be a whole .npz file"),
    "no end": (GOOD[:-30], "must be a whole .npz file"),
    "changed byte": (GOOD[:300] + bytes([GOOD[300] ^ 255]) + GOOD[301:], "must be a whole .npz file"),
    "objects": (_npz(x=BYTES, y=np.array([{}] * 6)), "Got Python objects in y.npy, which are never unpickled"),
    "no labels": (_npz(x=BYTES), r"must hold x and y, .* Got x \(6, 4, 5, 3\). Rename"),
    "unknown names": (_npz(a=BYTES, b=LABELS, c=LABELS), "must hold x and y, images and labels"),
    "nothing": (_npz(), "Got no array"),
    "lengths": (_npz(x=BYTES, y=LABELS[:4]), "must have one label an image .* with 4 labels"),
    "one-hot": (_npz(x=BYTES, y=np.eye(6)), "with 36 labels"),
    "flat": (_npz(x=BYTES.reshape(6, -1), y=LABELS), "`x` must have the shape N H W"),
    "scalar": (_npz(x=np.array(3), y=np.array(4)), "`x` must have the shape N H W"),
    "sizes": (_npz(x_train=BYTES, y_train=LABELS, x_test=BYTES[:, :2], y_test=LABELS), "images of one size"),
    "nan": (_npz(x=BYTES * np.nan, y=LABELS), r"\.npz: `x` must hold finite numbers"),
    "huge": (_with_header("(60000, 60000, 60000, 3)"), "must be as long as its headers say. Got x.npy with 648,0"),
    "short": (_with_header("(6, 4, 4)", data=b"\0" * 90), "Got x.npy with 96 bytes declared, 90 listed"),
    "negative": (_with_header("(-1, 4, 4)"), "must be "),
    "no header": (_with_header("what"), "must be a whole .npz file"),
    "bad type": (_with_header("(6, 4, 4)", "zz"), "must be a whole .npz file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_npz_is_one_sentence(name: str, tmp_path: Path) -> None:
    data, sentence = BROKEN[name]
    (tmp_path / "set.npz").write_bytes(data)
    with pytest.raises(DataError, match=sentence) as caught:
        open_source(tmp_path / "set.npz")
    assert "\n" not in str(caught.value)


def test_an_npz_larger_than_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set.npz").write_bytes(GOOD)
    assert available_bytes() > 1 << 20
    monkeypatch.setattr("convscope.images.sources.npz.available_bytes", lambda: 100)
    with pytest.raises(
        DataError, match="must fit into the memory that is available. Got x.npy .* Write the images as files"
    ):
        open_source(tmp_path / "set.npz")


def test_labels_in_two_unicode_forms_are_one_class(tmp_path: Path) -> None:
    images, labels = np.zeros((4, 8, 8), np.uint8), ["K\u00e4fer", "Ka\u0308fer", "Hut", "Hut"]
    np.savez(tmp_path / "set.npz", x=images, y=labels)
    np.savez(tmp_path / "named.npz", x=images, y=[1, 1, 0, 0], class_names=["Hut", "Ka\u0308fer"])
    objects = np.array(labels, object)
    for data in ((images, labels), (images, objects), tmp_path / "set.npz", tmp_path / "named.npz"):
        source = open_source(data)  # type: ignore[arg-type]
        assert source.classes == ("Hut", "K\u00e4fer")
        assert source.labels.tolist() == [1, 1, 0, 0]


def test_lists_of_different_shapes_are_one_sentence() -> None:
    with pytest.raises(DataError, match="`images` must be images of one size"):
        open_source(([np.zeros((8, 8)), np.zeros((9, 9))], [0, 1]))
    with pytest.raises(DataError, match="`labels` must be one name or number an image"):
        open_source((np.zeros((2, 8, 8)), [[1, 2], [3]]))


def test_labels_of_bytes_are_utf8_or_windows_1252_and_that_is_said() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    source = open_source((images, np.array(["Käfer".encode("cp1252"), b"Hut"] * 2)))
    assert source.classes == ("Hut", "Käfer")
    assert "cp1252" in source.notes[0]
    source = open_source((images, np.array(["Käfer".encode(), b"Hut"] * 2)))
    assert (source.classes, source.notes) == (("Hut", "Käfer"), ())


@pytest.mark.parametrize("order", "<>")
def test_texts_with_numbers_that_are_no_characters_are_one_sentence(order: str, tmp_path: Path) -> None:
    bad = np.array([0x110000, 1, 0x110000, 1], f"{order}u4").view(f"{order}U1")
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    np.savez(tmp_path / "labels.npz", x=images, y=bad)
    np.savez(tmp_path / "names.npz", x=images, y=[0, 1, 0, 1], class_names=bad[:2])
    for data in ((images, bad), tmp_path / "labels.npz", tmp_path / "names.npz"):
        with pytest.raises(DataError, match="not a character"):
            open_source(data)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not a character"):
        ConvClassifier(epochs=1).fit(images, bad)


LOOK_ALIKES = [
    ["cat", "Cat"],
    ["cat", "cat "],
    ["red cat", "red  cat"],
    ["cat", "c\u0430t"],
    ["cat", "ca\u200bt"],
    ["\uff43at", "cat"],
    ["ﬁsh", "fish"],
    ["a\u00a0b", "a b"],
]


@pytest.mark.parametrize("names", LOOK_ALIKES)
def test_classes_that_look_alike_are_pointed_out(names: list[str]) -> None:
    source = open_source((np.arange(256, dtype=np.uint8).reshape(4, 8, 8), [*names, "dog", "dog"]))
    found = inspect(source).of_kind("similar names")
    assert len(found) == 1
    assert "looks like" in found[0].detail
    assert [note for note in source_notes(source) if note.startswith("classes whose names look alike: ")]


@pytest.mark.parametrize("names", [["a", "A"], ["cat", "cats"], ["1", "10"], ["हि", "हु"], ["o", "ö"]])
def test_classes_that_do_not_are_not(names: list[str]) -> None:
    source = open_source((np.arange(256, dtype=np.uint8).reshape(4, 8, 8), [*names, "dog", "dog"]))
    assert not inspect(source).of_kind("similar names")


HEADERS = {
    "no end": b"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 8, 8, 1",
    "text without end": b"{'descr': '|u1",
    "bracket": b"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 8, 8, 1)]",
    "nested": b"(" * 90,
    "list of types": b"{'descr': [1, 2], 'fortran_order': False, 'shape': (6, 8, 8, 1), }",
    "keys": b"{1: 2, 'descr': '|u1', 'fortran_order': False, 'shape': (6, 8, 8, 1), }",
    "code": b"{'descr': open('x'), 'fortran_order': False, 'shape': (6, 8, 8, 1), }",
    "escape": b"{'descr': '\\d', 'fortran_order': False, 'shape': (6, 8, 8, 1), }",
    "long number": b"{'descr': '|u1', 'fortran_order': False, 'shape': (6L, 9e999, 8, 1), }",
    "zero byte": b"{'descr': '|u1', \0 'fortran_order': False, 'shape': (6, 8, 8, 1), }",
    "indent": b"\n  \t{\n {'descr'",
}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("name", HEADERS)
def test_a_damaged_header_is_one_sentence_without_words_of_python(name: str, version: int, tmp_path: Path) -> None:
    text = HEADERS[name].ljust(117) + b"\n"
    start = b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", start + text + bytes(384))
        archive.writestr("y.npy", zipfile.ZipFile(io.BytesIO(GOOD)).read("y.npy"))
    with pytest.raises(DataError, match=r"must be (a whole .npz file|as long as its headers say)") as caught:
        open_source(tmp_path / "x.npz")
    assert not any(word in str(caught.value) for word in ("EOF", "literal", "malformed", "(2, 0)", "syntax", "object"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_packing_of_any_method_is_one_sentence(method: int, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for key in ("x.npy", "y.npy"):
            archive.writestr(key, zipfile.ZipFile(io.BytesIO(GOOD)).read(key))
    reasons = []
    for place in range(40, 200, 10):
        data = bytearray(packed.getvalue())
        data[place : place + 4] = b"\xff\0\xaa\x55"
        (tmp_path / "x.npz").write_bytes(data)
        try:
            open_source(tmp_path / "x.npz")  # some bytes do not matter
        except DataError as error:
            reasons.append(str(error))
    assert len(reasons) > 10
    assert all("must be a whole .npz file" in reason for reason in reasons)


def test_images_in_arrays_have_the_limit_of_those_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convscope.images.sources.arrays.LIMIT_PIXELS", 19)
    sentence = "must hold images of at most 19 pixels. Got images of 5 x 4"
    with pytest.raises(DataError, match=sentence):
        from_arrays(BYTES, LABELS)
    (tmp_path / "set.npz").write_bytes(GOOD)
    monkeypatch.setattr("convscope.images.sources.npz._load", lambda *_: pytest.fail("memory was taken"))
    with pytest.raises(DataError, match=sentence):
        open_source(tmp_path / "set.npz")


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (-1, False)])
def test_what_is_needed_is_all_arrays_and_what_is_made_of_them(
    extra: int, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = BYTES.astype(np.float32) / 255, LABELS.astype(np.int64)
    (tmp_path / "set.npz").write_bytes(_npz(x=images, y=labels, unused=np.zeros(10_000)))
    needed = images.nbytes + labels.nbytes + images.size
    monkeypatch.setattr("convscope.images.sources.npz.available_bytes", lambda: needed + extra)
    if fits:
        assert len(open_source(tmp_path / "set.npz")) == 6
    else:
        with pytest.raises(DataError, match="must fit into the memory that is available"):
            open_source(tmp_path / "set.npz")
