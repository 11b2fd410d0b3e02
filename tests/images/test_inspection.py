import json
import os
import sys

import numpy as np
import pytest
from PIL import Image

from convscope.core.errors import DataError, ParameterError
from convscope.core.records import from_json, to_json
from convscope.images.checks import inspect, kind_of
from convscope.images.dataset import prepare
from convscope.images.decoding.decoder import Decoded
from convscope.images.inspection import PROBLEM_KINDS, Inspection, Problem, spell
from convscope.images.loading.facts import facts_of, facts_of_stack, no_facts
from convscope.images.sources.opening import open_source
from tests.images.generated import folder, image, save


def problems(path, kind: str) -> dict[str, str]:
    return {problem.name: problem.detail for problem in inspect(open_source(path)).of_kind(kind)}


def test_a_good_folder_has_no_problem_and_its_counts_are_right(tmp_path):
    found = inspect(open_source(folder(tmp_path, each=10)))
    assert found.problems == ()
    assert (found.images, found.usable, found.unusable) == (20, 20, ())
    assert [(each.name, each.images, each.usable) for each in found.classes] == [("a", 10, 10), ("b", 10, 10)]
    assert found.sizes.widths == (12, 12, 12)
    assert found.sizes.heights == (10, 10, 10)
    assert found.modes == {"RGB": 20}
    assert found.formats == {"PNG": 20}


def bad_files(path) -> dict[str, str]:
    """Write one file of each unusable kind into `path`; return the kind of each name."""
    good = save(path / "good.jpg", 1, (64, 64)).read_bytes()
    bomb = b"P5 60000 60000 255\n" + bytes(100)
    flipped = bytearray(save(path / "good.png", 2, (64, 64)).read_bytes())
    flipped[60:70] = bytes(10)
    for name, data in {
        "empty.png": b"",
        "text.jpg": b"hello, this is no image",
        "page.png": b"<!doctype html><html></html>",
        "cut.jpg": good[: len(good) // 2],
        "bomb.pgm": bomb,
        "damaged.png": bytes(flipped),
    }.items():
        (path / name).write_bytes(data)
    return {
        "empty.png": "empty file",
        "text.jpg": "not an image",
        "page.png": "not an image",
        "cut.jpg": "truncated",
        "bomb.pgm": "decompression bomb",
        "damaged.png": "unreadable",
    }


def test_every_unusable_file_is_named_with_its_kind_and_left_as_it_is(tmp_path):
    expected = {f"a/{name}": kind for name, kind in bad_files(folder(tmp_path) / "a").items()}
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*.*")}
    found = inspect(open_source(tmp_path))
    assert {problem.name: problem.kind for problem in found.unusable} == expected
    assert found.images - found.usable == len(expected)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*.*")} == before


def test_the_extension_of_another_format_is_named(tmp_path):
    folder(tmp_path)
    image(99).save(tmp_path / "a" / "wrong.jpg", format="PNG")
    image(98).save(tmp_path / "a" / "right.JPEG", format="JPEG")
    assert problems(tmp_path, "wrong extension") == {"a/wrong.jpg": "its format is PNG"}


def test_a_single_color_and_an_animation_are_named(tmp_path):
    folder(tmp_path)
    Image.new("RGB", (9, 9), "#123456").save(tmp_path / "a" / "flat.png")
    frames = [image(place) for place in range(3)]
    frames[0].save(tmp_path / "b" / "moves.gif", save_all=True, append_images=frames[1:])
    assert problems(tmp_path, "single color") == {"a/flat.png": "all its pixels are equal"}
    assert problems(tmp_path, "animated") == {"b/moves.gif": "only its first frame is used"}


def test_the_same_image_is_found_by_its_pixels_whatever_its_format_and_name(tmp_path):
    folder(tmp_path)
    image(0).save(tmp_path / "a" / "twin.bmp")
    image(0).save(tmp_path / "b" / "other.png", compress_level=0)
    found = inspect(open_source(tmp_path))
    (twins,) = found.of_kind("duplicate")
    assert (twins.name, twins.others) == ("a/0.png", ("a/twin.bmp", "b/other.png"))
    (conflict,) = found.of_kind("two classes")
    assert conflict.detail == "the same image is in the classes a, b"


def test_pixels_in_another_shape_are_another_image(tmp_path):
    folder(tmp_path)
    pixels = np.asarray(image(5, (4, 9)))
    Image.fromarray(pixels).save(tmp_path / "a" / "tall.png")
    Image.fromarray(np.ascontiguousarray(pixels.reshape(4, 9, 3))).save(tmp_path / "a" / "wide.png")
    assert not inspect(open_source(tmp_path)).of_kind("duplicate")


def test_the_same_image_in_train_and_test_is_named(tmp_path):
    folder(tmp_path / "train")
    folder(tmp_path / "test", each=1)
    found = inspect(open_source(tmp_path))
    assert [problem.detail for problem in found.of_kind("train and test")] == [
        "the same image is in train and test"
    ] * 2


def test_classes_with_few_images_and_imbalance_are_named(tmp_path):
    folder(tmp_path, each=30)
    save(tmp_path / "c" / "one.png", 5000)
    save(tmp_path / "d" / "one.png", 6000)
    save(tmp_path / "d" / "two.png", 6001)
    assert problems(tmp_path, "few images") == {
        "c": "1 usable image; at least two are needed, for training and evaluation",
        "d": "2 usable images; 10 are few",
    }
    assert problems(tmp_path, "imbalance") == {"c": "1 image, a has 30: 30 times as many"}


def test_a_class_without_images_in_test_is_named(tmp_path):
    folder(tmp_path / "train")
    save(tmp_path / "test" / "a" / "x.png", 77)
    (tmp_path / "test" / "b").mkdir()
    assert problems(tmp_path, "empty class folder") == {"b": "no usable image in test"}


def test_files_that_are_passed_over_are_named(tmp_path):
    folder(tmp_path)
    (tmp_path / "a" / "notes.txt").write_text("x")
    assert problems(tmp_path, "ignored") == {"a/notes.txt": "passed over"}


def test_a_class_with_nothing_readable_is_listed_and_not_trained_on(tmp_path):
    folder(tmp_path)
    for path in (tmp_path / "b").iterdir():
        path.write_bytes(b"")
    found = inspect(open_source(tmp_path))
    assert {problem.name for problem in found.of_kind("empty file")} == {f"b/{place}.png" for place in range(6)}
    assert [problem.name for problem in found.of_kind("few images")][-1] == "b"
    with pytest.raises(DataError, match=r"none of 'b' \(6 files"):
        prepare(open_source(tmp_path), cache_dir=tmp_path / "cache")


def test_an_array_is_inspected_like_files(tmp_path):
    stack = np.stack([np.asarray(image(place)) for place in (0, 1, 2, 0)])
    for place, label in enumerate("aabb"):
        save(tmp_path / label / f"{place}.png", place if place < 3 else 0)
    files, arrays = inspect(open_source(tmp_path)), inspect(open_source((stack, list("aabb"))))
    assert [problem.kind for problem in files.problems] == [problem.kind for problem in arrays.problems]
    assert files.sizes == arrays.sizes


def test_transparent_arrays_are_inspected_too():
    stack = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 4), np.uint8)
    assert inspect(open_source((stack, [0, 1] * 3))).usable == 6


def test_an_inspection_goes_to_json_and_back(tmp_path):
    bad_files(folder(tmp_path) / "a")
    found = inspect(open_source(tmp_path))
    assert from_json(Inspection, json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.skipif(sys.platform != "linux", reason="file names are any bytes only on Linux")
def test_names_that_are_not_unicode_are_spelled(tmp_path):
    folder(tmp_path)
    (tmp_path / "a" / os.fsdecode(b"caf\xe9\nx.png")).write_bytes(b"")
    (name,) = problems(tmp_path, "empty file")
    assert name == "a/caf\\xe9\nx.png"
    assert json.dumps(name, ensure_ascii=False).encode()


def test_a_surrogate_that_no_file_system_made_is_spelled_too():
    assert spell("\ud800x").encode()


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(ParameterError, match=r"`kind` must be one of .* Did you mean 'duplicate'"):
        Problem(name="x", kind="duplicates", detail="")


@pytest.mark.parametrize(
    "reason",
    ["its color mode X cannot be converted to RGB", "there is no permission to read it", "its data are damaged (x)"],
)
def test_what_has_no_kind_of_its_own_is_unreadable(reason):
    assert kind_of(reason) == "unreadable"


def test_every_kind_says_what_it_is():
    assert all(text and not text.endswith(".") for _, text in PROBLEM_KINDS.values())


@pytest.mark.parametrize("shape", [(5, 4, 3, 1), (3000, 2, 2, 3), (1, 1, 1, 3), (2, 3, 4, 1)])
def test_the_fast_way_over_an_array_says_what_each_image_says(shape):
    images = np.random.default_rng(0).integers(0, 2, shape, np.uint8)
    facts = no_facts(len(images))
    for place, pixels in enumerate(images):
        facts[place] = facts_of(Decoded(values=pixels), "")
    assert np.array_equal(facts_of_stack(images), facts)
    assert np.array_equal(facts_of_stack(np.asfortranarray(images)), facts)
