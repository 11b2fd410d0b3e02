"""Shards as tasks of Dask: those of a lost worker are begun again elsewhere."""

from collections.abc import Iterator, Sequence
from itertools import islice

from convscope.core.devices import DeviceChoice
from convscope.core.errors import ConvscopeError
from convscope.core.extras import optional

from .work import FinishedShard, work

_AHEAD = 4  # tasks a thread that are handed over: a million at once would burden the scheduler
_CONNECT_S = 30


def on_dask(
    address: str, folder: str, identity: str, numbers: Sequence[int], device: DeviceChoice
) -> Iterator[FinishedShard]:
    """Give finished shards as they come.

    Args:
        address: of the scheduler, ``tcp://host:8786``.
        folder: with the manifest.
        identity: of the manifest.
        numbers: of the shards.
        device: what computes a shard, where it is computed.

    Raises:
        ConvscopeError: the scheduler is not there, or a shard was lost too often.
    """
    distributed = optional("distributed", needed_for="Clusters of Dask", extra="dask")
    try:
        client = distributed.Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise ConvscopeError(
            f"Dask must run at {address}. It does not answer ({error}). Start its scheduler."
        ) from error
    with client:
        left = iter(numbers)

        def handed_over(count: int) -> list[object]:
            return [client.submit(work, folder, identity, number, device, pure=False) for number in islice(left, count)]

        waiting = distributed.as_completed(handed_over(_AHEAD))
        for future in waiting:
            try:
                yield future.result()
            except distributed.KilledWorker as error:
                raise ConvscopeError(f"Dask lost a shard too often ({error}). The same command continues.") from error
            future.release()
            room = _AHEAD * sum(client.nthreads().values()) - waiting.count()  # workers come and go
            waiting.update(handed_over(max(0 if waiting.count() else 1, room)))
