"""Importing convscope and asking for help is quick, because nothing heavy is loaded: a fresh process proves it."""

import itertools
import math
import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "matplotlib", "PIL", "sklearn", "numpy", "scipy", "safetensors", "rich", "pyarrow", "pooch")
IMPORT_S, HELP_S = 0.050, 0.300
# A machine that takes longer than this for `python -c pass`, undisturbed, is slow, and gets proportionally more time.
USUAL_START_S = 0.040
ROUNDS, PATIENCE_S = 7, 90.0


def _loaded(statement: str) -> set[str]:
    program = f"import sys; {statement}; print('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _took_s(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return time.perf_counter() - began


def _needs_s(limit_s: float, *arguments: str, start: bool) -> float:
    """Return what a fresh process needs for `arguments`, with or without its start, in seconds of a usual machine.

    What else the machine does only ever adds time, sometimes for seconds on end: the shortest of `ROUNDS` counts, and
    as long as that does not keep the limit, more are made with pauses between, until `PATIENCE_S` are over.
    """
    until = time.monotonic() + PATIENCE_S
    bare_s = asked_s = needed_s = math.inf
    for turn in itertools.count(1):
        bare_s = min(bare_s, _took_s("-c", "pass"))
        asked_s = min(asked_s, _took_s(*arguments))
        needed_s = (asked_s - (0.0 if start else bare_s)) / max(1.0, bare_s / USUAL_START_S)
        if turn >= ROUNDS and (needed_s < limit_s or time.monotonic() > until):
            break
        time.sleep(0.0 if turn < ROUNDS else 0.5)
    return needed_s


@pytest.mark.parametrize(
    "statement",
    [
        "import convscope; dir(convscope); convscope.__version__",
        "import convscope.cli",
        "import contextlib\nfrom convscope.cli import main\nwith contextlib.redirect_stdout(None): main(['--help'])",
        "import convscope.core.errors, convscope.core.progress, convscope.core.records, convscope.core.statistics",
    ],
    ids=["import convscope", "command line", "help", "core"],
)
def test_nothing_heavy_is_loaded(statement: str) -> None:
    program = statement if "\n" not in statement else f"exec({statement!r})"
    assert not _loaded(program) & set(HEAVY)


@pytest.mark.parametrize("command", ["train", "predict", "check", "cache"])
def test_the_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    quietly = "sys.stdout, out = sys.stderr, sys.stdout"
    statement = f"from convscope.cli import main; {quietly}; main(['{command}', '--help']); sys.stdout = out"
    assert not _loaded(statement) & set(HEAVY)


def test_the_import_takes_less_than_50_ms() -> None:
    assert _needs_s(IMPORT_S, "-c", "import convscope", start=False) < IMPORT_S


def test_the_help_takes_less_than_300_ms() -> None:
    assert _needs_s(HELP_S, "-m", "convscope", "--help", start=True) < HELP_S


def test_training_does_not_wait_for_scikit_learn_or_scipy() -> None:
    assert not _loaded("import convscope.verbs.train, convscope.verbs.predict") & {"sklearn", "scipy", "matplotlib"}
