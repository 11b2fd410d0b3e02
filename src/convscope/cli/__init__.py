"""The command line: SHELL → one call of `convscope.api` → text. One file a command, imported when it is called."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of the command that `arguments` (those of the process if none) ask for."""
    try:
        from .group import main as run

        return run(arguments)
    except KeyboardInterrupt:  # while the modules were still being imported, or twice in a row
        print("Interrupted.", file=sys.stderr)
        return 130
