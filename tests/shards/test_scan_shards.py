"""One image scanned in parts: merged, they are the file of one process, whatever was killed."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import tifffile

from convscope.api.scan import scan, verify
from convscope.api.scan_shards import scan_in_shards
from convscope.api.shards import merge
from convscope.cli import main
from convscope.core.errors import ConvscopeError, DataError, ParameterError, StorageError
from convscope.networks.model_file import write_model
from convscope.options.scan import ScanOptions
from convscope.options.shards import ShardOptions
from convscope.scanning import ways
from convscope.scanning.ngff import CHUNKS
from tests.checks.scans import pixels, scan_model

TILES = 12  # of 32
MODEL = scan_model()


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "TILES", (32,))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tif"
    resolution = {"resolution": (20_000, 20_000), "resolutionunit": 3}
    tifffile.imwrite(path, pixels(90, 130)[..., 0], tile=(32, 32), **resolution)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(image: Any, out: Path, *, force: bool = False, size: int = 5, options: Any = None, **how: Any) -> Any:
    settings = ShardOptions(shards=out, shard_size=size, **how)
    return scan_in_shards(MODEL, image, settings, ScanOptions(**(options or {})), force=force)


def parts(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*")}


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "best": True, "stability": 4}, {"dtype": "float32", "edges": "pad"}]
)
def test_merged_parts_are_the_file_of_one_process(
    tmp_path: Path, image: Path, out: Path, options: dict[str, Any]
) -> None:
    whole = scan(MODEL, image, output=tmp_path / "whole.tif", **options)
    for number in (2, 3, 1):
        run(image, out, options=options, part=f"{number}/3")
    for name in ("merged.tif", "merged.zarr"):
        merge(out, output=tmp_path / name)
        found = verify(tmp_path / name, MODEL, image)
        assert found.whole
        assert found.check.holds
        assert found.receipt.check.random == whole.receipt.check.random > 0
        assert (found.receipt.center, found.receipt.padded) == (whole.receipt.center, whole.receipt.padded)
    tile_data = (tmp_path / "whole.tif").read_bytes()[whole.receipt.first :]
    assert (tmp_path / "merged.tif").read_bytes()[whole.receipt.first :] == tile_data
    assert (tmp_path / "merged.zarr" / CHUNKS).read_bytes()[-len(tile_data) :] == tile_data
    with tifffile.TiffFile(tmp_path / "whole.tif") as one, tifffile.TiffFile(tmp_path / "merged.tif") as other:
        assert one.pages[0].tags[286].value == other.pages[0].tags[286].value
    again = scan(MODEL, image, output=tmp_path / "again.tif", reuse=tmp_path / "merged.tif", **options)
    assert again.receipt.reused == again.receipt.positions


def test_a_killed_job_costs_the_shards_that_it_had(image: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = os.fork()
    if child == 0:
        calls, real = [0], os.fsync

        def killing(descriptor: int) -> None:
            calls[0] += 1
            if calls[0] == 6:  # model, list of each of three shards, manifest; then in the first part
                os.kill(os.getpid(), signal.SIGKILL)
            real(descriptor)

        os.fsync = killing
        try:
            run(image, out)
        finally:
            os._exit(0)  # also if it fails: this is a copy of the tests
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    before = parts(out)
    result = run(image, out)
    assert result.images == TILES - 5 * len(before)
    assert {name: parts(out)[name] for name in before} == before
    assert run(image, out).images == 0


def test_dask_computes_the_same(tmp_path: Path, image: Path, out: Path) -> None:
    distributed = pytest.importorskip("distributed")
    settings = {"processes": False, "protocol": "tcp", "dashboard_address": None, "threads_per_worker": 1}
    with distributed.LocalCluster(n_workers=2, **settings) as cluster:
        assert run(image, out, size=2, cluster=cluster.scheduler_address).images == TILES
    merge(out, output=tmp_path / "merged.zarr")
    scan(MODEL, image, output=tmp_path / "whole.zarr")
    assert (tmp_path / "merged.zarr" / CHUNKS).read_bytes() == (tmp_path / "whole.zarr" / CHUNKS).read_bytes()


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda part: part.unlink(), "part-00001.tiles missing"),
        (lambda part: part.write_bytes(part.read_bytes()[:-1]), "cut off"),
        (lambda part: part.write_bytes(b"x" + part.read_bytes()), "damaged"),
        (lambda part: part.write_bytes((part.parent / "part-00000.tiles").read_bytes()), "damaged"),
        (lambda part: (part.parent / "part-00009.tiles").write_bytes(b""), "besides"),
    ],
)
def test_what_is_missing_or_damaged_is_not_merged(
    tmp_path: Path, image: Path, out: Path, damage: Any, word: str
) -> None:
    run(image, out)
    damage(out / "part-00001.tiles")
    with pytest.raises(DataError, match=word):
        merge(out, output=tmp_path / "merged.tif")
    assert not (tmp_path / "merged.tif").exists()


def test_a_folder_is_of_one_scan(tmp_path: Path, image: Path, out: Path) -> None:
    run(image, out)
    with pytest.raises(ConvscopeError, match=r"another `stride` \(1, not 2\)"):
        run(image, out, options={"stride": 2})
    with pytest.raises(ConvscopeError, match="another image"):
        run(tmp_path / "other.tif" if image.rename(tmp_path / "other.tif") else image, out)
    with pytest.raises(DataError, match="not there"):
        merge(out, output=tmp_path / "merged.tif")
    assert run(tmp_path / "other.tif", out, force=True).images == TILES
    for name, word in ((None, "must be given"), ("merged.parquet", "must end in .tif or .tiff or .zarr")):
        with pytest.raises(ParameterError, match=word):
            merge(out, output=None if name is None else tmp_path / name)
    merge(out, output=tmp_path / "merged.tif")
    with pytest.raises(StorageError, match="already there"):
        merge(out, output=tmp_path / "merged.tif")


@pytest.mark.parametrize("name", ["positions", "overlay", "reuse", "page"])
def test_what_needs_the_whole_image_is_refused(image: Path, out: Path, name: str) -> None:
    with pytest.raises(ParameterError, match=f"`{name}` must be left out with `shards`"):
        run(image, out, options={name: "file.csv"})
    with pytest.raises(ParameterError, match="must be a path"):
        run(pixels(40, 40), out)


def test_the_command(tmp_path: Path, image: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(MODEL, tmp_path / "m.safetensors")
    words = ["scan", str(tmp_path / "m.safetensors"), str(image), "--shards", str(out)]
    assert main([*words, "--part", "1/1"]) == 0
    assert "1 of 1 shard finished; 12 tiles now" in capsys.readouterr().out
    assert main([*words, "-o", str(tmp_path / "maps.tif")]) == 2
    assert "only output" in capsys.readouterr().err
    assert main(["merge", str(out), "-o", str(tmp_path / "maps.tif")]) == 0
    assert "12 tiles" in capsys.readouterr().out
    assert main(["scan", "--verify", str(tmp_path / "maps.tif"), "--check", "20"]) == 0
