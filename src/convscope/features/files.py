"""Features on disk: .npy, .npz, CSV and Parquet, written as they come, so that a million images need no memory."""

import contextlib
import csv
import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from convscope.core.atomic import check_output, replacing
from convscope.core.errors import ParameterError, did_you_mean
from convscope.core.extras import optional
from convscope.core.text import begins_formula
from convscope.images.inspection import spell

from .extractor import Vectors

MOST_COLUMNS = 10_000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What stands beside the features, one an image: its path or name, its class and the part of the set it is in."""

    images: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str]


class FeatureFile(ABC):
    """Takes features as they come, in the order of the images."""

    @abstractmethod
    def write(self, features: Vectors) -> None:
        """Add the features of the next images: float32 n × values, or n × maps × rows × columns."""

    @abstractmethod
    def end(self) -> None:
        """Write what comes after the last image."""


@contextlib.contextmanager
def feature_file(
    path: Path, rows: Rows, *, shape: tuple[int, ...], names: Sequence[str], force: bool = False
) -> Iterator[FeatureFile]:
    """Give the file that stands at `path` when the block has ended, and not before; its ending says the kind.

    Args:
        path: ends in one of `FEATURE_FORMATS`.
        rows: what stands beside the features.
        shape: of the features of one image.
        names: one for each value, for the columns of a table.
        force: replace what stands there.

    Raises:
        ParameterError: the ending is unknown, or a table would have too many columns.
        StorageError: something stands there, or it cannot be written.
        MissingPackageError: Parquet is asked for and pyarrow is not there.
    """
    check_file(path, values=len(names), force=force)
    with replacing(path) as stream:
        file = FEATURE_FORMATS[path.suffix.lower()](stream, rows, shape, names)
        try:
            yield file
        except BaseException:
            with contextlib.suppress(Exception):
                file.end()  # what is open is closed; the file is removed
            raise
        file.end()


def check_file(path: Path, *, values: int, force: bool) -> None:
    """Raise an error for a file that could not be written in the end."""
    kind = path.suffix.lower()
    if kind not in FEATURE_FORMATS:
        raise ParameterError(
            f"The file of features must end in one of {', '.join(FEATURE_FORMATS)}. Got {path.name!r}."
            f"{did_you_mean(kind, FEATURE_FORMATS)}"
        )
    if kind in (".csv", ".parquet") and values > MOST_COLUMNS:
        raise ParameterError(
            f"A table must have at most {MOST_COLUMNS:,} columns of features. Got {values:,}. Use --pool mean, max or "
            "grid2, or a .npz file."
        )
    if kind == ".parquet":
        optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
    check_output(path, force=force)


@final
class NpyFile(FeatureFile):
    """One array of features, and nothing else."""

    def __init__(self, stream: BinaryIO, rows: Rows, shape: tuple[int, ...], names: Sequence[str]) -> None:
        self._stream = stream
        _write_header(stream, (len(rows.images), *shape))

    def write(self, features: Vectors) -> None:
        """Add them as they lie in memory."""
        self._stream.write(np.ascontiguousarray(features, "<f4").tobytes())

    def end(self) -> None:
        """Nothing comes after the last image."""


class _Archive(zipfile.ZipFile):
    """An archive that is silent when it is dropped after its file has failed: that was said already."""

    def __del__(self) -> None:
        """Close what can be closed."""
        with contextlib.suppress(Exception):
            super().__del__()


@final
class NpzFile(FeatureFile):
    """The arrays ``features``, ``images``, ``labels``, ``splits`` and ``names``; texts need no pickle to be read."""

    def __init__(self, stream: BinaryIO, rows: Rows, shape: tuple[int, ...], names: Sequence[str]) -> None:
        self._archive = _Archive(stream, "w")
        texts = {"images": rows.images, "labels": rows.labels, "splits": rows.splits, "names": names}
        for name, values in texts.items():
            with self._archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, _texts(values), allow_pickle=False)
        self._entry = self._archive.open("features.npy", "w", force_zip64=True)
        _write_header(self._entry, (len(rows.images), *shape))

    def write(self, features: Vectors) -> None:
        """Add them as they lie in memory."""
        self._entry.write(np.ascontiguousarray(features, "<f4").tobytes())

    def end(self) -> None:
        """Close the archive."""
        self._entry.close()
        self._archive.close()


@final
class CsvFile(FeatureFile):
    """A row per image: image, class, split, then the features; floats as short as they can be read back exactly."""

    def __init__(self, stream: BinaryIO, rows: Rows, shape: tuple[int, ...], names: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        self._rows = zip(rows.images, rows.labels, rows.splits, strict=True)
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(["image", "class", "split", *names])

    def write(self, features: Vectors) -> None:
        """Add a row each."""
        for values, beside in zip(features.reshape(len(features), -1), self._rows, strict=False):
            self._writer.writerow([*map(_no_formula, beside), *(str(value) for value in values)])

    def end(self) -> None:
        """Write out what is still in memory, and leave the stream open."""
        self._text.flush()
        self._text.detach()


@final
class ParquetFile(FeatureFile):
    """A row per image, as in CSV, perhaps with metadata; needs pyarrow."""

    def __init__(
        self,
        stream: BinaryIO,
        rows: Rows,
        shape: tuple[int, ...],
        names: Sequence[str],
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._arrow = optional("pyarrow", needed_for="Parquet files", extra="parquet")
        parquet = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
        texts = {name: self._arrow.string() for name in ("image", "class", "split")}
        self._schema = self._arrow.schema((texts | dict.fromkeys(names, self._arrow.float32())).items(), metadata)
        self._writer = parquet.ParquetWriter(stream, self._schema, write_page_checksum=True)
        self._rows, self._done = rows, 0

    def write(self, features: Vectors) -> None:
        """Add a group of rows."""
        here = slice(self._done, self._done + len(features))
        texts = [
            [spell(text) for text in values[here]]
            for values in (self._rows.images, self._rows.labels, self._rows.splits)
        ]
        columns = [*texts, *np.ascontiguousarray(features.reshape(len(features), -1).T)]
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._done += len(features)

    def end(self) -> None:
        """Write what makes the file readable."""
        self._writer.close()


FEATURE_FORMATS: dict[str, Callable[[BinaryIO, Rows, tuple[int, ...], Sequence[str]], FeatureFile]] = {
    ".npz": NpzFile,
    ".npy": NpyFile,
    ".csv": CsvFile,
    ".parquet": ParquetFile,
}


def _write_header(stream: Any, shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})


def _texts(values: Sequence[str]) -> NDArray[np.str_]:
    return np.array([spell(value) for value in values], dtype=np.str_)


def _no_formula(text: str) -> str:
    """Return the text as a spreadsheet takes it for text, not for a formula."""
    shown = spell(text)
    return f"'{shown}" if begins_formula(shown) else shown
