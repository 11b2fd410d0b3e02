"""The command line: SHELL → one call of `convscope.verbs` → text. One file a command, imported when it is called."""

from .group import group, main

__all__ = ["group", "main"]
