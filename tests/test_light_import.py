"""Importing convscope and asking for help is quick, because nothing heavy is loaded: a fresh process proves it."""

import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "matplotlib", "PIL", "sklearn", "numpy", "scipy", "safetensors", "rich", "pyarrow", "pooch")
IMPORT_S, HELP_S = 0.050, 0.300
SAMPLES = 7
# A machine that takes longer than this for `python -c pass` is slow or busy, and gets proportionally more time.
USUAL_START_S = 0.040


def _loaded(statement: str) -> set[str]:
    program = f"import sys; {statement}; print('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _best_s(*arguments: str) -> float:
    """Return the shortest time of a fresh process: what it needs when nothing else disturbs it."""
    times = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.fixture(scope="module")
def bare_s() -> float:
    """Time of an interpreter that does nothing."""
    return _best_s("-c", "pass")


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


def test_the_import_takes_less_than_50_ms(bare_s: float) -> None:
    slowness = max(1.0, bare_s / USUAL_START_S)
    assert _best_s("-c", "import convscope") - bare_s < IMPORT_S * slowness


def test_the_help_takes_less_than_300_ms(bare_s: float) -> None:
    slowness = max(1.0, bare_s / USUAL_START_S)
    assert _best_s("-m", "convscope", "--help") < HELP_S * slowness
