"""Print docs/commands.md: every command with every option, from the commands themselves (`make commands`)."""

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


def page() -> str:
    """Return the page as Markdown."""
    context = click.Context(group, info_name="convscope")
    parts = [HEAD]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            parts.append(section(name, command, context))
    return "\n".join(parts)


def section(name: str, command: click.Command, parent: click.Context) -> str:
    """Return what the page says about one command."""
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    usage = " ".join(["convscope", name, *command.collect_usage_pieces(context)])
    lines = [f"## convscope {name}", "", f"    {usage}", ""]
    lines += [text + "\n" for text in paragraphs(command.help or "")]
    for title, records in grouped(command, context).items():
        shown = [record for record in records if "--help" not in record[0]]
        if shown:
            lines += [f"| {title.lower()} option | meaning |", "|---|---|", *(row(*record) for record in shown), ""]
    return "\n".join(lines)


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
