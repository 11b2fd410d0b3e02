"""How far training has come, and the learning rate there."""

import time
from dataclasses import dataclass, field

from convscope.core.errors import ParameterError


def learning_rate_factor(fraction: float, warmup: float) -> float:
    """Return what the highest learning rate is multiplied by, `fraction` of the way through (one cycle).

    Examples:
        >>> [learning_rate_factor(part, warmup=0.2) for part in (0.1, 0.2, 0.6, 1.0)]
        [0.5, 1.0, 0.5, 0.0]
    """
    if fraction < warmup:
        return fraction / warmup
    return max(0.0, (1 - fraction) / (1 - warmup))


@dataclass(kw_only=True)
class Pace:
    """How far training has come, 0…1, and how much further each step brings it.

    With a number of epochs every step brings it equally far. With a time budget the steps left are counted anew from
    the time that steps take, seldom and only where the count was off, so that training ends when the time does and the
    learning rate still ends at zero. What comes after the last step, such as evaluating, belongs to the budget too: it
    takes about as long as `after` steps.
    """

    fraction: float = 0.0
    per_step: float
    budget_s: float | None = None
    after: float = 0.0
    before_s: float = 0.0
    started_s: float = field(default_factory=time.monotonic)
    _mark: tuple[float, int] = (0.0, 0)
    _steps: int = 0
    _step_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a budget that is none."""
        if self.budget_s is not None and not self.budget_s > 0:
            raise ParameterError(f"`minutes` must leave some time for training. Got {self.budget_s / 60:.2f} minutes.")

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, those before a resume included."""
        return self.before_s + time.monotonic() - self.started_s

    @property
    def middle(self) -> float:
        """Where the middle of the next step is, 0…1: its learning rate is taken there, so that even one step learns."""
        return min(1.0, self.fraction + self.per_step / 2)

    @property
    def done(self) -> bool:
        """Whether the way has been gone or the time is up."""
        late = self.budget_s is not None and self.elapsed_s >= self.budget_s - self.after * self._step_s
        return self.fraction >= 1 - 1e-9 or late

    @property
    def steps_left(self) -> float:
        """How many steps are left at the pace of now; none once the whole way has been gone."""
        return (1 - self.fraction) / self.per_step if self.fraction < 1 else 0.0

    def step(self) -> None:
        """Count one step done."""
        self.fraction = min(1.0, self.fraction + self.per_step)
        self._steps += 1
        if self.budget_s is not None:
            self._correct(self.budget_s)

    def go_on(self, *, fraction: float, per_step: float, before_s: float) -> None:
        """Stand where an earlier part of the run, `before_s` seconds long, has come to."""
        self.fraction, self.per_step, self.before_s = fraction, per_step, before_s
        self.started_s = time.monotonic()
        self._mark = (before_s, self._steps)

    def _correct(self, budget_s: float) -> None:
        """Count the steps left anew when the end would miss the budget by more than two parts in a hundred."""
        elapsed = self.elapsed_s
        since_s, since_steps = elapsed - self._mark[0], self._steps - self._mark[1]
        if self.fraction == 1 or since_steps < 3 or since_s < 0.02 * budget_s:
            return
        self._mark = (elapsed, self._steps)
        step_s = since_s / since_steps
        self._step_s = step_s
        end_wanted_s = budget_s - self.after * step_s
        left_s = end_wanted_s - elapsed
        end_s = elapsed + self.steps_left * step_s
        if abs(end_s - end_wanted_s) > 0.02 * max(left_s, 0.0):
            self.per_step = (1 - self.fraction) / max(1.0, left_s / step_s)
