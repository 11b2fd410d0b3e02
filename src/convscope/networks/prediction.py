"""Prediction of any number of images: read ahead in threads, in bounded memory, in order."""

import collections
import contextlib
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import UnreadableImageError
from convscope.core.machine import preserve_denormals, usable_cores
from convscope.core.numeric import at_least
from convscope.images.preprocessing import Preprocessing

from .finite import NOT_A_NUMBER
from .inputs import Input, list_inputs
from .memory import check_batch, runs_ahead

_RUN_IMAGES = 64
_RUN_BYTES = 1 << 20  # of files: small images are read many at a time, large ones one by one, each in its thread
_RUN_PIXELS = 1 << 22  # bytes of what comes out

GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction of one image.

    Attributes:
        image: its path, or its index among those given, for example ``[17]``.
        label: the most probable class; None where the image cannot be used.
        probability: of that class, 0…1.
        top: the most probable classes with their probabilities, in order.
        error: why the image cannot be used; None where it can.
        remarks: on an image that can be used, for example warnings of its decoder.
    """

    image: str
    label: str | None
    probability: float | None
    top: tuple[tuple[str, float], ...]
    error: str | None
    remarks: tuple[str, ...] = ()


class Predictor(Protocol):
    """The interface of `convscope.networks.model.Model` for prediction."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes the network's input."""

    @property
    def batch(self) -> int:
        """Images at once by default."""

    def predict_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the probability of every class, N K, of uint8 N H W C."""

    def rows_of_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the probability of every class, N K, of uint8 N H W C; NaN where the output is not a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadImages:
    """Neighboring images that were read: names, why some cannot be used, remarks (by place), pixels of others."""

    names: list[str]
    errors: dict[int, str]
    remarks: dict[int, tuple[str, ...]]
    images: NDArray[np.uint8]


def predict(
    model: Predictor,
    images: Any,
    *,
    top: int = 1,
    batch: int | None = None,
    workers: int | None = None,
) -> Iterator[Prediction]:
    """Return one prediction per image, in order, while the next ones are being read.

    An image that cannot be read, or whose output is not a number, has its error in its prediction; the others go on.
    Memory does not grow with the number of images.

    Args:
        model: the trained network.
        images: what `convscope.networks.inputs.list_inputs` takes.
        top: how many classes to name, at most; a network with fewer names all of them.
        batch: images that go through the network at once; as memory allows, at most 256, by default.
        workers: threads that read; the cores of the machine by default.

    Raises:
        ParameterError: an argument has a value that it cannot have.
        DataError: an array of images has another shape or kind.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.model import Model
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> first, second = predict(model, [np.zeros((30, 20)), b"no image"], top=2)
        >>> len(first.top), second.label, second.error
        (2, None, 'it is not an image in a known format (JPEG, PNG, WEBP, TIFF, BMP, GIF, PPM)')
    """
    return predict_inputs(
        model,
        list_inputs(images, channels=model.preprocessing.channels, size=model.preprocessing.size).images,
        top=top,
        batch=batch,
        workers=workers,
    )


def predict_inputs(
    model: Predictor, inputs: Iterable[Input], *, top: int = 1, batch: int | None = None, workers: int | None = None
) -> Iterator[Prediction]:
    """Return one prediction an input, as `predict` does."""
    named = min(at_least(1, "top", top), len(model.classes))
    threads = usable_cores() if workers is None else at_least(1, "workers", workers)
    size = model.batch if batch is None else check_batch(batch)
    return _stream(model, inputs, named, size, threads)


def _stream(model: Predictor, inputs: Iterable[Input], top: int, batch: int, workers: int) -> Iterator[Prediction]:
    with contextlib.closing(read_batches(inputs, model.preprocessing, batch, workers)) as read:
        for runs in read:
            yield from _predict_runs(model, runs, top, batch)


def read_batches(
    inputs: Iterable[Input], preprocessing: Preprocessing, batch: int, workers: int
) -> Generator[list[ReadImages], None, None]:
    """Give images as the network takes them, in order, in runs that are together a batch or a few more."""
    waiting: list[ReadImages] = []
    with contextlib.closing(_read_ahead(inputs, preprocessing, workers)) as read:
        for run in read:
            waiting.append(run)
            if sum(len(waiting_run.names) for waiting_run in waiting) >= batch:
                yield waiting
                waiting = []
    if waiting:
        yield waiting


def _read_ahead(
    inputs: Iterable[Input], preprocessing: Preprocessing, workers: int
) -> Generator[ReadImages, None, None]:
    """Give runs of images, read ahead in `workers` threads, in bounded memory."""
    size = preprocessing.height * preprocessing.width * preprocessing.channels
    images = max(1, min(_RUN_IMAGES, _RUN_PIXELS // size))
    workers = runs_ahead(workers, images * size)
    most = runs_ahead(2 * workers, images * size)
    return _ahead(lambda run: _read(run, preprocessing), _runs(inputs, images), workers, most)


def _runs(inputs: Iterable[Input], images: int) -> Iterator[list[Input]]:
    """Give neighboring inputs that are about as much work to read."""
    run: list[Input] = []
    size = 0
    for given in inputs:
        run.append(given)
        size += given.size
        if len(run) >= images or size >= _RUN_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def _ahead(
    work: Callable[[GivenT], MadeT], given: Iterable[GivenT], workers: int, most: int
) -> Generator[MadeT, None, None]:
    """Give what `work` makes of each, in order, made ahead in threads; no more than `most` and one are kept."""
    threads = ThreadPoolExecutor(max_workers=workers, initializer=preserve_denormals)
    futures: collections.deque[Future[MadeT]] = collections.deque()
    try:
        for item in given:
            futures.append(threads.submit(work, item))
            if len(futures) > most:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


def _read(run: list[Input], preprocessing: Preprocessing) -> ReadImages:
    errors: dict[int, str] = {}
    remarks: dict[int, tuple[str, ...]] = {}
    images = np.empty((len(run), preprocessing.height, preprocessing.width, preprocessing.channels), np.uint8)
    for index, given in enumerate(run):
        try:
            images[index - len(errors)], remarks[index] = given.read(preprocessing)
        except UnreadableImageError as error:
            errors[index] = str(error)
    names = [given.name for given in run]
    return ReadImages(names=names, errors=errors, remarks=remarks, images=images[: len(run) - len(errors)])


def _predict_runs(model: Predictor, runs: list[ReadImages], top: int, batch: int) -> Iterator[Prediction]:
    probabilities = model.rows_of_proba(np.concatenate([run.images for run in runs]), batch=batch)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]  # N, top
    best = np.take_along_axis(probabilities, order, axis=1).tolist()
    ranked = zip(order.tolist(), best, strict=True)
    for run in runs:
        for index, name in enumerate(run.names):
            if index in run.errors:
                yield Prediction(image=name, label=None, probability=None, top=(), error=run.errors[index])
                continue
            numbers, values = next(ranked)
            if not math.isfinite(values[0]):
                yield Prediction(image=name, label=None, probability=None, top=(), error=NOT_A_NUMBER)
                continue
            named = tuple((model.classes[number], value) for number, value in zip(numbers, values, strict=True))
            (label, probability), remarks = named[0], run.remarks[index]
            yield Prediction(image=name, label=label, probability=probability, top=named, error=None, remarks=remarks)
