import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.core.errors import DataError, ParameterError
from convscope.images.dataset import prepare
from convscope.images.decoding.decoder import decode
from convscope.images.preprocessing import Preprocessing
from convscope.images.sizes import ImageOptions
from convscope.images.sources.opening import TEST, TRAIN, VALIDATION, open_source
from tests.images.generated import folder, image, save


@pytest.fixture
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_each_image_is_what_preprocessing_makes_of_its_file(tmp_path, cache):
    folder(tmp_path, size=(30, 20))
    save(tmp_path / "a" / "tall.png", 50, (11, 40))
    (tmp_path / "a" / "00.png").write_bytes(b"bad")
    dataset = prepare(open_source(tmp_path), ImageOptions(size=(16, 8)), cache_dir=cache)
    assert dataset.images.shape == (13, 8, 16, 3)
    assert not dataset.images.flags.writeable
    for index in range(len(dataset)):
        expected = dataset.preprocessing.apply(decode(dataset.path(index)))
        assert np.array_equal(dataset.images[index], expected)
        assert dataset.image_name(index).startswith(dataset.classes[dataset.labels[index]] + "/")
    assert "1 image left out, being unusable" in dataset.notes
    assert [problem.name for problem in dataset.inspection.unusable] == ["a/00.png"]


@pytest.mark.parametrize("holes", [[], [0], [5], [11], [0, 1, 2], [3, 4, 9, 11], list(range(1, 6))])
def test_rows_of_unusable_files_leave_no_hole(tmp_path, cache, holes):
    paths = sorted(path for path in folder(tmp_path).rglob("*.png"))
    for hole in holes:
        paths[hole].write_bytes(b"")
    dataset = prepare(open_source(tmp_path), cache_dir=cache)
    assert len(dataset) == 12 - len(holes)
    for index in range(len(dataset)):
        assert np.array_equal(dataset.images[index], np.asarray(Image.open(dataset.path(index))))


def test_every_image_is_in_one_part(tmp_path, cache):
    dataset = prepare(open_source(folder(tmp_path, each=10)), cache_dir=cache)
    assert len(dataset.indices(TRAIN)) == 16
    assert len(dataset.indices(VALIDATION)) == 4
    assert len(dataset.indices(TEST)) == 0


def test_arrays_are_used_where_they_are(cache):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8), np.uint8)
    dataset = prepare(open_source((pixels, [0, 1] * 5)), cache_dir=cache)
    assert np.shares_memory(dataset.images, pixels)
    assert pixels.flags.writeable
    assert list(cache.iterdir()) == []
    assert dataset.path(0) is None


def test_arrays_of_another_size_go_through_the_cache(cache):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 200, 100), np.uint8)
    dataset = prepare(open_source((pixels, [0, 1] * 5)), cache_dir=cache)
    assert dataset.images.shape == (10, 96, 48, 1)
    again = prepare(open_source((pixels, [0, 1] * 5)), cache_dir=cache)
    assert np.array_equal(dataset.images, again.images)


def test_color_that_the_sample_missed_is_told(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("convscope.images.sampling._MOST_IMAGES", 1)
    monkeypatch.setattr("convscope.images.sampling._AT_ONCE", 1)
    for place in range(40):
        save(tmp_path / "ab"[place % 2] / f"{place}.png", place, gray=True)
    order = np.random.default_rng(0).permutation(41)
    source = open_source(tmp_path)
    save(tmp_path / "b" / "zz.png", 999)
    assert order[0] != 40, "the image with color is not the sampled one"
    dataset = prepare(open_source(tmp_path), cache_dir=cache)
    assert dataset.images.shape[3] == 1
    assert any(note.startswith("1 image with color") for note in dataset.notes)
    assert len(source) == 40


def test_images_beside_the_folders_of_the_classes_are_named(tmp_path, cache):
    folder(tmp_path)
    assert not any("in no folder" in note for note in prepare(open_source(tmp_path), cache_dir=cache).notes)
    save(tmp_path / "loose.png", 1)
    (tmp_path / "notes.txt").write_text("no image")
    dataset = prepare(open_source(tmp_path), cache_dir=cache)
    assert "1 image in no folder of a class is left out: loose.png" in dataset.notes


def test_a_class_whose_every_image_is_also_in_test_is_one_sentence(tmp_path, cache):
    folder(tmp_path / "train")
    for path in (tmp_path / "train" / "b").iterdir():
        (tmp_path / "test" / "b").mkdir(parents=True, exist_ok=True)
        (tmp_path / "test" / "b" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match="training image of every class. Got none of 'b'"):
        prepare(open_source(tmp_path), cache_dir=cache)


def test_settings_are_checked_before_anything_is_read(tmp_path, cache):
    source = open_source(folder(tmp_path))
    with pytest.raises(ParameterError):
        prepare(source, cache_dir=cache, validation=2)
    for wrong in ({"fit": "x"}, {"size": 0}, {"background": "x"}, {"channels": 2}):
        with pytest.raises(ParameterError):
            ImageOptions(**wrong)
    assert list(cache.iterdir()) == []


def test_threads_and_processes_read_the_same(tmp_path, cache, monkeypatch):
    folder(tmp_path, each=20)
    (tmp_path / "a" / "3.png").write_bytes(b"bad")
    source = open_source(tmp_path)
    one = prepare(source, cache_dir=cache / "threads", workers=2)
    monkeypatch.setattr("convscope.images.loading.pool._MANY", 1)
    two = prepare(source, cache_dir=cache / "processes", workers=2)
    assert np.array_equal(one.images, two.images)
    assert one.inspection == two.inspection


def test_an_image_that_ends_its_process_is_named_and_the_rest_goes_on(tmp_path, cache, monkeypatch):
    from convscope.images.loading import pool, worker

    class Dying(worker.WorkerProcess):
        def load(self, run):
            if any(file.endswith("7.png") for file in run.files):
                self._process.kill()
            return super().load(run)

    folder(tmp_path, each=20)
    monkeypatch.setattr(pool, "_MANY", 1)
    monkeypatch.setattr(pool, "WorkerProcess", Dying)
    dataset = prepare(open_source(tmp_path), cache_dir=cache, workers=2)
    assert {problem.name: problem.kind for problem in dataset.inspection.unusable} == {
        f"{label}/{number}.png": "unreadable" for label in "ab" for number in (7, 17)
    }
    assert len(dataset) == 36


def test_a_process_that_somebody_else_ended_costs_no_image(tmp_path, cache, monkeypatch):
    from convscope.images.loading import pool, worker

    calls = []

    class Ended(worker.WorkerProcess):
        def load(self, run):
            calls.append(run)
            singles = sum(len(call.files) == 1 for call in calls)
            if len(run.files) > 1 or singles <= 2:
                self._process.kill()
            return super().load(run)

    monkeypatch.setattr(pool, "_MANY", 1)
    monkeypatch.setattr(pool, "WorkerProcess", Ended)
    dataset = prepare(open_source(folder(tmp_path, each=2)), cache_dir=cache, workers=2)
    assert len(dataset) == 4
    assert len(calls) > 5


def test_where_no_process_can_be_started_threads_read(tmp_path, cache, monkeypatch):
    def refused(*given, **named):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("convscope.images.loading.pool._MANY", 1)
    monkeypatch.setattr(subprocess, "Popen", refused)
    assert len(prepare(open_source(folder(tmp_path)), cache_dir=cache, workers=2)) == 12


def test_where_python_cannot_be_started_threads_read(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("convscope.images.loading.pool._MANY", 1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert len(prepare(open_source(folder(tmp_path)), cache_dir=cache, workers=2)) == 12


def test_twins_of_different_parts_stay_out_of_training(tmp_path, cache):
    folder(tmp_path / "train")
    save(tmp_path / "test" / "a" / "x.png", 0)
    save(tmp_path / "test" / "b" / "x.png", 77)
    dataset = prepare(open_source(tmp_path), cache_dir=cache)
    assert len(dataset.indices(TRAIN)) == 11
    assert len(dataset) == 14


def test_preparing_does_not_load_torch(tmp_path, cache):
    folder(tmp_path)
    code = (
        "import sys; from pathlib import Path; from convscope.images.dataset import prepare\n"
        "from convscope.images.sources.opening import open_source\n"
        "prepare(open_source(sys.argv[1]), cache_dir=Path(sys.argv[2]))\n"
        "import convscope.images.loading.worker\n"
        "assert not {'torch', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), str(cache)], check=True)


def test_an_image_larger_than_wanted_is_read_the_same_by_every_way(tmp_path, cache):
    for place in range(6):
        (tmp_path / "ab"[place % 2]).mkdir(exist_ok=True)
        image(place, (40, 30)).resize((800, 600)).save(tmp_path / "ab"[place % 2] / f"{place}.jpg")
    dataset = prepare(open_source(tmp_path), ImageOptions(size=32), cache_dir=cache)
    assert dataset.inspection.sizes.widths == (800, 800, 800)
    near = dataset.preprocessing.apply(decode(dataset.path(0), near=(32, 32)))
    assert np.array_equal(dataset.images[0], near)


@pytest.mark.parametrize("stopped", [False, True])
def test_every_reading_process_is_ended_when_the_reading_ends_or_is_stopped(tmp_path, cache, monkeypatch, stopped):
    from convscope.images.loading import pool, worker

    started = []

    class Counted(worker.WorkerProcess):
        def __init__(self):
            super().__init__()
            started.append(self._process)

    def joined(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "_MANY", 1)
    monkeypatch.setattr(pool, "WorkerProcess", Counted)
    if stopped:
        monkeypatch.setattr(worker.WorkerProcess, "load", joined)
        with pytest.raises(KeyboardInterrupt):
            prepare(open_source(folder(tmp_path)), cache_dir=cache, workers=2)
        assert [path for path in cache.iterdir() if path.is_dir()] == []
    else:
        prepare(open_source(folder(tmp_path)), cache_dir=cache, workers=2)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def slow_run(tmp_path, monkeypatch):
    """Return a source of 80 images, one run over all of them, and the list of what is decoded, slowly."""
    from convscope.images.loading import chunks

    seen = []
    decode = chunks.decode
    monkeypatch.setattr(
        chunks, "decode", lambda *given, **named: seen.append(given) or time.sleep(0.05) or decode(*given, **named)
    )
    source = open_source(folder(tmp_path, each=40))
    files = tuple(str(source.path(place)) for place in range(len(source)))
    return source, chunks.Chunk(start=0, files=files, preprocessing=Preprocessing(height=8, width=8)), seen


@pytest.mark.parametrize("many", [10**9, 1])
def test_a_run_stops_before_its_next_image_when_the_reading_is_interrupted(tmp_path, monkeypatch, many):
    from convscope.images.loading import pool
    from convscope.images.loading.worker import WorkerProcess

    source, run, seen = slow_run(tmp_path, monkeypatch)
    monkeypatch.setattr(pool, "_MANY", many)
    monkeypatch.setattr(WorkerProcess, "has_started", lambda self: False)  # so that this thread reads in both ways
    futures = []
    with contextlib.suppress(KeyboardInterrupt), pool.open_pool(source, pixels=120, workers=2) as (threads, read):
        futures.append(threads.submit(read, run))
        while not seen:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert len(seen) < 40
    assert len(futures[0].result().facts) == 0


def test_what_waits_for_a_process_that_was_ended_before_it_was_ready_does_not_read_by_itself(tmp_path, monkeypatch):
    from convscope.images.loading import pool

    source, run, seen = slow_run(tmp_path, monkeypatch)
    monkeypatch.setattr(pool, "_MANY", 1)
    with contextlib.suppress(KeyboardInterrupt), pool.open_pool(source, pixels=120, workers=2) as (threads, read):
        threads.submit(read, run)
        raise KeyboardInterrupt
    assert seen == []


@pytest.mark.parametrize("entries", [[Path("/x"), b"/x", None, 3, "", "a" + os.pathsep + "b"]])
def test_odd_entries_of_the_path_are_passed_over_as_python_does(tmp_path, cache, monkeypatch, entries):
    from convscope.images.loading.worker import WorkerProcess

    read, answered = WorkerProcess.load, []

    def noted(self, run):
        answered.append(self.has_started())
        return read(self, run)

    monkeypatch.setattr(WorkerProcess, "load", noted)
    monkeypatch.setattr("convscope.images.loading.pool._MANY", 1)
    monkeypatch.setattr(sys, "path", [*sys.path, *entries])
    assert len(prepare(open_source(folder(tmp_path)), cache_dir=cache, workers=2)) == 12
    assert answered
    assert all(answered)


@pytest.mark.parametrize(
    "program", ["", None, "/not/there", "zero\0byte", Path("/bin/true"), b"/bin/true", "/bin/true", "/bin/cat"]
)
def test_whatever_stands_in_pythons_place_threads_read(tmp_path, cache, monkeypatch, program):
    monkeypatch.setattr("convscope.images.loading.pool._MANY", 1)
    monkeypatch.setattr("convscope.images.loading.worker._PATIENCE_S", 0.3)
    monkeypatch.setattr(sys, "executable", program)
    assert len(prepare(open_source(folder(tmp_path)), cache_dir=cache, workers=2)) == 12


def test_where_there_is_no_home_images_are_kept_until_the_end(tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CONVSCOPE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    dataset = prepare(open_source(folder(tmp_path)))
    assert len(dataset) == 12
    assert any("There is no home folder to keep images in; the images are cached in" in note for note in dataset.notes)
