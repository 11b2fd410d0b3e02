"""Ranks: several processes that share each batch train as one would, but for the order of sums."""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from convscope.api.train import prepare, train
from convscope.core import machine
from convscope.core.context import Context
from convscope.core.draws import Draws
from convscope.core.errors import ParameterError, TrainingError
from convscope.images.augmentation import Augmentation
from convscope.layers.windows import Stochastic
from convscope.options.train import TrainOptions
from convscope.training.checkpoint import Checkpoint, save_checkpoint
from convscope.training.fit import Deadline, fit
from convscope.training.loop import Listener, run
from convscope.training.rank_processes import RankProcesses, file_of, started_ranks
from convscope.training.ranks import ALONE, LostRankError, Ranks, SeveralRanks
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from tests.training.small import Stopper, assert_same_bits, begin, small_recipe, stripes


class ThreadRanks(SeveralRanks):
    """Ranks that are threads of this process."""

    def __init__(self, rank: int, places: list[Tensor], barrier: threading.Barrier, *, together: bool) -> None:
        super().__init__(rank, len(places), together=together)
        self._places, self._barrier = places, barrier

    def add(self, values: Tensor) -> Tensor:
        self._places[self.rank] = values.clone()
        self._barrier.wait(60)
        total: Tensor = torch.stack(self._places).sum(0)
        self._barrier.wait(60)
        return total

    def from_first(self, *numbers: float) -> tuple[float, ...]:
        if self.rank == 0:
            self._places[0] = torch.tensor(numbers, dtype=torch.float64)
        self._barrier.wait(60)
        found = tuple(self._places[0].tolist())
        self._barrier.wait(60)
        return found


def on_ranks(count: int, work: Callable[[Ranks], None], *, together: bool = False) -> None:
    """Do `work` as each of `count` ranks at once."""
    places, barrier = [torch.zeros(0)] * count, threading.Barrier(count)
    failures: list[BaseException] = []

    def as_rank(rank: int) -> None:
        try:
            work(ThreadRanks(rank, places, barrier, together=together))
        except BaseException as error:  # noqa: BLE001  # raised again below
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=as_rank, args=(rank,)) for rank in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def trained(count: int, recipe: Recipe, *, together: bool = False, **options: object) -> list[TrainingState]:
    """Return the states of all ranks after a training."""
    states: list[TrainingState] = [None] * count  # type: ignore[list-item]  # filled below

    def work(ranks: Ranks) -> None:
        data = dataclasses.replace(stripes(), ranks=ranks)
        states[ranks.rank] = begin(data, recipe, **options)  # type: ignore[arg-type]  # those of a state
        run(states[ranks.rank], data, recipe, Stopper(), seed=3)

    if count == 1:
        work(ALONE)
    else:
        on_ranks(count, work, together=together)
    return states


class Gradients:
    """In the place of an optimizer: keeps the gradients of the first step."""

    def __init__(self, state: TrainingState) -> None:
        self.network, self.found = state.network, torch.zeros(0)

    def step(self, number: int, rate: float) -> None:
        del number, rate
        grads = [value.grad for value in self.network.parameters() if value.grad is not None]
        self.found = torch.cat([grad.flatten() for grad in grads]).clone()


def gradient(count: int, dtype: torch.dtype, layout: str, *, order: Tensor | None = None, **changes: object) -> Tensor:
    """Return the gradient of one step on 39 images, which no number of ranks divides, in `order`."""
    recipe = small_recipe(batch=40, averaging=0.0, **changes)
    found = torch.zeros(0)

    def work(ranks: Ranks) -> None:
        nonlocal found
        data = dataclasses.replace(stripes(), ranks=ranks)
        places = data.training[:39]
        data = dataclasses.replace(data, training=places if order is None else places[order])
        state = begin(data, recipe, layout=layout)
        state.network.to(dtype).precision = dtype
        state.optimizer = kept = Gradients(state)  # type: ignore[assignment]  # see there
        run(state, data, recipe, Stopper(steps=1), seed=3)
        if ranks.rank == 0:
            found = kept.found

    if count == 1:
        work(ALONE)
    else:
        on_ranks(count, work, together=True)
    return found.double()


@pytest.mark.parametrize(
    ("layout", "changes"),
    [
        ("4C3-MP2-8N", {"smoothing": 0.1}),
        ("4C3-ST2-8N", {"balance": True, "smoothing": 0.1}),
        ("4C3-MP2-8N-svm", {"balance": True}),
    ],
)
def test_the_gradient_of_a_batch_is_that_of_one_process(
    layout: str, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    monkeypatch.setattr("convscope.images.augmentation._turn", lambda maps, change, draws: maps)  # of float32 only
    one, two, four = (gradient(count, torch.float64, layout, **changes) for count in (1, 2, 4))
    assert one.abs().max() > 1e-3
    assert (two - one).abs().max() < 1e-10 * one.abs().max()
    assert (four - one).abs().max() < 1e-10 * one.abs().max()


def test_the_gradient_differs_from_that_of_one_process_no_more_than_by_another_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = {"augmentation": Augmentation()}
    with monkeypatch.context() as patch:
        patch.setattr(Tensor, "float", Tensor.double)
        exact = gradient(1, torch.float64, "4C3-MP2-8N", **plain)
    orders = [torch.randperm(39, generator=torch.Generator().manual_seed(seed)) for seed in range(8)]
    by_order = max(
        (gradient(1, torch.float32, "4C3-MP2-8N", order=order, **plain) - exact).abs().max() for order in orders
    )
    two = gradient(2, torch.float32, "4C3-MP2-8N", **plain)
    assert 0 < (two - exact).abs().max() <= 2 * by_order


@pytest.mark.parametrize("together", [False, True])
def test_all_ranks_have_the_same_bits_after_a_training(together: bool) -> None:
    first, second, third = trained(3, small_recipe(), together=together, layout="4C3-ST2-8N")
    assert_same_bits(first, second)
    assert_same_bits(first, third)
    assert first.history[-1].loss < first.history[0].loss


def test_statistics_of_the_whole_batch_train_as_one_process_does() -> None:
    (alone,), (first, _) = trained(1, small_recipe(epochs=2)), trained(2, small_recipe(epochs=2), together=True)
    for name, value in alone.best_weights().items():
        assert torch.allclose(first.best_weights()[name], value, atol=1e-3), name
    expected = [(record.step, record.validation_loss, record.loss) for record in alone.history]
    found = [(record.step, record.validation_loss, record.loss) for record in first.history]
    assert np.allclose(found, expected, rtol=1e-3)


def test_a_share_of_the_draws_is_what_the_whole_has_there() -> None:
    def of(share: slice) -> Draws:
        return Draws(generator=torch.Generator().manual_seed(1), before=share.start, after=17 - share.stop)

    maps = torch.randn(17, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    pooling, parts = Stochastic(2, 2), []
    for rank in range(3):
        one = Ranks()
        one.rank, one.count = rank, 3
        share = one.share(17)
        pooling.draws = of(share)
        parts.append(pooling(maps[share]))
    pooling.draws = of(slice(0, 17))
    assert torch.equal(torch.cat(parts), pooling(maps))


def test_a_deadline_of_the_first_ends_all() -> None:
    states = trained(2, small_recipe(epochs=100_000), budget_s=0.5)
    assert states[0].step > 0
    assert_same_bits(*states)


def test_running_statistics_are_those_of_all_shares() -> None:
    recipe = small_recipe(epochs=1, batch=40)
    means = [trained(count, recipe)[0].network.state_dict()["stages.0.normalization.running_mean"] for count in (1, 3)]
    assert torch.allclose(means[0], means[1], rtol=1e-4)
    assert means[0].abs().min() > 0


def test_processes_go_on_from_a_checkpoint_to_the_bits_of_an_uninterrupted_training(tmp_path: Path) -> None:
    recipe, data = small_recipe(), stripes()
    part, whole = begin(data, recipe), trained(2, recipe)[0]
    run_on_threads = trained_to_step(3, recipe)
    checkpoint = Checkpoint(path=tmp_path / "state.safetensors", run="")
    save_checkpoint(run_on_threads, checkpoint)
    ended: list[TrainingState] = []

    class Last(Stopper):
        def after_epoch(self, state: TrainingState, record: object) -> bool:
            ended[:] = [state]
            return True

    with started_ranks(2, 2, data.images.numpy(), together=False) as ranks:
        fit(part.network, dataclasses.replace(data, ranks=ranks), recipe, Last(), seed=3, checkpoint=checkpoint)
    expected = whole.history[-1]
    assert (expected.loss, expected.validation_loss) == (
        ended[0].history[-1].loss,
        ended[0].history[-1].validation_loss,
    )
    assert all(torch.equal(value, ended[0].mean.values[name]) for name, value in whole.mean.values.items())  # type: ignore[union-attr]  # there


def trained_to_step(steps: int, recipe: Recipe) -> TrainingState:
    """Return the state of the first of two ranks after some steps."""
    found: list[TrainingState] = []

    def work(ranks: Ranks) -> None:
        data = dataclasses.replace(stripes(), ranks=ranks)
        state = begin(data, recipe)
        run(state, data, recipe, Stopper(steps=steps), seed=3)
        if ranks.rank == 0:
            found.append(state)

    on_ranks(2, work)
    return found[0]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_process_that_is_killed_ends_the_training_with_one_sentence() -> None:
    data, recipe = stripes(), small_recipe()
    with started_ranks(2, 2, data.images.numpy(), together=False) as ranks:
        os.kill(ranks._processes[0].pid, signal.SIGKILL)  # type: ignore[attr-defined]  # processes
        with pytest.raises(TrainingError, match=r"ended by signal 9 \(rank 1 of 2\)\. No epoch was finished"):
            fit(begin(data, recipe).network, dataclasses.replace(data, ranks=ranks), recipe, seed=0)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_process_that_is_asked_to_end_leaves_that_to_the_first() -> None:
    data, recipe = stripes(), small_recipe()
    with started_ranks(2, 2, data.images.numpy(), together=False) as ranks:

        class Asking(Listener):
            def after_step(self, state: TrainingState, loss: float) -> bool:
                for asked in (signal.SIGTERM, signal.SIGINT):
                    os.kill(ranks._processes[0].pid, asked)  # type: ignore[attr-defined]  # processes
                return True

        history = fit(begin(data, recipe).network, dataclasses.replace(data, ranks=ranks), recipe, Asking())
    assert (len(history.epochs), history.failure) == (recipe.epochs, None)


def test_a_run_that_lost_a_process_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = RankProcesses.begin

    def killed(ranks: RankProcesses, *given: Any) -> None:
        ranks._processes[0].kill()
        start(ranks, *given)

    monkeypatch.setattr(RankProcesses, "begin", killed)
    options = {"layout": "2C3-MP2", "epochs": 1, "ranks": 2, "output": tmp_path / "run"}
    with pytest.raises(LostRankError, match="No epoch was finished.* To go on, .*convscope train --resume .*run"):
        train("digits", context=Context(cache_dir=tmp_path / "c"), **options)  # type: ignore[arg-type]
    monkeypatch.setattr(RankProcesses, "begin", start)
    assert train("digits", resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c")).outcome == "done"


def test_a_short_budget_that_the_start_of_processes_takes_leaves_time_to_train() -> None:
    class Slow(Ranks):
        def begin(self, *given: object) -> None:
            time.sleep(1.1)

    data, recipe = dataclasses.replace(stripes(), ranks=Slow()), small_recipe()
    network = begin(data, recipe).network
    assert fit(network, data, recipe, deadline=Deadline(end_s=time.monotonic() + 0.5)).epochs


def test_images_are_mapped_from_their_own_file_where_they_are(tmp_path: Path) -> None:
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2, 1)
    images.tofile(tmp_path / "all")
    mapped = np.memmap(tmp_path / "all", np.uint8, mode="r", shape=images.shape)
    kinds = (
        (mapped, True),
        (mapped[2:].view(), True),
        (np.asarray(mapped[1:3]), True),
        (images, False),
        (mapped[::2], False),
    )
    for some, own in kinds:
        path, first = file_of(some, tmp_path)
        assert (path == str(tmp_path / "all")) == own
        assert np.array_equal(np.memmap(path, np.uint8, mode="r", offset=first, shape=some.shape), some)


def test_ranks_are_chosen_where_steps_are_neither_small_nor_large_and_training_is_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    long, half = {"steps": 10_000, "batch": 256}, "bfloat16"
    assert machine.ranks_for(10**9, **long, precision=half) == 4
    assert machine.ranks_for(10**9, steps=1, batch=256, precision=half) == 1
    assert machine.ranks_for(10**6, steps=10_000_000, batch=256, precision=half) == 1
    assert machine.ranks_for(10**10, **long, precision=half) == 1
    assert machine.ranks_for(10**10, **long, precision="float32") == 4
    assert machine.ranks_for(10**11, **long, precision="float32") == 1
    assert machine.ranks_for(10**9, steps=10_000, batch=8, precision=half) == 1


def test_ranks_that_cannot_be_are_refused_before_anything_is_trained() -> None:
    images, labels = np.zeros((8, 8, 8), np.uint8), [0, 1] * 4
    with pytest.raises(ParameterError, match="two images of a batch for each. Got 3, for batches of 4"):
        prepare((images, labels), TrainOptions(ranks=3, batch=4, layout="2C3-MP2"), Context())
    with pytest.raises(ParameterError, match="without `start`"):
        TrainOptions(start="efficientnet-lite0", ranks=2)
