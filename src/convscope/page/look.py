"""The page that looks inside a network: one HTML file with the network, pictures, and the program that runs it."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.records import to_json
from convscope.core.text import printable
from convscope.networks.folding import Connections, FoldedStep, Sums, fold
from convscope.networks.model import Model
from convscope.networks.plan import Step

from .document import document, static
from .markup import Html, joined, shortened, tag

FORMAT_VERSION = 1
MODULES = ("words", "engine", "picture", "drawing", "numbers", "page")
"""The ES modules of the page in `static/look/`, each knowing only those before it."""

_LONGEST_NAME = 200
_IMPORT = re.compile(r'^import .*? from "\./\w+\.js";\n', re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture to look at.

    Attributes:
        name: path or place in the set.
        pixels: uint8 H W C, as the network takes it.
        label: place of its class among the model's, where it is known.
    """

    name: str
    pixels: NDArray[np.uint8]
    label: int | None = None


def render_look(model: Model, pictures: Sequence[Picture], *, title: str) -> str:
    """Return the page for a network and some pictures as one HTML text.

    The page computes everything itself: the network is folded into plain sums and comes along as float32 numbers. Its
    Content-Security-Policy forbids every connection. Names are data, never markup.

    Args:
        model: the network.
        pictures: to choose from; there may be none.
        title: of the page, for example the name of the set.
    """
    # inside a script element only "<" can begin an end: JSON may write it as an escape
    data = json.dumps(page_data(model, pictures, title=title), allow_nan=False).replace("<", "\\u003c")
    without = tag("noscript", "This page computes what it shows: please allow JavaScript.")
    return document(
        title=joined(shortened(printable(title), 80), ": look inside"),
        style=static("look.css"),
        script=bundled(),
        body=joined(tag("div", without, id="page"), tag("script", Html(data), type="application/json", id="data")),
        worker=True,
    )


def page_data(model: Model, pictures: Sequence[Picture], *, title: str) -> dict[str, Any]:
    """Return what the page is given, as JSON: the format of version 1."""
    folded, plan, step = fold(model.network), model.network.plan, model.preprocessing
    numbers: list[bytes] = []
    steps = [_described(one, numbers) for one in folded.steps]
    return {
        "version": FORMAT_VERSION,
        "title": _name(title),
        "layout": str(model.layout),
        "classes": [_name(name) for name in model.classes],
        "picture": {"height": step.height, "width": step.width, "channels": step.channels},
        "fit": step.fit,
        "background": list(step.background),
        "mean": folded.mean.tolist(),
        "std": folded.std.tolist(),
        "steps": steps,
        "plan": [_planned(one) for one in plan.steps],
        "weights": base64.b64encode(b"".join(numbers)).decode("ascii"),
        "pictures": [_pictured(one) for one in pictures],
    }


def bundled() -> str:
    """Return the modules of the page as one: in order, without their imports and exports.

    Modules of a page that is opened from a disk cannot import each other: a browser takes each for another origin.
    """
    texts = [static(f"look/{name}.js") for name in MODULES]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def _described(step: FoldedStep, numbers: list[bytes]) -> dict[str, Any]:
    """Return a step as JSON; its weights and biases go to `numbers`."""
    if isinstance(step, (Sums, Connections)):
        numbers += [step.weights.astype("<f4").tobytes(), step.biases.astype("<f4").tobytes()]
    if isinstance(step, Sums):
        down, across, units, below, patch, _ = step.weights.shape
        return {
            "kind": "sums", "units": units, "below": below, "patch": patch, "regions": [down, across],
            "stride": step.stride, "before": step.before, "after": step.after, "residual": step.residual,
            "nonlinearity": step.nonlinearity, "weights": step.weights.size,
        }  # fmt: skip
    if isinstance(step, Connections):
        units = len(step.biases)
        return {
            "kind": "connections", "units": units, "nonlinearity": step.nonlinearity, "weights": step.weights.size
        }  # fmt: skip
    return {"kind": "subsampling", "name": step.kind.name, **to_json(step)}


def _planned(step: Step) -> dict[str, Any]:
    """Return what is known of a step before anything is computed."""
    fields = {"down": step.field_rows, "across": step.field_columns}
    return {
        "name": step.name,
        "maps": step.maps,
        "rows": step.rows,
        "columns": step.columns,
        "parameters": step.parameters,
        "multiply_adds": step.multiply_adds,
        "field": {side: {"size": f.size, "stride": f.stride, "start": f.start} for side, f in fields.items()},
    }


def _pictured(picture: Picture) -> dict[str, Any]:
    pixels = base64.b64encode(np.ascontiguousarray(picture.pixels).tobytes()).decode("ascii")
    return {"name": _name(picture.name), "label": picture.label, "pixels": pixels}


def _name(text: str) -> str:
    return shortened(printable(text), _LONGEST_NAME)
