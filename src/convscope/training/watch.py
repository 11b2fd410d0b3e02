"""What accompanies training: progress, checkpoints, and the reasons to end early (Ctrl-C, a target accuracy)."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from convscope.core.errors import StorageError
from convscope.core.progress import Task

from .checkpoint import Checkpoint, save_checkpoint
from .history import EpochRecord, History, Outcome
from .loop import Listener
from .run_folder import RunFolder
from .state import TrainingState

CHECKPOINT_EVERY_S = 120.0
_EPOCH_CHECKPOINT_S = 2.0
_SIGNALS = ("SIGINT", "SIGTERM")


class Interruption(Listener):
    """Ends training after the step in progress once the user asked to stop."""

    asked: bool = False

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Return False to stop if that was asked."""
        del state, loss
        return not self.asked


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """Give the interruption that the first Ctrl-C (or SIGTERM) sets while the block runs; the second one raises.

    Outside the main thread, where Python takes no signals, nothing is changed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        if interruption.asked:
            raise KeyboardInterrupt
        interruption.asked = True

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Watch(Listener):
    """Shows progress, writes checkpoints and history, and stops on request or at the target accuracy.

    A checkpoint is written after every epoch (at most every two seconds) and every two minutes within one; a training
    resumed from any of them ends with the same weights.

    Args:
        folder: of the run; None writes nothing.
        digest: of the run, written to its checkpoints.
        task: where progress is shown.
        interruption: set when the user asks to stop.
        work: the fraction of the work that is done at a fraction of the training, both 0…1.
        target_accuracy: stop at this accuracy on the validation images; None for no such stop.
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
    ) -> None:
        self.folder, self.digest, self.task = folder, digest, task
        self.interruption, self.work, self.target_accuracy = interruption, work, target_accuracy
        self.outcome: Outcome = "done"
        self._saved_s = time.monotonic()
        self._validation = ""  # of the last epoch that was evaluated

    def is_satisfied(self, state: TrainingState) -> bool:
        """Return whether all steps are done, or the target accuracy was reached."""
        last = state.history[-1].validation_accuracy if state.history else None
        if self._reaches_target(last) and not state.batch:
            self.outcome = "target"
            return True
        return super().is_satisfied(state)

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Show the step; write a checkpoint if one is due."""
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
        """Write history and checkpoint; stop at the target accuracy."""
        if record.validation_accuracy is not None:
            self._validation = f"  validation {record.validation_accuracy:.4f}"
        self._show(state, epoch=record.epoch, loss=record.loss, accuracy=record.accuracy, rate=record.images_per_second)
        reached = self._reaches_target(record.validation_accuracy)
        if time.monotonic() - self._saved_s > _EPOCH_CHECKPOINT_S or state.clock.done or reached:
            self.save(state)
        if reached:
            self.outcome = "target"
        return not reached

    def _reaches_target(self, accuracy: float | None) -> bool:
        return self.target_accuracy is not None and (accuracy or 0.0) >= self.target_accuracy

    def _show(self, state: TrainingState, *, epoch: int, loss: float, accuracy: float, rate: float) -> None:
        note = f"epoch {epoch}  loss {loss:.3f}  accuracy {accuracy:.3f}{self._validation}  {rate:,.0f} images/s"
        self.task.update(self.work(state.clock.fraction), note)

    def save(self, state: TrainingState) -> None:
        """Write the checkpoint and the history."""
        if self.folder is not None:
            save_checkpoint(state, Checkpoint(path=self.folder.checkpoint, run=self.digest))
            with contextlib.suppress(StorageError):  # in the checkpoint, too; another program may read it
                History(epochs=tuple(state.history)).write(self.folder.history)
        self._saved_s = time.monotonic()
