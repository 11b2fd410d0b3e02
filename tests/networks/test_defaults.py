"""The layouts chosen for the user: they fit every ordinary image, are affordable, and print as a line."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convscope.networks.defaults import default_layout, takes_wide
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training.progressive_resizing import obstacle_to_resizing
from tests.checks.laws import LAWS


@settings(LAWS, max_examples=300)
@given(
    st.integers(1, 600),
    st.integers(1, 600),
    st.sampled_from((1, 3)),
    st.sampled_from((2, 300, 6_000, 10**6)),
    st.booleans(),
)
@example(1, 1, 1, 2, False)
@example(1, 600, 3, 2, True)
def test_a_default_fits_every_image_and_can_be_copied(
    height: int, width: int, channels: int, images: int, flipped: bool
) -> None:
    layout = default_layout(height=height, width=width, channels=channels, images=images, flipped=flipped)
    assert Layout.parse(str(layout)) == layout
    plan(layout, height=height, width=width, channels=channels, classes=1_000)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("images", [100, 60_000])
@pytest.mark.parametrize("side", range(4, 400, 7))
def test_a_default_is_affordable_on_an_ordinary_computer(side: int, channels: int, images: int) -> None:
    layout = default_layout(height=side, width=side, channels=channels, images=images)
    planned = plan(layout, height=side, width=side, channels=channels, classes=10)
    assert planned.parameters < 3_000_000
    assert planned.macs < 3_000_000_000


@pytest.mark.parametrize("side", range(4, 400, 7))
def test_before_the_classifier_a_value_has_seen_a_good_part_of_the_image(side: int) -> None:
    layout = default_layout(height=side, width=side, channels=3, images=1_000)
    planned = plan(layout, height=side, width=side, channels=3, classes=10)
    convolutions = [step for step in planned.layers if "C" in step.name]
    assert convolutions[-1].field_rows.size >= min(side, 40) // 2


def test_turning_the_image_on_its_side_changes_nothing() -> None:
    for height, width in ((8, 20), (30, 200), (300, 50)):
        upright = default_layout(height=height, width=width, channels=1, images=500)
        assert upright == default_layout(height=width, width=height, channels=1, images=500)


@pytest.mark.parametrize(
    ("side", "channels", "images", "wide"),
    [(28, 3, 5_000, True), (40, 3, 5_000, True), (27, 3, 5_000, False), (41, 3, 5_000, False), (32, 3, 4_999, False)],
)
def test_many_images_in_color_get_a_wider_network_where_accuracy_goes_first(
    side: int, channels: int, images: int, wide: bool
) -> None:
    shape = {"height": side, "width": side + 5, "channels": channels, "images": images}
    assert takes_wide(**shape) is wide
    best, balanced = default_layout(**shape, effort="best"), default_layout(**shape)
    assert (best != balanced) is wide
    assert obstacle_to_resizing(plan(best, height=side, width=side + 5, channels=channels, classes=10)) is None
