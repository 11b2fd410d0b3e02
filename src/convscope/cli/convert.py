"""``convscope convert``: ONNX files to model files, and models to ONNX files."""

from typing import TYPE_CHECKING, Any

import click

from convscope.core.text import counted, printable
from convscope.options.convert import ConvertOptions

from .options import GroupedCommand, as_json, options_of
from .standard import need_output

if TYPE_CHECKING:
    from convscope.api.convert import ConvertResult


@click.command("convert", cls=GroupedCommand)
@click.argument("model", metavar="MODEL")
@options_of(ConvertOptions)
@as_json
def command(*, model: str, as_json: bool, **values: Any) -> None:
    """Convert the network MODEL: an ONNX file to a model file, or a model file or run folder to an ONNX file.

    The ending of -o says which. An ONNX file is read as data, and no code in it runs; the
    preprocessing (--mean, --std, --scale, --color, --size) and the names of the classes are not in the file; give them
    here.
    The result is compared with ONNX Runtime, if that is installed, layer by layer.
    """
    from convscope.api.convert import convert
    from convscope.core.records import json_text

    if as_json:
        need_output("Leave --json out.")
    output = values.pop("output")
    result = convert(model, output, **values)
    click.echo(json_text(_plain(result), indent=2) if as_json else report(result))


def _plain(result: "ConvertResult") -> dict[str, Any]:
    return {**vars(result), "path": str(result.path)}


def report(result: "ConvertResult") -> str:
    """Return what was written, how it was compared, and the notes, one a line."""
    size = f"{result.width}x{result.height} pixels of {counted(result.channels, 'channel')}"
    lines = [
        f"{printable(str(result.path))}: {counted(result.layers, 'layer')}, {counted(result.parameters, 'parameter')}, "
        f"{size}, {counted(result.classes, 'class', 'classes')}"
    ]
    if result.difference is not None:
        lines.append(f"compared with the original: the output differs by {result.difference:.0e} of its largest value")
    if result.proof is not None and result.path.suffix.lower() != ".onnx":
        proof = result.proof
        lines.append(
            f"layers: {proof['compared']:,} of {proof['of']:,} compared, which differ by at most {proof['layers']:.0e}"
        )
    return "\n".join([*lines, *(f"note: {printable(note)}" for note in result.notes)])
