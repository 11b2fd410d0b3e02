"""What a layout comes to on an image, step by step, before anything is trained: exact integers."""

from dataclasses import dataclass

from convscope.core.errors import LayoutError
from convscope.networks.layout import Layout, Stage
from convscope.stages.convolution import Connected, Convolution
from convscope.stages.geometry import ReceptiveField, Window
from convscope.stages.subsampling import Subsampling


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: convolution, subsampling or fully connected units, the classifier last.

    Attributes:
        name: the step's notation, or ``softmax``.
        maps: number of output maps (or units), of `rows` × `columns` values each.
        parameters: numbers that are learned (normalization's scale and shift included).
        multiply_adds: multiplications with an addition for one image (normalization, nonlinearity and subsampling not
            counted, as is usual).
        field_rows: receptive field along the rows (down); field_columns the same along the columns (across).
    """

    name: str
    maps: int
    rows: int
    columns: int
    parameters: int
    multiply_adds: int
    field_rows: ReceptiveField
    field_columns: ReceptiveField

    @property
    def values(self) -> int:
        """Number of output values for one image."""
        return self.maps * self.rows * self.columns


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The steps of a layout on an image, and what they come to."""

    layout: Layout
    height: int
    width: int
    channels: int
    classes: int
    steps: tuple[Step, ...]

    @property
    def parameters(self) -> int:
        """Number of learned numbers in all."""
        return sum(step.parameters for step in self.steps)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with an addition for one image, in all."""
        return sum(step.multiply_adds for step in self.steps)


LARGEST_PARAMETERS = 1_000_000_000


def plan(layout: Layout, *, height: int, width: int, channels: int, classes: int) -> Plan:
    """Return the steps of `layout` on images of height × width × channels with `classes` classes.

    Raises:
        LayoutError: a stage does not fit what is left of the image, or the network would be absurdly large.

    Examples:
        >>> lenet = plan(Layout.parse("20C5v-MP2-50C5v-MP2-500N-nonorm"), height=28, width=28, channels=1, classes=10)
        >>> lenet.parameters, lenet.multiply_adds
        (431080, 2293000)
    """
    everything = ReceptiveField()
    last = Step(
        name="image",
        maps=channels,
        rows=height,
        columns=width,
        parameters=0,
        multiply_adds=0,
        field_rows=everything,
        field_columns=everything,
    )
    steps: list[Step] = []
    for number, stage in enumerate(layout.stages, start=1):
        last = _next(stage, number, last, layout)
        steps.append(last)
    steps.append(_connected(layout.classifier, classes, last, normalized=False))
    result = Plan(layout=layout, height=height, width=width, channels=channels, classes=classes, steps=tuple(steps))
    if result.parameters > LARGEST_PARAMETERS:
        raise LayoutError(
            f"`layout` must have at most {LARGEST_PARAMETERS:,} parameters. Got {result.parameters:,} ({layout} on "
            f"{width}x{height} pixels). Use fewer units, or subsample before the fully connected units."
        )
    return result


def _next(stage: Stage, number: int, below: Step, layout: Layout) -> Step:
    if isinstance(stage, Connected):
        return _connected(str(stage), stage.units, below, normalized=layout.normalization)
    rows_window, columns_window = _windows(stage, below)
    rows = _places(rows_window, below.rows, stage, number, below)
    columns = _places(columns_window, below.columns, stage, number, below)
    maps, parameters, multiply_adds = below.maps, 0, 0
    if isinstance(stage, Convolution):
        maps = stage.units
        weights = below.maps * stage.patch**2 * maps
        parameters = weights + (2 * maps if layout.normalization else maps)
        multiply_adds = weights * rows * columns
        if stage.residual and (maps, rows, columns) != (below.maps, below.rows, below.columns):
            raise LayoutError(
                f"Stage {number}, {stage}, must give the shape of its input to add it. Got {maps} maps of "
                f"{columns}x{rows} from {below.maps} of {below.columns}x{below.rows}. Use {below.maps} units, stride 1 "
                "and no 'v', or remove the '+'."
            )
    return Step(
        name=str(stage),
        maps=maps,
        rows=rows,
        columns=columns,
        parameters=parameters,
        multiply_adds=multiply_adds,
        field_rows=below.field_rows.through(rows_window),
        field_columns=below.field_columns.through(columns_window),
    )


def _windows(stage: Convolution | Subsampling, below: Step) -> tuple[Window, Window]:
    if isinstance(stage, Convolution):
        return stage.window, stage.window
    return stage.window_over(below.rows), stage.window_over(below.columns)


def _places(window: Window, size: int, stage: Stage, number: int, below: Step) -> int:
    if window.kernel > size + window.before + window.after:
        remedy = "remove a subsampling before it, use a smaller window, or give a larger --size"
        if isinstance(stage, Convolution) and stage.padding == "valid":
            remedy = "drop its 'v' (same padding keeps the side), " + remedy
        raise LayoutError(
            f"Stage {number}, {stage}, does not fit: its window of {window.kernel} pixels is larger than the map below, "
            f"{below.columns}x{below.rows} pixels (after {below.name}). To change it, {remedy}."
        )
    return window.places(size)


def _connected(name: str, units: int, below: Step, *, normalized: bool) -> Step:
    rows, columns = Window(kernel=below.rows, stride=below.rows), Window(kernel=below.columns, stride=below.columns)
    weights = below.values * units
    return Step(
        name=name,
        maps=units,
        rows=1,
        columns=1,
        parameters=weights + (2 * units if normalized else units),
        multiply_adds=weights,
        field_rows=below.field_rows.through(rows),
        field_columns=below.field_columns.through(columns),
    )
