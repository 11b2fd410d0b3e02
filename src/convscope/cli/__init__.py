"""The command line: arguments → one call of `convscope.api` → text. One file a command, imported when called."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (by default those of the process) and return its exit code."""
    try:
        from .group import main as run

        return run(arguments)
    except KeyboardInterrupt:  # while the modules were still being imported, or twice in a row
        print("Interrupted.", file=sys.stderr)
        return 130
