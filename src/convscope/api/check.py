"""Find what is wrong with a dataset, without touching it."""

from typing import Any

from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.machine import usual_settings
from convscope.core.options import AnyPath, ValueLimits, documented, options_from
from convscope.core.progress import Reporter
from convscope.images.checks import inspect
from convscope.images.inspection import Inspection
from convscope.images.sources.opening import DataSource, open_source
from convscope.images.values import parse_value_range
from convscope.options.check import CheckOptions


@documented(CheckOptions)
def check(
    data: DataSource,
    *,
    model: Any = None,
    output: AnyPath | None = None,
    labels: AnyPath | None = None,
    seed: int = 0,
    force: bool = False,
    value_range: ValueLimits | None = None,
    class_depth: int | None = None,
    workers: int | None = None,
    device: DeviceChoice = "auto",
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> Inspection:
    """Return every problem of the images of `data`, each with its name; no image is written or changed.

    Args:
        data: a folder with one sub-folder per class, a list, an .npz file, IDX files, the name of a dataset, or a pair
            of arrays (images, labels); with `model` also images without classes.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        DataError: `data` is no dataset that can be read, without `model` of at least two classes.

    Examples:
        >>> found = check("digits")
        >>> found.images, found.usable, found.problems
        (1797, 1797, ())
    """
    options, context = options_from(CheckOptions, locals()), context_of(context, progress=progress)
    with usual_settings():
        if options.model is not None:
            from .check_with_network import check_with_network  # loads torch

            return check_with_network(data, options, context)
        ranges = parse_value_range(options.value_range)
        source = open_source(
            data,
            data_dir=context.data_dir,
            reporter=context.reporter,
            empty_classes=True,
            class_depth=options.class_depth,
        )
        return inspect(source, ranges=ranges, reporter=context.reporter, workers=options.workers)
