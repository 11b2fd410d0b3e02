"""Every command that writes, on small inputs: what stands there before, what is typed, what must stand there after."""

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from convscope.networks.model import Model

from .commands import not_strict
from .small_set import LAYOUT

OLD = b"what stood here before\n"
_TRAIN = f"--epochs 2 --layout {LAYOUT} --threads 1 --precision float32 --quiet"
_COMPARE = f"--variants convolution,pixels-softmax --epochs 1 --seeds 1 --layout {LAYOUT} --quiet"
_MEASURE = "--distortions shift-x --strengths 1 --force --quiet"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One command.

    Attributes:
        name: in findings.
        line: what is typed after ``convscope``, in a folder with ``set/``, ``run/`` (finished) and ``out/``.
        old: files of ``out/`` that are there before.
        runs: whether ``out/`` has a finished (``run``) or an interrupted run (``half``) before.
        resumed: what is typed after a kill where the run in ``out/new`` has begun; none: the same again.
    """

    name: str
    line: str
    old: tuple[str, ...] = ()
    runs: str = ""
    resumed: str = ""

    @property
    def words(self) -> list[str]:
        """What is typed, word by word."""
        return self.line.split()


SCENARIOS = (
    Scenario(name="train", line=f"train set -o out/new {_TRAIN}", resumed="train --resume out/new --quiet"),
    Scenario(name="train --resume", line="train --resume out/half --quiet", runs="half"),
    Scenario(
        name="predict --csv --json --parquet",
        line="predict run set --csv out/p.csv --json=out/p.json --parquet out/p.parquet --top 2 --force --quiet",
        old=("p.csv", "p.json", "p.parquet"),
    ),
    Scenario(
        name="features .npz",
        line="features run set -o out/f.npz --batch 5 --force --quiet",
        old=("f.npz",),
    ),
    Scenario(name="features .csv", line="features run set -o out/f.csv --force --quiet", old=("f.csv",)),
    Scenario(name="features .parquet", line="features run set -o out/f.parquet --force --quiet"),
    Scenario(
        name="features --save",
        line="features run set --classifiers lda --save out/m.safetensors --force --quiet",
        old=("m.safetensors",),
    ),
    Scenario(name="look", line="look run -o out/l.html --force --no-open --quiet", old=("l.html",)),
    Scenario(name="draw layout .svg", line="draw layout run -o out/d.svg --force", old=("d.svg",)),
    Scenario(name="draw filters .png", line="draw filters run -o out/d.png --force", old=("d.png",)),
    Scenario(name="measure", line=f"measure out/run set {_MEASURE}", runs="run"),
    Scenario(name="measure -o", line=f"measure run set -o out/m.json {_MEASURE}", old=("m.json",)),
    Scenario(
        name="measure --what units", line="measure out/run set --what units --ablation 4 --force --quiet", runs="run"
    ),
    Scenario(name="compare", line=f"compare set -o out/compare --force {_COMPARE}"),
    Scenario(name="train --dry-run (cache)", line="train set --dry-run --quiet"),
    Scenario(name="check", line="check set --json --quiet"),
    Scenario(name="cache --clear", line="cache --clear"),
)


def broken(path: Path, data: bytes) -> str:
    """Return why a file that convscope writes is not whole; empty where it is, or its kind says nothing."""
    try:
        match path.suffix:
            case ".json":
                return not_strict(data.decode())
            case ".csv":
                lines = list(csv.reader(io.StringIO(data.decode())))
                wrong = not data.endswith(b"\n") or len({len(line) for line in lines}) > 1
                return "its last line is cut off" if wrong else ""
            case ".html" | ".svg":
                return "" if data.rstrip().endswith((b"</html>", b"</svg>")) else "it has no end"
            case ".png":
                Image.open(io.BytesIO(data)).load()
            case ".npz":
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    return archive.testzip() or ""
            case ".npy":
                np.load(io.BytesIO(data), allow_pickle=False)
            case ".parquet":
                from pyarrow import BufferReader, parquet

                parquet.read_table(BufferReader(data))
            case ".safetensors":
                if path.name != "state.safetensors":
                    Model.load(path)
    except Exception as error:  # noqa: BLE001  # whatever it is, the file cannot be read
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def comparable(path: Path, data: bytes) -> bytes:
    """Return what of a file is the same whenever it is written: of records without times, of models the tensors."""
    if path.suffix == ".safetensors" and path.name != "state.safetensors":
        length = int.from_bytes(data[:8], "little")
        return data[8 + length :]
    if path.name == "history.csv":
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        return json.dumps([{key: row[key] for key in ("epoch", "step", "loss", "accuracy")} for row in rows]).encode()
    if path.name == "comparison.csv":
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        return json.dumps([{**row, "seconds": ""} for row in rows]).encode()
    return data
