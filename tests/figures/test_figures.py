"""Every image looks as it looked when somebody last looked at it, and says what it shows."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from PIL import Image

from convscope.core.errors import DataError, ParameterError
from convscope.features.trace import trace
from convscope.features.walk import Walk, walk
from convscope.figures import convolution
from convscope.figures.animation import check_animation, save_animation
from convscope.figures.comparison import FIGURES as COMPARISONS
from convscope.figures.confusion import draw_confusion
from convscope.figures.convolution import Frame, Scene, animate, frames_of, words
from convscope.figures.curves import draw_curves
from convscope.figures.fields import draw_fields
from convscope.figures.filters import draw_filters
from convscope.figures.invariance import draw_invariance, draw_sensitivity
from convscope.figures.layout import draw_layout
from convscope.figures.maps import draw_maps
from convscope.figures.patches import draw_patches
from convscope.figures.style import THEMES, Theme, _luminance, save, theme_named
from convscope.layers.geometry import Window
from convscope.layers.kinds import Pooling
from convscope.measures.invariance_record import Curve, Invariance, LayerChange, Point
from convscope.measures.units.measuring import measure_units
from convscope.measures.units.patches import with_patches
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training.history import EpochRecord
from tests.checks.models import small_model, some_pixels
from tests.checks.reports import reported
from tests.measures.comparison.made_up import comparison, growing, variant

GOLDEN = Path(__file__).parent / "golden"
WALK = walk(
    np.outer([1, 1, 0, 0, 0], [0, 1, 1, 0, 0]),
    [[-1, 0, 1]] * 3,
    bias=-0.5,
    nonlinearity="relu",
    pooling=Pooling(code="MP", rows=Window(kernel=2), columns=Window(kernel=2)),
    channels=("image",),
)


def _filters(text: str, place: int) -> Callable[[Theme], Figure]:
    def made(theme: Theme) -> Figure:
        folded = fold(small_model(text).network)
        weights = folded.tensors_of(folded.graph.nodes[place])["weight"].numpy()
        return draw_filters(weights, name=text.split("-")[place], theme=theme)

    return made


def _curves(theme: Theme) -> Figure:
    shares = [0.3, 0.8, 0.9, 0.95]
    history = [
        EpochRecord(
            epoch=epoch,
            step=10 * epoch,
            seconds=float(epoch),
            images_per_second=100.0,
            learning_rate=0.1,
            loss=2 / epoch if epoch != 3 else float("nan"),
            accuracy=share,
            validation_loss=1.5 / epoch,
            validation_accuracy=share,
        )
        for epoch, share in enumerate(shares, start=1)
    ]
    return draw_curves(history, validation_images=100, theme=theme)


def _confusion(theme: Theme) -> Figure:
    labels = np.repeat(np.arange(3), [30, 20, 10])
    answers = labels.copy()
    answers[[0, 1, 35]] = [1, 2, 0]
    report = reported(
        name="some",
        split="test",
        labels=labels,
        probabilities=np.eye(3, dtype=np.float32)[answers],
        names=[str(place) for place in range(len(labels))],
        indices=range(len(labels)),
        classes=("cat", "$dog$ _x^2", "a name that is much too long for the edge"),
        settings={},
        seconds=1.0,
    )
    return draw_confusion(report, theme=theme)


def _measured() -> Invariance:
    """Return a record of two distortions with values that are easily told apart."""

    def point(strength: float, correct: int) -> Point:
        layers = (
            LayerChange(changed=0.9, residual=0.3, changed_inside=0.85, residual_inside=0.0),
            LayerChange(changed=0.6, residual=0.5, changed_inside=0.55, residual_inside=0.45),
            LayerChange(changed=abs(strength) / 20),
        )
        return Point(
            strength=strength,
            images=100,
            correct=correct,
            same=correct - 3,
            same_of_correct=correct - 4,
            clean_correct=96,
            probability_change=-0.1,
            fraction_outside=0.0,
            layers=layers,
        )

    return Invariance(
        layout="4C3-MP2",
        data="$some$_x",
        split="test",
        images=100,
        correct=96,
        margin_px=0,
        seed=0,
        layers=("4C3", "MP2", "softmax"),
        curves=(
            Curve(distortion="rotation", unit="degrees", points=(point(-10, 70), point(5, 90), point(10, 60))),
            Curve(distortion="jpeg", unit="100 - quality", points=(point(25, 95), point(75, 40))),
        ),
    )


def _patches(theme: Theme) -> Figure:
    images, model = some_pixels(12, seed=4), small_model("5C5-MP2-8N")
    record = with_patches(measure_units(model, images, top=4, data="some"), images, (1, 2, 3))
    return draw_patches(record, record.layers[0], theme=theme)


def _drawn(name: str, theme: Theme) -> Figure:
    """Return an image of a comparison whose figures are made up."""
    found = comparison(
        variant("convolution", 0.95, 0.94, curve=growing("convolution", 0.5).curve),
        variant("mlp-parameters", 0.9, 0.88, robustness=0.5),
        variant("convolution-distorted", 0.96, 0.97, robustness=0.95),
        growing("pixels-softmax", 0.2),
    )
    drawn = COMPARISONS[name](found, theme=theme)
    assert drawn is not None
    return drawn


def _frame(walk: Walk, frame: Frame, theme: Theme) -> Figure:
    """Return the figure of one frame."""
    scene = Scene(walk, theme)
    scene.show(frame)
    return scene.drawn


FIGURES: dict[str, Callable[[Theme], Figure]] = {
    "filters-color": _filters("6C5-MP2-4C3", 0),
    "filters-maps": _filters("6C5-MP2-4C3", 2),
    "maps": lambda theme: draw_maps(trace(small_model("6C3-MP2-8N"), some_pixels(1, seed=2)[0]), theme=theme),
    "layout": lambda theme: draw_layout(
        plan(Layout.parse("6C5v-AP2-16C5v-APg-8N"), height=28, width=20, channels=3, classes=4), theme=theme
    ),
    "fields": lambda theme: draw_fields(
        plan(Layout.parse("6C3-MP2-6C3-MP2-8N"), height=17, width=14, channels=3, classes=3), None, theme=theme
    ),
    "curves": _curves,
    "confusion": _confusion,
    "invariance": lambda theme: draw_invariance(_measured(), _measured().curves, theme=theme),
    "sensitivity": lambda theme: draw_sensitivity(_measured(), _measured().curves, theme=theme),
    "patches": _patches,
    "comparison-variants": lambda theme: _drawn("variants", theme),
    "comparison-distorted": lambda theme: _drawn("distorted", theme),
    "comparison-images": lambda theme: _drawn("images", theme),
    "convolution": lambda theme: _frame(WALK, Frame(row=0, column=2), theme),
    "convolution-pooling": lambda theme: _frame(WALK, Frame(row=1, column=0, pooling=True), theme),
}


def _reduced(image: Image.Image) -> np.ndarray:
    """Return the image in blocks, so that letters of another version of a font make no difference."""
    width, height = image.size
    return np.asarray(image.convert("RGB").resize((width // 6, height // 6), Image.Resampling.BOX), np.float64)


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize("name", list(FIGURES))
def test_an_image_looks_as_it_did(name: str, theme: str, tmp_path: Path) -> None:
    """After a change on purpose: look at it, then CONVSCOPE_GOLDEN=1 writes it anew."""
    drawn = FIGURES[name](theme_named(theme))
    drawn.set_dpi(40)
    path, golden = tmp_path / "new.png", GOLDEN / f"{name}-{theme}.png"
    save(drawn, path)
    with Image.open(path) as image:
        if os.environ.get("CONVSCOPE_GOLDEN"):
            image.convert("RGB").quantize(128).save(golden, optimize=True)
        new = _reduced(image)
    with Image.open(golden) as image:
        old = _reduced(image)
    assert new.shape == old.shape
    assert np.abs(new - old).mean() < 3
    assert np.percentile(np.abs(new - old), 99) < 60


def test_drawing_changes_no_setting_of_the_user() -> None:
    before = dict(mpl.rcParams)
    FIGURES["convolution"](theme_named("dark"))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_the_same_drawing_gives_the_same_file(kind: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{place}.{kind}" for place in range(2)]
    for file in files:
        save(FIGURES["layout"](theme_named("light")), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_names_are_text_and_no_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mpl.rcParamsDefault, "svg.fonttype", "none")
    save(_confusion(theme_named("light")), tmp_path / "a.svg")
    assert "$dog$ _x^2" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_a_name_that_is_cut_ends_with_an_ellipsis() -> None:
    model = dataclasses.replace(small_model("4C3", classes=2), classes=("a class with a long name, and more", "b"))
    traced = trace(model, some_pixels(1)[0])
    labels = [text.get_text() for text in draw_maps(traced, theme=theme_named("light")).axes[-1].get_yticklabels()]
    assert sorted(labels) == ["a class with a long nam…", "b"]


def test_letters_that_no_font_has_are_boxes_and_no_warning(tmp_path: Path) -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "\U00012000")  # a cuneiform sign; warnings are errors
    assert save(figure, tmp_path / "box.png") == ("\U00012000",)
    assert (tmp_path / "box.png").stat().st_size > 0


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"`output` must end in .png, .svg, .pdf. Got 'a.jpg'"):
        save(FIGURES["convolution"](theme_named("light")), tmp_path / "a.jpg")
    with pytest.raises(ParameterError, match=r"`output` must end in .gif, .mp4 or .png \(a strip\). Got 'a.svg'"):
        check_animation(tmp_path / "a.svg")
    with pytest.raises(ParameterError, match="`theme` must be one of light, dark. Got 'drak'. Did you mean 'dark'"):
        theme_named("drak")


def test_mp4_without_ffmpeg_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(ImportError, match="ffmpeg"):
        check_animation(tmp_path / "a.mp4")


def test_curves_without_an_epoch_are_refused() -> None:
    with pytest.raises(DataError, match="epoch"):
        draw_curves([], theme=theme_named("light"))


def test_what_is_added_back_is_said_and_long_sentences_go_on_below(tmp_path: Path) -> None:
    found = walk(np.eye(5), np.ones((3, 3)), bias=1.0, nonlinearity="relu", rest=0.25, added=np.full((3, 3), 2.0))
    said = words(found, Frame(row=0, column=0))
    assert said == (
        "row 1, column 1: sum of the products 3, of the other maps 0.25, bias 1, residual input 2: 6.25; "
        "after relu 6.25"
    )
    drawn = _frame(found, Frame(row=0, column=0), theme_named("light"))
    assert drawn.get_suptitle().count("\n") == 1


@pytest.mark.parametrize("name", list(THEMES))
def test_what_is_written_on_a_color_can_be_read(name: str) -> None:
    """At least 3.7 : 1 on the worst shade: all that this ink and paper allow half-way; on most it is far more."""
    theme = theme_named(name)
    for shade in np.linspace(0, 1, 41):
        color = theme.signed(shade)
        pair = sorted((_luminance(to_rgb(theme.readable_on(color))), _luminance(color)))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) > 3.7


def test_the_animation_shows_every_place_in_order() -> None:
    frames = frames_of(WALK)
    assert [(frame.row, frame.column) for frame in frames[:4]] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [frame.pooling for frame in frames] == [False] * 9 + [True] * 4
    few = frames_of(WALK, most=3)
    assert (few[0], few[-1], len(few)) == (frames[0], frames[-1], 3)


@pytest.mark.parametrize("theme", list(THEMES))
def test_a_frame_of_the_animation_is_the_frame_drawn_alone(theme: str) -> None:
    frames = frames_of(WALK)[8:10]  # the last of the map and the first of the pooling
    for frame, pixels in zip(frames, animate(WALK, frames, theme=theme_named(theme)), strict=True):
        canvas = FigureCanvasAgg(_frame(WALK, frame, theme_named(theme)))
        canvas.draw()
        assert np.array_equal(np.asarray(canvas.buffer_rgba())[..., :3], pixels)


def test_an_animation_makes_one_figure_however_many_frames_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    made, layouts = [], []
    build, execute = convolution.figure, ConstrainedLayoutEngine.execute
    monkeypatch.setattr(convolution, "figure", lambda *given, **named: made.append(given) or build(*given, **named))
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda *given: layouts.append(given) or execute(*given))
    assert len(list(animate(WALK, frames_of(WALK), theme=theme_named("light")))) == 13
    assert (len(made), len(layouts)) == (1, 1)


def test_a_gif_holds_all_frames_and_a_strip_stands_below_each_other(tmp_path: Path) -> None:
    frames = list(animate(WALK, frames_of(WALK, most=3), theme=theme_named("light")))
    assert save_animation(frames, tmp_path / "a.gif") == 3
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 3
        assert image.size == frames[0].shape[1::-1]
        assert image.info["loop"] == 0
    assert save_animation(frames, tmp_path / "a.png") == 3
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (frames[0].shape[1], 3 * frames[0].shape[0])
        assert np.array_equal(np.asarray(image.convert("RGB"))[: len(frames[0])], frames[0])


def test_patches_that_were_not_kept_are_said_to_be_missing() -> None:
    record = measure_units(small_model("5C5-MP2-8N"), some_pixels(3), top=2)
    with pytest.raises(
        DataError, match=r"The record must hold patches of layer 1, 5C5\. Got none\. Measure it again\."
    ):
        draw_patches(record, record.layers[0], theme=theme_named("light"))


def test_the_diagram_says_what_each_value_sees_and_how_units_are_copied() -> None:
    layout = Layout.parse("8U5:4-BP3/2-+8C3-4U3-STg-16N")
    drawn = draw_layout(plan(layout, height=28, width=28, channels=1, classes=3), theme=theme_named("light"))
    texts = [text.get_text() for text in drawn.axes[0].texts]
    assert [text for text in texts if text in ("5×5", "3×3", "map", "all")] == [
        "5×5",
        *["3×3"] * 3,
        "map",
        "all",
        "all",
    ]
    words = [text.split("\n")[1] for text in texts if "\n" in text]
    assert words[0] == "shared in 4×4 regions"
    assert words[2] == "convolution, input added"
    assert words[3] == "locally connected"


def test_a_title_stays_on_its_image() -> None:
    drawn = _filters("3U5:3-MP2", 0)(theme_named("light"))
    drawn.draw_without_rendering()
    (title,) = [text for text in drawn.findobj(Text) if "in the central region" in text.get_text().replace("\n", " ")]
    assert title.get_window_extent().x1 <= drawn.bbox.x1
