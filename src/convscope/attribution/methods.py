"""The registered methods, and what their maps and faithfulness say. To add one, write its file and its line here."""

from convscope.core.tables import DataTable
from convscope.core.text import counted

from .contributions import CONTRIBUTIONS
from .explanation import Explanation
from .faithfulness_record import EDGES, RANDOM, Average, Faithfulness, OrderFaithfulness
from .grad_cam import GRAD_CAM
from .method import Attribution, AttributionMethod
from .nearest import NEAREST, TITLE
from .occlusion import OCCLUSION

METHODS: dict[str, AttributionMethod] = {method.name: method for method in (OCCLUSION, GRAD_CAM, CONTRIBUTIONS)}
"""Every method with maps by its name."""

NAMES = (*METHODS, NEAREST)
"""All that can explain a prediction: the methods with maps, and the nearest training images."""
_TITLES = {EDGES: "edge filter (Sobel)", RANDOM: "random order", NEAREST: TITLE}


def title_of(name: str) -> str:
    """Return the title of a method, of the nearest images or of a baseline."""
    return _TITLES[name] if name in _TITLES else METHODS[name].title


def facts(explanation: Explanation, one: Attribution) -> str:
    """Return what a map says in numbers."""
    return METHODS[one.method].says(one, explanation.logit)


def verdict(faithfulness: Faithfulness, name: str) -> str:
    """Return how a method compares with its baseline; empty where it was not measured."""
    if name == NEAREST:
        near = faithfulness.nearest
        if near is None:
            return ""
        said = f"{near.agree:.0%} of images have neighbors of the predicted class, in pixels {near.agree_in_pixels:.0%}"
        return f"{said}: {near.gain.compared_with('pixels')}"
    order = next((one for one in faithfulness.orders if one.name == name), None)
    if order is None or order.gain is None:
        return ""
    return f"{order.gain.compared_with('an edge filter')} ({_signed(order.gain)})"


def faithfulness_table(faithfulness: Faithfulness) -> DataTable:
    """Return a row for each method and baseline."""
    again = faithfulness.randomized_images
    on = "" if again is None else f" (on {counted(again, 'image')})"
    columns = ["order of pixels", "deletion", "insertion", "gain over edges", f"random weights{on}"]
    return DataTable.of(columns, (_row(one) for one in faithfulness.orders))


def about(faithfulness: Faithfulness) -> str:
    """Return what was measured on what."""
    return f"Faithfulness on {counted(faithfulness.images, 'image')} of {faithfulness.data} ({faithfulness.split})"


def _row(one: OrderFaithfulness) -> list[str]:
    last = f"{one.randomized[-1].correlation.mean:.2f}" if one.randomized else ""
    gain = "" if one.gain is None else _signed(one.gain)
    return [title_of(one.name), _plain(one.deletion), _plain(one.insertion), gain, last]


def _plain(average: Average) -> str:
    return f"{average.mean:.2f} ± {average.half:.2f}"


def _signed(average: Average) -> str:
    return f"{average.mean:+.2f} ± {average.half:.2f}"
