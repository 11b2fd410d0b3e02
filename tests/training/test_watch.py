"""What is shown while training."""

from convscope.core.progress import Task
from convscope.training.interruption import Interruption
from convscope.training.loop import run
from convscope.training.watch import Watch
from tests.training.small import begin, small_recipe, stripes


class Heard(Task):
    """Remembers every note."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Remember."""
        self.notes.append(note)

    def update(self, done: float, note: str = "") -> None:
        """Remember."""
        self.notes.append(note)


def test_the_last_that_is_shown_is_the_last_epoch_as_it_was_judged() -> None:
    data, recipe, heard = stripes(), small_recipe(epochs=3), Heard()
    state = begin(data, recipe)
    run(state, data, recipe, Watch(folder=None, digest="", task=heard, interruption=Interruption()), seed=0)
    last = state.history[-1]
    assert heard.notes[-1].startswith(f"epoch 3  loss {last.loss:.3f}  accuracy {last.accuracy:.3f}")
    assert f"held out {last.validation_accuracy:.4f}" in heard.notes[-1]
    assert "held out" not in heard.notes[0]
