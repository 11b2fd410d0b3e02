"""Train a network on images: the main job, from a folder to a model and its report."""

import dataclasses
import datetime
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from convscope.core.arguments import WHOLE, check_arguments
from convscope.core.atomic import remove, write_text
from convscope.core.errors import ConvscopeError, ParameterError, TrainingError, did_you_mean
from convscope.core.machine import machine, usual_settings
from convscope.core.progress import Reporter, Silent
from convscope.core.records import to_json
from convscope.images.dataset import classes_in_words
from convscope.images.inspection import ClassCount
from convscope.images.sources.opening import TEST, TRAIN, VALIDATION, check_class_depth
from convscope.networks.build import Network
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.report.run_page import render_report
from convscope.training.history import EpochRecord, History, Outcome
from convscope.training.report import EvaluatedImages, Report, RunFacts, make_report, write_report
from convscope.training.run import Prepared, carry_out, prepare_run, with_resumed
from convscope.training.run_folder import (
    RunFolder,
    make_folder,
    read_record,
    refuse_folder,
    refuse_unwritable_run,
    write_record,
)
from convscope.training.settings import Settings

_AT_ONCE = 1_000  # images that are copied out of the cache
_ARRAYS, _NO_DATA = "arrays", "digits"
_SPLITS = {TEST: "test", VALIDATION: "validation", TRAIN: "training"}


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainResult:
    """What a training run came to.

    Attributes:
        model: the trained network with everything that it needs to predict.
        report: how good it is, and on which images.
        history: one record an epoch.
        outcome: ``done``, ``target_accuracy`` (good enough) or ``interrupted``.
        folder: where model and report stand.
        classes: how many images each class has.
    """

    model: Model
    report: Report
    history: tuple[EpochRecord, ...]
    outcome: Outcome
    folder: RunFolder
    classes: tuple[ClassCount, ...] = ()


def train(
    data: Any = None,
    *,
    output: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    force: bool = False,
    command: str = "",
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
    spent_s: float = 0.0,
    **options: Any,
) -> TrainResult:
    """Return the network trained on `data`, its report and the folder where both are kept.

    Args:
        data: a folder with one sub-folder a class, a list, the name of a set, or a pair of arrays (images, labels); the
            set digits if none.
        output: folder of the run; the first free ``runs/<name>-<number>`` if none.
        resume: folder of a run to go on with; its settings hold, `options` are not allowed. Arrays must be given
            again; `data`, or `data_dir`, says where the images are now if they were moved.
        force: overwrite a run in `output`.
        command: what the user typed, for the report.
        cache_dir: where decoded images are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.
        spent_s: seconds before this call that count toward `minutes`, such as those of the start of the command.
        options: the fields of `convscope.training.settings.Settings`, for example ``epochs=5`` or ``layout="8C5-MP2"``.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
        TrainingError: the loss was not finite; the last good model is kept.

    Examples:
        >>> import tempfile
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> trained.report.split, trained.report.images
        ('validation', 359)
    """
    check_arguments({name: value for name, value in locals().items() if name != "options"})
    with usual_settings():
        reporter = reporter or Silent()
        if resume is not None:
            if options.keys() - {"data_dir"} or output is not None:
                raise ParameterError(
                    "`resume` takes the settings of the run. Leave out every other option; only the place of the "
                    "images may be another."
                )
            folder = RunFolder(path=Path(resume))
            record = read_record(folder)
            refuse_unwritable_run(folder)
            settings = _moved(record.settings, data, options.get("data_dir"))
            fresh = prepare_run(settings, data, cache_dir=cache_dir, reporter=reporter, spent_s=spent_s)
            prepared = with_resumed(record, fresh)
            if settings != record.settings:
                write_record(folder, dataclasses.replace(record, settings=prepared.settings))
        else:
            path = None if output is None else Path(output)
            refuse_among_images(path or Path("runs"), _NO_DATA if data is None else written(data))
            refuse_folder(path, force=force)
            prepared = prepare(data, cache_dir=cache_dir, reporter=reporter, spent_s=spent_s, **options)
            folder = make_folder(path, name=Path(prepared.settings.data).name, force=force)
            write_record(folder, prepared.record)
        tell(prepared, reporter)
        try:
            network, history = carry_out(prepared, folder=folder, resume=resume is not None, reporter=reporter)
            return _finish(prepared, network, history, folder, command, Looking(cache_dir=cache_dir, reporter=reporter))
        except KeyboardInterrupt:  # asked for twice, or while evaluating
            if folder.checkpoint.exists():
                reporter.say(f"stopped at once; from the last checkpoint it goes on with: {_again(prepared, folder)}")
            raise


def _again(prepared: Prepared, folder: RunFolder) -> str:
    """Return what goes on with the run in `folder`: a command, or a call where the images are arrays."""
    if prepared.settings.data == _ARRAYS:
        return f"train((images, labels), resume={str(folder.path)!r})"
    return folder.resuming


def prepare(
    data: Any = None,
    *,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
    spent_s: float = 0.0,
    **options: Any,
) -> Prepared:
    """Return the run that `train` would carry out, with nothing trained: what ``--dry-run`` shows.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    check_arguments({"cache_dir": cache_dir, "reporter": reporter, "spent_s": spent_s, **options}, seed=WHOLE)
    known = [field.name for field in dataclasses.fields(Settings) if field.name != "data"]
    for name in options:
        if name not in known:
            raise ParameterError(f"`{name}` is no option of train.{did_you_mean(name, known)}")
    if options.get("data_dir") is not None:
        options["data_dir"] = str(Path(options["data_dir"]).absolute())
    settings = Settings(data=_NO_DATA if data is None else written(data), **options)
    if settings.class_depth is not None and data is None:
        check_class_depth(settings.class_depth, None)
    return prepare_run(settings, data, cache_dir=cache_dir, reporter=reporter or Silent(), spent_s=spent_s)


def _moved(settings: Settings, data: Any, data_dir: Any) -> Settings:
    """Return the settings of a run with the place where its images are now; arrays must be given again.

    That they are the same images is told by their digest, when they were read.
    """
    if data is None and settings.data == _ARRAYS:
        raise ParameterError("`resume` needs the arrays that the run began with. Give them as `data`.")
    check_arguments({"data_dir": data_dir})
    return dataclasses.replace(
        settings,
        data=settings.data if data is None else written(data),
        data_dir=settings.data_dir if data_dir is None else str(Path(data_dir).absolute()),
    )


def refuse_among_images(output: Path, data: str) -> None:
    """Refuse a run folder inside the folder of images: next time it would be taken for a class."""
    images = Path(data)
    if data == _ARRAYS or not images.is_absolute() or not images.is_dir():
        return
    try:
        run = Path(os.path.realpath(output))  # unlike `Path.resolve` it takes a link to itself
    except OSError:  # the current folder was removed: `check_folder` has the sentence
        return
    if run.is_relative_to(images.resolve()):
        raise ParameterError(
            f"`output` must be outside the folder of images, where it would be taken for a class. Got {output} in "
            f"{images}. Give another: -o {shlex.quote(str(_beside(images.resolve())))}"
        )


def _beside(images: Path) -> Path:
    """Return a place for a run beside the folder of images."""
    return images.parent / "runs" / (images.name or "run")


def written(data: Any) -> str:
    """Return what the settings keep of `data`: an absolute path where it is one, so that a resume finds it.

    Where it leads back (``..``) it is the real place, so that its last part is a name.

    Raises:
        ParameterError: it is nothing that could be data.
    """
    if isinstance(data, tuple):
        return _ARRAYS
    text = os.fspath(data) if isinstance(data, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise ParameterError(
            f"`data` must be a path, the name of a set, or a pair of arrays, images and labels. "
            f"Got {type(data).__name__}."
        )
    if not text or not os.path.lexists(text):
        return text
    path = Path(text).absolute()
    return str(path.resolve() if ".." in path.parts else path)  # no name of a run and no hint has a .. in it


def tell(prepared: Prepared, reporter: Reporter, *, classes: bool = True) -> None:
    """Say which classes there are, unless that is said elsewhere, what was found besides, and what was chosen."""
    if classes:
        reporter.say(classes_in_words(prepared.images))
    for note in prepared.notes:
        reporter.say(note)
    plan = prepared.plan
    reporter.say(
        f"layout {plan.layout} on {plan.width}x{plan.height}x{plan.channels}: {plan.parameters:,} parameters, "
        f"{plan.macs:,} MACs an image; --layout changes it"
    )


@dataclass(frozen=True, kw_only=True)
class Looking:
    """What a page of `look` is written with."""

    cache_dir: Path | None
    reporter: Reporter


def _finish(  # noqa: PLR0917  # one place calls it
    prepared: Prepared, network: Network, history: History, folder: RunFolder, command: str, looking: Looking
) -> TrainResult:
    """Evaluate the network, write model, report and history, and the page of `look` anew that shows it as it was."""
    model = Model(
        network=network,
        layout=prepared.plan.layout,
        classes=prepared.images.classes,
        preprocessing=prepared.images.preprocessing,
        training={
            "settings": to_json(prepared.settings),
            "recipe": to_json(prepared.recipe),
            "seconds": history.seconds,
            **({"calibration": to_json(history.calibration)} if history.calibration else {}),
        },
    )
    is_other = _drop_measured_of_others(model, folder)
    write_model(model, folder.model)
    history.write(folder.history)
    report = _evaluate(prepared, history, model, folder, command, looking.reporter)
    write_report(report, folder.report)
    page = render_report(report, history.epochs, lambda index: np.asarray(prepared.images.images[index]))
    write_text(folder.page, page)
    if is_other and folder.look.exists():
        _look_again(folder, looking)
    if history.failure is not None:
        raise TrainingError(f"{history.failure} The last good model is kept in {folder.model}.")
    return TrainResult(
        model=model,
        report=report,
        history=history.epochs,
        outcome=history.outcome,
        folder=folder,
        classes=prepared.images.inspection.classes,
    )


def _look_again(folder: RunFolder, looking: Looking) -> None:
    """Write ``look.html`` anew, of the network as it is now; remove it where that fails. Either is said."""
    from .look import look  # which takes a while to import, and is rarely needed

    try:
        look(folder.path, force=True, cache_dir=looking.cache_dir, reporter=looking.reporter)
    except ConvscopeError as error:
        remove(folder.look)
        looking.reporter.say(f"{folder.look} is removed, as it showed the network of before: {error}")
        return
    looking.reporter.say(f"{folder.look} is written anew, as it showed the network of before")


def _drop_measured_of_others(model: Model, folder: RunFolder) -> bool:
    """Remove what was measured of the network in `folder`, unless `model` has the same weights to the bit.

    Returns whether it has others.
    """
    weights = model.network.state_dict()
    try:
        before = read_model(folder.model).network.state_dict()
    except ConvscopeError:
        before = {}
    if before.keys() == weights.keys() and all(torch.equal(value, before[name]) for name, value in weights.items()):
        return False
    for stale in (folder.invariance, folder.units):
        remove(stale)
    return True


def _settings(prepared: Prepared, history: History) -> dict[str, Any]:
    """Return every setting with the value that it had, chosen or asked for."""
    return {
        **to_json(prepared.settings),
        **to_json(prepared.recipe),
        "learning_rate": prepared.recipe.highest_rate(history.steps),
        "threads": prepared.threads,
    }


def _evaluate(  # noqa: PLR0917  # one place calls it
    prepared: Prepared, history: History, model: Model, folder: RunFolder, command: str, reporter: Reporter
) -> Report:
    images = prepared.images
    places = images.indices(images.evaluation_split)
    probabilities = []
    with reporter.task("evaluating", len(places), "images") as task:
        for some in np.array_split(places, -(-len(places) // _AT_ONCE)):
            probabilities.append(model.predict_proba(images.images[some]))
            task.advance(len(some))
    evaluated = EvaluatedImages(
        split=_SPLITS[images.evaluation_split],
        labels=images.labels[places],
        probabilities=np.concatenate(probabilities),
        names=[images.image_name(int(place)) for place in places],
        indices=places,
        classes=images.classes,
    )
    facts = RunFacts(
        name=images.name,
        settings=_settings(prepared, history),
        seconds=history.seconds,
        layout=str(prepared.plan.layout),
        layers=prepared.plan.layers,
        problems=images.inspection.problems,
        left_out=len(images.inspection.unusable),
        notes=(*prepared.notes, *history.notes, *([str(history.calibration)] if history.calibration else [])),
        finished=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=command,
        model=str(folder.model),
        machine=machine(),
    )
    return make_report(evaluated, facts)
