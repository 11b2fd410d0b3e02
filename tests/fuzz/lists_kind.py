"""Damaged lists, archives of arrays, IDX files and names on standard input: read, or refused in one sentence."""

import gzip
import io
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from convscope.core.errors import ConvscopeError
from convscope.images.checks import inspect
from convscope.images.dataset import prepare
from convscope.images.sources.opening import open_source
from convscope.networks.model_file import write_model
from tests.checks.models import small_model

from .bytewise import Change, damaged
from .cases import Kind, Random, Verdict, Watch, pick
from .commands import check_command, command, leftovers
from .small_set import CLASSES, write_set

_CELLS = (
    "", " ", '"', '""', "'", "a", "train", "x" * 5_000, "..", "/", "/dev/zero", "/proc/self/mem", ".", "a/0.png\0",
    "\ufeff", "ä", "a\u0308", "\u2028", "=1+1", "1e999", "-1", "NaN", "a/0.png;b", "a\\0.png", "a/../a/1.png", "\r",
    "\x1a", "*", "a/*.png",
)  # fmt: skip
_HEADER_CHANGES = {
    "'|u1'": ("'|O'", "'<f8'", "'|S0'", "'<U9999999'", "'|V0'", "'<M8[s]'", "'<c16'", "[('a','|u1')]"),
    "'<U1'": ("'|O'", "'<U0'", "'<i8'", "'>U1'"),
    "(8,": ("(-8,", "(0,", "(99999999999,", "(8,8,", "((8),", "('8',", "(8" * 300, "(8.0,", "(True,"),
    "False": ("True", "None", "0", "__import__('os')"),
    "}": ("", "}}", "}\n{", ", 'x': 1}"),
}
"""What the header of an array says, and what else it could say."""
_EVERY = 16


class Lists(Kind):
    """Lists and archives of arrays."""

    name = "lists"
    title = "CSV, TSV and Parquet lists, .npz and IDX files and lists of names through check, train and predict"

    def prepare(self, folder: Path) -> None:
        """Make the images and good files of every kind."""
        self._folder = folder
        self._set = write_set(folder / "set", 4)
        self._model = folder / "model.safetensors"
        write_model(small_model("4C3-MP2"), self._model)
        self._good = _good_files()
        self._names = sorted(self._good)

    def case(self, seed: int) -> tuple[str, bytes, bool]:
        """Return name and bytes of a file, and whether it is whole."""
        random = self.random(seed)
        name = pick(random, self._names)
        data = self._good[name]
        if seed % _EVERY == 0:
            return name, data, True
        return name, damaged(data, random, _changes(name)), False

    def save(self, seed: int, folder: Path) -> None:
        """Write the file of one case, with the images that it may name."""
        name, data, _ = self.case(seed)
        write_set(folder, 4)
        (folder / name).write_bytes(data)

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Open each as data, and go through what it holds."""
        for seed in seeds:
            watch.begin(seed)
            name, data, whole = self.case(seed)
            if name == "names.txt":
                ended = command(["predict", str(self._model), "-", "--quiet", "--json"], stdin=data)
                check_command(ended, watch)
                continue
            path = self._set / name
            path.write_bytes(data)
            try:
                self._read(path, whole, watch)
            except Exception as error:  # noqa: BLE001  # what is looked for
                watch.crashed(error)
            finally:
                path.unlink()
                shutil.rmtree(self._folder / "cache", ignore_errors=True)
            if left := leftovers(self._folder):
                watch.found(Verdict.WRONG, "a file is left behind", f"{left}")

    def _read(self, path: Path, whole: bool, watch: Watch) -> None:
        try:
            source = open_source(path)
            found = inspect(source, workers=1)
        except ConvscopeError as error:
            if whole:
                watch.found(Verdict.WRONG, f"a whole file is refused ({path.name})", str(error))
            return
        try:
            dataset = prepare(source, cache_dir=self._folder / "cache", workers=1)
        except ConvscopeError as error:
            if whole:
                watch.found(Verdict.WRONG, f"a whole file is refused by train ({path.name})", str(error))
            return
        if found.images != len(source) or found.usable > len(source):
            watch.found(Verdict.WRONG, "check counts what is not there", f"{found.images} {len(source)}")
        if len(dataset) != found.usable:
            watch.found(Verdict.WRONG, "train takes another number than check", f"{len(dataset)} {found.usable}")
        if not set(np.unique(dataset.labels)) <= set(range(len(dataset.classes))):
            watch.found(Verdict.WRONG, "a label of no class", f"{dataset.classes}")
        if whole and (len(source) != 8 or found.usable != 8 or set(source.classes) != set(CLASSES)):
            watch.found(Verdict.WRONG, f"a whole file is read wrongly ({path.name})", f"{len(source)} {source.classes}")


def _rows() -> list[tuple[str, str]]:
    return [(f"{name}/{number}.png", name) for name in CLASSES for number in range(4)]


def _good_files() -> dict[str, bytes]:
    rows = _rows()
    splits = ["train", "train", "train", "val"] * 2
    csv = "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows)
    parts = "path\tlabel\tsplit\n" + "".join(
        f"{path}\t{label}\t{split}\n" for (path, label), split in zip(rows, splits, strict=True)
    )
    quoted = '"file";"class";"note"\r\n' + "".join(f'"{path}";"{label}";"a ""note"""\r\n' for path, label in rows)
    images = np.random.default_rng(0).integers(0, 255, (8, 12, 12), dtype=np.uint8)
    labels = np.array([label for _, label in rows])
    return {
        "list.csv": csv.encode(),
        "parts.tsv": parts.encode(),
        "quoted.csv": quoted.encode("utf-8-sig"),
        "utf16.csv": csv.encode("utf-16"),
        "headless.csv": csv.partition("\n")[2].encode(),
        "list.parquet": _parquet(rows, None),
        "packed.parquet": _parquet(rows, "gzip"),
        "arrays.npz": _npz(False, x=images, y=labels),
        "deflated.npz": _npz(
            True, images=images, labels=(labels == "b").astype(np.int64), class_names=np.array(CLASSES)
        ),
        "floats.npz": _npz(False, x=images / 255, y=labels),
        "parts.npz": _npz(False, x_train=images[::2], y_train=labels[::2], x_test=images[1::2], y_test=labels[1::2]),
        "names.txt": "\n".join(path for path, _ in rows).encode() + b"\nno such file\n",
    }


def _parquet(rows: Sequence[tuple[str, str]], compression: str | None) -> bytes:
    from pyarrow import BufferOutputStream, parquet, table

    stream = BufferOutputStream()
    columns = {
        "path": [path for path, _ in rows],
        "label": [label for _, label in rows],
        "note": list(range(len(rows))),
    }
    parquet.write_table(table(columns), stream, compression=compression or "none")
    return bytes(stream.getvalue())


def _npz(deflated: bool, **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if deflated else np.savez)(stream, **arrays)
    return stream.getvalue()


def _changes(name: str) -> tuple[Change, ...]:
    if name.endswith((".csv", ".tsv", ".txt")):
        return (_cells, _cells, _encoding)
    if name.endswith(".npz"):
        return (_member, _member_header)
    return (_footer,)


def _cells(data: bytes, random: Random) -> bytes:
    """Change cells, rows or the delimiter of a table."""
    text = data.decode("utf-8", "surrogateescape")
    delimiter = pick(random, (",", ";", "\t"))
    lines = text.split("\n")
    at = int(random.integers(len(lines)))
    what = int(random.integers(7))
    cells = lines[at].split(delimiter)
    if what == 0:
        cells[int(random.integers(len(cells)))] = pick(random, _CELLS)
    elif what == 1:
        cells.insert(0, pick(random, _CELLS))
    elif what == 2:
        cells.pop()
    elif what == 3:
        lines.insert(at, lines[int(random.integers(len(lines)))])
    elif what == 4:
        lines.insert(0, pick(random, ("sep=;", "sep=,", "", "#", "path", "path,path,label", "label,path", "a,b,c,d")))
    elif what == 5:
        return text.replace(pick(random, ",;\t"), pick(random, ",;\t|")).encode("utf-8", "surrogateescape")
    else:
        return text.replace("\n", pick(random, ("\r", "\r\n", "\n\n", "\u2028", "\v"))).encode(
            "utf-8", "surrogateescape"
        )
    if what < 3 and at < len(lines):
        lines[at] = delimiter.join(cells)
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _encoding(data: bytes, random: Random) -> bytes:
    """Write the text in another encoding, or say that it is one."""
    text = data.decode("utf-8", "replace")
    if random.integers(2):
        return pick(random, (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0")) + data
    return text.encode(pick(random, ("utf-16", "utf-16-be", "utf-32", "cp1252", "utf-8-sig")), "replace")


def _footer(data: bytes, random: Random) -> bytes:
    """Change the length of the footer, or bytes of it: there a Parquet file says what it holds."""
    if len(data) < 12:
        return data
    if random.integers(3) == 0:
        length = pick(random, (0, 1, len(data), (1 << 31) - 1, (1 << 32) - 1))
        return data[:-8] + struct.pack("<I", length) + data[-4:]
    start = max(0, len(data) - 8 - int.from_bytes(data[-8:-4], "little"))
    return data[:start] + damaged(data[start:-8], random) + data[-8:]


def _member(data: bytes, random: Random) -> bytes:
    """Change one array of an archive, or its name, and write the archive anew."""

    def change(name: str, content: bytes) -> tuple[str, bytes]:
        if random.integers(3) == 0:
            odd = ("x", "x.npy", "y.npy", "../x.npy", "train/x.npy", "images.npy", "x_train.npy", "x_val.npy", ".npy")
            return pick(random, odd), content
        return name, damaged(content, random)

    return _rewritten(data, random, change)


def _member_header(data: bytes, random: Random) -> bytes:
    """Write another header before one array."""

    def change(name: str, content: bytes) -> tuple[str, bytes]:
        length = int.from_bytes(content[8:10], "little")
        text = content[10 : 10 + length].decode("latin-1")
        old = pick(random, list(_HEADER_CHANGES))
        new = pick(random, _HEADER_CHANGES[old])
        header = text.replace(old, new, 1).encode("latin-1")
        return name, content[:8] + struct.pack("<H", len(header) & 0xFFFF) + header + content[10 + length :]

    return _rewritten(data, random, change)


def _rewritten(data: bytes, random: Random, change: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  # damaged before
        return data
    if not members:
        return data
    chosen = pick(random, sorted(members))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice is meant
        for name, content in members.items():
            archive.writestr(*(change(name, content) if name == chosen else (name, content)))
    return stream.getvalue()


class Idx(Kind):
    """IDX files, plain and gzipped."""

    name = "idx"
    title = "IDX files, plain and gzipped, through check and train"

    def prepare(self, folder: Path) -> None:
        """Make good files."""
        self._folder = folder
        images = np.random.default_rng(0).integers(0, 255, (8, 12, 12), dtype=np.uint8)
        labels = np.array([0, 1] * 4, np.uint8)
        self._images = struct.pack(">IIII", 0x803, 8, 12, 12) + images.tobytes()
        self._labels = struct.pack(">II", 0x801, 8) + labels.tobytes()

    def case(self, seed: int) -> dict[str, bytes]:
        """Return the two files of a set."""
        random = self.random(seed)
        images, labels = self._images, self._labels
        packed = bool(random.integers(2))
        within = bool(random.integers(2))
        changes = (_idx_header,)
        if seed % _EVERY and (within or not packed):
            if random.integers(3):
                images = damaged(images, random, changes)
            else:
                labels = damaged(labels, random, changes)
        if packed:
            images, labels = gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0)
            if seed % _EVERY and not within:
                images = damaged(images, random)
        end = ".gz" if packed else ""
        return {f"train-images-idx3-ubyte{end}": images, f"train-labels-idx1-ubyte{end}": labels}

    def save(self, seed: int, folder: Path) -> None:
        """Write the files of one case."""
        for name, data in self.case(seed).items():
            (folder / name).write_bytes(data)

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Open the folder, or the file of images."""
        for seed in seeds:
            watch.begin(seed)
            place = self._folder / "set"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            files = self.case(seed)
            for name, data in files.items():
                (place / name).write_bytes(data)
            try:
                source = open_source(place if seed % 2 else place / next(iter(files)))
                found = inspect(source, workers=1)
                dataset = prepare(source, cache_dir=self._folder / "cache", workers=1)
                if len(dataset) != found.usable:
                    watch.found(
                        Verdict.WRONG, "train takes another number than check", f"{len(dataset)} {found.usable}"
                    )
            except ConvscopeError as error:
                if seed % _EVERY == 0:
                    watch.found(Verdict.WRONG, "a whole set is refused", str(error))
            except Exception as error:  # noqa: BLE001  # what is looked for
                watch.crashed(error)


def _idx_header(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    place = int(random.integers(0, 16))
    if place + 4 <= len(changed):
        number = pick(random, (0, 1, 2, 7, 9, 255, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1))
        struct.pack_into(">I" if random.integers(2) else "<I", changed, place, number)
    return bytes(changed)
