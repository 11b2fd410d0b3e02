"""A model that is given beside the variants: evaluated as it is, on the same images with the same distortions."""

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.machine import threads_for, tuned
from convscope.core.progress import Reporter
from convscope.core.text import counted, printable
from convscope.images.sources.labels import as_label
from convscope.images.sources.source import TEST
from convscope.images.values import ValueRanges
from convscope.networks.model import Model

from .experiment import Experiment, Images, Predict
from .records import VariantResult, VariantRun, digits_of

GIVEN = "given-model"
"""The name of its result."""
_MOST_NAMED = 6


def check_given(model: Model, classes: tuple[str, ...]) -> None:
    """Raise an error for a model that cannot be evaluated on images of these classes.

    Raises:
        ParameterError: it has other classes.
    """
    ours, theirs = ({printable(as_label(name)) for name in names} for names in (classes, model.classes))
    if ours != theirs:
        names = [repr(name) for name in sorted(ours ^ theirs)]
        different = ", ".join([*names[:_MOST_NAMED], *(["…"] if len(names) > _MOST_NAMED else [])])
        raise ParameterError(
            f"`model` must have the {counted(len(ours), 'class', 'classes')} of the images. Got one of "
            f"{len(theirs):,} (in one of them only: {different}). Name those of an ONNX file with convscope convert "
            "--classes."
        )


def evaluate_given(model: Model, experiment: Experiment, reporter: Reporter) -> VariantResult:
    """Return the result of a model that is not trained: its predictions on the images of `experiment`.

    It takes the images of the comparison, clean and distorted, through its own preprocessing: their size, channels and
    background are its own, their gray levels those of the comparison.
    """
    predict, evaluation = _predictor(model, experiment.dataset.classes), experiment.evaluation
    started = time.monotonic()
    with reporter.task("evaluating the given model", 2, "parts") as task:
        correct = evaluation.evaluate(predict)
        task.advance()
        clean, distorted = evaluation.evaluate_distorted(predict)
        task.advance()
    reporter.say(f"given model: evaluated in {time.monotonic() - started:.1f} s")
    run = VariantRun(
        seed=0,
        trained_on=0,
        epochs=0,
        seconds=0.0,
        total=len(correct),
        correct_digits=digits_of(correct),
        clean_digits=clean,
        distorted=distorted,
    )
    planned = model.network.plan
    return VariantResult(
        variant=GIVEN,
        title="given model",
        description="The given model, evaluated as it is: it was not trained here.",
        layout=printable(model.title),
        parameters=planned.parameters,
        macs=planned.macs,
        note=_note(model, experiment),
        runs=(run,),
    )


def _predictor(model: Model, classes: tuple[str, ...]) -> Predict:
    """Return the predictions of the model as indices into `classes`."""
    order = [printable(as_label(name)) for name in classes]
    indices = np.array([order.index(printable(as_label(name))) for name in model.classes])
    preprocessing = dataclasses.replace(model.preprocessing, ranges=ValueRanges())  # gray levels are read already

    def predict(images: Images) -> NDArray[np.int64]:
        with tuned(threads_for(model.network.plan.macs * model.batch)):
            found = model.predict_proba(np.ascontiguousarray(preprocessing.apply_stack(images)))
        classes_of: NDArray[np.int64] = indices[found.argmax(axis=1)]
        return classes_of

    return predict


def _note(model: Model, experiment: Experiment) -> str:
    """Return what a reader must know to compare the model with the variants."""
    own, planned = model.preprocessing, experiment.baseline.plan
    notes = []
    if own.size != (planned.height, planned.width):
        notes.append(
            f"It takes {own.width}x{own.height} pixels: the images of the comparison, {planned.width}x"
            f"{planned.height}, are resized for it (--size {own.width}x{own.height} gives all variants its size)."
        )
    if own.channels != planned.channels:
        notes.append(f"It takes {counted(own.channels, 'channel')}, the variants {planned.channels}.")
    if experiment.dataset.evaluation_split != TEST:
        notes.append("The evaluated images were chosen here: it may have learned from some of them.")
    return " ".join(notes)
