"""How long it takes until convscope is there: `import convscope` and `convscope --help`, beside an empty Python.

    python benchmarks/startup.py

Scope: whole processes with a warm file system, one after another in turn, so that all see the same machine.
"""

import statistics
import subprocess
import sys
import time

from results_file import spread, write

COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import convscope": [sys.executable, "-c", "import convscope"],
    "convscope --help": [sys.executable, "-m", "convscope", "--help"],
}


def main() -> None:
    """Measure and write the result."""
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(22):
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if turn >= 2:  # the first two warm up
                samples[name].append(time.perf_counter() - started)
    results = {name: {"seconds": spread(values), "samples": values} for name, values in samples.items()}
    for name, values in samples.items():
        print(f"{name}: {statistics.median(values):.3f} s")
    print(write("startup", __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
