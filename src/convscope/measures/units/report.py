"""Everything that is measured of a network's units, as one record."""

from dataclasses import dataclass, field

from convscope.core.errors import DataError
from convscope.core.records import UNRECORDED
from convscope.core.text import counted
from convscope.images.inspection import Problem

from .ablation import WorthRecord
from .probes import ProbeRecord
from .records import UnitsRecord
from .strokes import GaborFit

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class UnitsReport:
    """What the units of a network respond to, and what they are worth.

    Attributes:
        units: of every layer with units of its own.
        random: mean selectivity of each of these layers where the weights are random; None where it is not defined.
        strokes: the first layer's filters as Gabor waves; empty where it has none.
        random_strokes: the same for random weights.
        worth: what is recognized without each unit.
        probes: what a linear classifier reads off each stage.
        unusable: what was left out, and why; not in the document.
    """

    format_version: int = FORMAT_VERSION
    units: UnitsRecord
    random: tuple[float | None, ...]
    strokes: tuple[GaborFit, ...]
    random_strokes: tuple[GaborFit, ...]
    worth: WorthRecord | None
    probes: tuple[ProbeRecord, ...]
    unusable: tuple[Problem, ...] = field(default=(), compare=False, metadata={UNRECORDED: True})

    def __post_init__(self) -> None:
        """Refuse parts that are of different networks."""
        layers = [layer.layer for layer in self.units.layers]
        worths = None if self.worth is None else [layer.layer for layer in self.worth.layers]
        if len(self.random) != len(layers) or worths not in (None, layers):
            raise DataError(
                f"`random` and `worth` must be of the {counted(len(layers), 'layer')} of `units`. Got others. "
                "Measure it anew."
            )
        if self.worth is not None and self.worth.classes != self.units.classes:
            raise DataError("`worth` must be of the classes of `units`. Got others. Measure it anew.")
