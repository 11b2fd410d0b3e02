"""Isolation from the user's matplotlib settings: they break no import, change no figure, and are restored."""

import contextlib
import importlib
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_OF_THE_PROCESS = ("backend", "interactive")  # they change no figure, and setting them has side effects


def import_matplotlib() -> None:
    """Import matplotlib whatever its settings file and MPLBACKEND contain.

    Its warnings about them are hidden. A file that cannot be read is ignored.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)  # an unknown back end makes the import fail
    try:
        with _quiet():
            try:
                mpl = importlib.import_module("matplotlib")
            except (OSError, ValueError):  # the settings file is unreadable, or not text
                mpl = _import_with_its_own_file()
            importlib.import_module("matplotlib.font_manager")
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with contextlib.suppress(ValueError):
            mpl.rcParams["backend"] = backend


def _import_with_its_own_file() -> Any:
    """Return matplotlib, imported in the folder of its default settings: it reads the working folder first."""
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        del sys.modules[name]  # the part that was imported before the error
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
    with contextlib.chdir(Path(spec.origin).parent / "mpl-data"):
        return importlib.import_module("matplotlib")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence matplotlib, except that it is building its font cache, which may take long."""
    every, fonts = logging.getLogger("matplotlib"), logging.getLogger("matplotlib.font_manager")
    before = every.level, fonts.level
    every.setLevel(logging.ERROR)
    fonts.setLevel(fonts.level or logging.WARNING)
    try:
        yield
    finally:
        every.setLevel(before[0])
        fonts.setLevel(before[1])


@contextlib.contextmanager
def default_settings(changed: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Use matplotlib's defaults, except what is `changed`, then restore the user's settings."""
    import matplotlib as mpl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
        own: dict[Any, Any] = {
            name: value for name, value in mpl.rcParamsDefault.items() if name not in _OF_THE_PROCESS
        }
    with mpl.rc_context():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
            mpl.rcParams.update(own | dict(changed or {}))
        yield
