"""Names of classes: what a model file can hold."""

from collections.abc import Sequence

from convscope.core.errors import ParameterError
from convscope.core.text import printable

LONGEST_NAME = 1_000


def check_class_names(classes: Sequence[str]) -> None:
    """Refuse names of classes that no model file can hold.

    Raises:
        ParameterError: one is empty or very long, or two are written alike.
    """
    written = [printable(name) for name in classes]
    for name in written:
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ParameterError(
                f"A class must have a name of 1 to {LONGEST_NAME:,} characters. Got {len(name):,}: {name[:40]!r}."
            )
    if len(set(written)) < len(written):
        name = next(name for index, name in enumerate(written) if name in written[:index])
        raise ParameterError(f"Two classes are both written {name!r}. Give one of them another name.")
