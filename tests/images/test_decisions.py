"""Decisions on single images: read from a CSV file, and carried out when a dataset is prepared."""

from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.images.dataset import Dataset, prepare
from convscope.images.decisions import Decision, read_decisions
from convscope.images.sources.opening import open_source
from convscope.images.splits import LEFT_OUT
from tests.images.generated import folder

HEAD = "image,decision,class\n"


def prepared(tmp_path: Path, text: str | bytes, **settings: object) -> Dataset:
    images = tmp_path / "images"
    if not images.exists():
        folder(images)
    file = tmp_path / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(images, **settings)  # type: ignore[arg-type]  # of one test
    return prepare(source, decisions=file, cache_dir=tmp_path / "cache")


def split_and_label(dataset: Dataset, name: str) -> tuple[int, str]:
    (index,) = (index for index in range(len(dataset)) if dataset.image_name(index) == name)
    return int(dataset.splits[index]), dataset.classes[dataset.labels[index]]


def test_each_decision_is_carried_out_and_no_other_image_changes(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, HEAD + "a/0.png,other class,b\na/1.png,leave out,\na/2.png,keep,\n")
    assert split_and_label(dataset, "a/0.png")[1] == "b"
    assert split_and_label(dataset, "a/1.png") == (LEFT_OUT, "a")
    assert split_and_label(dataset, "a/2.png")[1] == "a"
    plain = prepare(open_source(tmp_path / "images"), cache_dir=tmp_path / "cache")
    others = [i for i in range(len(plain)) if plain.image_name(i) not in ("a/0.png", "a/1.png")]
    assert np.array_equal(dataset.labels[others], plain.labels[others])
    assert not (dataset.splits[others] == LEFT_OUT).any()
    assert "1 image of another class, 1 image left out" in " ".join(dataset.notes)


def test_decisions_neither_decode_again_nor_touch_a_file(tmp_path: Path) -> None:
    folder(tmp_path / "images")
    prepare(open_source(tmp_path / "images"), cache_dir=tmp_path / "cache")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    entries = set((tmp_path / "cache").rglob("*.bin"))
    prepared(tmp_path, HEAD + "a/0.png,other class,b\n")
    assert set((tmp_path / "cache").rglob("*.bin")) == entries
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")} == before


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffimage,decision,class\r\na/0.png,other class,b\r\n",
        "image;decision;class\na/0.png;other class;b\n",
        "class\tscore\timage\tdecision\nb\t0.9\ta/0.png\tOther class\n",
        HEAD + " a/0.png , other class , b \n\n",
    ],
    ids=["Excel", "semicolons", "other columns", "spaces"],
)
def test_a_file_that_a_spreadsheet_saved_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    assert read_decisions(tmp_path / "labels.csv") == {"a/0.png": Decision(action="other class", label="b")}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "without image and decision and class"),
        ("image,class\na/0.png,b\n", "without decision"),
        (HEAD + "a/0.png\n", "1 column in line 2"),
        (HEAD + "a/0.png,burn,\n", "'burn' in line 2"),
        (HEAD + "a/0.png,other class,\n", "no class in line 2"),
        (HEAD + "a/0.png,other class,bb\n", "'bb'"),
        (HEAD + "a/0.png,keep,\na/0.png,leave out,\n", "a second decision"),
        (HEAD + '"a/0.png,keep,\n', "near line"),
        (HEAD + "x.png,keep,\n", "must name images"),
        (HEAD + "".join(f"a/{n}.png,leave out,\n" for n in range(6)), "training image of every class"),
        (b"\xff\xfe\x00", "whole text"),
    ],
)
def test_what_cannot_be_carried_out_is_one_sentence(tmp_path: Path, text: str | bytes, word: str) -> None:
    with pytest.raises(DataError, match=word):
        prepared(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing.csv"):
        read_decisions(tmp_path / "nothing.csv")


def test_images_without_classes_have_no_labels_to_correct(tmp_path: Path) -> None:
    folder(tmp_path / "images", classes="a")
    with pytest.raises(DataError, match="needs images with classes"):
        prepared(tmp_path, HEAD + "a/0.png,keep,\n", unlabeled=True)
