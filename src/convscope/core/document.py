"""An HTML page as one file: style, program and data are inside, and its policy allows nothing else."""

import base64
import hashlib
import json
import os
import re
import zlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from .atomic import write_text
from .markup import Html, tag

NO_LINKS = tag("nav", class_="pages", hidden="")
"""The place of the links in a page that is not linked yet."""
_LINKS = re.compile(r'<nav class="pages"[^>]*>.*?</nav>', re.DOTALL)
_IMPORT = re.compile(r'^import \{[^}]*\} from "(?:\./)?((?:\.\./)*[a-z0-9_/]+\.js)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^ *(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)
OF_SCRIPT, OF_STYLE = r"\u{:04x}", r"\{:06x}"
_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>$title</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
$skip
$links
$body
<script>$script</script>
</body>
</html>
""")


def document(
    *,
    title: Html,
    style: str,
    script: str,
    body: Html,
    skip: tuple[str, str] = ("", ""),
    worker: bool = False,
    images: str = "data:",
) -> str:
    """Return a whole page as HTML that opens no connection.

    Args:
        title: of the window.
        style: CSS.
        script: a program; its hash is the only one that the Content-Security-Policy allows.
        body: comes before the program.
        skip: text and target of the link that comes first, past the links to other pages.
        worker: whether the program may start a worker from the page, with WebAssembly; text still never becomes a
            program.
        images: where images come from; ``'self'`` are files beside the page.
    """
    first = tag("a", skip[0], class_="skip", href=skip[1]) if skip[0] else ""
    computing = " 'wasm-unsafe-eval'; worker-src blob:" if worker else ""
    style, script = escaped(static("convscope.core", "pages.css") + style, OF_STYLE, 4), escaped(script, OF_SCRIPT, 2)
    policy = (
        f"default-src 'none'; img-src {images}; style-src {allowed(style)}; script-src {allowed(script)}{computing}; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.substitute(
        title=title, policy=policy, style=style, script=script, skip=first, links=NO_LINKS, body=body
    )


def escaped(text: str, code: str, width: int) -> str:
    r"""Return a text with a code for each unit of `width` bytes that is not ASCII; a browser reads such a file sooner.

    Examples:
        >>> escaped("3 × 3", r"\u{:04x}", 2)
        '3 \\u00d7 3'
    """

    def coded(match: re.Match[str]) -> str:
        units = match[0].encode("utf-16-be" if width == 2 else "utf-32-be", "surrogatepass")
        return "".join(code.format(int.from_bytes(units[at : at + width])) for at in range(0, len(units), width))

    return re.sub(r"[^\x00-\x7f]", coded, text)


def static(package: str, name: str) -> str:
    """Return the text of the file `name` in the folder ``static/`` of a package."""
    return resources.files(package).joinpath("static", name).read_text(encoding="utf-8")


def program(package: str, name: str) -> str:
    """Return the module `name` in ``static/`` of a package and all it imports as one text without imports and comments.

    Each module comes after those it imports. A page loaded from disk cannot import modules, and one text has one
    digest for the policy. Top-level names of modules in one program must differ.
    """
    texts: dict[str, str] = {}

    def add(module: str) -> None:
        text = static(package, module)
        for needed in _IMPORT.findall(text):
            if needed not in texts:
                add(needed)
        texts[module] = _EXPORT.sub("", _COMMENT.sub("", _IMPORT.sub("", text)))

    add(name)
    return escaped('"use strict";\n' + "\n".join(texts.values()), OF_SCRIPT, 2)


def allowed(text: str) -> str:
    """Return the source expression that allows exactly this inline text (Content-Security-Policy, level 2)."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def inline_json(value: Any) -> Html:
    r"""Return `value` as JSON that no HTML parser takes for markup, whatever texts it holds.

    Examples:
        >>> inline_json({"name": "</script>"})
        '{"name":"\\u003c/script>"}'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Html(text.replace("<", "\\u003c"))


def inline_deflated(value: Any) -> Html:
    """Return `value` as base64 of its JSON, deflated (zlib): weights, pixels and records take a fifth less."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Html(base64.b64encode(zlib.compress(text.encode("ascii"))).decode("ascii"))


def inline_values(values: NDArray[Any], kind: str) -> str:
    """Return `values` as base64 of numbers of `kind`, for example ``<f4``: float32, the lowest byte first.

    ``<f3`` is the upper three bytes of float32, rounded: to 16 binary digits.

    Examples:
        >>> inline_values(np.array([1, 2]), "u1")
        'AQI='
    """
    if kind == "<f3":
        words = np.ascontiguousarray(values, dtype="<f4").view("<u4").reshape(-1)
        rounded = ((words.astype("<u8") + 0x80) >> 8).astype("<u4")  # a carry goes into the exponent, as it should
        values, kind = rounded.view("u1").reshape(-1, 4)[:, :3], "u1"
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


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
        linked = _LINKS.sub(lambda _: _links_from(path, there), text, count=1)  # noqa: B023  # called at once
        if linked != text:
            write_text(path, linked)


def _links_from(here: Path, pages: Mapping[str, Path]) -> Html:
    links = [
        tag("span", title, aria_current="page")
        if path == here
        else tag("a", title, href=quote(Path(os.path.relpath(path, here.parent)).as_posix()))
        for title, path in pages.items()
    ]
    return tag("nav", *links, class_="pages", aria_label="Pages") if len(links) > 1 else NO_LINKS
