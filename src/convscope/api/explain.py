"""Explain predictions: which pixels and training images they are due to, and how far that can be trusted."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.attribution.explanation import Explanation, explain_images
from convscope.attribution.faithfulness import (
    FRACTIONS,
    MOST_RANDOM_IMAGES,
    Subject,
    measure_nearest,
    measure_orders,
    passes_an_image,
    work,
)
from convscope.attribution.faithfulness_record import Faithfulness
from convscope.attribution.grad_cam import maps_layer
from convscope.attribution.method import Settings, passes_of
from convscope.attribution.methods import METHODS, NAMES
from convscope.attribution.nearest import NEAREST, TrainingFeatures, training_features
from convscope.attribution.occlusion import patch_side
from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.errors import ConvscopeError, DataError, ParameterError, UnreadableImageError, choose
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import counted, printable
from convscope.features.extraction import PARTS, images_for, open_for
from convscope.images.dataset import Dataset
from convscope.images.ink import ink_of
from convscope.images.sources.opening import DataSource
from convscope.images.sources.source import TRAIN
from convscope.networks.folding import fold
from convscope.networks.graph import Graph
from convscope.networks.inputs import list_inputs
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor
from convscope.networks.model_file import opened
from convscope.options.explain import ExplainOptions
from convscope.training.record_files import record_file

from .explain_files import ExplainResult, Unusable, check_folder_for, figure_name, write_explanations
from .kept_inputs import keep_inputs
from .look import training_source

USUAL_IMAGES, _FEWEST_IMAGES = 50, 8  # on which faithfulness is measured by default
_MOST_MACS = 1_500_000_000_000  # of all these images, without random weights: minutes
_LARGE_MACS = 200_000_000  # an image; from there on figures come before the measurement
_FEW_AGAIN = 2  # images whose maps a large network computes again with random weights
_BATCH = 64
_LOOKED_AT = 200  # training images that tell what all are like
_FEW_MACS = 20_000_000  # an image; below, threads wait for each other longer than they compute


@documented(ExplainOptions)
def explain(
    model: Model | str | os.PathLike[str],
    images: Any,
    *,
    target: str | None = None,
    methods: Sequence[str] = (),
    output: AnyPath | None = None,
    layer: str | None = None,
    patch: int | None = None,
    nearest: int = 5,
    faithfulness: int | None = None,
    data: DataSource | None = None,
    class_depth: int | None = None,
    seed: int = 0,
    force: bool = False,
    batch: int | None = None,
    device: DeviceChoice = "auto",
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> ExplainResult:
    """Return what the predictions for images are due to: maps of pixels, and the nearest training images.

    Args:
        model: a model, or the path of a model file or run folder.
        images: what `convscope.predict` takes.
        progress: True shows progress on standard error.
        context: folders of named datasets, of decoded images and of features.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = explain(trained.model, np.zeros((1, 8, 8)), methods=["occlusion", "contributions"], faithfulness=0)
        >>> one = found.explanations[0]
        >>> one["occlusion"].values.shape
        (8, 8)
        >>> total = one["contributions"].values.sum() + one["contributions"].biases
        >>> bool(abs(total - one.logit) < 1e-4)
        True
    """
    options, context = options_from(ExplainOptions, locals()), context_of(context, progress=progress)
    told = context.reporter
    folder = None if output is None else check_folder_for(Path(output), models=[model], data=[images], force=force)
    used = opened(model, told, device=options.device)
    used.check_answers()
    request = _Request(model=used, options=options, context=context)
    partial = bool(methods or layer or patch) or request.images < request.usual
    record = record_file(model, "faithfulness", None, partial=partial, force=force) if request.images else None
    with tuned(request.threads):
        chosen, unusable = _read(used, images, told)
        if folder is not None:
            names = (figure_name(number, one.name) for number, one in enumerate(chosen, start=1))
            keep_inputs((folder / name for name in names), data=[images])
        dataset, reason = request.dataset()
        if dataset is not None:
            _note_exchanged(dataset, chosen, told)
        training = request.training(dataset) if NEAREST in request.names else None
        result = ExplainResult(
            explanations=request.explained([(one.name, one.pixels) for one in chosen], training),
            skipped=(*request.skipped, *([reason] if reason else ())),
            unusable=tuple(unusable),
            folder=folder,
        )
        early = request.is_large and dataset is not None and request.images > 0
        if folder is not None and early:
            write_explanations(result, folder, training, used.classes, told)
            told.say(f"{folder} has the figures; they are drawn again when the faithfulness of the methods is known")
        measured = request.measured(dataset, training)
        result = dataclasses.replace(result, faithfulness=measured)
        if folder is not None:
            write_explanations(result, folder, training, used.classes, told)
    if record is not None and measured is not None:
        record.write(measured, told)
    return result


class _Request:
    """What is asked for, checked."""

    def __init__(self, *, model: Model, options: ExplainOptions, context: Context) -> None:
        self.model, self.options, self.context = model, options, context
        self.network = fold(model.network)
        self.target = None if options.target is None else _class_index(model, options.target)
        self.names, self.skipped = _methods(options.methods, self.network.graph)
        self.maps = [METHODS[name] for name in self.names if name in METHODS]
        wanted = _BATCH if options.batch is None else check_batch(options.batch)
        macs, size = model.network.plan.macs, model.preprocessing.size
        self.is_large = macs > _LARGE_MACS
        self.settings = Settings(
            patch=options.patch, layer=options.layer, batch=fitting_batch(model.network.plan, wanted, copies=3)
        )
        self.patch = patch_side(self.settings, size)
        self.passes = passes_of(self.maps, self.settings, size)
        most = _MOST_MACS // max(1, macs * passes_an_image(self.maps, self.settings, size))
        self.usual = min(USUAL_IMAGES, max(_FEWEST_IMAGES, most))
        self.images = self.usual if options.faithfulness is None else options.faithfulness
        self.threads = 1 if macs < _FEW_MACS else None  # None: as many as there are cores
        if options.layer is not None:
            maps_layer(self.network.graph, options.layer)

    def explained(
        self, images: Sequence[tuple[str, NDArray[np.uint8]]], training: TrainingFeatures | None
    ) -> tuple[Explanation, ...]:
        """Return an explanation of each image."""
        with self.context.reporter.task("explaining", len(images) * self.passes) as task:
            found = explain_images(
                self.model,
                images,
                target=self.target,
                methods=self.maps,
                settings=self.settings,
                task=task,
                training=training,
                count=self.options.nearest,
            )
        return tuple(found)

    def dataset(self) -> tuple[Dataset | None, str]:
        """Return the dataset of training and test images, or why there is none where none was named."""
        options, context, told = self.options, self.context, self.context.reporter
        if not self.images and NEAREST not in self.names:
            return None, ""
        try:
            if options.data is None:
                source = training_source(self.model, context.data_dir, told)
            else:
                source = open_for(
                    self.model,
                    options.data,
                    class_depth=options.class_depth,
                    data_dir=context.data_dir,
                    reporter=told,
                )
            return images_for(self.model, source, cache_dir=context.cache_dir, reporter=told), ""
        except (ConvscopeError, OSError) as error:
            if options.data is not None or NEAREST in options.methods:
                raise
            return None, f"Without the dataset, neither nearest images nor faithfulness. {error} Name it with `data`."

    def training(self, dataset: Dataset | None) -> TrainingFeatures | None:
        """Return the features of the training images of a dataset."""
        if dataset is None:
            return None
        context = self.context
        return training_features(
            self.model, dataset, seed=self.options.seed, cache_dir=context.cache_dir, reporter=context.reporter
        )

    def measured(self, dataset: Dataset | None, training: TrainingFeatures | None) -> Faithfulness | None:
        """Return the faithfulness of the methods on test or validation images."""
        options, network = self.options, self.network
        if dataset is None or not self.images:
            return None
        split = dataset.evaluation_split
        indices = dataset.drawn(split, self.images, options.seed)
        images = np.asarray(dataset.images[indices])
        pixels = as_tensor(images)
        with torch.inference_mode():
            targets = torch.cat([network(some) for some in torch.split(pixels, self.settings.batch)]).argmax(1)
        subject = Subject(
            network=network,
            images=network.standardize(pixels),
            targets=targets.clone(),
            settings=self.settings,
            seed=options.seed,
            again=_FEW_AGAIN if self.is_large and options.faithfulness is None else MOST_RANDOM_IMAGES,
        )
        if options.faithfulness is None and self.images < USUAL_IMAGES:
            self.context.reporter.say(
                f"faithfulness is measured on {counted(len(indices), 'image')}, as an image takes "
                f"{self.model.network.plan.macs:,} MACs; --faithfulness {USUAL_IMAGES} takes more, 0 none"
            )
        with self.context.reporter.task("faithfulness", work(subject, self.maps)) as task:
            orders = measure_orders(subject, self.maps, task)
        return Faithfulness(
            layout=self.model.title,
            data=printable(dataset.name),
            split=PARTS[int(split)],
            images=len(indices),
            randomized_images=min(subject.again, len(indices)) if self.maps else None,
            seed=options.seed,
            patch=self.patch,
            fractions=FRACTIONS,
            orders=orders,
            nearest=None
            if training is None
            else measure_nearest(self.model, images, targets.cpu().numpy(), training, options.nearest),
        )


def _class_index(model: Model, target: str) -> int:
    return model.classes.index(choose("target", target, model.classes))


def _methods(asked: Sequence[str], graph: Graph) -> tuple[list[str], list[str]]:
    """Return the names of the methods, and why others are left out.

    Raises:
        ParameterError: one that is asked for does not exist, or cannot explain the network.
    """
    refused = {name: method.refusal(graph) for name, method in METHODS.items()}
    for name in asked:
        choose("methods", name, NAMES)
        if refused.get(name):
            raise ParameterError(f"`methods` must fit the network. Got {name}: {refused[name]}")
    names = [name for name in NAMES if not refused.get(name) and (not asked or name in asked)]
    return names, [reason for reason in refused.values() if reason and not asked]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Given:
    """One image that can be read: its name, its pixels as the network takes them, and without margins."""

    name: str
    pixels: NDArray[np.uint8]
    stretched: NDArray[np.uint8]


def _read(model: Model, images: Any, told: Reporter) -> tuple[list[_Given], Unusable]:
    """Return the images, and which cannot be read.

    Raises:
        DataError: none can.
    """
    preprocessing = model.preprocessing
    whole = dataclasses.replace(preprocessing, fit="stretch")
    found, unusable = [], []
    for one in list_inputs(images, channels=preprocessing.channels, size=preprocessing.size).images:
        try:
            pixels, remarks = one.read(preprocessing)
            stretched = one.read(whole)[0] if preprocessing.channels == 1 else pixels
        except UnreadableImageError as error:
            unusable.append((one.name, str(error)))
            continue
        if remarks:
            told.say(f"note: {printable(one.name)}: {'; '.join(remarks)}")
        found.append(_Given(name=printable(one.name), pixels=pixels, stretched=stretched))
    if not found:
        name, reason = unusable[0] if unusable else ("none", "the list is empty")
        raise DataError(f"`images` must have one that can be read. Got {printable(name)}: {reason}. Check the path.")
    return found, tuple(unusable)


def _note_exchanged(dataset: Dataset, given: Sequence[_Given], told: Reporter) -> None:
    """Say which images have paper and ink exchanged, beside the training images."""
    ink = ink_of(np.asarray(dataset.images[dataset.drawn(TRAIN, _LOOKED_AT, 0)]))
    for one in given:
        if ink is not None and ink.is_exchanged_in(one.stretched):
            told.say(f"note: {one.name}: the image is {ink.other}. Invert it.")
