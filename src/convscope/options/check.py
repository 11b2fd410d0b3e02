"""Options of ``convscope check`` and ``convscope cache``."""

from dataclasses import dataclass
from typing import Any

from convscope.core.devices import DeviceChoice
from convscope.core.errors import ParameterError
from convscope.core.options import AnyPath, ValueLimits, check_options, option

from . import fields


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """How a dataset is read, and what is looked for in it."""

    model: Any = option(
        None,
        "A trained network, named as for train --start, or pretrained for efficientnet-lite0: its features find wrong "
        "labels, near-duplicates, outliers and bad images.",
        metavar="NETWORK",
    )
    output: AnyPath | None = fields.output(
        "With --model, write check.html, to go through by keyboard, and check.csv into this folder.", "FOLDER"
    )
    labels: AnyPath | None = fields.labels()
    seed: int = fields.seed()
    force: bool = fields.force()
    value_range: ValueLimits | None = fields.value_range()
    class_depth: int | None = fields.class_depth()
    workers: int | None = fields.workers()
    device: DeviceChoice = fields.device()

    def __post_init__(self) -> None:
        check_options(self)
        given = [name for name in ("output", "labels", "force", "seed") if getattr(self, name)]
        given += ["device"] * (self.device != "auto")
        if self.model is None and given:
            raise ParameterError(f"`{given[0]}` requires `model`. Got none. Name a network, such as pretrained.")


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """What to do with the cache."""

    clear: bool = option(False, "Remove every entry that no running command uses.")

    def __post_init__(self) -> None:
        check_options(self)
