"""The page that looks inside a network: one HTML file that runs it and shows every number on the way."""

from convscope.core.records import to_json
from convscope.core.text import printable, shortened

from .document import document, inline_json, program, static
from .look_data import LookData
from .markup import Html, joined, tag

_NEEDS = "This page computes the network itself and needs JavaScript, which is turned off here."
_DAMAGED = "The file is damaged: its end, or its program, is missing. Write it again, or have it sent again."
_FOOTER = (
    "Made by convscope. This file holds the network and everything else that it shows. It opens no connection: your "
    "images stay here."
)


def render_look(data: LookData) -> str:
    """Return the page that computes and shows the network of `data`, as one HTML text, all of it ASCII.

    It holds everything it needs: its Content-Security-Policy forbids every connection. Names of files and classes are
    shown, never interpreted.
    """
    title = shortened(printable(data.title), 80)
    page = document(
        title=joined(f"{title}: " if title else "", "a look inside ", data.layout),
        style=static("look.css"),
        script=program("look", "explorer.js"),
        body=joined(
            tag("a", "To the numbers", class_="skip", href="#numbers"),
            tag(
                "div",
                tag("noscript", _NEEDS),
                tag("p", _DAMAGED, class_="message late", role="alert"),  # until the program replaces it
                id="page",
            ),
            tag("footer", _FOOTER),
            tag("script", inline_json(to_json(data)), type="application/json", id="data"),
            tag("script", Html(program("look", "worker.js")), type="text/plain", id="worker"),
        ),
        worker=True,
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")
