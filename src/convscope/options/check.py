"""Options of ``convscope check`` and ``convscope cache``."""

from dataclasses import dataclass

from convscope.core.options import ValueLimits, check_options, option

from . import fields


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """How a dataset is read."""

    value_range: ValueLimits | None = fields.value_range()
    class_depth: int | None = fields.class_depth()
    workers: int | None = fields.workers()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """What to do with the cache."""

    clear: bool = option(False, "Remove every entry that no running command uses.")

    def __post_init__(self) -> None:
        check_options(self)
