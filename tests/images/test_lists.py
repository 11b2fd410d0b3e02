"""Lists of images: headers, delimiters, encodings, splits, and twenty broken lists, each one sentence."""

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from convscope.api.check import check
from convscope.core.errors import DataError, MissingPackageError
from convscope.images.sources.opening import TEST, TRAIN, UNASSIGNED, VALIDATION, open_source

from .test_sources import write_images

ROWS = [("p/0.png", "cat"), ("p/1.png", "dog"), ("p/2.png", "cat")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "p")
    return tmp_path


def _csv(folder: Path, text: str | bytes, name: str = "list.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(
    "text",
    [
        "path,label\np/0.png,cat\np/1.png,dog\np/2.png,cat\n",
        "p/0.png,cat\np/1.png,dog\np/2.png,cat",
        "\ufeffFilename;Class\r\np/0.png;cat\r\np/1.png;dog\r\n\r\np/2.png;cat\r\n",
        "target\timage\ncat\tp/0.png\ndog\tp/1.png\ncat\tp/2.png\n",
        'id,file,other,category\n1,"p/0.png",x,cat\n2, p/1.png ,"y, z",dog\n3,p/2.png,,cat\n',
        "path,label\np/0.png,cat\np/1.png,dog\np/2.png,cat\n".encode("utf-16"),
        "path,image,label\np/0.png,x,cat\np/1.png,y,dog\np/2.png,z,cat\n",
        "path,label\np/0.png,cat\np/1.png,dog\np/2.png,cat\n".encode("utf-16-le"),
        "path,label\np/0.png,cat\np/1.png,dog\np/2.png,cat\n".encode("utf-16-be"),
        "path,label\np/0.png,cat\np/1.png,dog\np/2.png,cat\n".encode("utf-32"),
        "sep=;\npath;label\np/0.png;cat\np/1.png;dog\np/2.png;cat\n",
        "\ufeffSEP=|\r\npath|label\r\np/0.png|cat\r\np/1.png|dog\r\np/2.png|cat\r\n",
        '"sep=,"\np/0.png,cat\np/1.png,dog\np/2.png,cat\n',
        "sep=\t\npath\tlabel\np/0.png\tcat\np/1.png\tdog\np/2.png\tcat\n",
        "path,label\rp/0.png,cat\rp/1.png,dog\rp/2.png,cat\r",
        *(f"path,label,note\np/0.png,cat,a{end}b\np/1.png,dog,\np/2.png,cat,{end}\n" for end in "\u2028\u2029\x85\f\v"),
        'path,label,note\np/0.png,cat,"a\nb"\np/1.png,dog,\np/2.png,cat,\n',
    ],
)
def test_headers_delimiters_and_encodings(text: str | bytes, folder: Path) -> None:
    source = open_source(_csv(folder, text))
    assert [source.image_name(index) for index in range(3)] == [path for path, _ in ROWS]
    assert [source.classes[label] for label in source.labels] == [label for _, label in ROWS]
    assert source.decode(2).pixels.shape == (10, 12, 3)
    assert set(source.splits.tolist()) == {UNASSIGNED}


def test_splits_are_read_in_any_words(folder: Path) -> None:
    source = open_source(_csv(folder, "p/0.png,cat,Train\np/1.png,dog,valid\np/2.png,cat,TESTING\n"))
    assert source.splits.tolist() == [TRAIN, VALIDATION, TEST]
    source = open_source(_csv(folder, "p/0.png,cat,train\np/1.png,dog,train\n"))
    assert source.splits.tolist() == [UNASSIGNED] * 2


def test_the_fingerprint_changes_with_labels_and_splits_alone(folder: Path) -> None:
    texts = ("p/0.png,a\np/1.png,b\np/2.png,a\n", "p/0.png,a\np/1.png,b\np/2.png,b\n")
    texts += tuple(
        f"p/0.png,a,train\np/1.png,b,{one}\np/2.png,a,{two}\n" for one, two in (("val", "test"), ("test", "val"))
    )
    assert len({open_source(_csv(folder, text)).fingerprint() for text in texts}) == 4


def test_paths_may_be_absolute_leave_the_folder_or_be_missing(folder: Path) -> None:
    (folder / "lists").mkdir()
    text = f"{folder}/p/0.png,cat\n../p/1.png,dog\nmissing.png,dog\n"
    source = open_source(_csv(folder / "lists", text))
    assert source.path(0) == folder / "p" / "0.png"
    assert source.decode(1).pixels.size
    with pytest.raises(DataError, match="the file is not there"):
        source.decode(2)


def test_names_that_are_not_utf8_are_found(folder: Path) -> None:
    (folder / "p" / "0.png").rename(folder / "p" / os.fsdecode(b"\xff.png"))
    source = open_source(_csv(folder, b"path,label\np/\xff.png,cat\np/1.png,dog\n"))
    assert source.decode(0).pixels.size
    assert len(source.fingerprint()) == 32


def test_numbers_are_classes_in_their_order(folder: Path) -> None:
    assert open_source(_csv(folder, "p/0.png,10\np/1.png,9\n")).classes == ("9", "10")


def test_labels_in_two_unicode_forms_are_one_class(folder: Path) -> None:
    text = "p/0.png,K\u00e4fer\np/1.png,Ka\u0308fer\np/2.png,Hut\n"
    assert open_source(_csv(folder, text)).classes == ("Hut", "K\u00e4fer")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_paths_in_the_other_unicode_form_are_found(form: str, folder: Path) -> None:
    names = [unicodedata.normalize(one, "K\u00e4fer \u00fc") for one in ("NFC", "NFD")]
    own, other = names if form == "NFC" else names[::-1]
    (folder / own).mkdir()
    (folder / "p" / "0.png").rename(folder / own / f"{other}.png")
    source = open_source(_csv(folder, f"{other}/{own}.png,a\np/1.png,b\n"))
    assert source.decode(0).pixels.size
    assert source.classes == ("a", "b")


def test_a_path_that_is_there_goes_before_its_other_forms(folder: Path) -> None:
    (folder / "p\\0.png").write_bytes((folder / "p" / "2.png").read_bytes())
    source = open_source(_csv(folder, "p\\0.png,a\np\\1.png,b\n"))
    assert [source.image_name(place) for place in (0, 1)] == ["p\\0.png", "p/1.png"]


@pytest.mark.parametrize(
    "path", ["p\\{}.png", ".\\p\\{}.png", "file://{folder}/p/{}.png", "file:{folder}/p/{}.png", "~/p/{}.png"]
)
def test_paths_in_other_spellings_are_found(path: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    text = "path,label\n" + "".join(f"{path.format(place, folder=folder)},c{place % 2}\n" for place in range(3))
    source = open_source(_csv(folder, text))
    assert [source.decode(place).pixels.shape[0] for place in range(3)] == [8, 9, 10]


def test_labels_that_are_not_utf8_are_read_as_cp1252_and_that_is_said(folder: Path) -> None:
    (folder / "p" / "1.png").rename(folder / "p" / "H\u00fct.png")
    (folder / "p" / "2.png").rename(folder / "p" / os.fsdecode(b"\xfc.png"))
    text = "path;label\r\np/0.png;K\u00e4fer\r\np/H\u00fct.png;10 \u20ac\r\np/\u00fc.png;Hut\r\n"
    source = open_source(_csv(folder, text.encode("cp1252")))
    assert source.classes == ("10 \u20ac", "Hut", "K\u00e4fer")
    assert [source.decode(place).pixels.shape[0] for place in range(3)] == [8, 9, 10]
    assert "is not UTF-8: labels are read as Windows-1252 (cp1252), such as K\u00e4fer" in source.notes[0]
    assert check(folder / "list.csv").notes == source.notes


def test_splits_are_read_in_the_words_of_folders(folder: Path) -> None:
    source = open_source(_csv(folder, "p/0.png,cat,train_set\np/1.png,dog,dev\np/2.png,cat,Test Set\n"))
    assert source.splits.tolist() == [TRAIN, VALIDATION, TEST]


BROKEN = [
    ("path,label\nC:\\p\\0.png,a\nC:\\p\\1.png,b\n", "none of them is.*Paths that begin with a drive letter are those"),
    ("path,label\nhttps://x.org/0.png,a\n", "none of them is.*Nothing is fetched from the network"),
    ("path,label\nq\\0.png,a\n", r"none of them is.*Nor is one with / in place of"),
    (b"path,label\np/0.png,\x83\x8f\np/1.png,b\n", r"must be UTF-8. Got the label .x83.x8f in line 2"),
    ("path,label\np/0.png,a\n".encode("utf-16")[:-1], "must be whole text. Got UTF-16.* that is damaged at byte"),
    ("", "must name at least one image. Got no rows"),
    ("\n\n", "must name at least one image. Got no rows"),
    ("path,label\n", "must name at least one image. Got no rows"),
    ("image_id,breed\n1,pug\n", "must have the columns path and label. Got 'image_id', 'breed'; path is missing"),
    ("path,lable\np/0.png,cat\n", r"Got 'path', 'lable'; label is missing. Did you mean 'label'\?"),
    ("p/0.png\np/1.png\n", "must have a header, or the columns path, label .* Got 1 column without a header"),
    ("p/0.png,a,train,9\n", "Got 4 columns without a header"),
    ("path,label\np/0.png,cat\np/1.png\n", "must have 2 columns in every line. Got 1 in line 3"),
    ("path,label\np/0.png,cat,cute\n", "must have 2 columns in every line. Got 3 in line 2"),
    ("path,label\np/0.png,cat\n,dog\n", "Got no path in line 3"),
    ("path,label\np/0.png,\np/1.png,dog\n,\np/2.png,\n", r"Got no label in line 2 \(and 1 more bad row\)"),
    ("p/0.png,cat,train\np/1.png,dog,holdout\n", "Got the split 'holdout'"),
    ("p/0.png,cat,train\np/1.png,dog,\n", "Got no split in line 2"),
    ('path,label\n"p/0.png,cat\np/1.png,dog\n', "must be a CSV file. Got unexpected end of data near line 3"),
    ('path,label\n"p/0.png"x,cat\n', "must be a CSV file. Got .* near line 2"),
    ("path,label\n" + "x" * 200_000 + ",cat\n", "must be a CSV file. Got field larger than field limit"),
    ("a.png,cat\nb.png,dog\n", "must name files that are there. Got 2 paths and none of them is, for ex"),
    ("p/0.png,cat\np/1.png,cat\n", "must have at least two classes. Got only the class 'cat'"),
    ("file,filename,label\np/0.png,x,cat\n", "must have one column path. Got 'file', 'filename'. Name one"),
    ("p/0.png,cat,val\np/1.png,dog,test\n", "must have images for training. Got only images for validation"),
    (b"\x89PNG\r\n\x1a\n\0\0\0binary", r"must be a CSV file, which is text. Got the control character '.x1a'"),
    (b"path,label\np/\0.png,cat\np/1.png,dog\n", r"Got the control character '.x00'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), BROKEN)
def test_a_broken_csv_is_one_sentence(text: str | bytes, sentence: str, folder: Path) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        open_source(_csv(folder, text))
    assert "list.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def _parquet(folder: Path, columns: dict[str, list[object]]) -> Path:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table(columns), folder / "list.parquet")
    return folder / "list.parquet"


def test_parquet_reads_text_and_whole_labels_and_splits(folder: Path) -> None:
    columns = {
        "image": [path for path, _ in ROWS],
        "y": [0.5] * 3,
        "label": [7, 8, 7],
        "split": ["train", "val", "train"],
    }
    source = open_source(_parquet(folder, columns))  # type: ignore[arg-type]
    assert source.classes == ("7", "8")
    assert source.splits.tolist() == [TRAIN, VALIDATION, TRAIN]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"name": ["a"], "label": ["b"]}, "must have the columns path and label. Got 'name', 'label'; path is missing"),
        ({"path": ["p/0.png", None], "label": ["a", "b"]}, "Got no path in line 2"),
        ({"path": ["p/0.png", "p/1.png"], "label": ["a", None]}, "Got no label in line 2"),
        ({"path": [b"p/0.png"], "label": ["a"]}, "must have text paths and text or whole labels. Got bytes in row 1"),
        ({"path": ["p/0.png"], "label": [0.5]}, "Got float in row 1. Convert it"),
        ({"path": ["p/0.png"], "label": ["a"], "split": [3]}, "must have text .* Got int in row 1|Got the split '3'"),
        ({"path": [], "label": []}, "must name at least one image"),
    ],
)
def test_a_broken_parquet_list_is_one_sentence(columns: dict[str, list[object]], sentence: str, folder: Path) -> None:
    with pytest.raises(DataError, match=sentence):
        open_source(_parquet(folder, columns))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_a_cut_parquet_file_is_one_sentence(share: float, folder: Path) -> None:
    file = _parquet(folder, {"path": ["p/0.png", "p/1.png"], "label": ["a", "b"]})
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=r"must be a whole Parquet file. Got: [^.]*\. Write it again") as caught:
        open_source(file)
    assert "\n" not in str(caught.value)


def test_without_pyarrow_a_sentence_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (folder / "list.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        MissingPackageError, match=r"Parquet files need the package .* pip install 'convscope\[parquet\]'"
    ):
        open_source(folder / "list.parquet")


def test_a_list_that_cannot_be_read_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    file = _csv(folder, "p/0.png,cat\n")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match="must be a file that can be read. Got: Permission denied"):
        open_source(file)
