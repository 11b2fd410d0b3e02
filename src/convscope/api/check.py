"""Say what is wrong with a set of images, without touching it."""

from pathlib import Path
from typing import Any

from convscope.core.arguments import check_arguments
from convscope.core.machine import usual_settings
from convscope.core.progress import Reporter
from convscope.images.checks import inspect
from convscope.images.inspection import Inspection
from convscope.images.sources.opening import open_source
from convscope.images.values import parse_value_range


def check(
    data: Any,
    *,
    value_range: str | tuple[float, float] | None = None,
    class_depth: int | None = None,
    data_dir: Path | None = None,
    reporter: Reporter | None = None,
    workers: int | None = None,
) -> Inspection:
    """Return what is wrong with `data`, every image named; nothing is written or changed.

    Args:
        data: a folder with one sub-folder a class, a list, an .npz file, IDX files, the name of a set, or a pair of
            arrays (images, labels).
        value_range: which values become black and white, (low, high) or as for train; chosen from the set if none.
        class_depth: of a folder, how many levels of folders name a class, as for train.
        data_dir: where named sets are looked for first.
        reporter: told how far it is; nobody if none.
        workers: how many images are read at once; the cores of the machine if none.

    Raises:
        DataError: it is no set of images of at least two classes that can be read; the message says what was found.

    Examples:
        >>> found = check("digits")
        >>> found.images, found.usable, found.problems
        (1797, 1797, ())
    """
    check_arguments(locals())
    with usual_settings():
        ranges = parse_value_range(value_range)
        source = open_source(data, data_dir=data_dir, reporter=reporter, empty_classes=True, class_depth=class_depth)
        return inspect(source, ranges=ranges, reporter=reporter, workers=workers)
