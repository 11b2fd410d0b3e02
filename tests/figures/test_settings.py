"""The user's own settings of matplotlib change no figure, break nothing, and stay as they are."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from convscope.figures.convolution import animate, frames_of
from convscope.figures.settings import default_settings
from convscope.figures.style import save, theme_named
from tests.figures.test_figures import FIGURES, WALK

SETTINGS: dict[str, dict[str, Any]] = {
    "tex": {"text.usetex": True},
    "saving": {"savefig.bbox": "tight", "savefig.dpi": 30, "savefig.transparent": True, "savefig.facecolor": "red"},
    "drawing": {
        "font.size": 30,
        "font.family": "serif",
        "axes.titlesize": 30,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "axes.grid": True,
        "axes.spines.left": False,
        "xtick.top": True,
        "axes.prop_cycle": mpl.cycler(color=["r"]),
        "image.interpolation": "bicubic",
        "image.origin": "lower",
        "image.cmap": "jet",
        "figure.autolayout": True,
        "figure.dpi": 33,
        "figure.figsize": (1, 1),
        "figure.frameon": False,
        "path.sketch": (1, 100, 2),
        "lines.linewidth": 9,
        "patch.linewidth": 9,
        "lines.antialiased": False,
        "text.parse_math": False,
    },
}


def _files(folder: Path) -> dict[str, bytes]:
    """Return figures with titles, ticks, images and legends as files of each kind."""
    folder.mkdir()
    for name, kind in (("confusion", "png"), ("curves", "svg"), ("comparison-images", "pdf")):
        save(FIGURES[name](theme_named("light")), folder / f"{name}.{kind}")
    frames = list(animate(WALK, frames_of(WALK)[8:10], theme=theme_named("dark")))
    return {
        **{file.name: file.read_bytes() for file in folder.iterdir()},
        "layer": b"".join(one.tobytes() for one in frames),
    }


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return _files(tmp_path_factory.mktemp("usual") / "files")


@pytest.mark.parametrize("changed", SETTINGS.values(), ids=SETTINGS)
def test_a_figure_is_the_same_whatever_the_user_has_set(
    changed: dict[str, Any], usual: dict[str, bytes], tmp_path: Path
) -> None:
    with mpl.rc_context(changed):
        before = dict(mpl.rcParams)
        assert _files(tmp_path / "files") == usual
        assert dict(mpl.rcParams) == before


def test_the_backend_and_what_is_changed_within_are_put_back() -> None:
    before = dict(mpl.rcParams)
    with default_settings({"font.size": 30}):
        assert mpl.rcParams["font.size"] == 30
        mpl.rcParams["text.usetex"] = True
    assert dict(mpl.rcParams) == before


RC = {
    "unknown names": b"foo: 1\nlines.linewidth: abc\n:::\n",
    "no text": b"\xff\xfe\x00\x80",
    "an unknown backend": b"backend: nonsense\n",
    "tex": b"text.usetex: True\n",
}


@pytest.mark.parametrize(
    ("file", "environment"),
    [
        *((content, {}) for content in RC.values()),
        (b"", {"MPLBACKEND": "nonsense"}),
        (b"", {"MPLCONFIGDIR": os.devnull}),
    ],
    ids=[*RC, "MPLBACKEND", "MPLCONFIGDIR"],
)
def test_no_settings_file_and_no_variable_keeps_matplotlib_from_being_imported(
    file: bytes, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "matplotlibrc").write_bytes(file)
    program = (
        "import os, convscope.figures, matplotlib as mpl; from matplotlib.figure import Figure\n"
        "with convscope.figures.settings.default_settings(): Figure().text(0, 0, 'a')\n"
        "assert mpl.cbook and mpl.colors and mpl.ft2font; print(os.environ.get('MPLBACKEND'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(environment.get("MPLBACKEND"))


def test_the_backend_that_the_user_names_is_the_one_of_the_process(tmp_path: Path) -> None:
    program = "import convscope.figures, matplotlib; print(matplotlib.rcParams['backend'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MPLBACKEND": "svg"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "svg"
