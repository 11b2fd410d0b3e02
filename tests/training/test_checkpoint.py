"""A checkpoint puts a run back to the same bits, and anything else is refused with a sentence."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from convscope.core.errors import ModelFileError, StorageError
from convscope.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from convscope.training.loop import run
from convscope.training.state import TrainingState
from tests.checks.processes import small_files_only
from tests.training.small import Stopper, assert_same_bits, begin, small_recipe, stripes

STEPS = 9  # three epochs of three
KEY = "convscope.checkpoint"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def stopped(steps: int, **changes: object) -> TrainingState:
    """Return a run that stopped after so many steps; 0 for before the first."""
    data, recipe = stripes(), small_recipe(**changes)
    state = begin(data, recipe)
    if steps:
        run(state, data, recipe, Stopper(steps=steps), seed=3)
    return state


@pytest.mark.parametrize("averaging", [0.0, 0.1])
@pytest.mark.parametrize("steps", range(STEPS + 1))
def test_a_run_put_back_at_any_step_ends_with_the_bits_of_one_never_stopped(
    steps: int, averaging: float, tmp_path: Path
) -> None:
    data, recipe = stripes(), small_recipe(averaging=averaging)
    path = tmp_path / "state.safetensors"
    save_checkpoint(stopped(steps, averaging=averaging), Checkpoint(path=path, run="this"))
    fresh = begin(data, recipe)
    load_checkpoint(fresh, Checkpoint(path=path, run="this"))
    assert fresh.step == steps
    run(fresh, data, recipe, Stopper(), seed=3)
    whole = begin(data, recipe)
    run(whole, data, recipe, Stopper(), seed=3)
    assert_same_bits(fresh, whole)
    assert len(fresh.history) == 3


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_put_back_after_an_epoch_was_evaluated_ends_with_the_same_bits(epochs: int, tmp_path: Path) -> None:
    data, recipe = stripes(), small_recipe()
    state = begin(data, recipe)
    run(state, data, recipe, Stopper(epochs=epochs), seed=3)
    save_checkpoint(state, Checkpoint(path=tmp_path / "state", run="this"))
    fresh = begin(data, recipe)
    load_checkpoint(fresh, Checkpoint(path=tmp_path / "state", run="this"))
    run(fresh, data, recipe, Stopper(), seed=3)
    run(state, data, recipe, Stopper(), seed=3)
    assert_same_bits(fresh, state)


def test_saving_changes_nothing_and_loading_what_was_saved_gives_the_same_file(tmp_path: Path) -> None:
    state, untouched = stopped(4), stopped(4)
    save_checkpoint(state, Checkpoint(path=tmp_path / "one", run="this"))
    assert_same_bits(state, untouched)
    fresh = stopped(0)
    load_checkpoint(fresh, Checkpoint(path=tmp_path / "one", run="this"))
    save_checkpoint(fresh, Checkpoint(path=tmp_path / "two", run="this"))
    one, two = load_file(tmp_path / "one"), load_file(tmp_path / "two")
    assert one.keys() == two.keys()
    assert all(torch.equal(value, two[name]) for name, value in one.items())


def test_time_spent_before_counts_and_time_between_does_not(tmp_path: Path) -> None:
    state = stopped(4)
    state.clock.before_s = 100.0
    save_checkpoint(state, Checkpoint(path=tmp_path / "state", run="this"))
    fresh = stopped(0)
    fresh.clock.started_s -= 50  # as long as reading took
    load_checkpoint(fresh, Checkpoint(path=tmp_path / "state", run="this"))
    assert 100 < fresh.clock.elapsed_s < 110


def _with_numbers(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        numbers = json.loads(file.metadata()[KEY])
    change(numbers)
    save_file(load_file(path), path, metadata={KEY: json.dumps(numbers)})


def _without_tensor(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    tensors.pop(min(tensors))
    save_file(tensors, path, metadata=metadata)


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer": (
        lambda path: _with_numbers(path, lambda numbers: numbers.update(format_version=99, invention=1)),
        "was written by a newer convscope. Update with: pip install -U convscope",
    ),
    "another run": (
        lambda path: _with_numbers(path, lambda n: n.update(run="that")),
        "other settings or other images",
    ),
    "a number missing": (
        lambda path: _with_numbers(path, lambda n: n.pop("epoch")),
        "is no checkpoint of convscope, or",
    ),
    "a number below zero": (
        lambda path: _with_numbers(path, lambda n: n.update(batch=-1)),
        "is no checkpoint of convscope",
    ),
    "a number too large": (lambda path: _with_numbers(path, lambda n: n.update(fraction=1.5)), "is no checkpoint"),
    "not a number": (lambda path: _with_numbers(path, lambda n: n.update(per_step=float("nan"))), "is no checkpoint"),
    "no JSON": (lambda path: save_file(load_file(path), path, metadata={KEY: "{"}), "is no checkpoint of convscope"),
    "deep JSON": (lambda path: save_file(load_file(path), path, metadata={KEY: "[" * 100_000}), "is no checkpoint"),
    "other metadata": (
        lambda path: save_file(load_file(path), path, metadata={"a": "b"}),
        "is no checkpoint of convscope",
    ),
    "a tensor missing": (_without_tensor, "does not hold the tensors of this run. Start the training anew"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_checkpoint_is_refused_and_the_state_is_as_before(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(stopped(4), Checkpoint(path=path, run="this"))
    make, sentence = FOREIGN[kind]
    make(path)
    fresh = stopped(0)
    with pytest.raises(ModelFileError, match=sentence):
        load_checkpoint(fresh, Checkpoint(path=path, run="this"))
    assert_same_bits(fresh, stopped(0))


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8, 0.999])
def test_a_checkpoint_with_one_other_byte_is_refused_and_the_state_is_as_before(place: float, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(stopped(4), Checkpoint(path=path, run="this"))
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[start + int(place * (len(data) - start))] ^= 1
    path.write_bytes(data)
    fresh = stopped(0)
    with pytest.raises(ModelFileError, match="is damaged: its contents are not what was written"):
        load_checkpoint(fresh, Checkpoint(path=path, run="this"))
    assert_same_bits(fresh, stopped(0))


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_a_truncated_checkpoint_is_refused(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(stopped(4), Checkpoint(path=path, run="this"))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ModelFileError, match=r"state\.safetensors"):
        load_checkpoint(stopped(0), Checkpoint(path=path, run="this"))


@pytest.mark.parametrize("content", [b"no checkpoint at all" * 100, b"\xff" * 4_096, b"\x00" * 4_096])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"state\.safetensors"):
        load_checkpoint(stopped(0), Checkpoint(path=tmp_path / "state.safetensors", run="this"))


def test_a_checkpoint_of_another_layout_is_refused(tmp_path: Path) -> None:
    save_checkpoint(begin(stripes(), small_recipe(), layout="5C3-8N"), Checkpoint(path=tmp_path / "state", run="this"))
    with pytest.raises(ModelFileError, match="does not hold the tensors of this run"):
        load_checkpoint(stopped(0), Checkpoint(path=tmp_path / "state", run="this"))


def test_on_a_full_disk_the_earlier_checkpoint_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(stopped(2), Checkpoint(path=path, run="this"))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="Cannot write .*: the disk is full. Free some space"):
        save_checkpoint(stopped(4), Checkpoint(path=path, run="this"))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are set in the way of POSIX")
def test_a_file_that_really_cannot_grow_is_a_sentence_and_the_earlier_checkpoint_stays(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(stopped(2), Checkpoint(path=path, run="this"))
    before, later = path.read_bytes(), stopped(3)
    with pytest.raises(StorageError, match="Cannot write .*state.safetensors: "), small_files_only(2_000):
        save_checkpoint(later, Checkpoint(path=path, run="this"))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
