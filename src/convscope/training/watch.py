"""What happens beside the steps: progress, checkpoints, and the reasons to end before the end."""

import contextlib
import time
from collections.abc import Callable
from typing import Literal

from torch import Tensor

from convscope.core.errors import StorageError
from convscope.core.progress import Task

from .checkpoint import save_checkpoint
from .history import EpochRecord, History
from .interruption import Interruption
from .loop import Listener
from .run_folder import RunFolder
from .state import TrainingState

Outcome = Literal["done", "target", "interrupted"]

CHECKPOINT_EVERY_S = 120.0
_EPOCH_CHECKPOINT_S = 2.0


class Watch(Listener):
    """Shows progress, writes checkpoints and history, and stops when asked to or when good enough.

    A checkpoint is written after every epoch (of very short epochs, every two seconds) and every two minutes within
    one; training goes on from any of them to the same weights.

    Args:
        folder: of the run; None writes nothing.
        digest: of the run, kept in its checkpoints.
        task: where progress is shown.
        interruption: marked when the user wants to stop.
        work: gives how much of the work is done for how far training has come, both 0…1.
        target_accuracy: accuracy on the validation images that is enough; None to go to the end.
        last_good: weights that are kept if training fails before an epoch is done.
    """

    def __init__(
        self,
        *,
        folder: RunFolder | None,
        digest: str,
        task: Task,
        interruption: Interruption,
        work: Callable[[float], float],
        target_accuracy: float | None = None,
        last_good: dict[str, Tensor] | None = None,
    ) -> None:
        self.folder, self.digest, self.task = folder, digest, task
        self.interruption, self.work, self.target_accuracy = interruption, work, target_accuracy
        self.outcome: Outcome = "done"
        self.last_good = last_good
        self._saved_s = time.monotonic()
        self._held_out = ""  # of the last epoch that was evaluated

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Show the step; write a checkpoint when it is time."""
        rate = state.sums.seen / max(state.sums.seconds, 1e-9)
        accuracy = state.sums.correct / max(1, state.sums.seen)
        self._show(state, epoch=state.epoch + 1, loss=loss, accuracy=accuracy, rate=rate)
        if self.interruption.asked:
            self.outcome = "interrupted"
            self.save(state)
            return False
        if time.monotonic() - self._saved_s > CHECKPOINT_EVERY_S:
            self.save(state)
        return True

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        """Write history and checkpoint; stop when the accuracy is enough."""
        self.last_good = state.best_weights()
        if record.validation_accuracy is not None:
            self._held_out = f"  held out {record.validation_accuracy:.4f}"
        self._show(state, epoch=record.epoch, loss=record.loss, accuracy=record.accuracy, rate=record.images_per_second)
        if time.monotonic() - self._saved_s > _EPOCH_CHECKPOINT_S or state.pace.done:
            self.save(state)
        if self.target_accuracy is not None and (record.validation_accuracy or 0.0) >= self.target_accuracy:
            self.outcome = "target"
            return False
        return True

    def _show(self, state: TrainingState, *, epoch: int, loss: float, accuracy: float, rate: float) -> None:
        note = f"epoch {epoch}  loss {loss:.3f}  accuracy {accuracy:.3f}{self._held_out}  {rate:,.0f} images/s"
        self.task.update(self.work(state.pace.fraction), note)

    def save(self, state: TrainingState) -> None:
        """Write the checkpoint and the history."""
        if self.folder is not None:
            save_checkpoint(state, self.folder.checkpoint, run=self.digest)
            with contextlib.suppress(StorageError):  # the checkpoint has it too; some program may hold the table open
                History(epochs=tuple(state.history)).write(self.folder.history)
        self._saved_s = time.monotonic()
