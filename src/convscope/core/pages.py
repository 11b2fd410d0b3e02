"""Links among the pages that are beside each other: look, report and comparison."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from .atomic import write_text
from .markup import Html, tag

NO_LINKS = tag("nav", class_="pages", hidden="")
"""The place of the links in a page that is not linked yet."""
_PLACE = re.compile(r'<nav class="pages"[^>]*>.*?</nav>', re.DOTALL)


def link_pages(pages: Mapping[str, Path]) -> None:
    """Write into each page that exists links to the others that do.

    Args:
        pages: by title, in order.

    Raises:
        StorageError: a page cannot be written.
    """
    there = {title: path for title, path in pages.items() if path.is_file()}
    for path in there.values():
        text = path.read_text(encoding="utf-8")
        linked = _PLACE.sub(lambda _: _links(path, there), text, count=1)  # noqa: B023  # called at once
        if linked != text:
            write_text(path, linked)


def _links(here: Path, pages: Mapping[str, Path]) -> Html:
    links = [
        tag("span", title, aria_current="page")
        if path == here
        else tag("a", title, href=quote(Path(os.path.relpath(path, here.parent)).as_posix()))
        for title, path in pages.items()
    ]
    return tag("nav", *links, class_="pages", aria_label="Pages") if len(links) > 1 else NO_LINKS
