"""The page of the explorer: one HTML file that runs the network and shows every number."""

from functools import partial

from convscope.core.document import document, inline_deflated, inline_json, program, static
from convscope.core.markup import Html, joined, tag
from convscope.core.records import to_json
from convscope.core.text import printable, shortened

from .comparison import shipped_comparison
from .data import ExplorerData, family_texts

_static, _program = partial(static, "convscope.explorer"), partial(program, "convscope.explorer")

_NEEDS = "This page computes the network itself and needs JavaScript, which is turned off here."
_DAMAGED = "The file is damaged: its end, or its program, is missing. Write it again, or have it sent again."
_FOOTER = (
    "Made by convscope. This file holds the network and everything else that it shows. It opens no connection: your "
    "images stay here."
)


def render_lesson() -> str:
    """Return the page of the lesson alone, which needs no network, as one HTML text, all of it ASCII."""
    poolings, nonlinearities = family_texts()
    families = to_json({"poolings": poolings, "nonlinearities": nonlinearities, "comparison": shipped_comparison()})
    return _page(
        Html("Convolution, step by step"),
        "lesson_page.js",
        tag("footer", "Made by convscope. This file opens no connection."),
        tag("script", inline_json(families), type="application/json", id="data"),
    )


def render_look(data: ExplorerData) -> str:
    """Return the page that computes and shows the network of `data`, as one HTML text, all of it ASCII.

    It holds everything it needs: its Content-Security-Policy forbids every connection. Names of files and classes are
    shown, never interpreted.
    """
    title = shortened(printable(data.title), 80)
    return _page(
        joined(f"{title}: " if title else "", "a look inside ", data.layout),
        "explorer.js",
        tag("footer", _FOOTER),
        tag("script", inline_deflated(to_json(data)), type="text/plain", id="data"),
        tag("script", Html(_program("worker.js")), type="text/plain", id="worker"),
        skip=("To the numbers", "#numbers"),
        worker=True,
    )


def _page(title: Html, script: str, *after: Html, skip: tuple[str, str] = ("", ""), worker: bool = False) -> str:
    """Return a page that a program fills."""
    damaged = tag("p", _DAMAGED, class_="message late", role="alert")  # until the program replaces it
    page = document(
        title=title,
        style=_static("explorer.css") + _static("where.css"),
        script=_program(script),
        body=joined(tag("div", tag("noscript", _NEEDS), damaged, id="page"), *after),
        skip=skip,
        worker=worker,
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")
