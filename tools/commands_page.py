"""Print docs/commands.md: every command with every option, from the commands themselves (`make commands`)."""

import re
from collections import Counter
from collections.abc import Iterator

import click

from convscope.cli.group import group
from convscope.cli.options import grouped

HEAD = """\
# Commands

<!-- Written by tools/commands_page.py (make commands); change the options in src/convscope/options instead. -->

`convscope --help` and `convscope COMMAND --help` say the same in the terminal.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | done, but some inputs were unusable; each is named |
| 2 | the request cannot be met; one sentence on standard error says why |
| 130 | interrupted; what was learned is saved |

Results go to standard output, progress and errors to standard error. With `--json` a command prints one JSON document;
fractions in it are from 0 to 1. Nothing existing is overwritten without `--force`. `--traceback`, anywhere on the line,
shows where an error was raised; `convscope --version` prints the version, and `-h` is short for `--help`.
"""


SHARED = "Options of several commands"
LEAST = 2  # commands that share an option with its meaning

Options = dict[str, list[tuple[str, str]]]


def page() -> str:
    """Return the page as Markdown: what several commands share is said once."""
    context = click.Context(group, info_name="convscope")
    commands = [(name, group.get_command(context, name)) for name in group.list_commands(context)]
    options = {name: options_of(name, command, context) for name, command in commands if command is not None}
    uses = Counter(record for found in options.values() for records in found.values() for record in records)
    common = [record for record, count in uses.items() if count >= LEAST]
    meanings = Counter(spelling for spelling, _ in common)
    shared = sorted((record for record in common if meanings[record[0]] == 1), key=lambda record: record[0].lower())
    parts = [HEAD, f"## {SHARED}\n", *table(("", shared))]
    for name, command in commands:
        if command is not None:
            parts += section(name, command, context, options[name], set(shared))
    return "\n".join(parts)


def options_of(name: str, command: click.Command, parent: click.Context) -> Options:
    """Return the options of a command by their group, each as it is spelled and what it means."""
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    return {
        title: [record for record in records if "--help" not in record[0]]
        for title, records in grouped(command, context).items()
    }


def section(
    name: str, command: click.Command, parent: click.Context, options: Options, shared: set[tuple[str, str]]
) -> Iterator[str]:
    """Give the lines about one command; of the options that are shared only the names."""
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield from (
        f"## convscope {name}",
        "",
        f"    {' '.join(['convscope', name, *command.collect_usage_pieces(context)])}",
        "",
    )
    yield from (text + "\n" for text in paragraphs(command.help or ""))
    own = {title: [record for record in records if record not in shared] for title, records in options.items()}
    yield from table(*((title, records) for title, records in own.items() if records))
    every = [record for records in options.values() for record in records if record in shared]
    also = [f"`{re.sub(r' [^-].*', '', spelling)}`" for spelling, _ in every]
    if also:
        yield f"Also [of several commands](#{SHARED.lower().replace(' ', '-')}): {', '.join(also)}.\n"


def table(*groups: tuple[str, list[tuple[str, str]]]) -> list[str]:
    """Return the lines of a table of options in groups, each below its title; none where there are none."""
    if not groups:
        return []
    lines = ["| option | meaning |", "|---|---|"]
    for title, records in groups:
        lines += [f"| **{title.lower()}** | |"] if title else []
        lines += [row(*record) for record in records]
    return [*lines, ""]


def row(spelling: str, meaning: str) -> str:
    """Return a row of a table, in which `|` must be written out."""
    cells = [f"`{spelling}`", plain(meaning)]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a help text, each on one line."""
    return [plain(" ".join(paragraph.split())) for paragraph in text.replace("\b", "").split("\n\n")]


def plain(text: str) -> str:
    """Return `text` with the signs written out that Markdown would take for its own."""
    return text.replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    print(page(), end="")
