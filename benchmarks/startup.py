"""How long it takes until convscope is there, beside an empty Python; and from nothing to a trained model of digits.

    python benchmarks/startup.py

Scope: whole processes with a warm file system and modules compiled, as an installation leaves them, one after another
in turn, so that all see the same machine. `import for training` is what `convscope train` imports before it does
anything; wanted: at most 2 s, beside `import torch`, which is most of it. The whole command `convscope train digits`
has as many epochs as it chooses, and writes model and report; wanted: at most 6 s. These three, which take seconds,
have a fifth of the turns.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from results_file import spread, write

COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import convscope": [sys.executable, "-c", "import convscope"],
    "convscope --help": [sys.executable, "-m", "convscope", "--help"],
}
LONG = {
    "import torch": [sys.executable, "-c", "import torch"],
    "import for training": [sys.executable, "-c", "import convscope.api.train"],
    "convscope train digits": [sys.executable, "-m", "convscope", "train", "digits", "--quiet", "--force"],
}
TURNS, WARM_UP, SELDOM = 22, 2, 5


def main() -> None:
    """Measure and write the result."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS | LONG}
    with tempfile.TemporaryDirectory() as scratch:
        commands = {**COMMANDS, **LONG, "convscope train digits": [*LONG["convscope train digits"], "-o", scratch]}
        for turn in range(TURNS):
            for name, command in commands.items():
                if name in LONG and turn % SELDOM:
                    continue
                started = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
                if turn >= WARM_UP:
                    samples[name].append(time.perf_counter() - started)
    results = {name: {"seconds": spread(values), "samples": values} for name, values in samples.items()}
    for name, values in samples.items():
        print(f"{name}: {statistics.median(values):.3f} s")
    print(write("startup", __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
