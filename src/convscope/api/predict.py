"""Name the classes of images."""

import contextlib
import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.arguments import check_arguments
from convscope.core.errors import DataError, ParameterError, UnreadableImageError
from convscope.core.machine import tuned
from convscope.core.precision import BackendPrecision
from convscope.core.progress import Reporter, Silent
from convscope.images.decoding.budget import IN_FLIGHT
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.opening import depth_for, open_source
from convscope.images.sources.source import TRAIN, UNASSIGNED, Source
from convscope.networks.backends import BackendName, fitting_backends
from convscope.networks.inference import FlipTTA
from convscope.networks.inputs import list_inputs
from convscope.networks.model import Model
from convscope.networks.model_file import opened, read_model
from convscope.networks.prediction import Prediction, Predictor, predict_inputs

_TELL_EVERY = 64  # images
_CALIBRATION = 500


def predict(
    model: Model | str | os.PathLike[str],
    images: Any,
    *,
    top: int = 1,
    tta: bool = False,
    background: str | None = None,
    batch: int | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> list[Prediction]:
    """Return one prediction an image, in order; an image that cannot be read has its error in its prediction.

    Args:
        model: a model, or the path of a model file or run folder.
        images: a file, a folder (all images in it and below), a pattern such as ``photos/*.jpg``, the bytes of a
            file, an array, or an iterable of these; or one array N H W or N H W C.
        top: how many classes to name, at most.
        tta: take the means of the probabilities of each image and of its tta image: twice the time, and more
            often right where tta images keep the class.
        background: behind transparency and in margins, in place of that of the model: white, black or #rrggbb.
        batch: images that go through the network at once; as memory allows if none.
        workers: threads that read; the cores of the machine if none.
        reporter: told how far it is; nobody if none.

    Raises:
        ModelFileError: there is no model that can be used.
        ParameterError: an argument has a value that it cannot have.
        DataError: an array of images has another shape or kind.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> [prediction.image for prediction in predict(trained.model, np.zeros((2, 8, 8)))]
        ['[0]', '[1]']
    """
    check_arguments(locals())
    trained = opened(model)
    if background is not None:
        trained = trained.on_background(background)
    used = flip_tta(trained, reporter or Silent()) if tta else trained
    with tuned():
        return list(predict_each(used, images, top=top, batch=batch, workers=workers, reporter=reporter))


def flip_tta(model: Model, reporter: Reporter) -> FlipTTA:
    """Return what predicts from images and their tta images; says so where the network has not learned from them.

    Args:
        model: trained, perhaps made ready.
        reporter: told.
    """
    if model.learned_flipped is False:
        reporter.say(
            "the network has not learned from tta images, which may mislead it: take them only where they keep the "
            "class"
        )
    elif model.learned.flip is None and model.learned.note:
        reporter.say(model.learned.note)
    return FlipTTA(model=model)


def optimized(
    model: Model,
    *,
    precision: BackendPrecision = "float32",
    backend: BackendName = "torch",
    calibration: str | Path | tuple[NDArray[Any], NDArray[Any]] | None = None,
    data_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Model:
    """Return `model` as `Model.optimize` makes it, int8 with up to 500 training images of `calibration`.

    Args:
        model: trained.
        precision: ``float32``, ``bfloat16``, ``int8`` or ``auto``.
        backend: ``torch``, ``openvino``, ``onnxruntime`` or ``auto``.
        calibration: what `convscope.api.train.train` takes as data; needed for int8 only.
        data_dir: a folder where named sets are looked for first.
        reporter: told what is done; nobody if none.

    Raises:
        ParameterError: the arguments do not go together.
        MissingPackageError: the back end is not installed.
        DataError: no image of `calibration` can be used.
    """
    check_arguments(locals())
    if calibration is not None and precision != "int8":
        raise ParameterError(
            f"`calibration` must be left out unless `precision` is int8. Got it with {precision!r}, which needs none. "
            "Leave it out, or ask for int8."
        )
    if precision == "float32" and backend == "torch":
        return model
    fitting_backends(backend, precision)  # what does not go together is said before anything is read
    told = (reporter or Silent()) if calibration is not None or precision != "int8" else Silent()
    images = None
    if calibration is not None:
        depth = depth_for(calibration, None, model.learned.class_depth)
        source = open_source(calibration, data_dir=data_dir, class_depth=depth, reporter=told)
        images = _training_images(source, model.preprocessing, told)
    with told.task("optimizing the model", total=0):
        return model.optimize(precision, backend=backend, calibration=images)


def _training_images(source: Source, step: Preprocessing, reporter: Reporter) -> NDArray[np.uint8]:
    """Return some training images of `source`, from its start to its end: uint8 N H W C."""
    places = np.flatnonzero((source.splits == TRAIN) | (source.splits == UNASSIGNED))
    chosen = places[np.linspace(0, len(places) - 1, min(len(places), _CALIBRATION)).round().astype(np.int64)]
    found: list[NDArray[np.uint8]] = []
    with reporter.task("reading images for int8", len(chosen), "images") as task:
        for place in chosen.tolist():
            with contextlib.suppress(UnreadableImageError), IN_FLIGHT.kept():
                found.append(step.apply(source.decode(place, step.size)))
            task.advance()
    if not found:
        raise DataError(f"`calibration` must have images that can be read. Got none in {source.name!r}.")
    return np.stack(found)


def predict_each(
    model: Predictor | str | os.PathLike[str],
    images: Any,
    *,
    top: int = 1,
    batch: int | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Generator[Prediction, None, None]:
    """Return what `predict` returns, one after another, for more images than anybody wants in a list.

    Threads and precision of torch stay as they are; `convscope.core.machine.tuned` sets them for a while.
    """
    check_arguments(locals())
    used = read_model(model) if isinstance(model, (str, os.PathLike)) else model
    inputs = list_inputs(images, channels=used.preprocessing.channels, size=used.preprocessing.size)
    predictions = predict_inputs(used, inputs.images, top=top, batch=batch, workers=workers)
    return _told(predictions, inputs.total, reporter or Silent())


def _told(
    predictions: Iterable[Prediction], total: int | None, reporter: Reporter
) -> Generator[Prediction, None, None]:
    done = unusable = 0
    with reporter.task("predicting", total or 0, "images") as task:
        for done, prediction in enumerate(predictions, start=1):
            unusable += prediction.error is not None
            if done % _TELL_EVERY == 0:
                task.update(done, f"{unusable:,} unusable" if unusable else "")
            yield prediction
        task.update(done, f"{unusable:,} unusable" if unusable else "")
