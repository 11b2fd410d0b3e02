"""The work on one shard: read its images, compute, write its part; the same code on one machine and on many."""

import functools
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from convscope.core.atomic import write_bytes
from convscope.core.devices import DeviceChoice
from convscope.core.errors import DataError, StorageError
from convscope.core.machine import tuned
from convscope.core.text import printable
from convscope.networks.model import Model
from convscope.networks.model_file import read_model

from .computations import COMPUTATIONS, Unusable
from .manifest import IDENTITY, Entry, Manifest, digest_of, part_name, read_manifest
from .store import Store

LARGEST_MODEL = 1 << 33
MOST_NAMED = 10
_ONE = threading.Lock()  # an engine may call from several threads of a process, whose cores one shard uses

Compute = Callable[[Sequence[Entry], Mapping[str, str]], tuple[bytes, Unusable]]


@dataclass(frozen=True, kw_only=True)
class FinishedShard:
    """What was done.

    Attributes:
        number: of the shard.
        images: in it.
        unusable: how many of them could not be used.
        named: the first of those, with reasons.
    """

    number: int
    images: int
    unusable: int = 0
    named: tuple[tuple[str, str], ...] = ()


def work(folder: str, identity: str, number: int, device: DeviceChoice = "cpu") -> FinishedShard:
    """Compute a shard and write its part; the model is read once a process.

    Args:
        folder: with the manifest.
        identity: of the manifest.
        number: of the shard.
        device: what computes, where this runs.

    Raises:
        ConvscopeError: the part cannot be computed or written.
    """
    with _ONE:
        store, manifest, compute = _opened(folder, identity, device)
        entries = manifest.entries(store, number)
        with tuned():
            data, unusable = compute(entries, {IDENTITY: identity})
        store.write(part_name(number, manifest.request.kind), data)
    named = tuple(unusable[:MOST_NAMED])
    return FinishedShard(number=number, images=len(entries), unusable=len(unusable), named=named)


@functools.lru_cache(maxsize=1)
def _opened(folder: str, identity: str, device: DeviceChoice) -> tuple[Store, Manifest, Compute]:
    """Return the folder, its manifest, and what computes a shard.

    Raises:
        StorageError: the manifest was replaced meanwhile.
    """
    store = Store(folder)
    manifest = read_manifest(store)
    if manifest is None or manifest.identity != identity:
        raise StorageError(f"{printable(folder)} has another manifest now. Start the command again.")
    model, options = _read_model(store, manifest), manifest.request.options
    precision, backend = options.get("precision", "float32"), options.get("backend", "torch")
    if (precision, backend) != ("float32", "torch"):
        model = model.optimize(precision, backend=backend, device=device)
    else:
        model = model.to(device)
    return store, manifest, functools.partial(COMPUTATIONS[manifest.request.command], model, options)


def _read_model(store: Store, manifest: Manifest) -> Model:
    data = store.read(manifest.request.model_name, LARGEST_MODEL)
    if digest_of(data, 16) != manifest.request.model:
        raise DataError(f"{printable(store.address)} has a damaged model file. Begin anew with --force.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        write_bytes(path, data)
        return read_model(path)
