"""The further records that go into the page: what units respond to, and how good the network is."""

from collections.abc import Sequence

import numpy as np

from convscope.core.errors import ConvscopeError
from convscope.core.progress import Reporter
from convscope.core.text import printable
from convscope.measures.units.measuring import measure_units
from convscope.networks.model import Model
from convscope.page.good_data import GoodData, good_data
from convscope.page.look_data import Shown
from convscope.page.units_data import UnitsData, units_data
from convscope.training.history import read_history
from convscope.training.report import read_report
from convscope.training.run_folder import RunFolder


def units_of(model: Model, shown: Sequence[Shown]) -> UnitsData | None:
    """Return what units respond to in the pictures of the page; None without pictures or without units."""
    if not shown:
        return None
    truths = [one.truth for one in shown if one.truth is not None]
    labels = np.array(truths, dtype=np.int64) if len(truths) == len(shown) else None
    record = measure_units(model, np.stack([one.pixels for one in shown]), labels=labels)
    return units_data(record, places={place: place for place in range(len(shown))}) if record.steps else None


def good_of(run: RunFolder, reporter: Reporter) -> GoodData | None:
    """Return how good the network was when its run ended; None where the run has no report that can be read."""
    if not run.report.is_file():
        return None
    try:
        history = read_history(run.history).epochs if run.history.is_file() else ()
        return good_data(read_report(run.report), history)
    except ConvscopeError as error:
        reporter.say(f"how good it was is not in the page: {printable(str(error))}")
        return None
