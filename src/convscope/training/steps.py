"""The steps of a network as lines of a table: shapes, receptive fields, costs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a report is read without loading torch, which the plan needs for its nonlinearities
    from convscope.networks.plan import Plan


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One step of the network, as a line of a table.

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


def step_rows(plan: "Plan") -> tuple[StepRow, ...]:
    """Return the steps of a planned network as lines of a table.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.plan import plan
        >>> rows = step_rows(plan(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=10))
        >>> rows[1].name, rows[1].output, rows[1].receptive_field
        ('MP2', (8, 4, 4), (4, 4))
    """
    return tuple(
        StepRow(
            name=step.name,
            output=(step.maps, step.rows, step.columns),
            parameters=step.parameters,
            macs=step.macs,
            receptive_field=(step.field_rows.size, step.field_columns.size),
        )
        for step in plan.steps
    )
