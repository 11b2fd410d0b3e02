"""The manifest: what is computed and of which images, listed once; a shard is finished when its part is there."""

import dataclasses
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from convscope.core.errors import DataError, StorageError
from convscope.core.records import from_json, strict_json, to_json
from convscope.core.text import counted, printable
from convscope.networks.inputs import Input

from .store import Store

IDENTITY = "convscope.manifest"
"""Metadata of a part: the manifest that it belongs to."""
MANIFEST, METADATA = "_manifest.json", "_metadata"  # readers of Parquet folders pass over names that begin with _
PART = re.compile(r"part-(\d{5,})\.(?:parquet|tiles)")
_OWN = re.compile(r"_manifest\.json|_metadata|_model-[0-9a-f]{32}\.safetensors|_list-\d{5,}-[0-9a-f]{16}\.json")
LARGEST_MANIFEST, _LARGEST_LIST = 1 << 28, 1 << 28


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One image of a shard.

    Attributes:
        name: for the user.
        content: its absolute path or address; empty where there is nothing to read.
        error: why there is nothing to read.
        label: its class, if known.
        split: the part of the dataset that it is in, if known.
    """

    name: str
    content: str
    error: str = ""
    label: str = ""
    split: str = ""

    @property
    def given(self) -> Input:
        """The image, to be read."""
        return Input(name=self.name, content=self.content or None, error=self.error)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is computed.

    Attributes:
        command: ``predict``, ``features`` or ``scan``.
        model: digest of the model file, which is in the folder.
        options: all that changes the results.
        source: digest of what the images were named by.
        size: images in a shard.
    """

    command: str
    model: str
    options: dict[str, Any]
    source: str
    size: int

    @property
    def kind(self) -> str:
        """The ending of the names of its parts."""
        return "tiles" if self.command == "scan" else "parquet"

    @property
    def model_name(self) -> str:
        """The name of the model file."""
        return f"_model-{self.model}.safetensors"


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The number of images in a shard, and the digest of their list."""

    images: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is computed, in which shards; written once, when all lists are there.

    Raises:
        DataError: it was written by a later version.
    """

    request: Request
    shards: tuple[Shard, ...]
    version: int = 1

    def __post_init__(self) -> None:
        if self.version != 1:
            raise DataError(
                f"The manifest must have version 1. Got {self.version}. Update with: pip install -U convscope"
            )

    @property
    def images(self) -> int:
        """The number of images in all shards."""
        return sum(shard.images for shard in self.shards)

    @property
    def identity(self) -> str:
        """A digest of all of it, which each part has."""
        return digest_of(json.dumps(to_json(self)).encode(), 16)

    def list_name(self, number: int) -> str:
        """Return the name of the list of a shard."""
        return f"_list-{number:05d}-{self.shards[number].digest}.json"

    def entries(self, store: Store, number: int) -> list[Entry]:
        """Return the images of a shard.

        Raises:
            DataError: its list is not there, or is not what was written.
        """
        data = store.read(self.list_name(number), _LARGEST_LIST)
        if digest_of(data, 8) != self.shards[number].digest:
            raise DataError(f"{self.list_name(number)} is damaged: it is not what was written. Plan anew with --force.")
        return [Entry(**dict(zip(_FIELDS, row, strict=False))) for row in strict_json(data)]

    def left(self, store: Store, part: tuple[int, int] = (1, 1)) -> list[int]:
        """Return the numbers of the shards in a part of all that are not finished.

        Args:
            store: the folder.
            part: (3, 16) is the third of sixteen.
        """
        finished = finished_shards(store)
        return [number for number in range(part[0] - 1, len(self.shards), part[1]) if number not in finished]


_FIELDS = tuple(field.name for field in dataclasses.fields(Entry))


def digest_of(data: bytes, size: int) -> str:
    """Return a digest of `size` bytes as hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=size).hexdigest()


def part_name(number: int, kind: str = "parquet") -> str:
    """Return the name of the part of a shard."""
    return f"part-{number:05d}.{kind}"


def finished_shards(store: Store) -> set[int]:
    """Return the numbers of all parts in the folder."""
    return {int(found[1]) for name in store.names() if (found := PART.fullmatch(name))}


def read_manifest(store: Store) -> Manifest | None:
    """Return the manifest in a folder; None if there is none.

    Raises:
        DataError: it is damaged, or of a later version.
    """
    if MANIFEST not in store.names():
        return None
    try:
        return from_json(Manifest, strict_json(store.read(MANIFEST, LARGEST_MANIFEST)))
    except ValueError as error:
        where = printable(f"{store.address}/{MANIFEST}")
        raise DataError(f"{where} must be a manifest of shards. It is damaged ({error}).") from None


def plan(store: Store, request: Request, images: Iterable[Entry], *, listing: bool = True) -> Manifest:
    """Return the manifest in the folder, which is written if there is none yet.

    Args:
        store: the folder.
        request: what is computed.
        images: all of them; gone through unless there is a manifest and `listing` is False.
        listing: compare the images with those of a manifest that is there.

    Raises:
        StorageError: the folder was made for something else, or has parts of unknown origin.
        DataError: there are no images.
    """
    before = read_manifest(store)
    if before is not None:
        _compare(store, before.request, request)
        if not listing:
            return before
    elif finished_shards(store):
        raise StorageError(f"{printable(store.address)} has parts without {MANIFEST}. Give another folder, or --force.")
    shards = tuple(_listed(images, request.size, None if before is not None else store))
    if not shards:
        raise DataError("There must be at least one image. Got none. Check the folder.")
    planned = Manifest(request=request, shards=shards)
    if before is None:
        store.write(MANIFEST, json.dumps(to_json(planned), indent=1).encode())
        return read_manifest(store) or planned  # that of another process, if it was later
    if planned.shards != before.shards:
        raise StorageError(
            f"{printable(store.address)} was made for {counted(before.images, 'image')}. Got another list, of "
            f"{planned.images:,}. Give another folder for them, or --force to begin anew."
        )
    return before


def _listed(images: Iterable[Entry], size: int, store: Store | None) -> Iterator[Shard]:
    """Give the shards of these images; their lists are written to `store`."""
    entries = iter(images)
    for number in itertools.count():
        rows = [list(dataclasses.astuple(entry)) for entry in itertools.islice(entries, size)]
        if not rows:
            return
        data = json.dumps([_shortened(row) for row in rows], separators=(",", ":")).encode()
        shard = Shard(images=len(rows), digest=digest_of(data, 8))
        if store is not None:
            store.write(f"_list-{number:05d}-{shard.digest}.json", data)
        yield shard


def _shortened(row: list[str]) -> list[str]:
    """Return a row without the empty cells at its end, all of which have defaults."""
    while len(row) > 2 and not row[-1]:
        row.pop()
    return row


def _compare(store: Store, before: Request, request: Request) -> None:
    """Raise an error for a folder that was made for something else.

    Raises:
        StorageError: it was; the sentence says what differs.
    """
    facts = {"command": "command", "model": "model", "source": "list of images", "size": "`shard_size`"}
    pairs = [(word, getattr(before, name), getattr(request, name)) for name, word in facts.items()]
    pairs += [(f"`{name}`", before.options.get(name), value) for name, value in request.options.items()]
    for word, first, second in pairs:
        if first != second:
            values = "" if word in ("model", "list of images") else f" ({first}, not {second})"
            raise StorageError(
                f"{printable(store.address)} was made with another {word}{values}. Give another folder, or --force to "
                "begin anew."
            )


def clear(store: Store) -> None:
    """Remove a manifest, its lists and its parts; other files stay."""
    for name in sorted(store.names(), key=lambda name: name != MANIFEST):  # nothing is finished without it
        if _OWN.fullmatch(name) or PART.fullmatch(name):
            store.remove(name)
