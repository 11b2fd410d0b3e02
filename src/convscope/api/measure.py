"""Measure the robustness, invariance and equivariance of a network, layer by layer."""

import dataclasses
import os
from collections.abc import Sequence

from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import counted, printable
from convscope.features.extraction import PARTS, images_for, open_for
from convscope.images.sources.opening import DataSource
from convscope.measures.distortions.family import DISTORTIONS, distortion_named
from convscope.measures.invariance import EvaluationImages, measure_invariance
from convscope.measures.invariance_record import Invariance, compared_layers
from convscope.networks.folding import check_classifies
from convscope.networks.image_network import ImageNetwork
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.options.measure import MeasureOptions
from convscope.training.record_files import record_file

from .kept_inputs import keep_inputs

MOST_IMAGES, _FEWEST_IMAGES = 1_000, 20
_FEWEST_COMPARED = 4
_PREDICTED_MACS, _COMPARED_MACS = 2_000_000_000_000, 1_300_000_000_000  # by default: with two cores, 3 minutes together
_DISTORTING_MACS = 400  # that take as long as distorting a value of an image
_COMPARING_MACS = 40  # and as comparing a value of a map
_MAPS_MACS = 2  # and as one that computes a map which is kept


@documented(MeasureOptions)
def measure(
    model: Model | str | os.PathLike[str],
    data: DataSource,
    *,
    distortions: Sequence[str] = (),
    strengths: Sequence[float] = (),
    images: int | None = None,
    margin: int = 0,
    seed: int = 0,
    class_depth: int | None = None,
    output: AnyPath | None = None,
    force: bool = False,
    batch: int | None = None,
    device: DeviceChoice = "auto",
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> Invariance:
    """Return how predictions and feature maps of a network change when its images are distorted.

    Args:
        model: a model, or the path of a run folder or model file.
        data: what `convscope.train` takes, with classes of the model; its test (or validation) images are used.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = measure(trained.model, "digits", distortions=["shift-x"], strengths=[1], images=50)
        >>> found.layers, [point.strength for point in found.curves[0].points]
        (('8C3', 'MP2', 'softmax'), [1])
    """
    options, context = options_from(MeasureOptions, locals()), context_of(context, progress=progress)
    distortions, strengths = tuple(options.distortions), tuple(options.strengths)
    if strengths and not distortions:
        raise ParameterError(
            "`strengths` must come with `distortions`, whose units differ. Got "
            f"{', '.join(f'{strength:g}' for strength in strengths)} for all. Name the distortions, such as shift-x."
        )
    chosen = [distortion_named(name) for name in distortions or DISTORTIONS]
    keep_inputs([output], models=[model], data=[data])
    used = opened(model, context.reporter, device=options.device)
    check_classifies(used.network, "invariance")
    sides = used.preprocessing.height, used.preprocessing.width
    by_distortion = {distortion: strengths or distortion.strengths(min(sides)) for distortion in chosen}
    small = [distortion.name for distortion, values in by_distortion.items() if not values]
    if len(small) == len(by_distortion):
        raise DataError(
            f"The images must be large enough to be distorted. Got {used.preprocessing.width}x"
            f"{used.preprocessing.height}, too small for {', '.join(small)}. Name distortions and strengths."
        )
    if small:
        context.reporter.say(f"skipped, because the images are too small: {', '.join(small)}")
    by_distortion = {distortion: values for distortion, values in by_distortion.items() if values}
    most, compared = _affordable(used.network, sum(map(len, by_distortion.values())))
    partial = bool(distortions or strengths or margin or (images is not None and images < most))
    target = record_file(model, "invariance", output, partial=partial, force=force)
    with tuned():
        for distortion, values in by_distortion.items():
            for strength in values:
                distortion.check_on(strength, sides)
        source = open_for(used, data, class_depth=class_depth, data_dir=context.data_dir, reporter=context.reporter)
        dataset = images_for(used, source, cache_dir=context.cache_dir, reporter=context.reporter)
        if images is None and most < MOST_IMAGES:
            context.reporter.say(
                f"at most {counted(most, 'image')} are distorted, as an image takes {used.network.plan.macs:,} MACs; "
                f"--images {MOST_IMAGES} takes more, and more time"
            )
        evaluated = EvaluationImages(
            images=dataset.images,
            labels=dataset.labels,
            indices=dataset.drawn(dataset.evaluation_split, most if images is None else images, seed),
            name=printable(dataset.name),
            split=PARTS[int(dataset.evaluation_split)],
        )
        record = measure_invariance(
            used,
            evaluated,
            by_distortion,
            margin_px=margin,
            seed=seed,
            batch=batch,
            compared=compared if images is None else None,
            reporter=context.reporter,
        )
        record = dataclasses.replace(record, unusable=dataset.inspection.unusable)
    target.write(record, context.reporter)
    return record


def _affordable(network: ImageNetwork, strengths: int) -> tuple[int, int]:
    """Return how many images are distorted by default, and on how many of them the maps are compared."""
    planned = network.plan
    layers = compared_layers([layer.name for layer in planned.layers], is_layout=network.layout is not None)
    distorting = _DISTORTING_MACS * planned.channels * planned.height * planned.width
    comparing = _COMPARING_MACS * sum(planned.layers[index].values for index in layers)
    compared = _COMPARED_MACS // (strengths * (distorting + comparing + _MAPS_MACS * planned.macs))
    images = max(_FEWEST_COMPARED, compared) + _PREDICTED_MACS // (strengths * (distorting + planned.macs))
    return min(MOST_IMAGES, max(_FEWEST_IMAGES, images)), max(_FEWEST_COMPARED, compared)
