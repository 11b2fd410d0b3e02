"""Shards as tasks of Ray: a task that a lost node had is begun again elsewhere."""

import os
import socket
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from convscope.core.devices import DeviceChoice
from convscope.core.errors import ConvscopeError
from convscope.core.extras import optional

from .work import FinishedShard, work

_RETRIES = 10  # of a shard whose process or node is lost
_CONNECT_S = 30
_AHEAD = 4  # tasks a core that are handed over: a million at once would burden the scheduler


def on_ray(
    address: str, folder: str, identity: str, numbers: Sequence[int], device: DeviceChoice
) -> Iterator[FinishedShard]:
    """Give finished shards as they come.

    Args:
        address: ``ray`` (the cluster that RAY_ADDRESS names, else this machine) or ``ray://…``.
        folder: with the manifest.
        identity: of the manifest.
        numbers: of the shards.
        device: what computes a shard, where it is computed.

    Raises:
        ConvscopeError: the cluster is not there, or a shard was lost too often.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
    ray = optional("ray", needed_for="Clusters of Ray", extra="ray")
    named = os.environ.get("RAY_ADDRESS", "") if address == "ray" else address
    try:
        _check_listens(named)
        ray.init(None if address == "ray" else address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise ConvscopeError(
            f"Ray must run at {named or address}. It does not answer ({error}). Start it, or check it."
        ) from error
    try:
        task = ray.remote(num_cpus=1, num_gpus=int(device == "cuda"), max_retries=_RETRIES)(work)
        left = iter(numbers)
        waiting: set[Any] = set()
        while True:
            room = max(1, int(ray.cluster_resources().get("CPU", 1))) * _AHEAD - len(waiting)
            waiting |= {task.remote(folder, identity, number, device) for number in islice(left, max(0, room))}
            if not waiting:
                return
            done, _ = ray.wait(list(waiting))
            waiting -= set(done)
            yield from ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise ConvscopeError(f"Ray lost a shard too often ({error}). The same command continues.") from error
    finally:
        ray.shutdown()


def _check_listens(address: str) -> None:
    """Validate that somebody listens at HOST:PORT; Ray would try for minutes. Words such as auto are Ray's.

    Raises:
        OSError: nobody does.
    """
    found = urlsplit(f"//{address.removeprefix('ray://')}")
    if found.port is not None:
        socket.create_connection((found.hostname, found.port), timeout=_CONNECT_S).close()
