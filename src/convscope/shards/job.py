"""A job: what is computed in shards, of which images, and by whom; planned, handed to an engine, counted."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from convscope.core.arguments import FLAG, check_value
from convscope.core.devices import DeviceChoice, choose_device
from convscope.core.errors import ParameterError
from convscope.core.extras import optional
from convscope.core.progress import Reporter, Task
from convscope.core.remote import is_address
from convscope.core.text import counted, printable
from convscope.networks.model import Model
from convscope.networks.model_file import model_bytes
from convscope.options.shards import ShardOptions

from .manifest import Entry, Manifest, Request, clear, digest_of, plan, read_manifest
from .on_dask import on_dask
from .on_ray import on_ray
from .store import Store
from .work import MOST_NAMED, FinishedShard, work

_PART = re.compile(r"([1-9]\d{0,6})/([1-9]\d{0,6})")


@dataclass(frozen=True, kw_only=True)
class ShardsResult:
    """What a call has done.

    Attributes:
        folder: of the parts.
        shards: in all.
        finished: shards that are there now.
        images: computed by this call; of a scan, tiles.
        unusable: of those, how many could not be used.
        named: the first of those, with reasons.
    """

    folder: str
    shards: int
    finished: int
    images: int = 0
    unusable: int = 0
    named: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ShardsJob:
    """What is computed, of what, and by whom.

    Attributes:
        how: the folder, the cluster or part, and the size of a shard.
        command: a key of `COMPUTATIONS`.
        model: the network.
        settings: all else that changes the results, as JSON.
        given: what the images are named by.
        force: begin anew what is in the folder.
        device: what computes a shard, where it is computed; results depend on it by rounding only.

    Raises:
        ParameterError: they exclude each other, or the device is not here where nobody else computes.
        MissingPackageError: pyarrow is not installed.
    """

    how: ShardOptions
    command: str
    model: Model
    settings: dict[str, Any]
    given: Any
    force: bool
    device: DeviceChoice = "auto"

    def __post_init__(self) -> None:
        check_value("force", self.force, FLAG)
        if self.how.shards is None:
            raise ParameterError("`shards` must be given: the folder of the parts. Got none.")
        if self.how.cluster is not None and self.how.part is not None:
            raise ParameterError("Only one of `cluster` and `part` can be given. Got both. Leave one out.")
        if self.how.part is not None and self.force:
            raise ParameterError(
                "`force` must be left out with `part`: a job would remove the parts of others. Got both."
            )
        if self.how.cluster is None:
            choose_device(self.device)
        if self.command != "scan":
            optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")

    @property
    def unit(self) -> str:
        """What a shard has several of."""
        return "tiles" if self.command == "scan" else "images"

    def request(self, model: bytes) -> Request:
        """Return the request of the manifest."""
        named = [self.given] if isinstance(self.given, (str, os.PathLike)) else self.given
        words = [absolute(word) for word in named] if isinstance(named, Sequence) else ["listed"]
        return Request(
            command=self.command,
            model=digest_of(model, 16),
            options=self.settings,
            source=digest_of("\0".join(words).encode("utf-8", "surrogateescape"), 16),
            size=self.how.shard_size,
        )

    def run(self, images: Callable[[], Iterable[Entry]], reporter: Reporter) -> ShardsResult:
        """Plan, compute what is missing, and count.

        Args:
            images: lists them.
            reporter: shows progress.

        Raises:
            ConvscopeError: the folder was made for something else, or a shard cannot be computed.
        """
        part, engine = _part(self.how.part), _engine(self.how.cluster)
        store = Store(self.how.shards or "")
        if self.force:
            clear(store)
        model = model_bytes(self.model)
        request = self.request(model)
        if request.model_name not in store.names() and read_manifest(store) is None:
            store.write(request.model_name, model)
        with reporter.task(f"listing {self.unit}", total=0):
            manifest = plan(store, request, images(), listing=self.how.part is None)
        left = manifest.left(store, part)
        if there := len(range(part[0] - 1, len(manifest.shards), part[1])) - len(left):
            reporter.say(f"{printable(store.address)}: {counted(there, 'shard')} finished before, {len(left):,} to go")
        done = engine(store.address, manifest.identity, left, self.device) if left else ()
        with reporter.task("computing", sum(manifest.shards[number].images for number in left), self.unit) as task:
            return _counted(done, store, manifest, task)


def _counted(done: Iterable[FinishedShard], store: Store, manifest: Manifest, task: Task) -> ShardsResult:
    images = unusable = 0
    named: list[tuple[str, str]] = []
    for shard in done:
        images, unusable = images + shard.images, unusable + shard.unusable
        named += shard.named[: max(0, MOST_NAMED - len(named))]
        task.advance(shard.images, f"{unusable:,} unusable" if unusable else "")
    return ShardsResult(
        folder=store.address,
        shards=len(manifest.shards),
        finished=len(manifest.shards) - len(manifest.left(store)),
        images=images,
        unusable=unusable,
        named=tuple(named),
    )


def _engine(cluster: str | None) -> Callable[..., Iterable[FinishedShard]]:
    """Return what computes shards."""
    if cluster is None:
        return lambda folder, identity, numbers, device: (work(folder, identity, one, device) for one in numbers)
    if cluster == "ray" or cluster.startswith("ray://"):
        optional("ray", needed_for="Clusters of Ray", extra="ray")  # before anything takes time
        return lambda *given: on_ray(cluster, *given)
    if cluster.startswith(("tcp://", "tls://")):
        optional("distributed", needed_for="Clusters of Dask", extra="dask")
        return lambda *given: on_dask(cluster, *given)
    raise ParameterError(f"`cluster` must be ray, ray://HOST:PORT or tcp://HOST:PORT. Got {cluster!r}.")


def _part(text: str | None) -> tuple[int, int]:
    """Return number and count of a part."""
    found = _PART.fullmatch("1/1" if text is None else text)
    if found is None or int(found[1]) > int(found[2]):
        raise ParameterError(f"`part` must be I/N with I from 1 to N, such as 3/16. Got {text!r}.")
    return int(found[1]), int(found[2])


def absolute(given: Any) -> str:
    """Return a path as another process finds it, and an address as it is."""
    text = os.fsdecode(given) if isinstance(given, (str, bytes, os.PathLike)) else repr(type(given))
    return text if is_address(text) else os.path.abspath(text)  # noqa: PTH100  # links stay as they are
