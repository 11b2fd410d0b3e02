"""The plan: integers known before training, equal to hand counts; what fits no image or computer is refused."""

import tracemalloc

import pytest

from convscope.core.errors import LayoutError, ParameterError
from convscope.networks.layout import Layout
from convscope.networks.plan import Plan, plan
from tests.checks.work import counted_calls


def planned(text: str, *, height: int = 28, width: int = 28, channels: int = 1, classes: int = 10) -> Plan:
    """Return the plan of a text."""
    return plan(Layout.parse(text), height=height, width=width, channels=channels, classes=classes)


# layout, (height, width, channels, classes), parameters, MACs: each written as it is counted by hand.
# A convolution has units × (patch² × maps below + 1) parameters (the 1 is its bias, or normalization's shift), and
# patch² × maps below × units MACs at every place.
HAND_COUNTS = [
    ("20C5v-MP2-50C5v-MP2-500N-nonorm", (28, 28, 1, 10), 431_080, 2_293_000),  # LeNet of the Caffe tutorial
    ("6C5-AP2-16C5v-AP2-120N-84N-tanh-nonorm", (28, 28, 1, 10), 61_706, 416_520),  # LeNet-5, all maps connected
    ("softmax", (8, 8, 1, 10), 64 * 10 + 10, 64 * 10),
    ("nonorm", (5, 7, 3, 2), 105 * 2 + 2, 105 * 2),
    ("100N", (28, 28, 1, 10), 784 * 100 + 100 + 1_010, 784 * 100 + 1_000),
    ("8C3", (6, 6, 3, 4), (27 * 8 + 8) + (288 * 4 + 4), 27 * 8 * 36 + 288 * 4),
    ("8C3/2-nonorm", (7, 5, 1, 4), (9 * 8 + 8) + (96 * 4 + 4), 9 * 8 * 4 * 3 + 96 * 4),
    ("8C4-APg", (9, 9, 3, 3), (48 * 8 + 8) + (8 * 3 + 3), 48 * 8 * 81 + 24),
    ("4C3-+4C3-MP3/2-nonorm", (9, 9, 1, 2), 40 + 148 + (64 * 2 + 2), 36 * 81 + 144 * 81 + 128),
    ("MP2-4C1v-SS2-5N", (8, 8, 3, 2), (12 + 4) + (16 * 5 + 5) + 12, 12 * 16 + 80 + 10),
]


@pytest.mark.parametrize(("text", "image", "parameters", "macs"), HAND_COUNTS, ids=[c[0] for c in HAND_COUNTS])
def test_counts_are_those_made_by_hand(text: str, image: tuple[int, int, int, int], parameters: int, macs: int) -> None:
    height, width, channels, classes = image
    result = planned(text, height=height, width=width, channels=channels, classes=classes)
    assert (result.parameters, result.macs) == (parameters, macs)


def test_every_layer_of_the_tutorials_lenet_is_as_the_tutorial_says() -> None:
    layers = planned("20C5v-MP2-50C5v-MP2-500N-nonorm").layers
    assert [layer.name for layer in layers] == ["20C5v", "MP2", "50C5v", "MP2", "500N", "softmax"]
    assert [(layer.maps, layer.rows, layer.columns) for layer in layers] == [
        (20, 24, 24),
        (20, 12, 12),
        (50, 8, 8),
        (50, 4, 4),
        (500, 1, 1),
        (10, 1, 1),
    ]
    assert [layer.field_rows.size for layer in layers] == [5, 6, 14, 16, 28, 28]
    assert [layer.field_rows.stride for layer in layers[:4]] == [1, 2, 2, 4]


def test_rows_and_columns_are_not_mixed_up() -> None:
    layer = planned("4C5v-MP2", height=20, width=11).layers[1]
    assert (layer.rows, layer.columns) == (8, 3)
    field = planned("4C3-MPg", height=6, width=9).layers[1]
    assert (field.field_rows.size, field.field_columns.size) == (8, 11)


def test_a_subset_sees_one_place_of_its_window() -> None:
    fields = [layer.field_rows for layer in planned("4C3-SS2-4C3").layers[:3]]
    assert [(field.size, field.stride, field.start) for field in fields] == [(3, 1, -1), (3, 2, -1), (7, 2, -3)]


DOES_NOT_FIT = [
    (
        "32C5v",
        4,
        r"Stage 1, 32C5v, does not fit: its window of 5 pixels is larger .* below, 4x4 pixels \(after image\)\. "
        r"To change it, drop its 'v' .*, use a smaller patch, or use larger images \(--size\)\.$",
    ),
    (
        "8C3-MP2-MP2-MP2-MP2",
        8,
        r"Stage 5, MP2, does not fit: .*2 pixels is larger .* below, 1x1 pixels \(after MP2\)\. To change it, "
        r"remove MP2, remove a pooling or a stride before it, use a smaller window, or use larger images",
    ),
    (
        "4C3-+8C3",
        9,
        r"Stage 2, \+8C3, must give the shape of its input to add it\. Got 8 maps of 9x9 from 4 of 9x9\. Use 4 units, "
        r"stride 1 and no 'v', or remove the '\+'\.",
    ),
    ("4C3-+4C3/2", 9, r"Stage 2, \+4C3/2, must give .* Got 4 maps of 5x5 from 4 of 9x9"),
    ("+4C3", 9, r"Stage 1, \+4C3, must give .* Got 4 maps of 9x9 from 1 of 9x9\. Use 1 unit,"),
]


@pytest.mark.parametrize(("text", "side", "sentence"), DOES_NOT_FIT, ids=[case[0] for case in DOES_NOT_FIT])
def test_a_layout_that_does_not_fit_says_at_which_stage_and_what_to_change(text: str, side: int, sentence: str) -> None:
    with pytest.raises(LayoutError, match=sentence):
        planned(text, height=side, width=side)


def test_the_narrow_side_decides_what_fits() -> None:
    for height, width in ((3, 50), (50, 3)):
        with pytest.raises(LayoutError, match=rf"larger than the map below, {width}x{height} pixels"):
            planned("4C5v", height=height, width=width)


ABSURD = [
    (
        "65536N-65536N",
        28,
        r"at most 1,000,000,000 parameters\. Got 4,.* on 28x28 pixels \(most in layer 2, 65536N\)\. Use",
    ),
    ("60000C99-60000C99", 28, r"at most 1,000,000,000 parameters\. Got [0-9,]+ .*layer 2, 60000C99"),
    (
        "65536C1",
        1_000,
        r"at most 536,870,912 values in the maps of all layers\. Got 65,536,000,010 .*\(most in layer 1",
    ),
    (
        "100C101-100C101-MPg",
        1_000,
        r"at most 10,000,000,000,000 MACs for one image.*layer 2, .*smaller patches",
    ),
    (
        "-".join(["3C3/1024"] * 200),
        28,
        r"at most 1,000,000,000 pixels along the side of a receptive field.* smaller strides\.",
    ),
    ("-".join(["65536C1024/1024"] * 200), 28, r"at most 1,000,000,000 parameters"),
]


@pytest.mark.parametrize(("text", "side", "sentence"), ABSURD, ids=[case[0][:20] for case in ABSURD])
def test_absurd_layouts_are_refused_before_anything_is_allocated(text: str, side: int, sentence: str) -> None:
    layout = Layout.parse(text)
    tracemalloc.start()
    with counted_calls() as calls, pytest.raises(LayoutError, match=sentence):
        plan(layout, height=side, width=side, channels=1, classes=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert calls.number < 50_000
    assert peak < 2**21


def test_sides_up_to_the_largest_are_planned_exactly() -> None:
    result = planned("2C3/4-MP2-APg", height=16_384, width=8)
    assert [(layer.rows, layer.columns) for layer in result.layers[:3]] == [(4_096, 2), (2_048, 1), (1, 1)]


def test_an_image_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"must be at most 16,777,216.* Got 268,435,456 .*smaller images"):
        planned("MPg", height=16_384, width=16_384)


@pytest.mark.parametrize(
    ("name", "largest"), [("height", 16_384), ("width", 16_384), ("channels", 65_536), ("classes", 65_536)]
)
def test_sizes_out_of_range_are_refused(name: str, largest: int) -> None:
    for value in (0, -5, largest + 1, 2.5):
        sizes = {"height": 8, "width": 8, "channels": 1, "classes": 2, name: value}
        with pytest.raises(
            ParameterError, match=rf"`{name}` must be a whole number from 1 to {largest:,}\. Got {value}\."
        ):
            plan(Layout.parse("4C3"), **sizes)
