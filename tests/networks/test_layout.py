"""The notation: read, printed back, refused with a sentence that says where."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convscope.core.errors import LayoutError, ParameterError
from convscope.networks.layout import LARGEST_STAGES, Layout
from convscope.networks.stages import ConnectedStage, ConvolutionStage, PoolingStage
from tests.checks.laws import LAWS
from tests.checks.layouts import layouts
from tests.checks.work import counted_calls

ALPHABET = "0123456789CNMPASgvU/+- .xé²\n\x00"
PARTS = ("32C5", "+8C3", "64C5/2v", "MP2", "AP3/2", "SSg", "10N", "tanh", "gelu", "nonorm", "softmax", "LP2", "")


@settings(LAWS, max_examples=200)
@given(layouts(units=65_536, window=1_024, stages=12))
def test_the_text_of_a_layout_reads_as_that_layout(layout: Layout) -> None:
    assert Layout.parse(str(layout)) == layout
    assert not set(str(layout)) & set(" '\"$&|;<>()*?!\\")  # nothing that a shell takes for its own


def test_the_longest_layout_can_be_read_back() -> None:
    longest = ConvolutionStage(units=65_536, patch=1_024, stride=1_024, padding="valid", residual=True)
    layout = Layout(stages=(longest,) * LARGEST_STAGES, nonlinearity="sigmoid", normalization=None)
    assert Layout.parse(str(layout)) == layout


def test_every_part_reads_as_its_record() -> None:
    layout = Layout.parse("32C5/2v-MP2-+32C3-AP3/2-SSg-128N-gelu-nonorm-softmax")
    assert layout.stages == (
        ConvolutionStage(units=32, patch=5, stride=2, padding="valid"),
        PoolingStage(code="MP", window=2, stride=2),
        ConvolutionStage(units=32, patch=3, residual=True),
        PoolingStage(code="AP", window=3, stride=2),
        PoolingStage(code="SS", window=None, stride=1),
        ConnectedStage(units=128),
    )
    assert (layout.nonlinearity, layout.normalization, layout.classifier) == ("gelu", None, "softmax")
    assert str(layout) == "32C5/2v-MP2-+32C3-AP3/2-SSg-128N-gelu-nonorm"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("softmax", "softmax"),
        ("relu", "softmax"),
        ("nonorm-tanh-32C5", None),
        ("32C5-nonorm-tanh", "32C5-tanh-nonorm"),
        ("  32C5-MP2\n", "32C5-MP2"),
        ("032C05-MP2/2", "32C5-MP2"),
        ("32C5/1-relu-softmax", "32C5"),
    ],
)
def test_equal_layouts_print_the_same(text: str, printed: str | None) -> None:
    if printed is None:
        with pytest.raises(LayoutError, match="must come before the word"):
            Layout.parse(text)
    else:
        assert str(Layout.parse(text)) == printed


def read_or_refuse(text: str) -> None:
    """Check that `text` is read, or refused with a sentence that names a position inside it or at its end."""
    try:
        with counted_calls() as calls:
            layout = Layout.parse(text)
    except LayoutError as error:
        message = str(error)
        found = re.search(r"position ([0-9]+)", message)
        assert found, message
        assert 1 <= int(found[1]) <= len(text) + 1, message
        assert message.endswith((".", "?"))
        assert len(message) < 600
    else:
        assert Layout.parse(str(layout)) == layout
    assert calls.number < 2_000 + 200 * len(text)


@settings(LAWS, max_examples=300)
@given(st.text() | st.text(ALPHABET) | st.lists(st.sampled_from(PARTS), max_size=8).map("-".join))
@example("C" * 4_000)
@example("relu" * 1_000)
@example("-" * 4_000)
@example("9" * 3_999 + "N")
@example("-".join(["1N"] * 1_300))
@example("1N" * 200_000)
@example("ß2")
@example("\ud800C3")
def test_any_text_is_read_or_refused_with_a_position(text: str) -> None:
    read_or_refuse(text)


@settings(LAWS, max_examples=300)
@given(layouts(), st.data())
def test_a_layout_with_a_changed_character_is_read_or_refused_with_a_position(
    layout: Layout, data: st.DataObject
) -> None:
    text = str(layout)
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 2))
    read_or_refuse(text[:at] + data.draw(st.text(ALPHABET, max_size=2)) + text[at + cut :])


SENTENCES = [
    ("", r"must be a text that is not empty\. Got '' \(position 1\)\. Write stages joined by '-'"),
    (" \t", r"must be a text that is not empty\. Got ' \\t' \(position 1\)"),
    (None, r"must be a text that is not empty\. Got None"),
    (32, r"must be a text that is not empty\. Got 32"),
    ("32C5-" * 900, r"must have at most 4,000 characters\. Got 4,500: cut it before position 4001\."),
    ("-".join(["1N"] * 201), r"must have at most 200 stages\. Got 201 \(position 601\)\."),
    ("32C5-foo", r"A stage must be like 32C5, .*MP2 \(max\).*tanh.* Got 'foo' \(position 6\)\.$"),
    ("32C5--MP2", r"Got nothing before or after a '-' \(position 6\)"),
    ("32C5-", r"Got nothing before or after a '-' \(position 6\)"),
    ("-32C5", r"Got nothing before or after a '-' \(position 1\)"),
    ("  32C5-MP2-x", r"Got 'x' \(position 12\)"),
    ("32c5", r"Did you mean '32C5'\?"),
    ("32C5V", r"Did you mean '32C5v'\?"),
    ("+32c3/2V", r"Did you mean '\+32C3/2v'\?"),
    ("32C5-mp2", r"Did you mean 'MP2'\?"),
    ("32C5-apg", r"Did you mean 'APg'\?"),
    ("32C5-APG", r"Did you mean 'APg'\?"),
    ("128n", r"Did you mean '128N'\?"),
    ("32C5 -MP2", r"Got '32C5 ' \(position 1\)\. Did you mean '32C5'\?"),
    ("32C5-Tanh", r"Did you mean 'tanh'\?"),
    ("32C5-sigmod", r"Did you mean 'sigmoid'\?"),
    ("32C5-tanh-nonrm", r"Got 'nonrm' \(position 11\)\. Did you mean 'nonorm'\?"),
    ("32C5-+MP2", r"Got '\+MP2' \(position 6\)\. Only a convolution can add its input\."),
    ("0C5", r"'0C5' \(position 1\): `units` must be a whole number from 1 to 65,536\. Got 0\."),
    ("1000000C5", r"'1000000C5' \(position 1\): `units` must be .* Got 1000000\."),
    ("8C3-9C9999", r"'9C9999' \(position 5\): `patch` must be a whole number from 1 to 1,024\. Got 9999\."),
    ("8C3/0", r"'8C3/0' \(position 1\): `stride` must be"),
    ("8C3-MP0", r"'MP0' \(position 5\): `window` must be"),
    ("0N", r"'0N' \(position 1\): `units` must be"),
    ("10N-32C5", r"'32C5' \(position 5\): after fully connected units .* Got '32C5' after '10N'\. Move it before"),
    ("10N-MP2", r"'MP2' \(position 5\): after fully connected units only fully connected units can follow"),
    (
        "tanh-32C5",
        r"must come before the word 'tanh'\. Got '32C5' after it \(position 6\)\. Move the word to the end\.",
    ),
    ("8C3-tanh-relu", r"must say its nonlinearity once\. Got 'tanh' and 'relu' \(position 10\)\. Remove one"),
    ("8C3-nonorm-nonorm", r"must say its normalization once\. Got 'nonorm' and 'nonorm' \(position 12\)"),
    ("softmax-softmax", r"must say its classifier once"),
    ("٣٢C5", r"Got '٣٢C5' \(position 1\)"),
    ("x" * 100, r"Got 'x{40}…' \(position 1\)\.$"),
]


@pytest.mark.parametrize(("text", "sentence"), SENTENCES, ids=[repr(text)[:24] for text, _ in SENTENCES])
def test_what_is_no_layout_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(LayoutError, match=sentence):
        Layout.parse(text)


def test_a_layout_made_by_hand_is_checked_as_well() -> None:
    connected, convolution = ConnectedStage(units=3), ConvolutionStage(units=3, patch=3)
    with pytest.raises(LayoutError, match=r"Stage 2: after fully connected units .* Got '3C3' after '3N'"):
        Layout(stages=(connected, convolution))
    with pytest.raises(LayoutError, match=r"at most 200 stages\. Got 201\."):
        Layout(stages=(connected,) * 201)
    with pytest.raises(LayoutError, match=r"`stages` must be a tuple of .* Got \['3N'\]\. Layout.parse reads a text\."):
        Layout(stages=["3N"])  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"`nonlinearity` must be one of relu, .* Did you mean 'tanh'\?"):
        Layout(stages=(), nonlinearity="tan")
    with pytest.raises(ParameterError, match=r"`classifier` must be one of softmax, svm, hinge\. Got 'knn'"):
        Layout(stages=(), classifier="knn")
