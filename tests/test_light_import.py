"""Importing convscope and asking for help is quick, because nothing heavy is loaded: a fresh process proves it."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "matplotlib", "PIL", "sklearn", "numpy", "scipy", "safetensors", "rich", "pyarrow", "pooch", "onnx")
MOST_FOR_IMPORT, MOST_FOR_HELP = 45, 140
"""Modules beyond those of Python itself: what a machine that has other work does not change, as it does seconds."""


def _loaded(statement: str) -> set[str]:
    program = f"import sys; {statement}; print('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _needed(statement: str) -> int:
    """Return how many modules are loaded for `statement` that Python does not load in any case."""
    count = "; import sys; print(len(sys.modules), file=sys.stderr)"
    runs = [[sys.executable, "-c", text + count] for text in ("pass", statement)]
    bare, with_it = (int(subprocess.run(run, capture_output=True, text=True, check=True).stderr) for run in runs)
    return with_it - bare


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


@pytest.mark.parametrize("command", ["train", "predict", "convert", "check", "cache"])
def test_the_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    quietly = "sys.stdout, out = sys.stderr, sys.stdout"
    statement = f"from convscope.cli import main; {quietly}; main(['{command}', '--help']); sys.stdout = out"
    assert not _loaded(statement) & set(HEAVY)


def test_the_import_is_quick_as_few_modules_are_loaded() -> None:
    assert 0 < _needed("import convscope") < MOST_FOR_IMPORT


def test_the_help_is_quick_as_few_modules_are_loaded() -> None:
    assert 0 < _needed("from convscope.cli import main; main(['--help'])") < MOST_FOR_HELP


def test_training_does_not_wait_for_scikit_learn_or_scipy() -> None:
    assert not _loaded("import convscope.api.train, convscope.api.predict") & {"sklearn", "scipy", "matplotlib", "onnx"}
