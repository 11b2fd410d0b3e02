"""Everything that is measured of a network's units, as one record."""

from dataclasses import dataclass, field

from convscope.core.errors import DataError
from convscope.core.records import UNRECORDED
from convscope.core.text import counted
from convscope.images.inspection import Problem

from .ablation import AblationRecord
from .probes import ProbeRecord
from .records import UnitsRecord
from .strokes import GaborFit

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class UnitsReport:
    """What the units of a network respond to, and what they are ablation.

    Attributes:
        units: of every layer with units of its own.
        random: mean selectivity of each of these layers where the weights are random; None where it is not defined.
        strokes: the first layer's filters as Gabor waves; empty where it has none.
        random_strokes: the same for random weights.
        ablation: what is recognized without each unit.
        probes: what a linear classifier reads off each stage.
        unusable: what was left out, and why; not in the document.
    """

    format_version: int = FORMAT_VERSION
    units: UnitsRecord
    random: tuple[float | None, ...]
    strokes: tuple[GaborFit, ...]
    random_strokes: tuple[GaborFit, ...]
    ablation: AblationRecord | None
    probes: tuple[ProbeRecord, ...]
    unusable: tuple[Problem, ...] = field(default=(), compare=False, metadata={UNRECORDED: True})

    def __post_init__(self) -> None:
        """Refuse parts that are of different networks."""
        layers = [layer.layer for layer in self.units.layers]
        ablations = None if self.ablation is None else [layer.layer for layer in self.ablation.layers]
        if len(self.random) != len(layers) or ablations not in (None, layers):
            raise DataError(
                f"`random` and `ablation` must be of the {counted(len(layers), 'layer')} of `units`. Got others. "
                "Measure it anew."
            )
        if self.ablation is not None and self.ablation.classes != self.units.classes:
            raise DataError("`ablation` must be of the classes of `units`. Got others. Measure it anew.")
