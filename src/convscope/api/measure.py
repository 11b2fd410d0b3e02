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
from convscope.measures.invariance_record import Invariance
from convscope.networks.folding import check_classifies
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.networks.plan import NetworkPlan
from convscope.options.measure import MeasureOptions
from convscope.training.record_files import record_file

from .kept_inputs import keep_inputs

MOST_IMAGES, _FEWEST_IMAGES = 1_000, 100
_FEWEST_COMPARED = 8
_PREDICTED_MACS, _COMPARED_MACS = 6_000_000_000_000, 3_000_000_000_000  # of all images by default: some minutes each
_MACS_OF_A_VALUE = 180  # that take as long as comparing a value of a map


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
    partial = bool(distortions or strengths or margin or (images is not None and images < MOST_IMAGES))
    keep_inputs([output], models=[model], data=[data])
    target = record_file(model, "invariance", output, partial=partial, force=force)
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
    with tuned():
        for distortion, values in by_distortion.items():
            for strength in values:
                distortion.check_on(strength, sides)
        most, compared = _affordable(used.network.plan, sum(map(len, by_distortion.values())))
        source = open_for(used, data, class_depth=class_depth, data_dir=context.data_dir, reporter=context.reporter)
        dataset = images_for(used, source, cache_dir=context.cache_dir, reporter=context.reporter)
        if images is None and most < MOST_IMAGES:
            context.reporter.say(
                f"an image takes {used.network.plan.macs:,} MACs: at most {counted(most, 'image')} are distorted; "
                "--images changes it"
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


def _affordable(planned: NetworkPlan, strengths: int) -> tuple[int, int]:
    """Return how many images are distorted by default, and on how many of them the maps are compared."""
    values = sum(layer.values for layer in planned.layers)
    images = _PREDICTED_MACS // max(1, strengths * planned.macs)
    compared = _COMPARED_MACS // max(1, strengths * (planned.macs + _MACS_OF_A_VALUE * values))
    return min(MOST_IMAGES, max(_FEWEST_IMAGES, images)), max(_FEWEST_COMPARED, compared)
