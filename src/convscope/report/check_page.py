"""``check.html``: what looks wrong with a dataset, to go through by keyboard; decisions are saved as a CSV file."""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from convscope.core.document import document, inline_json, static
from convscope.core.markup import Html, joined, named, tag
from convscope.core.text import counted, printable, shortened
from convscope.images.decisions import Decision
from convscope.images.inspection import Inspection, Problem

_PACKAGE = "convscope.report"
SIDES_PX = (192, 128, 80)
BUDGET_BYTES = 12_000_000
_BYTES_A_PIXEL = 0.45  # of a photograph as JPEG in base64, about
_QUALITY = 72
_LISTED = 9
_SCORES = (
    "The score is the precision, 0 to 1, that findings like this one had where errors were put in on purpose. No file "
    "is moved or changed: save your decisions as a list, and train with --labels labels.csv."
)


def render_check(
    inspection: Inspection,
    image: Callable[[str], np.ndarray | None],
    *,
    decisions: Mapping[str, Decision] = MappingProxyType({}),
    about: str = _SCORES,
) -> str:
    """Return the page of the scored problems of `inspection`, as one HTML text of at most about 20 MB.

    It holds everything it needs: its Content-Security-Policy forbids every connection. Names of files and classes are
    shown, never interpreted.

    Args:
        inspection: of a dataset, with a model.
        image: gives the pixels of a name, uint8 H W C; None for what has none.
        decisions: made before, by image; the page saves them with its own.
        about: what the score is, and what to do with the decisions.
    """
    problems = inspection.scored
    places, thumbnails = _thumbnails(problems, image)
    classes = [count.name for count in inspection.classes] if inspection.labeled else []
    findings = [_finding(problem, places) for problem in problems]
    names = repr([inspection.source, [(problem.name, problem.kind) for problem in problems]])
    data = {
        "key": f"convscope-check-{hashlib.blake2b(names.encode('utf-8', 'replace'), digest_size=8).hexdigest()}",
        "classes": classes,
        "before": [[name, decision.action, decision.label] for name, decision in decisions.items()],
        "findings": findings,
        "thumbnails": thumbnails,
    }
    page = document(
        title=joined(shortened(printable(inspection.source), 80), ": what looks wrong"),
        style=static(_PACKAGE, "check.css"),
        script=static(_PACKAGE, "check.js"),
        body=_body(inspection, problems, classes, data, about),
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _finding(problem: Problem, places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "image": problem.name,
        "kind": problem.kind,
        "detail": printable(problem.detail),
        "score": problem.score,
        "label": problem.label,
        "suggested": problem.suggested,
        "others": problem.others[:1],
        "thumbnail": places.get(problem.name, -1),
        "other": places.get(problem.others[0], -1) if problem.others else -1,
    }


def _thumbnails(
    problems: Sequence[Problem], image: Callable[[str], np.ndarray | None]
) -> tuple[dict[str, int], list[str]]:
    """Return the places of small images by name, and the images as data URIs, within a budget of bytes."""
    wanted = list(dict.fromkeys(name for problem in problems for name in (problem.name, *problem.others[:1])))
    fitting = [side for side in SIDES_PX if len(wanted) * side**2 * _BYTES_A_PIXEL <= BUDGET_BYTES]
    side = next(iter(fitting), SIDES_PX[-1])
    places: dict[str, int] = {}
    made: list[str] = []
    spent = 0
    for name in wanted:
        pixels = image(name)
        if pixels is None:
            continue
        text = _thumbnail(pixels, side)
        spent += len(text)
        if spent > BUDGET_BYTES:
            break
        places[name] = len(made)
        made.append(text)
    return places, made


def _thumbnail(pixels: np.ndarray, side: int) -> str:
    small = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
    small.thumbnail((side, side))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _body(
    inspection: Inspection, problems: Sequence[Problem], classes: Sequence[str], data: dict[str, Any], about: str
) -> Html:
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.kind] = counts.get(problem.kind, 0) + 1
    kinds = [tag("option", f"all ({len(problems):,})", value="")]
    kinds += [tag("option", f"{kind} ({number:,})", value=kind) for kind, number in counts.items()]
    return joined(
        tag("a", "To the finding", class_="skip", href="#finding"),
        tag(
            "header",
            tag("h1", named(inspection.source, 120), ": what looks wrong"),
            tag(
                "p",
                f"{counted(len(problems), 'finding')} among {counted(inspection.usable, 'image')}. {about}",
            ),
            tag(
                "div",
                tag("label", "Show ", tag("select", *kinds, id="kinds")),
                tag("span", id="progress"),
                _button("s", "Save labels.csv"),
                tag("label", tag("input", type="checkbox", checked="", id="keys"), " keys"),
                class_="bar",
            ),
            tag("p", role="status", id="said"),
        ),
        tag(
            "main",
            tag("ul", id="list", tabindex=0, aria_label="Findings"),
            _panel(classes) if problems else tag("p", "Nothing was found."),
        ),
        tag("noscript", "This page needs JavaScript, which is turned off here."),
        tag("footer", "Made by convscope. This file holds everything that it shows and opens no connection."),
        tag("script", inline_json(data), type="application/json", id="data"),
    )


def _panel(classes: Sequence[str]) -> Html:
    """Return the place of the finding that is decided on."""
    return tag(
        "section",
        tag("h2", id="kind"),
        tag("p", id="detail"),
        tag("div", tag("div", id="image"), tag("div", id="beside"), class_="images"),
        tag("div", id="names"),
        tag("div", *_actions(classes), id="actions"),
        tag(
            "p",
            tag("kbd", "↑"),
            " ",
            tag("kbd", "↓"),
            " go through the list. ",
            *(
                [tag("kbd", "1"), " to ", tag("kbd", str(min(_LISTED, len(classes)))), " give a class at once: "]
                if classes
                else []
            ),
            ", ".join(f"{number} {shortened(name, 24)}" for number, name in enumerate(classes[:_LISTED], 1)),
            class_="quiet",
        ),
        id="finding",
        tabindex=-1,
        aria_label="Finding",
    )


def _actions(classes: Sequence[str]) -> Iterator[Html]:
    yield _button("k", "Keep", "keep")
    if classes:
        options = [tag("option", shortened(printable(name), 60), value=name) for name in classes]
        yield tag(
            "span",
            _button("o", "Other class", "other class"),
            " ",
            tag("select", *options, id="classes", aria_label="Class"),
        )
    yield _button("l", "Leave out", "leave out")
    yield _button("u", "Undo")


def _button(key: str, text: str, action: str | None = None) -> Html:
    return tag(
        "button",
        f"{text} ",
        tag("kbd", key.upper()),
        type="button",
        data_key=key,
        data_action=action,
        aria_pressed=None if action is None else "false",
    )
