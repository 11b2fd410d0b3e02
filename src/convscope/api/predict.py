"""Name the classes of images."""

import contextlib
import os
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.arguments import shown
from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice, choose_device
from convscope.core.errors import DataError, ParameterError, UnreadableImageError
from convscope.core.machine import tuned
from convscope.core.numeric import is_integer
from convscope.core.options import documented, options_from
from convscope.core.precision import BackendPrecision
from convscope.core.progress import Reporter, Silent
from convscope.images.decoding.pixel_budget import IN_FLIGHT
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.opening import DataSource, depth_for, open_source
from convscope.images.sources.source import TRAIN, UNASSIGNED, Source
from convscope.networks.backends import fitting_backends
from convscope.networks.inference import FlipTTA
from convscope.networks.inputs import Inputs, list_inputs
from convscope.networks.model import Model
from convscope.networks.model_file import opened, read_model
from convscope.networks.prediction import Prediction, Predictor, predict_inputs
from convscope.options.predict import Backend, InferenceOptions, PredictOptions

_REPORT_EVERY = 64  # images
_CALIBRATION = 500
_WORTH_A_CHOICE = 2 * 10**12  # MACs of all images; comparing and timing the back ends takes a twentieth of it


@documented(PredictOptions, InferenceOptions)
def predict(
    model: Model | str | os.PathLike[str],
    images: Any,
    *,
    top: int = 1,
    tta: bool = False,
    background: str | None = None,
    batch: int | None = None,
    workers: int | None = None,
    precision: BackendPrecision = "float32",
    backend: Backend = "auto",
    device: DeviceChoice = "auto",
    calibration: DataSource | None = None,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> list[Prediction]:
    """Return one prediction per image, in order; that of an unreadable image holds its error.

    Args:
        model: a model, or the path of a model file or run folder.
        images: a file, a folder (all images in it and below), a pattern such as ``photos/*.jpg``, the bytes of a
            file, an array, or an iterable of these; or one array N H W or N H W C.
        progress: True shows progress on standard error.
        context: folder of named datasets, for `calibration`.

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
    options, context = options_from(PredictOptions, locals()), context_of(context, progress=progress)
    trained = opened(model, context.reporter).on_background(options.background)
    inputs = list_inputs(images, channels=trained.preprocessing.channels, size=trained.preprocessing.size)
    trained = optimized(
        trained,
        inputs.total,
        precision=precision,
        backend=backend,
        device=device,
        calibration=calibration,
        context=context,
    )
    network = flip_tta(trained, context.reporter) if options.tta else trained
    with tuned():
        return list(predict_each(network, inputs, options=options, reporter=context.reporter))


def flip_tta(model: Model, reporter: Reporter) -> FlipTTA:
    """Return `model` with test-time augmentation: it averages each image and its horizontal flip.

    Args:
        model: trained, perhaps optimized.
        reporter: receives a warning where the network was not trained on flipped images.
    """
    if model.learned_flipped is False:
        reporter.say(
            "the network was not trained on flipped images: flips may mislead it; use --tta only where they keep the "
            "class"
        )
    elif model.learned.flip is None and model.learned.note:
        reporter.say(model.learned.note)
    return FlipTTA(model=model)


@documented(InferenceOptions)
def optimized(
    model: Model,
    images: int | None = None,
    *,
    precision: BackendPrecision = "float32",
    backend: Backend = "auto",
    device: DeviceChoice = "auto",
    calibration: DataSource | None = None,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> Model:
    """Return `model` as `Model.optimize` makes it, int8 with up to 500 training images of `calibration`.

    Args:
        model: trained.
        images: how many are to be predicted, None where nobody knows; `backend` ``auto`` is torch for few.
        progress: True shows progress on standard error.
        context: folder of named datasets.

    Raises:
        ParameterError: the options exclude each other, or the output of the network is maps.
        MissingPackageError: the back end is not installed.
        DataError: no image of `calibration` can be used.
    """
    options_from(InferenceOptions, locals())
    if images is not None and not is_integer(images):
        raise ParameterError(f"`images` must be how many are predicted. Got {shown(images)}.")
    if not isinstance(model, Model):
        raise ParameterError(f"`model` must be a trained network. Got {shown(model)}. convscope.load reads one.")
    model.check_answers()
    context = context_of(context, progress=progress)
    if calibration is not None and precision != "int8":
        raise ParameterError(
            f"`calibration` must be left out unless `precision` is int8. Got it with {precision!r}. "
            "Leave it out, or choose int8."
        )
    if backend == "auto" and precision != "int8" and (images or 0) * model.network.plan.macs < _WORTH_A_CHOICE:
        backend = "torch"
    place = choose_device(device)
    if precision == "float32" and backend == "torch" and place == "cpu":
        return model
    fitting_backends(backend, precision)  # refuses before anything is read
    reporter = context.reporter if calibration is not None or precision != "int8" else Silent()
    shown_images = None
    if calibration is not None:
        depth = depth_for(calibration, None, model.learned.class_depth)
        source = open_source(calibration, data_dir=context.data_dir, class_depth=depth, reporter=reporter)
        shown_images = _training_images(source, model.preprocessing, reporter)
    with reporter.task("optimizing the model", total=0):
        return model.optimize(precision, backend=backend, calibration=shown_images, device=place)


def _training_images(source: Source, preprocessing: Preprocessing, reporter: Reporter) -> NDArray[np.uint8]:
    """Return up to 500 training images of `source`, evenly spaced: uint8 N H W C."""
    training = np.flatnonzero((source.splits == TRAIN) | (source.splits == UNASSIGNED))
    spaced = np.linspace(0, len(training) - 1, min(len(training), _CALIBRATION)).round().astype(np.int64)
    images: list[NDArray[np.uint8]] = []
    with reporter.task("reading images for int8", len(spaced), "images") as task:
        for index in training[spaced].tolist():
            with contextlib.suppress(UnreadableImageError), IN_FLIGHT.held():
                images.append(preprocessing.apply(source.decode(index, preprocessing.size)))
            task.advance()
    if not images:
        raise DataError(f"`calibration` must have images that can be read. Got none in {source.name!r}.")
    return np.stack(images)


def predict_each(
    model: Predictor | str | os.PathLike[str],
    images: Any,
    *,
    options: PredictOptions | None = None,
    reporter: Reporter | None = None,
) -> Generator[Prediction, None, None]:
    """Return the predictions of `predict` one by one, for more images than fit in a list.

    `images` are what `predict` takes, or what `list_inputs` made of it.
    Threads and precision of torch stay as they are; `convscope.core.machine.tuned` sets them temporarily.
    """
    options = options or PredictOptions()
    used = read_model(model) if isinstance(model, (str, os.PathLike)) else model
    inputs = images
    if not isinstance(inputs, Inputs):
        inputs = list_inputs(images, channels=used.preprocessing.channels, size=used.preprocessing.size)
    predictions = predict_inputs(used, inputs.images, top=options.top, batch=options.batch, workers=options.workers)
    return _reported(predictions, inputs.total, reporter or Silent())


def _reported(
    predictions: Iterable[Prediction], total: int | None, reporter: Reporter
) -> Generator[Prediction, None, None]:
    """Give the predictions, and report how many there are."""
    done = unusable = 0
    with reporter.task("predicting", total or 0, "images") as task:
        for done, prediction in enumerate(predictions, start=1):
            unusable += prediction.error is not None
            if done % _REPORT_EVERY == 0:
                task.update(done, f"{unusable:,} unusable" if unusable else "")
            yield prediction
        task.update(done, f"{unusable:,} unusable" if unusable else "")
