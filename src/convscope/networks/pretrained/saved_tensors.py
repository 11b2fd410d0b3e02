"""Tensors in a file that `torch.save` wrote before 2020: read as data; no pickle in it is executed.

The file is five pickles and then the numbers of each storage, behind their count. The opcodes of the pickles are
listed, not run: the fourth names each tensor and then its storage, offset, sizes and strides; the fifth lists the
storages.
"""

import hashlib
import pickletools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import ModelFileError

_HEADERS = 3
_WORDS = {"storage", "cpu"}
_TEXT, _NUMBER = "BINUNICODE", ("BININT", "BININT1", "BININT2")
_STORAGE, _ENDS = "BINPERSID", ("NEWFALSE", "NEWTRUE")


@dataclass(kw_only=True)
class _Entry:
    """A tensor of the file: its storage, and the offset, sizes and strides of what it takes from it."""

    name: str
    storage: str
    numbers: list[int] = field(default_factory=list)

    def of(self, values: NDArray[np.float32]) -> Tensor:
        """Return the tensor from the numbers of its storage."""
        rank = len(self.numbers) // 2
        sizes, strides = self.numbers[1 : 1 + rank], self.numbers[1 + rank :]
        return torch.as_strided(torch.from_numpy(values), sizes, strides, self.numbers[0]).contiguous()


def read_saved_tensors(path: Path, *, sha256: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return the tensors named in `shapes`, float32.

    Args:
        path: of the file.
        sha256: of its bytes; other files are refused, so that nothing unknown is interpreted.
        shapes: of the tensors that are wanted, by name.

    Raises:
        ModelFileError: the file cannot be read or is another one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"Cannot read the weights in {path}: {error.strerror or error}.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelFileError(
            f"{path} is not the file of weights that convscope knows ({len(data):,} bytes with another SHA-256 sum): "
            "it is damaged or of another version. Install its package again."
        )
    file = BytesIO(data)
    for _ in range(_HEADERS):
        _texts(file)
    entries = {entry.name: entry for entry in _entries(file)}
    counts = {entry.storage for entry in entries.values() if entry.name.endswith("num_batches_tracked")}
    values = {key: _numbers(file, bytes_each=8 if key in counts else 4) for key in _texts(file)}
    return {name: entries[name].of(values[entries[name].storage]).reshape(shape) for name, shape in shapes.items()}


def _texts(file: BytesIO) -> list[str]:
    """Return the texts in the next pickle, in order."""
    return [str(argument) for opcode, argument, _ in pickletools.genops(file) if opcode.name == _TEXT]


def _entries(file: BytesIO) -> Iterator[_Entry]:
    """Give the tensors that the next pickle names."""
    texts, entry = ["", ""], None
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == _TEXT and argument not in _WORDS:
            texts = [texts[1], str(argument)]
        elif opcode.name == _STORAGE:
            entry = _Entry(name=texts[0], storage=texts[1])
        elif opcode.name in _NUMBER and entry is not None:
            entry.numbers.append(int(str(argument)))
        elif opcode.name in _ENDS and entry is not None:
            yield entry
            entry = None


def _numbers(file: BytesIO, *, bytes_each: int) -> NDArray[np.float32]:
    """Return the next storage as float32; one of whole numbers, which are 8 bytes each, has no use."""
    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(bytes_each * count), "<f4").copy()
