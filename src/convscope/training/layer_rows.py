"""The layers of a network as lines of a table: shapes, receptive fields, costs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a report is read without loading torch, which the plan needs for its nonlinearities
    from convscope.networks.plan import Plan


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer of the network, as a line of a table.

    Attributes:
        name: its notation, for example ``32C5``.
        text: the same in words; may be empty.
        output: maps, rows and columns of what it gives.
        parameters: numbers that are learned.
        macs: multiplications with an addition, for one image.
        receptive_field: rows and columns of input pixels that one of its values depends on.
    """

    name: str
    text: str = ""
    output: tuple[int, int, int]
    parameters: int
    macs: int
    receptive_field: tuple[int, int]


def layer_rows(plan: "Plan") -> tuple[LayerRow, ...]:
    """Return the layers of a planned network as lines of a table.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.plan import plan
        >>> rows = layer_rows(plan(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=10))
        >>> rows[1].name, rows[1].output, rows[1].receptive_field
        ('MP2', (8, 4, 4), (4, 4))
    """
    return tuple(
        LayerRow(
            name=layer.name,
            output=(layer.maps, layer.rows, layer.columns),
            parameters=layer.parameters,
            macs=layer.macs,
            receptive_field=(layer.field_rows.size, layer.field_columns.size),
        )
        for layer in plan.layers
    )
