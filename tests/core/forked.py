"""A program whose children compute too: `test_forks` runs it with two threads, and ends it if one hangs."""

import concurrent.futures
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (64, 48, 48, 3), dtype=np.uint8)
FOLDER = Path(sys.argv[2])


def model():
    from tests.checks.models import small_model

    return small_model("16C5-MP2-16C3-MP2-32N", height=48, width=48)


def probabilities(_: int = 0) -> list[list[float]]:
    return MODEL.predict_proba(PIXELS).tolist()


def labels(count: int = 3) -> list[str]:
    import convscope

    return [one.label for one in convscope.predict(MODEL, list(PIXELS[:count]))]


def trained(name: str) -> float:
    import convscope

    settings = {"epochs": 1, "layout": "16C5-MP2", "threads": 2, "output": FOLDER / name}
    settings["context"] = convscope.Context(cache_dir=FOLDER / "cache")
    return convscope.train((PIXELS, np.arange(64) % 2), **settings).report.accuracy.fraction


def in_child(work: Callable[[], object]) -> None:
    """Run `work` in a forked child."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"the child ended with {status}"


def same(found: object) -> None:
    np.testing.assert_allclose(found, BEFORE, atol=1e-5)


def pools() -> None:
    """Predict in children of every kind of pool, of a child, and in threads of a child."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for one in pool.map_async(probabilities, range(2)).get():
            same(one)
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as executor:
        same(executor.submit(probabilities).result())
    in_child(lambda: in_child(lambda: same(probabilities())))
    in_child(in_threads)


def in_threads() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for one in threads.map(probabilities, range(2)):
            same(one)


def busy() -> None:
    """Fork while other threads predict and read."""
    stopped = threading.Event()

    def on_and_on(work: Callable[[], object]) -> None:
        while not stopped.is_set():
            work()

    threads = [threading.Thread(target=on_and_on, args=(work,)) for work in (probabilities, labels)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            in_child(lambda: (same(probabilities()), labels()))
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def ended() -> None:
    """Fork when threads that have computed have just ended, and perhaps still hold locks of MKL."""
    for _ in range(20):
        threads = [threading.Thread(target=probabilities) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        in_child(lambda: same(probabilities()))


def from_file(path: str) -> list[list[float]]:
    import convscope

    return convscope.load(path).predict_proba(PIXELS).tolist()


def others() -> None:
    """Predict in processes and threads that are started in other ways than by a fork alone."""
    import joblib

    import convscope

    path = str(FOLDER / "model.safetensors")
    convscope.save(MODEL, path)
    for kind in ("spawn", "forkserver"):
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context(kind)) as executor:
            same(executor.submit(from_file, path).result())
    for backend in ("loky", "multiprocessing", "threading"):
        parallel = joblib.Parallel(n_jobs=2, backend=backend)
        for one in parallel(joblib.delayed(from_file)(path) for _ in range(2)):
            same(one)
    with multiprocessing.get_context("fork").Pool(1) as pool:  # of which there are no threads of joblib's
        same(pool.map_async(from_file, [path]).get()[0])


def preloaded() -> None:
    """Serve from workers that a server forks after it has loaded the model and tried it."""
    listening = socket.create_server(("127.0.0.1", 0))
    workers = [worker(listening) for _ in range(2)]
    try:
        for number in range(6):
            with socket.create_connection(listening.getsockname()) as asking:
                asking.sendall(bytes([number]))
                answer = asking.recv(1000).decode()
            assert answer == labels(number + 1)[-1]
    finally:
        for child in workers:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        listening.close()


def worker(listening: socket.socket) -> int:
    """Fork a worker that answers with the class of the image whose number it is asked for; return its process."""
    child = os.fork()
    while child == 0:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(labels(connection.recv(1)[0] + 1)[-1].encode())
    return child


def training() -> None:
    """Train, measure and take features in a child of a process that has trained."""
    import convscope

    trained("parent")

    def everything() -> None:
        trained("child")
        data = (PIXELS, np.arange(64) % 2)
        convscope.measure(
            FOLDER / "child",
            data,
            distortions=["shift-x"],
            strengths=[1],
            context=convscope.Context(cache_dir=FOLDER / "cache"),
        )
        convscope.extract_features(FOLDER / "child", data, context=convscope.Context(cache_dir=FOLDER / "cache"))

    in_child(everything)


def torch_alone() -> None:
    """Predict in a child that is the first to import convscope, where the parent has computed with torch."""
    import torch

    torch.set_num_threads(2)
    torch.nn.functional.conv2d(torch.ones(16, 3, 64, 64), torch.ones(8, 3, 5, 5))
    torch.ones(4_000_000).exp().sum()

    def first() -> None:
        assert "convscope" not in sys.modules
        globals()["MODEL"] = model()
        probabilities()
        labels()

    in_child(first)


if __name__ == "__main__":
    if sys.argv[1] == "torch_alone":
        torch_alone()
    else:
        import torch

        torch.set_num_threads(2)
        MODEL = model()
        BEFORE = MODEL.predict_proba(PIXELS)
        labels()
        globals()[sys.argv[1]]()
    print("all have answered")
