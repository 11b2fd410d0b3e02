import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.errors import DataError, ParameterError
from convscope.networks.inputs import Input, list_inputs


def _named(given: Any) -> list[tuple[str, str]]:
    return [(one.name, one.error) for one in list_inputs(given).images]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images (empty files do) with one of everything that is passed over."""
    for name in ("a/2.jpg", "a/10.PNG", "a/deep/er/1.webp", "b/x y.gif", "b/notes.txt", "b/.hidden.jpg", "c/[1].jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()
    (tmp_path / "photos" / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_all_images_in_it_and_below_in_natural_order(tree: Path) -> None:
    names = [f"photos/{name}" for name in ("a/2.jpg", "a/10.PNG", "a/deep/er/1.webp", "b/x y.gif", "c/[1].jpg")]
    for given in ("photos", "photos/", Path("photos"), ["photos"], b"photos"):
        found = [] if isinstance(given, bytes) else [name for name, _ in _named(given)]
        assert found in ([], names)
    assert list_inputs("photos").total == 5


def test_a_pattern_gives_what_the_shell_would_give(tree: Path) -> None:
    assert _named("photos/a/*.*") == [("photos/a/2.jpg", ""), ("photos/a/10.PNG", "")]
    assert _named("photos/[bc]") == [("photos/b/x y.gif", ""), ("photos/c/[1].jpg", "")]
    assert _named("photos/**/1.*") == [("photos/a/deep/er/1.webp", "")]
    assert len(_named("photos/**")) == 6  # every file once, notes.txt too, folders not besides what is in them


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tree: Path) -> None:
    assert _named("photos/c/[1].jpg") == [("photos/c/[1].jpg", "")]


def test_what_holds_or_matches_nothing_is_a_row_with_its_reason(tree: Path) -> None:
    assert _named("photos/empty") == [("photos/empty", "the folder holds no images")]
    assert _named("photos/*.bmp") == [("photos/*.bmp", "there is no such file, and as a pattern it matches none")]
    assert _named("a\0*") == [("a\0*", "there is no such file, and as a pattern it matches none")]
    assert _named("nothing.jpg") == [("nothing.jpg", "")]  # reading it says that it is not there


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX only")
def test_names_of_any_bytes_are_kept(tree: Path) -> None:
    name = os.fsdecode(b"photos/empty/caf\xe9\n.jpg")
    Path(name).touch()
    assert _named("photos/empty") == [(name, "")]
    assert _named([os.fsencode("x").decode(), Path(name)])[1] == (name, "")


def test_arrays_and_bytes_are_named_by_their_place() -> None:
    assert [name for name, _ in _named(np.zeros((2, 5, 6, 3), np.uint8))] == ["[0]", "[1]"]
    images = list(list_inputs([np.zeros((5, 6)), b"GIF", "a.jpg", np.zeros((5, 6, 3))]).images)
    assert [one.name for one in images] == ["[0]", "[1]", "a.jpg", "[3]"]
    shapes = [one.content.shape for one in images if isinstance(one.content, np.ndarray)]
    assert shapes == [(5, 6, 1), (5, 6, 3)]


def test_one_array_that_is_no_image_is_a_row_a_stack_that_is_none_an_error() -> None:
    ((name, error),) = _named([np.zeros((2, 3, 4, 5))])
    assert name == "[0]"
    assert "`image` must have the shape" in error
    with pytest.raises(DataError, match="must have the shape N H W"):
        list_inputs(np.zeros((3, 4)))


def test_the_total_is_known_for_what_has_a_length_and_the_rest_is_gone_through_as_it_comes() -> None:
    assert list_inputs(("a", "b")).total == 2
    taken: list[str] = []

    def names() -> Any:
        for name in ("a", "b"):
            taken.append(name)
            yield name

    inputs = list_inputs(names())
    assert inputs.total is None
    assert taken == []
    assert next(inputs.images).name == "a"
    assert taken == ["a"]


@pytest.mark.parametrize("given", [3, None, 2.5])
def test_what_is_no_image_is_refused(given: Any) -> None:
    with pytest.raises(ParameterError, match="`images` must be paths, arrays, or one array N H W C. Got"):
        list_inputs(given)
    with pytest.raises(ParameterError, match=r"`images` must be paths, bytes or arrays\. Got .* \(image 1\)"):
        list_inputs(["a", given])


def test_how_much_there_is_to_read_is_known_or_0(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert Input(name="a", content=str(tmp_path / "a")).size == 5
    assert Input(name="b", content=str(tmp_path / "b")).size == 0
    assert Input(name="c", content="a\0").size == 0
    assert Input(name="d", content=b"123").size == 3
    assert Input(name="e", error="none").size == 0
