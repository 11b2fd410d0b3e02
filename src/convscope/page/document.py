"""A page as one file: style and script inside it, and a policy that allows nothing else."""

import base64
import hashlib
from importlib import resources
from string import Template

from .markup import Html


def document(*, title: Html, style: str, script: str, body: Html, worker: bool = False) -> str:
    """Return a whole page as HTML that opens no connection.

    Args:
        title: of the window.
        style: CSS.
        script: a program; its hash is the only one that the Content-Security-Policy allows.
        body: what stands before the program.
        worker: the program is a module that runs itself again in a worker, and shows pictures that the user opens.
    """
    blob = " blob:" if worker else ""
    policy = (
        f"default-src 'none'; img-src data:{blob}; style-src {_hash(style)}; script-src {_hash(script)}{blob}; "
        + ("worker-src blob:; " if worker else "")
        + "base-uri 'none'; form-action 'none'"
    )
    kind = ' type="module"' if worker else ""
    return Template(static("page.html")).substitute(
        title=title, policy=policy, style=style, script=script, body=body, kind=kind
    )


def static(name: str) -> str:
    """Return the text of a file in ``static/``; `name` is its path from there."""
    return resources.files("convscope.page").joinpath("static", *name.split("/")).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the source expression that allows exactly this inline text (CSP level 2)."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
