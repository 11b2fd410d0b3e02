"""What is shown while training."""

import pytest

from convscope.core.progress import Task
from convscope.training.loop import run
from convscope.training.watch import Interruption, Watch
from tests.training.small import begin, small_recipe, stripes


class Heard(Task):
    """Remembers every note, and how far it was."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done: list[float] = []

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Remember."""
        self.notes.append(note)

    def update(self, done: float, note: str = "") -> None:
        """Remember."""
        self.notes.append(note)
        self.done.append(done)


def test_the_last_that_is_shown_is_the_last_epoch_as_it_was_evaluated() -> None:
    data, recipe, heard = stripes(), small_recipe(epochs=3), Heard()
    state = begin(data, recipe)
    watch = Watch(folder=None, digest="", task=heard, interruption=Interruption(), work=lambda way: way)
    run(state, data, recipe, watch, seed=0)
    last = state.history[-1]
    assert heard.notes[-1].startswith(f"epoch 3  loss {last.loss:.3f}  accuracy {last.accuracy:.3f}")
    assert f"validation {last.validation_accuracy:.4f}" in heard.notes[-1]
    assert "held" not in heard.notes[0]


def test_what_is_shown_as_done_is_the_work_and_not_the_way() -> None:
    data, recipe, heard = stripes(), small_recipe(epochs=3), Heard()
    watch = Watch(folder=None, digest="", task=heard, interruption=Interruption(), work=lambda way: way**2)
    run(begin(data, recipe), data, recipe, watch, seed=0)
    assert heard.done == sorted(heard.done)
    assert heard.done[2] == pytest.approx(1 / 9)  # after the first of three epochs
    assert heard.done[-1] == pytest.approx(1)
