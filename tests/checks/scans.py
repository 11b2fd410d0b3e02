"""Small scans for tests: a model of gray images, an image, and the scan of both."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.api.scan import scan
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.scanning.preparing import Preparation, prepared
from convscope.scanning.readers import ArrayReader

CLASSES = ("a", "b", "c")


def scan_model(text: str = "4C3v-MP2-8N", *, side: int = 8, channels: int = 1, background: int = 7) -> Model:
    """Return an untrained model whose training images were not resized."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Network(
            Layout.parse(text), height=side, width=side, channels=channels, classes=3, mean=(0.5,), std=(0.25,)
        )
    return Model(
        network=network.eval(),
        classes=CLASSES,
        preprocessing=Preprocessing(height=side, width=side, channels=channels, background=(background,) * channels),
        training={"sizes": {"widths": [side] * 3, "heights": [side] * 3}},
    )


def pixels(rows: int, columns: int, *, channels: int = 1, seed: int = 0) -> NDArray[np.uint8]:
    """Return a random image H W C."""
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, channels), dtype=np.uint8)


def preparation(model: Model, image: NDArray[np.uint8], **options: object) -> Preparation:
    """Return a scan before its first tile."""
    return prepared(model, ArrayReader(image), ScanOptions(**options), names=("", ""))  # type: ignore[arg-type]


def expected(model: Model, image: NDArray[np.uint8], stride: int = 1) -> NDArray[np.float32]:
    """Return the probabilities of every window by itself, R C K."""
    side = model.preprocessing.height
    views = np.lib.stride_tricks.sliding_window_view(image, (side, side), axis=(0, 1))[::stride, ::stride]
    rows, columns = views.shape[:2]
    windows = np.ascontiguousarray(views.transpose(0, 1, 3, 4, 2)).reshape(-1, side, side, image.shape[2])
    return model.predict_proba(windows).reshape(rows, columns, -1)


def kill_scan(model: Model, image: Any, output: Path, *, at: int) -> None:
    """Scan in another process, which is killed when it writes to the disk for the time `at`."""
    child = os.fork()
    if child == 0:
        calls, real = [0], os.fsync

        def killing(descriptor: int) -> None:
            calls[0] += 1
            if calls[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)
            real(descriptor)

        os.fsync = killing
        try:
            scan(model, image, output=output)
        finally:  # a child that fails must not run the tests after this one
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
