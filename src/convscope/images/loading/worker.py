"""A process that loads chunks of images for its parent: one line of JSON in, one line out, until the input ends.

Pools of other libraries need a guarded ``__main__`` or leave processes behind when the parent is killed
(docs/decisions/0006); this process needs no guard and ends with its parent, whose end of the pipe the system closes.
"""

import base64
import json
import sys
import threading
from typing import IO, Any

import numpy as np

from convscope.core.python_process import start_python
from convscope.core.records import from_json, to_json
from convscope.images.decoding.pixel_budget import SMALL_PIXELS

from .chunks import Chunk, LoadResult, load_files
from .facts import FACTS

_READY = b"ready\n"
_PATIENCE_S = 60.0


class WorkerProcess:
    """A running worker; call `end` when it is no longer needed."""

    def __init__(self) -> None:
        self._process = start_python(__name__)
        self._started: bool | None = None

    def has_started(self) -> bool:
        """Return whether the process is ready; the first call waits for it."""
        if self._started is None:
            too_long = threading.Timer(
                _PATIENCE_S, self._process.kill
            )  # a program that is not Python may write nothing
            too_long.start()
            try:
                self._started = _pipe(self._process.stdout).readline(len(_READY)) == _READY
            finally:
                too_long.cancel()
        return self._started

    def load(self, chunk: Chunk) -> LoadResult | None:
        """Return what `load_files(chunk)` returns in the process, None if the process ended.

        The worker leaves images above SMALL_PIXELS to the caller (it reports a decompression bomb), because processes
        do not know how much memory the others take.

        Raises:
            OSError: the target cannot be written.
        """
        try:
            _pipe(self._process.stdin).write(json.dumps(to_json(chunk)).encode() + b"\n")
            _pipe(self._process.stdin).flush()
            line = _pipe(self._process.stdout).readline()
        except (OSError, ValueError):
            return None
        if not line.endswith(b"\n"):
            return None
        answer = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["text"], chunk.target)
        facts = np.frombuffer(base64.b64decode(answer["facts"]), FACTS)
        return LoadResult(
            facts=facts,
            reasons={int(index): reason for index, reason in answer["reasons"].items()},
            remarks={int(index): tuple(remarks) for index, remarks in answer["remarks"].items()},
        )

    def end(self) -> None:
        """End the process now."""
        self._started = False
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                _pipe(pipe).close()
            except OSError:  # of data not sent
                continue


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Write the ready line, then one answer per request."""
    answers.write(_READY)
    answers.flush()
    for line in requests:
        chunk = from_json(Chunk, json.loads(line))
        answers.write(json.dumps(_answer(chunk)).encode() + b"\n")
        answers.flush()


def _answer(chunk: Chunk) -> dict[str, Any]:
    try:
        result = load_files(chunk, limit_pixels=SMALL_PIXELS)
    except OSError as error:
        return {"errno": error.errno, "text": error.strerror or str(error)}
    facts = base64.b64encode(result.facts.tobytes()).decode()
    return {"facts": facts, "reasons": result.reasons, "remarks": result.remarks}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process was started with pipes")
    return pipe


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
