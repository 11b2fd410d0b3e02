"""The command ``convscope``: imports the command that is called, and turns every result into an exit code."""

import contextlib
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

from convscope.core.errors import ConvscopeError, did_you_mean, is_out_of_memory
from convscope.core.process import end_soon, refuse_lost_folder, seconds_since_start, seldom_collecting
from convscope.core.text import printable, sentence
from convscope.core.tunings import let_idle_threads_rest
from convscope.core.version import __version__

from .standard import discard_output, filled
from .wording import spelling

# One line a command, so that `convscope --help` imports no command; a test compares them with the commands.
COMMANDS = {
    "train": "Train a network on images: folder, list or named dataset.",
    "predict": "Predict the classes of images, with their probabilities.",
    "look": "Look inside a network: one page that runs it and shows every layer.",
    "explain": "Explain predictions by pixels and by similar training images.",
    "draw": "Draw filters, maps, curves, the layout, or a convolution in motion.",
    "measure": "Measure robustness to distortions, units, and cost, layer by layer.",
    "compare": "Compare variants of a network on the same images and budget.",
    "scan": "Apply a network at every position of an image of any size.",
    "features": "Extract features of a layer to a file, or train classifiers on them.",
    "merge": "Merge the parts of predict --shards or features --shards.",
    "convert": "Convert networks: ONNX to a model file, and a model to ONNX.",
    "check": "Find what is wrong with a dataset; change nothing.",
    "machine": "Show this computer, and what was chosen for it.",
    "cache": "Show or clear the cache of decoded images.",
}

_ANYWHERE = {"machine", "cache"}
"""Commands that work if the current folder was removed."""

DONE, CANNOT, INTERRUPTED, NO_READER, TERMINATED = 0, 2, 130, 141, 143
"""Exit codes; the commands themselves give 1 (done, but some inputs were unusable)."""

_MEMORY_SENTENCE = "There is not enough memory. Use smaller images (--size) or fewer at once (--batch)."


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return the remaining arguments; without any, show the help, as every version of click should."""
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"convscope.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names, or fail with the closest name."""
        if args[0] not in COMMANDS:
            names = ", ".join(COMMANDS)
            ctx.fail(f"The command must be one of {names}. Got {args[0]!r}.{did_you_mean(args[0], COMMANDS)}")
        if args[0] not in _ANYWHERE and not set(args) & set(ctx.help_option_names):
            refuse_lost_folder()
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end quietly if the reader of its output has left."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            discard_output()
            ctx.exit(NO_READER)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'convscope COMMAND --help' explains one command. Exit codes: 0 done, 1 done but some inputs were "
    "unusable, 2 the request cannot be met, 130 interrupted.",
)
@click.version_option(__version__, message="convscope %(version)s")
@click.option("--traceback", is_flag=True, expose_value=False, help="Show where an error was raised; allowed anywhere.")
def group() -> None:
    """Train convolutional networks on your own images and see what every layer has learned."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (by default those of the process) and return its exit code."""
    words, trace = _without_trace(list(sys.argv[1:] if arguments is None else arguments))
    let_idle_threads_rest()
    own = arguments is None  # the process ends with this command
    with filled(), _terminated_by_signal(), seldom_collecting():
        try:
            spent_s = seconds_since_start() if own else 0.0
            began_s = time.monotonic() - spent_s
            result = group.main(words, prog_name="convscope", standalone_mode=False, obj=began_s)
            return result if isinstance(result, int) else DONE
        except (click.Abort, KeyboardInterrupt):
            return _end("Interrupted.", INTERRUPTED, trace=trace)
        except click.ClickException as error:
            return _end(f"Error: {_usage_sentence(error)}", CANNOT, trace=trace)
        except ConvscopeError as error:
            return _end(f"Error: {error}", CANNOT, trace=trace)
        except OSError as error:
            return _end(f"Error: {_system_sentence(error)}", CANNOT, trace=trace)
        except Exception as error:  # noqa: BLE001  # the last resort: a sentence, not a traceback
            message = _MEMORY_SENTENCE if is_out_of_memory(error) else _fault_sentence(error)
            return _end(f"Error: {message}", CANNOT, trace=trace)
        finally:
            if own:
                end_soon()


def _without_trace(arguments: list[str]) -> tuple[list[str], bool]:
    """Return the arguments without any ``--traceback`` before ``--``, and whether there was one."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = [word for word in arguments[:end] if word != "--traceback"]
    return words + arguments[end:], len(words) < end


@contextlib.contextmanager
def _terminated_by_signal() -> Iterator[None]:
    """Exit on SIGTERM, so that half-written files are removed and the cursor returns."""

    def leave(_number: int, _frame: object) -> NoReturn:
        raise SystemExit(TERMINATED)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(message: str, code: int, *, trace: bool) -> int:
    """Write the message to standard error, after the traceback if `trace` is set; return `code`."""
    with contextlib.suppress(OSError):
        if trace:
            print("\n".join(map(printable, traceback.format_exc().splitlines())), file=sys.stderr)
        print(sentence(message), file=sys.stderr)
    return code


def _usage_sentence(error: click.ClickException) -> str:
    """Return what is wrong with the arguments of a command, and where they are explained."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    missing = error.param if isinstance(error, click.MissingParameter) else None
    message = _missing(missing) if missing else error.format_message()
    return f"{message} See: {context.command_path} --help" if context else message


def _missing(parameter: click.Parameter) -> str:
    """Return the sentence on a missing parameter; click's own takes a line for each choice."""
    kind = parameter.type
    rule = f"be one of {', '.join(map(str, kind.choices))}" if isinstance(kind, click.Choice) else "be given"
    return f"`{spelling(parameter)}` must {rule}. Got none."


def _system_sentence(error: OSError) -> str:
    """Return the reason of the operating system, and the file."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason}." if error.filename is not None else f"{reason}."


def _fault_sentence(error: Exception) -> str:
    """Return the sentence on an unexpected error."""
    return (
        f"convscope has a fault here ({type(error).__name__}: {error}). "
        "Please run the command again with --traceback and send what it prints to the authors."
    )
