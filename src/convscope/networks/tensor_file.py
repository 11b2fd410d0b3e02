"""Safetensors files, validated before use: nothing is allocated before the header agrees with the file size."""

import contextlib
import hashlib
import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, final

import torch
from torch import Tensor

from convscope.core.errors import ModelFileError, is_out_of_memory
from convscope.core.records import strict_json
from convscope.core.text import printable

LARGEST_HEADER = 1 << 24  # bytes
LARGEST_TENSORS = 10_000
_MOST_AXES = 8
_METADATA = "__metadata__"
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True, kw_only=True)
class TensorEntry:
    """One tensor as the header declares it: its type, its shape and where its bytes begin behind the header."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    size: int


@final
class TensorFile:
    """An open safetensors file whose header was found to agree with its size; made by `open_tensors`.

    Attributes:
        metadata: texts by name, as the writer put them there.
        entries: what is in the file, by name.
    """

    def __init__(self, stream: BinaryIO, metadata: dict[str, str], entries: dict[str, TensorEntry], start: int) -> None:
        self.metadata, self.entries = metadata, entries
        self._stream, self._start = stream, start

    def read(self) -> dict[str, Tensor]:
        """Return all tensors, by name; this allocates as many bytes as the file really has."""
        return {name: self._tensor(entry) for name, entry in self.entries.items()}

    def _tensor(self, entry: TensorEntry) -> Tensor:
        flat = torch.empty(math.prod(entry.shape), dtype=entry.dtype)
        self._stream.seek(self._start + entry.begin)
        into: Any = flat.view(torch.uint8).numpy()
        if entry.size and self._stream.readinto(into) != entry.size:  # type: ignore[attr-defined]  # typeshed lacks it
            raise UnfitError("it is cut off: it ends before its last tensor")
        if entry.dtype == torch.bool and entry.size and int(flat.view(torch.uint8).max()) > 1:
            raise UnfitError("it is damaged: a truth value is neither 0 nor 1")
        return flat.reshape(entry.shape)


class UnfitError(Exception):
    """A file cannot be used; the text is the reason, without its name."""


def content_digest(text: str, tensors: dict[str, Tensor]) -> str:
    """Return 32 hexadecimal digits that stand for a text and tensors: names, types, shapes and values."""
    sums = hashlib.blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        value = tensors[name]
        sums.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        sums.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return sums.hexdigest()


@contextlib.contextmanager
def open_tensors(path: str | os.PathLike[str], *, kind: str = "model file") -> Iterator[TensorFile]:
    """Give the tensor file at `path`, its header checked, its tensors not yet read.

    Args:
        path: the file.
        kind: what it should be, for the message.

    Raises:
        ModelFileError: it is missing, not readable, damaged, cut off, or something else; one sentence, at once.
    """
    try:
        with _open(Path(path)) as stream:
            yield _checked(stream, os.fstat(stream.fileno()).st_size)
    except UnfitError as error:
        raise refusal(path, str(error), kind) from None
    except OSError as error:
        raise refusal(path, f"it cannot be read: {error.strerror or error}", kind) from None
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise refusal(path, "it needs more memory than there is", kind) from None


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a checkpoint, a safetensors file, and its metadata.

    Raises:
        ModelFileError: as `open_tensors` says.
    """
    with open_tensors(path, kind="checkpoint") as file:
        return file.read(), file.metadata


def refusal(path: str | os.PathLike[str], reason: str, kind: str = "model file") -> ModelFileError:
    """Return the error that says why the file at `path` is not used."""
    return ModelFileError(f"{printable(os.fsdecode(path))} is no {kind} that can be used: {reason}.")


def _open(path: Path) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block for ever
            raise UnfitError("it is a folder or a device, not a file")
        return path.open("rb")
    except FileNotFoundError:
        raise UnfitError("there is no such file") from None
    except PermissionError:
        raise UnfitError("there is no permission to read it") from None
    except ValueError:
        raise UnfitError("its name holds a zero byte") from None


def _checked(stream: BinaryIO, size: int) -> TensorFile:
    """Return the file when everything that its header says is true of a file of `size` bytes."""
    start = stream.read(64)
    if not start:
        raise UnfitError("it is empty (0 bytes)")
    length = int.from_bytes(start[:8], "little")
    if size < 10 or start[8:9] != b"{" or length < 2:
        raise UnfitError(describe(start))
    if length > LARGEST_HEADER:
        raise UnfitError(f"its header declares {length:,} bytes, more than the limit of {LARGEST_HEADER:,}")
    if 8 + length > size:
        raise UnfitError("it is cut off: it ends inside its header")
    stream.seek(8)
    try:
        header = strict_json(stream.read(length))
    except ValueError:
        raise UnfitError("it is damaged: its header is no valid JSON") from None
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise UnfitError("it is damaged: its metadata are not texts")
    if len(header) > LARGEST_TENSORS:
        raise UnfitError(f"it declares {len(header):,} tensors, more than the limit of {LARGEST_TENSORS:,}")
    entries = {name: _entry(name, value) for name, value in header.items()}
    _check_offsets(list(entries.values()), size - 8 - length)
    return TensorFile(stream, metadata, entries, 8 + length)


def _entry(name: str, value: Any) -> TensorEntry:
    shown = printable(name[:60])
    match value:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]} if len(value) == 3:
            numbers = [*shape, begin, end]
        case _:
            raise UnfitError(f"it is damaged: the tensor '{shown}' is not described by dtype, shape and data_offsets")
    if dtype not in _DTYPES:
        raise UnfitError(f"the tensor '{shown}' has the unknown type '{printable(dtype[:20])}'")
    if len(shape) > _MOST_AXES or not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        raise UnfitError(f"it is damaged: the tensor '{shown}' has an invalid shape or offset")
    size = math.prod(shape) * _DTYPES[dtype].itemsize
    if end - begin != size:
        raise UnfitError(f"it is damaged: the tensor '{shown}' has another number of bytes than its shape needs")
    return TensorEntry(dtype=_DTYPES[dtype], shape=tuple(shape), begin=begin, size=size)


def _check_offsets(entries: list[TensorEntry], size: int) -> None:
    """Raise an error for tensors that overlap, leave gaps, or end elsewhere than the file does."""
    spans = [(0, 0), *sorted((entry.begin, entry.begin + entry.size) for entry in entries), (size, size)]
    if spans[-2][1] > size:
        raise UnfitError("it is cut off: it ends before its last tensor")
    if any(end != begin for (_, end), (begin, _) in pairwise(spans)):
        raise UnfitError("it is damaged: its tensors overlap or leave gaps")


_SIGNATURES = (
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes it"),
    (b"PK\x03\x04", "a zip archive, as PyTorch (.pt) and Keras (.keras) write it"),
    (b"\x80\x02", "a Python pickle, which could run any program"),
    (b"\x80\x03", "a Python pickle, which could run any program"),
    (b"\x80\x04", "a Python pickle, which could run any program"),
    (b"\x80\x05", "a Python pickle, which could run any program"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or a sound"),
    (b"GGUF", "a GGUF model"),
    (b"%PDF", "a PDF document"),
    (b"version https://git-lfs", "the pointer that Git LFS leaves where the real file was not fetched"),
)


def describe(start: bytes) -> str:
    """Return what begins with the bytes `start`, which is no tensor file.

    Examples:
        >>> describe(b"GIF89a")
        'it is a GIF image'
        >>> describe(b"hello")
        'it does not begin like a safetensors file'
    """
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            return f"it is {what}"
    return "it does not begin like a safetensors file"
