import json
import os
import sys

import pytest

from convscope.cli import main
from convscope.images.dataset import prepare
from convscope.images.sources.opening import open_source
from tests.images.generated import folder, save


def test_a_good_set_exits_0_and_says_so(tmp_path, capsys):
    assert main(["check", str(folder(tmp_path, each=10))]) == 0
    text = capsys.readouterr().out
    assert "20 images, 20 usable" in text
    assert "no problem found" in text
    assert "pixels: all 12x10" in text


def test_unusable_files_are_named_and_exit_1(tmp_path, capsys):
    folder(tmp_path)
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    assert main(["check", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "files of zero bytes (1), left out of training:\n  a/empty.png: the file is empty (0 bytes)" in text
    assert "(1 unusable)" in text


def test_duplicates_are_listed_below_the_first(tmp_path, capsys):
    folder(tmp_path)
    save(tmp_path / "b" / "twin.png", 0)
    assert main(["check", str(tmp_path)]) == 0
    assert "  a/0.png: 2 times the same pixels\n    = b/twin.png\n" in capsys.readouterr().out


def test_json_is_one_document(tmp_path, capsys):
    folder(tmp_path)
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    assert main(["check", str(tmp_path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["images"] == 13
    assert document["problems"][0] == {
        "name": "a/empty.png", "kind": "empty file", "detail": "the file is empty (0 bytes)", "others": [],
        "score": None, "label": "", "suggested": "", "index": None,
    }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="file names are any bytes only on Linux")
def test_odd_names_stay_on_their_line_and_json_is_utf_8(tmp_path, capsysbinary):
    folder(tmp_path)
    (tmp_path / "a" / os.fsdecode(b"caf\xe9\nx.png")).write_bytes(b"")
    main(["check", str(tmp_path)])
    assert b"  a/caf\\xe9\\nx.png: the file is empty" in capsysbinary.readouterr().out
    main(["check", str(tmp_path), "--json"])
    document = json.loads(capsysbinary.readouterr().out.decode("utf-8"))
    assert document["problems"][0]["name"] == "a/caf\\xe9\nx.png"


def nothing_readable(path):
    for name in "ab":
        (path / name).mkdir()
        (path / name / "x.png").write_bytes(b"x")


def one_class(path):
    folder(path, classes="a")


def one_class_beside_an_empty_one(path):
    folder(path, classes="a")
    (path / "c").mkdir()


def no_folders(path):
    save(path / "x.png", 1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (nothing_readable, "readable"),
        (one_class, "must have at least two classes. Got only the class 'a'"),
        (one_class_beside_an_empty_one, "Got an empty class folder"),
        (no_folders, "Got 1 image directly inside"),
        (lambda path: None, "Got nothing"),
    ],
)
def test_what_is_no_set_is_one_sentence_and_exits_2(tmp_path, capsys, make, sentence):
    make(tmp_path)
    assert main(["check", str(tmp_path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert sentence in output.err
    assert output.err.count("\n") == 1


def test_an_empty_class_folder_hides_no_broken_file(tmp_path, capsys):
    folder(tmp_path)
    (tmp_path / "a" / "broken.png").write_bytes(b"x")
    (tmp_path / "b" / "hollow.png").write_bytes(b"")
    for name in ("c", "d/e"):
        (tmp_path / name).mkdir(parents=True)
    assert main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "2 classes" in out
    for line in ("a/broken.png: ", "b/hollow.png: ", "c/: no image in it", "d/: no image in it"):
        assert f"\n  {line}" in out
    assert "class folders without an image" in out
    assert " (2):" in out
    (tmp_path / "a" / "broken.png").unlink()
    (tmp_path / "b" / "hollow.png").unlink()
    assert main(["check", str(tmp_path)]) == 1  # train would refuse it
    assert main(["train", str(tmp_path), "--dry-run", "-o", str(tmp_path.with_name("run"))]) == 2
    assert "c/` must hold images of its class. Got an empty class folder (nothing)." in capsys.readouterr().err


def test_of_very_many_classes_the_largest_and_smallest_are_shown(tmp_path, capsys):
    for place in range(60):
        save(tmp_path / f"c{place}" / "x.png", place)
    main(["check", str(tmp_path)])
    assert "… 20 classes in between …" in capsys.readouterr().out


def test_the_cache_is_shown_and_cleared(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    prepare(open_source(folder(tmp_path / "pets")))
    assert main(["cache"]) == 0
    text = capsys.readouterr().out
    assert "12  " in text
    assert f"{tmp_path / 'pets'}/" in text
    assert main(["cache", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["entries"][0]["images"] == 12
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out.startswith("freed ")
    assert main(["cache"]) == 0
    assert "holds nothing" in capsys.readouterr().out


def test_what_is_in_use_is_kept_and_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    dataset = prepare(open_source(folder(tmp_path / "pets")))
    main(["cache", "--clear"])
    assert "1 in use by a running command, kept" in capsys.readouterr().out
    assert len(dataset) == 12


def test_a_limit_that_is_none_exits_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", "much")
    assert main(["cache", "--cache-dir", str(tmp_path)]) == 2
    assert "`CONVSCOPE_CACHE_LIMIT` must be a size in bytes." in capsys.readouterr().err
