"""Features that are kept beside their file: a job that was cut off anywhere goes on, to the same bits."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from convscope.api.features import save_features
from convscope.core.errors import StorageError
from convscope.features.extraction import rows_of
from convscope.features.extractor import Extractor
from convscope.features.hand_made import HandMade
from convscope.features.partial import identity_of, partial_features
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import prepare
from convscope.images.sources.arrays import from_arrays
from tests.checks.models import small_model, some_pixels
from tests.checks.reporters import Heard

SHAPE = (2, 3)
FEATURES = np.arange(60, dtype=np.float32).reshape(10, *SHAPE)
ME, OTHER = b"a" * 32, b"b" * 32


def interrupted(path: Path, rows: int) -> Path:
    """Write so many rows in batches of 4, then stop; return the file that they are kept in."""
    with contextlib.suppress(KeyboardInterrupt), partial_features(path, ME, total=10, shape=SHAPE, step=4) as part:
        for start in range(0, rows, 4):
            part.write(FEATURES[start : min(start + 4, rows)])
        raise KeyboardInterrupt
    return path.with_name(f"{path.name}.part")


@pytest.mark.parametrize(("rows", "done"), [(0, 0), (3, 0), (4, 4), (7, 4), (8, 8), (10, 10)])
def test_it_goes_on_after_the_last_whole_batch(rows: int, done: int, tmp_path: Path) -> None:
    place = interrupted(tmp_path / "x.npz", rows)
    with partial_features(tmp_path / "x.npz", ME, total=10, shape=SHAPE, step=4) as part:
        assert part.done == done
        part.write(FEATURES[done:])
        found = list(part.batches(3))
        assert [start for start, _ in found] == [0, 3, 6, 9]
        np.testing.assert_array_equal(np.concatenate([some for _, some in found]), FEATURES)
    assert not place.exists()


def test_a_row_that_was_cut_off_is_computed_again(tmp_path: Path) -> None:
    place = interrupted(tmp_path / "x.npz", 8)
    with place.open("r+b") as stream:
        stream.truncate(place.stat().st_size - 5)
    with partial_features(tmp_path / "x.npz", ME, total=10, shape=SHAPE, step=4) as part:
        assert part.done == 4


@pytest.mark.parametrize("change", ["another job", "fewer images", "header cut off"])
def test_rows_of_another_job_are_not_taken(change: str, tmp_path: Path) -> None:
    place = interrupted(tmp_path / "x.npz", 8)
    if change == "header cut off":
        place.write_bytes(place.read_bytes()[:20])
    total = 5 if change == "fewer images" else 10
    identity = OTHER if change == "another job" else ME
    with partial_features(tmp_path / "x.npz", identity, total=total, shape=SHAPE, step=4) as part:
        assert part.done == (4 if change == "fewer images" else 0)
        part.write(FEATURES[part.done : total])
        np.testing.assert_array_equal(next(part.batches(total))[1], FEATURES[:total])


def test_what_somebody_else_put_there_is_left(tmp_path: Path) -> None:
    (tmp_path / "x.npz.part").write_bytes(b"precious")
    with pytest.raises(StorageError, match=r"x\.npz\.part already exists and was not written by convscope\. Move it"):
        interrupted(tmp_path / "x.npz", 4)
    assert (tmp_path / "x.npz.part").read_bytes() == b"precious"
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write .*x.npz: .* is a file"):
        interrupted(tmp_path / "file" / "x.npz", 4)


@pytest.mark.parametrize("kind", [".npz", ".csv"])
def test_a_job_goes_on_to_the_same_bytes_and_says_so(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = tmp_path / f"whole{kind}", tmp_path / f"x{kind}"
    save_features("pixels", "digits", whole)
    computed: list[int] = []
    of = HandMade.of

    def cut_off(self: Extractor, images: np.ndarray, *, batch: int | None = None) -> Iterator[np.ndarray]:
        for number, part in enumerate(of(self, images, batch=batch)):
            if not computed and number == 2:
                raise KeyboardInterrupt
            yield part

    monkeypatch.setattr(HandMade, "of", cut_off)
    with pytest.raises(KeyboardInterrupt):
        save_features("pixels", "digits", path)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("x")] == [f"x{kind}.part"]
    computed.append(1)
    heard = Heard()
    assert save_features("pixels", "digits", path, progress=heard).images == 1797
    assert f"{path}: resuming after 1,000 of 1,797 images" in heard.lines
    assert path.read_bytes() == whole.read_bytes()
    assert not path.with_name(f"{path.name}.part").exists()


def test_other_weights_readings_images_and_batches_are_other_jobs(tmp_path: Path) -> None:
    def job(*, seed: int = 0, stage: int = 1, images: int = 40, last: int = 0, step: int = 8) -> bytes:
        pixels = some_pixels(images)
        pixels[-1, 0, 0] = last
        dataset = prepare(from_arrays(pixels, np.arange(images) % 2), cache_dir=tmp_path)
        extractor = StageFeatures(small_model(seed=seed), Reading(stage=stage))
        return identity_of(extractor, dataset, rows_of(dataset), step=step)

    assert job() == job()
    others = [job(), job(seed=1), job(stage=0), job(images=39), job(last=9), job(step=9)]
    assert len(set(others)) == len(others)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_process_loses_nothing_that_it_had_computed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from convscope.features.partial import PartialFeatures\n"
        "from convscope.api.features import save_features\n"
        "write = PartialFeatures.write\n"
        "def and_die(self, features):\n"
        "    write(self, features)\n"
        "    if self.done == 1_000: os.kill(os.getpid(), signal.SIGKILL)\n"
        "PartialFeatures.write = and_die\n"
        "save_features('pixels', 'digits', sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "x.npy"], check=False)
    assert done.returncode == -signal.SIGKILL
    heard = Heard()
    save_features("pixels", "digits", tmp_path / "x.npy", progress=heard)
    assert any("resuming after 1,000 of 1,797" in line for line in heard.lines)
    save_features("pixels", "digits", tmp_path / "y.npy")
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()
