"""The options of a run that is resumed: none is given again, and its images and its device may be others."""

import dataclasses

from convscope.core.context import Context
from convscope.core.errors import ParameterError
from convscope.core.options import declared
from convscope.images.sources.opening import DataSource
from convscope.networks.starts import OBJECT, StartSource
from convscope.options.data import ARRAYS, data_name
from convscope.options.train import RunOptions, TrainOptions


def refuse_options(options: TrainOptions, run: RunOptions) -> None:
    """Raise ParameterError if an option is given beside `resume`."""
    changed = [option.name for option in declared(TrainOptions) if getattr(options, option.name) != option.default]
    if changed or run.output is not None:
        given = ", ".join([*changed, *["output"] * (run.output is not None)])
        raise ParameterError(
            f"`resume` takes the options of the run. Got {given}. "
            "Leave out every option but data and data_dir, which say where the images are now."
        )


def moved_options(
    options: TrainOptions, data: DataSource | None, start: StartSource | None, context: Context
) -> TrainOptions:
    """Return the options of a run with the path of its images now; a digest of the images proves them the same.

    Raises:
        ParameterError: the images are arrays, or the start is an object of Python, and not given.
    """
    if data is None and options.data == ARRAYS:
        raise ParameterError("`resume` needs the arrays that the run began with. Give them as `data`.")
    if start is None and str(options.start).startswith(OBJECT):
        raise ParameterError(f"`resume` needs the start that the run began with, {options.start}. Give it as `start`.")
    return dataclasses.replace(
        options,
        device=options.device if options.device == "cpu" else "auto",  # another machine may have no GPU
        data=options.data if data is None else data_name(data),
        data_dir=options.data_dir if context.data_dir is None else str(context.data_dir.absolute()),
    )
