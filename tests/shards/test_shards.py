"""Shards hold what one command computes; what is missing, twice, damaged or of another command is refused."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from convscope.api.features import extract_features
from convscope.api.predict import predict
from convscope.api.shards import features_in_shards, merge, predict_in_shards
from convscope.cli import main
from convscope.core.errors import ConvscopeError, DataError, MissingPackageError, ParameterError, StorageError
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.options.features import FeaturesOptions
from convscope.options.predict import PredictOptions
from convscope.options.shards import ShardOptions
from convscope.shards import store
from tests.checks.models import small_model
from tests.checks.processes import small_files_only
from tests.images.generated import save

parquet = pytest.importorskip("pyarrow.parquet")
MODEL = small_model(classes=2)
BAD = "class 1/5.png"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder of two classes, 11 images and a file that is none."""
    root = tmp_path / "images"
    for number in range(12):
        save(root / f"class {number % 2}" / f"{number}.png", number)
    (root / BAD).write_bytes(b"no image")
    return root


@pytest.fixture
def out(tmp_path: Path) -> str:
    return str(tmp_path / "out")


@pytest.fixture
def in_memory(images: Path) -> Iterator[str]:
    """Return the address of the same images in memory."""
    fsspec = pytest.importorskip("fsspec", reason="addresses are tested with fsspec, which is not installed")
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    for path in images.rglob("*.*"):
        system.pipe_file(f"/photos/{path.relative_to(images).as_posix()}", path.read_bytes())
    system.pipe_file("/photos/notes.txt", b"no image")
    yield "memory://photos"
    system.store.clear()


def run(images: object, out: str, model: Model = MODEL, *, top: int = 2, force: bool = False, **how: object) -> int:
    """Predict in shards of 4; return how many images were computed."""
    settings = ShardOptions(shards=out, **{"shard_size": 4, **how})
    return predict_in_shards(model, images, settings, PredictOptions(top=top), force=force).images


def rows(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = parquet.read_table(path).to_pylist()
    return found


@pytest.mark.parametrize("place", ["disk", "memory", "memory, renamed"])
def test_merged_shards_are_the_predictions_of_one_command(
    place: str, images: Path, out: str, in_memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "memory, renamed":
        monkeypatch.setattr("convscope.shards.store._ONE_PUT", set())
    given, folder = (images, out) if place == "disk" else (in_memory, "memory://results/out")
    assert run(given, folder) == 12
    assert run(given, folder) == 0
    merged = merge(folder, output=tmp_path / "all.parquet")
    assert (merged.images, merged.parts) == (12, 3)
    ((name, _),) = merged.unusable
    assert name.endswith(BAD)
    expected = predict(MODEL, images if place == "disk" else in_memory, top=2)
    assert sum(one.error is None for one in expected) == 11
    for row, one in zip(rows(tmp_path / "all.parquet"), expected, strict=True):
        assert (row["image"], row["class"], row["error"]) == (one.image, one.label, one.error)
        if one.error is None:
            np.testing.assert_allclose([row["probability"], row["probability_2"]], [p for _, p in one.top], rtol=1e-5)
    merge(folder)
    if place == "disk":
        assert parquet.read_metadata(Path(out) / "_metadata").num_rows == 12
        assert len(rows(Path(out))) == 12, "readers of Parquet folders take it as it is"


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_features_in_shards_are_those_of_one_command(
    place: str, images: Path, out: str, in_memory: str, tmp_path: Path
) -> None:
    result = features_in_shards(
        MODEL,
        images if place == "disk" else in_memory,
        ShardOptions(shards=out, shard_size=5),
        FeaturesOptions(pool="mean", batch=2),
    )
    assert (result.images, result.unusable, result.finished) == (12, 1, 3)
    assert [name for name, _ in merge(out, output=tmp_path / "all.parquet").unusable] == [
        BAD if place == "disk" else f"{in_memory}/{BAD}".replace("://", ":///")
    ]
    expected = extract_features(MODEL, images, pool="mean")
    found = {str(row["image"]).removeprefix("memory:///photos/"): row for row in rows(tmp_path / "all.parquet")}
    assert sorted(found) == sorted(expected.images)
    for name, label, vector in zip(expected.images, expected.labels, expected.vectors, strict=True):
        assert found[name]["class"] == expected.classes[label]
        np.testing.assert_allclose([found[name][one] for one in expected.names], vector, rtol=1e-4, atol=1e-6)


def test_parts_of_several_jobs_are_disjoint_and_together_whole(images: Path, out: str) -> None:
    assert [run(images, out, part=f"{number}/5") for number in range(1, 6)] == [4, 4, 4, 0, 0]
    assert merge(out).images == 12


@pytest.mark.parametrize("part", ["0/4", "5/4", "1/0", "-1/4", "1", "1/4/2", "a/b", ""])
def test_a_part_that_cannot_be_is_refused(part: str, images: Path, out: str) -> None:
    with pytest.raises(ParameterError, match="I from 1 to N"):
        run(images, out, part=part)
    assert not Path(out).exists()


def test_a_folder_is_for_one_request_and_one_list_of_images(images: Path, out: str, tmp_path: Path) -> None:
    run(images, out)
    for refused in (
        lambda: run(images, out, small_model(classes=2, seed=1)),
        lambda: run(images, out, top=1),
        lambda: run(images, out, shard_size=5),
        lambda: run(images / "class 0", out),
        lambda: features_in_shards(MODEL, images, ShardOptions(shards=out, shard_size=4)),
    ):
        with pytest.raises(StorageError, match="was made with another (model|`top`|`shard_size`|list|command)"):
            refused()
    save(images / "class 0" / "new.png", 99)
    assert run(images, out, part="1/1") == 0, "a job takes the list as it is"
    with pytest.raises(StorageError, match="made for 12 images. Got another list, of 13"):
        run(images, out)
    assert run(images, out, force=True) == 13
    (Path(out) / "_manifest.json").unlink()
    with pytest.raises(StorageError, match="parts without"):
        run(images, out)


def changed_rows(out: str, change: object) -> None:
    """Change the table of a part, which keeps its metadata."""
    path = Path(out) / "part-00001.parquet"
    parquet.write_table(change(parquet.ParquetFile(path).read()), path)


def flipped_bit(out: str) -> None:
    """Change one value of the probabilities, which stay a Parquet file."""
    path = Path(out) / "part-00001.parquet"
    data = bytearray(path.read_bytes())
    column = parquet.ParquetFile(path).metadata.row_group(0).column(2)
    data[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "it is missing": (lambda out: (Path(out) / "part-00001.parquet").unlink(), "Got 2: part-00001.parquet missing"),
    "it is cut off": (lambda out: os.truncate(Path(out) / "part-00001.parquet", 100), "cannot be read"),
    "one too many": (lambda out: (Path(out) / "part-00003.parquet").write_bytes(b""), "part-00003.parquet besides"),
    "a row twice": (
        lambda out: changed_rows(out, lambda table: table.take([0, 1, 2, 2])),
        "has 4 rows of 3 images, not the 4",
    ),
    "a row missing": (lambda out: changed_rows(out, lambda table: table.take([0, 1, 2])), "has 3 images, not the 4"),
    "one bit": (flipped_bit, "part-00001.parquet cannot be merged: it cannot be read"),
    "of another run": (
        lambda out: changed_rows(out, lambda table: table.replace_schema_metadata({})),
        "of another manifest",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_parts_that_are_not_every_image_once_are_refused_by_name(
    damage: str, images: Path, out: str, tmp_path: Path
) -> None:
    run(images, out)
    harm, words = DAMAGES[damage]
    harm(out)
    with pytest.raises(DataError, match=words):
        merge(out, output=tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()


def test_on_a_full_disk_finished_parts_stay_and_the_same_call_goes_on(images: Path, out: str) -> None:
    run(images, out, part="1/3")
    limit = max(path.stat().st_size for path in Path(out).glob("part-*")) - 100
    with small_files_only(limit), pytest.raises(StorageError, match=r"Cannot write .*part-00001"):
        run(images, out, part="2/3")
    assert sorted(path.name for path in Path(out).glob("*part*")) == ["part-00000.parquet"]
    assert run(images, out) == 8


def test_a_damaged_list_or_manifest_is_never_used(images: Path, out: str) -> None:
    run(images, out)
    (listed,) = Path(out).glob("_list-00001-*")
    listed.write_bytes(listed.read_bytes().replace(b"png", b"jpg"))
    (Path(out) / "part-00001.parquet").unlink()
    with pytest.raises(DataError, match="_list-00001-.* is damaged"):
        run(images, out)
    (Path(out) / "_manifest.json").write_text("{}")
    with pytest.raises(DataError, match="must be a manifest of shards. It is damaged"):
        merge(out)


def test_what_cannot_be_done_in_shards_is_one_sentence(images: Path, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for how, words in (
        ({"cluster": "spark://x"}, "must be ray, ray://HOST:PORT or tcp"),
        ({"cluster": "ray", "part": "1/2"}, "Only one of"),
        ({"part": "1/2", "force": True}, "`force` must be left out"),
    ):
        with pytest.raises(ParameterError, match=words):
            run(images, out, **how)
    with pytest.raises(ParameterError, match="must be files"):
        run(np.zeros((2, 17, 14, 3), np.uint8), out)
    with pytest.raises(ParameterError, match="must come with `shards`"):
        predict_in_shards(MODEL, images, ShardOptions(part="1/2"))
    with pytest.raises(ParameterError, match="of a kind that fsspec knows"):
        run("nowhere://bucket/x.png", out)
    with pytest.raises(ParameterError, match="`shard_size` must be at most"):
        features_in_shards(MODEL, images, ShardOptions(shards=out, shard_size=1_000_000), FeaturesOptions(stage=0))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingPackageError, match="convscope.parquet"):
        run(images, out)


def test_the_commands_predict_and_merge(
    images: Path, out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tmp_path / "m.safetensors")
    write_model(MODEL, model)
    assert main(["predict", model, str(images), "--shards", out, "--shard-size", "5", "--part", "1/2"]) == 0
    assert "2 of 3 shards finished; 7 images now, 0 unusable" in capsys.readouterr().out
    assert main(["merge", out]) == 2
    assert "part-00001.parquet missing" in capsys.readouterr().err
    assert main(["predict", model, str(images), "--part", "1/2"]) == 2
    assert main(["predict", model, str(images), "--shards", out, "--csv", "x.csv"]) == 2
    assert "`--shards` must be the only output" in capsys.readouterr().err
    assert main(["features", model, str(images), "--shards", out]) == 2
    assert "(predict, not features)" in capsys.readouterr().err
    assert main(["predict", model, str(images), "--shards", out, "--shard-size", "5", "--quiet"]) == 1
    assert main(["merge", f"file://{out}", "-o", str(tmp_path / "all.parquet")]) == 1
    assert "12 images, 1 unusable, from 3 parts" in capsys.readouterr().out


def test_no_more_of_a_file_at_an_address_is_read_than_is_allowed(
    in_memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convscope.core import remote

    small = f"{in_memory}/class 0/0.png"
    size = len(remote.read_address(small))
    assert len(remote.read_address(small, size)) == size
    with pytest.raises(DataError, match="at most"):
        remote.read_address(small, size - 1)
    (found,) = predict(MODEL, f"{in_memory}/nope.png")
    assert found.error == "there are no images"
    with pytest.raises(ParameterError, match="a chain of several"):
        predict(MODEL, f"zip://a.png::{in_memory}/a.zip")


def test_a_fault_of_the_network_is_none_of_the_image(in_memory: str, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def broken(*_given: object, **_settings: object) -> None:
        raise ConnectionResetError("reset by peer")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "cat_file", broken)
        with pytest.raises(StorageError, match="reset by peer"):
            run(in_memory, out)
    assert not list(Path(out).glob("part-*"))
    assert run(in_memory, out) == 12


def test_an_empty_file_of_an_object_store_is_an_unusable_image(
    in_memory: str, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    read = MemoryFileSystem.cat_file

    def as_s3(system: MemoryFileSystem, path: str, start: int | None = None, end: int | None = None) -> bytes:
        if system.size(path) == 0 and end is not None:
            raise OSError(22, "The requested range is not satisfiable")
        found: bytes = read(system, path, start=start, end=end)
        return found

    monkeypatch.setattr(MemoryFileSystem, "cat_file", as_s3)
    MemoryFileSystem().pipe_file("/photos/class 0/0.png", b"")
    assert run(in_memory, out) == 12
    assert {name.rpartition("/")[2]: reason for name, reason in merge(out).unusable}["0.png"].startswith("the file is")


def test_a_bucket_that_is_not_there_is_named_and_not_made(
    in_memory: str, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def nowhere(*_given: object, **_settings: object) -> None:
        raise FileNotFoundError("The specified bucket does not exist")

    for method in ("makedirs", "pipe_file"):
        monkeypatch.setattr(MemoryFileSystem, method, nowhere)
    with pytest.raises(StorageError, match="memory://nowhere/out cannot be used: The specified bucket"):
        run(in_memory, "memory://nowhere/out")
    monkeypatch.setattr(MemoryFileSystem, "find", nowhere)
    with pytest.raises(StorageError, match="memory://photos cannot be used"):
        run(in_memory, out)
    monkeypatch.undo()
    monkeypatch.setattr(MemoryFileSystem, "makedirs", nowhere)
    assert run(in_memory, "memory://nowhere/out") == 12


def test_every_error_of_convscope_travels_between_processes() -> None:
    import pickle

    kinds = [ConvscopeError]
    for kind in kinds:
        kinds += [one for one in kind.__subclasses__() if one.__module__ == "convscope.core.errors"]
        assert str(pickle.loads(pickle.dumps(kind("a sentence")))) == "a sentence"
    assert len(kinds) > 8


def test_entries_have_room_for_any_name(out: str) -> None:
    from convscope.shards.manifest import Entry, Request, plan
    from convscope.shards.store import Store

    names = ["a\udcff.png", "b\n.png", "ü", "'\"", "x" * 4000]
    given = [Entry(name=name, content=f"/x/{name}") for name in names]
    given += [Entry(name="n", content="", error="why"), Entry(name="m", content="/m", split="test")]
    store = Store(out)
    request = Request(command="predict", model="", options={}, source="", size=3)
    manifest = plan(store, request, given)
    assert [dataclasses.astuple(one) for number in range(3) for one in manifest.entries(store, number)] == [
        dataclasses.astuple(one) for one in given
    ]


def test_parts_are_merged_from_a_folder_that_cannot_be_written(
    images: Path, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(images, out)
    monkeypatch.setattr(store, "check_folder", refused)
    assert merge(out, output=tmp_path / "all.parquet").images == 12
    with pytest.raises(StorageError, match="read-only"):
        merge(out)


def refused(path: Path) -> None:
    raise StorageError(f"{path} is read-only")


def test_images_at_addresses_of_this_disk_are_read(images: Path, out: str, tmp_path: Path) -> None:
    assert run(f"local://{images}", out) == 12
    assert len(merge(out, output=tmp_path / "all.parquet").unusable) == 1
