"""Names of classes: from a file, a list, or numbered."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.errors import ConvscopeError, DataError, ParameterError
from convscope.networks.class_names import class_names


@pytest.mark.parametrize(
    "content",
    [
        "猫\n犬\nbird",
        "\ufeff猫\r\n犬\r\nbird\r\n\r\n",
        '["猫", "犬", "bird"]',
        ' \n["\\u732b", "犬", "bird"]\n',
        " 猫 \n犬\n\tbird\n",
        '{"2": "bird", "0": "猫", "1": "犬"}',
    ],
)
def test_a_file_has_a_name_a_line_or_is_a_list(content: str, tmp_path: Path) -> None:
    path = tmp_path / "名前.txt"
    path.write_text(content, encoding="utf-8", newline="")
    assert class_names(path, 3) == class_names(str(path), 3) == ("猫", "犬", "bird")


def test_without_a_file_they_are_numbered() -> None:
    assert class_names(None, 3) == ("class 1", "class 2", "class 3")


def test_names_that_are_the_same_get_a_number_that_no_other_has() -> None:
    names = ["crane", "crane", "crane (2)", "crane", "x"]
    found = class_names(names, 5)
    assert found == ("crane", "crane (3)", "crane (2)", "crane (4)", "x")
    assert len(set(class_names(["a"] * 2_000, 2_000))) == 2_000


def test_an_array_and_any_other_sequence_are_names() -> None:
    for given in (np.array(["a", "b"]), np.array(["a", "b"], object), ("a", "b"), (name for name in "ab")):
        assert class_names(given, 2) == ("a", "b")


def test_control_characters_are_written_out() -> None:
    assert class_names(["a\x1b[31m"], 1) == ("a\\x1b[31m",)


@pytest.mark.parametrize("given", [{1: "b", 0: "a"}, {"1": "b", "0": "a"}])
def test_a_dict_by_number_is_in_order(given: Any) -> None:
    assert class_names(given, 2) == ("a", "b")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["a"], ParameterError),
        ({1: "a", 2: "b"}, ParameterError),
        ({"a": 0, "b": 1}, ParameterError),
        (["a", "b", "c"], ParameterError),
        (["a", 3], ParameterError),
        (3, ParameterError),
        ({"a", "b"}, ParameterError),
        ("nowhere.txt", DataError),
        (b"nowhere.txt", ConvscopeError),
    ],
)
def test_others_are_refused(given: Any, error: type[ConvscopeError]) -> None:
    with pytest.raises(error):
        class_names(given, 2)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b'["a", ', "JSON"),
        (b'["a", 3]', "JSON list"),
        (b'{"1": "a", "2": "b"}', "by number"),
        (b'{"0": "a", "1": 3}', "JSON list"),
        (b'["a"]', "2 names"),
        (b"a\nb\nc\n", "2 names"),
        (b"", "2 names"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_a_file_of_something_else_is_refused(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(ConvscopeError, match=word):
        class_names(path, 2)


def test_a_very_large_file_and_a_folder_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 30)
    for path in (tmp_path / "large", tmp_path):
        with pytest.raises(DataError, match="at most 16 MiB|cannot be read"):
            class_names(path, 2)
