import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convscope.core.errors import DataError, ParameterError
from convscope.images.sampling import Sample, edge_colors, take_sample
from convscope.images.sizes import LADDER, ImageOptions, choose_preprocessing, parse_color, parse_size, rung
from convscope.images.sources.opening import open_source
from convscope.images.value_sample import ValueSample
from convscope.images.values import ValueRanges
from tests.images.generated import folder, save


def sample(*sizes: tuple[int, int], gray: bool = False, edges: tuple = ((10, 20, 30),), transparent: bool = False):
    widths, heights = np.array(sizes).T
    return Sample(
        widths=widths,
        heights=heights,
        gray=gray,
        edges=tuple(("byte", np.array(edge, np.float64)) for edge in edges),
        transparent=transparent,
        values={"byte": ValueSample.of(np.arange(256, dtype=np.uint8))},
    )


@pytest.mark.parametrize("size", [(28, 28), (96, 64), (8, 8), (5, 7)])
def test_one_small_size_is_kept_exactly(size):
    step, notes = choose_preprocessing(ImageOptions(), sample(size, size))
    assert (step.width, step.height) == size
    assert notes[0] == f"size {size[0]}x{size[1]} (width x height): that of the images"


def test_photographs_become_a_square_of_96_and_the_sentence_says_how():
    step, notes = choose_preprocessing(ImageOptions(), sample((500, 375), (640, 480), (400, 300)))
    assert (step.width, step.height) == (96, 96)
    assert notes[0] == (
        "size 96x96 (width x height): the median image is 500x375; letterboxed, nothing is cropped; --size changes it"
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(400, 100), (800, 200)], (96, 24)),
        ([(100, 300), (110, 300)], (32, 96)),
        ([(30, 31), (40, 33)], (32, 32)),
        ([(300, 300), (300, 300)], (96, 96)),
        ([(2, 3), (3, 2)], (8, 8)),
    ],
)
def test_size_follows_the_middle_side_and_shape(sizes, expected):
    step, _ = choose_preprocessing(ImageOptions(), sample(*sizes))
    assert (step.width, step.height) == expected


@settings(deadline=None)
@given(st.integers(1, 4000))
def test_a_side_comes_from_the_ladder_and_is_hardly_enlarged(side):
    assert rung(side) in LADDER
    assert rung(side) <= max(8, 1.15 * side)


def test_a_size_that_is_asked_for_is_taken():
    step, notes = choose_preprocessing(ImageOptions(size=(64, 48)), sample((500, 375)))
    assert (step.width, step.height) == (64, 48)
    assert notes[0].startswith("size 64x48 (width x height)")


def test_gray_stays_one_channel_unless_asked():
    assert choose_preprocessing(ImageOptions(), sample((8, 8), gray=True))[0].channels == 1
    assert choose_preprocessing(ImageOptions(channels=3), sample((8, 8), gray=True))[0].channels == 3
    assert choose_preprocessing(ImageOptions(), sample((8, 8)))[0].channels == 3


def test_background_is_the_middle_of_the_edges_and_named_where_it_shows():
    step, notes = choose_preprocessing(
        ImageOptions(), sample((100, 75), edges=((0, 0, 0), (200, 100, 50), (250, 255, 255)))
    )
    assert step.background == (200, 100, 50)
    assert notes[-1].startswith("background #c86432: the median color")
    assert not any("background" in note for note in choose_preprocessing(ImageOptions(), sample((8, 8)))[1])


def test_background_is_white_where_all_edges_are_transparent():
    step, notes = choose_preprocessing(ImageOptions(), sample((8, 8), edges=(), transparent=True))
    assert step.background == (255, 255, 255)
    assert "transparent" in notes[-1]


def test_a_color_behind_gray_images_is_its_gray():
    step, _ = choose_preprocessing(ImageOptions(background="#ff8000"), sample((8, 8), gray=True))
    expected = Image.new("RGB", (1, 1), "#ff8000").convert("L").getpixel((0, 0))
    assert step.background == (expected,)


@pytest.mark.parametrize("text", ["blue", "#fff", "#gggggg", "", "AUTO", None])
def test_a_background_that_is_no_color_is_refused(text):
    with pytest.raises(ParameterError, match=r"`background`"):
        ImageOptions(background=text)


def test_named_colors():
    assert parse_color("white") == (255, 255, 255)
    assert parse_color("black") == (0, 0, 0)


@pytest.mark.parametrize("size", [64.5, True, (8, 8, 8), (64, -1), "64x", "x", 0, "huge"])
def test_a_size_that_is_no_size_is_refused_whether_text_or_number(size):
    with pytest.raises(ParameterError, match="`size` must be one side or widthxheight, in pixels"):
        parse_size(size)


@pytest.mark.parametrize("size", [0, -3, 5000, (8,), (8, 8, 8), (8, 0), "64", 1.5, True])
def test_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(ParameterError, match=r"`size`"):
        ImageOptions(size=size)


def test_other_settings_that_cannot_be_are_refused():
    with pytest.raises(ParameterError, match=r"`channels` must be 1 \(gray\) or 3 \(color\)\. Got 2\."):
        ImageOptions(channels=2)
    with pytest.raises(ParameterError, match=r"`fit` must be one of .* Did you mean 'letterbox'"):
        ImageOptions(fit="leterbox")


def test_images_stored_as_color_but_without_any_count_as_gray(tmp_path):
    for place in range(4):
        path = save(tmp_path / "ab"[place % 2] / f"{place}.png", place, gray=True)
        Image.open(path).convert("RGB").save(path)
    assert take_sample(open_source(tmp_path)).gray


def test_the_sample_skips_what_cannot_be_read(tmp_path):
    folder(tmp_path)
    (tmp_path / "a" / "bad.png").write_bytes(b"nothing")
    found = take_sample(open_source(tmp_path))
    assert len(found.widths) == 12
    assert found.same_size
    assert found.pixels == 120


def test_nothing_readable_is_one_sentence(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match="readable"):
        take_sample(open_source(tmp_path))


def test_the_edge_is_the_middle_of_opaque_border_pixels(tmp_path):
    pixels = np.zeros((6, 6, 4), np.uint8)
    pixels[0] = (9, 8, 7, 255)
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "x.png")
    found = take_sample(open_source(tmp_path))
    assert edge_colors(found, ValueRanges()).tolist() == [[9, 8, 7]] * 2
    assert found.transparent


@pytest.mark.parametrize("size", [(), (3,), [3, 4, 5]])
def test_a_size_of_numbers_has_two(size: object) -> None:
    with pytest.raises(ParameterError, match="one side or widthxheight"):
        parse_size(size)  # type: ignore[arg-type]
