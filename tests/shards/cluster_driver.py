"""Predict in shards by many processes, kill some in the middle, and go on; prints what happened as JSON.

python tests/shards/cluster_driver.py parts|dask|ray FOLDER

FOLDER has the model m.safetensors and images/. All is imported once, and processes are forked from this one. While
FOLDER/hold is there, a process that computes a shard waits, and says so by a file of its number in FOLDER/held.
"""

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convscope.api.shards import merge, predict_in_shards
from convscope.options.shards import ShardOptions
from convscope.shards import work

FORK = multiprocessing.get_context("fork")
PREDICT = work.COMPUTATIONS["predict"]
FOLDER = Path(sys.argv[2])
HOLD, HELD, OUT = FOLDER / "hold", FOLDER / "held", FOLDER / "out"


def held(*given: Any) -> Any:
    """Compute a shard, but wait in it as long as there is a file hold."""
    while HOLD.exists():
        (HELD / str(os.getpid())).touch()
        time.sleep(0.01)
    return PREDICT(*given)


def predict(**how: Any) -> None:
    """Predict the images."""
    predict_in_shards(FOLDER / "m.safetensors", FOLDER / "images", ShardOptions(shards=OUT, shard_size=2, **how))


def forked(**how: Any) -> Any:
    """Start a process that predicts."""
    process = FORK.Process(target=predict, kwargs=how, daemon=True)
    process.start()
    return process


def until(happened: Callable[[], Any]) -> Any:
    """Wait until something is true, and return it."""
    while not (found := happened()):
        time.sleep(0.01)
    return found


def finished() -> int:
    """Return the number of parts."""
    return len(list(OUT.glob("part-*.parquet")))


def held_processes() -> list[int]:
    """Return the processes that are in the middle of a shard."""
    return [int(path.name) for path in HELD.iterdir()]


def release() -> None:
    """Let all processes go on."""
    HOLD.unlink()
    for path in HELD.iterdir():
        path.unlink()


def by_parts() -> dict[str, Any]:
    """Kill one of four jobs in the middle of a shard, and start it again."""
    HOLD.touch()
    jobs = [forked(part=f"{number}/4") for number in (1, 2, 3, 4)]
    until(lambda: len(held_processes()) == 4)
    jobs[2].kill()
    jobs[2].join()
    release()
    for job in jobs:
        job.join()
    before = finished()
    again = forked(part="3/4")
    again.join()
    return {
        "killed": [jobs[2].exitcode],
        "before": before,
        "codes": [job.exitcode for job in (*jobs[:2], jobs[3], again)],
    }


async def serve(kind: Any, *given: Any, **settings: Any) -> None:
    """Run a scheduler or worker of Dask; the address of a scheduler goes into a file."""
    async with kind(*given, host="127.0.0.1", dashboard=False, **settings) as running:
        (FOLDER / type(running).__name__).write_text(running.address, encoding="utf-8")
        await running.finished()


def scheduler() -> None:
    """Run the scheduler."""
    from distributed import Scheduler

    asyncio.run(serve(Scheduler, port=0))


def worker(address: str) -> None:
    """Run a worker."""
    from distributed import Worker

    asyncio.run(serve(Worker, address, nthreads=1))


def by_dask() -> dict[str, Any]:
    """Kill one of three workers in the middle of a shard, then what drives the cluster; and go on."""
    import distributed  # noqa: F401  # once for all processes

    HOLD.touch()
    servers = [FORK.Process(target=scheduler, daemon=True)]
    servers[0].start()
    address = until(lambda: (FOLDER / "Scheduler").exists() and (FOLDER / "Scheduler").read_text(encoding="utf-8"))
    servers += [FORK.Process(target=worker, args=(address,), daemon=True) for _ in range(3)]
    for server in servers[1:]:
        server.start()
    driver = forked(cluster=address)
    until(lambda: len(held_processes()) == 3)
    servers[1].kill()
    release()
    until(finished)
    HOLD.touch()
    until(held_processes)
    driver.kill()
    driver.join()
    before = finished()
    release()
    again = forked(cluster=address)
    again.join()
    return {"killed": [driver.exitcode], "before": before, "codes": [again.exitcode]}


def by_ray() -> dict[str, Any]:
    """Remove one of three nodes, and kill what drives the cluster, both while shards are computed; and go on.

    Ray starts processes of its own, which nothing holds: the images of this one take a while.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node, _ = (cluster.add_node(num_cpus=1) for _ in range(2))
    os.environ["RAY_ADDRESS"] = cluster.address
    command = [sys.executable, "-c", f"import runpy, sys; sys.argv[2:] = [{str(FOLDER)!r}]; "
               f"runpy.run_path({__file__!r})['predict'](cluster='ray')", "x"]  # fmt: skip
    driver = subprocess.Popen(command)
    until(finished)
    cluster.remove_node(node, allow_graceful=False)
    seen = finished()
    until(lambda: finished() > seen)
    driver.kill()
    before, code = finished(), driver.wait()
    again = subprocess.run(command, check=False)
    cluster.shutdown()
    return {"killed": [code], "before": before, "codes": [again.returncode]}


if __name__ == "__main__":
    HELD.mkdir()
    work.COMPUTATIONS["predict"] = held
    found = {"parts": by_parts, "dask": by_dask, "ray": by_ray}[sys.argv[1]]()
    print(json.dumps(found | {"images": merge(OUT, output=FOLDER / "all.parquet").images}))
