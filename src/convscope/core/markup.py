"""HTML that is safe by construction: whatever is not markup already is escaped when it goes into an element."""

import html
from typing import final

from .text import printable, shortened

LONG = 12  # characters of a name that the narrowest place shows whole
LONGEST_TITLE = 300
_VOID = frozenset({"br", "hr", "img", "meta", "wbr"})


@final
class Html(str):
    """Text that is markup already: made by `tag` and `joined` only."""

    __slots__ = ()


def markup(text: str) -> Html:
    """Return `text` as markup: unchanged when it is markup already, else made printable and escaped."""
    return text if isinstance(text, Html) else Html(html.escape(printable(text), quote=True))


def joined(*parts: str) -> Html:
    """Return all parts as one markup."""
    return Html("".join(markup(part) for part in parts))


def tag(kind: str, /, *content: str, **attributes: str | float | None) -> Html:
    """Return an element of HTML or SVG.

    A trailing underscore of an attribute is dropped, the others become hyphens; an attribute of None is left out.

    Examples:
        >>> tag("a", "<b> & c", href="#x", class_="cell")
        '<a href="#x" class="cell">&lt;b&gt; &amp; c</a>'
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{markup(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{kind}{pairs}>" if kind in _VOID else f"<{kind}{pairs}>{joined(*content)}</{kind}>")


def named(text: str, most: int = 160, *, full: bool = False) -> Html:
    """Return the name of a file or class, isolated from the text around it in either direction of writing.

    Args:
        text: the name.
        most: characters that are shown.
        full: have the whole name as a title, which is shown under the pointer, where it is longer than `LONG`.
    """
    whole = printable(text)
    return tag(
        "bdi", shortened(whole, most), title=shortened(whole, LONGEST_TITLE) if full and len(whole) > LONG else None
    )


def scrolling(table: Html, name: str, *, tall: bool = False) -> Html:
    """Return a table in a frame of its own to scroll in, which has a name and takes the keyboard."""
    style = "scroll tall" if tall else "scroll"
    return tag("div", table, class_=style, role="region", tabindex=0, aria_label=name)
