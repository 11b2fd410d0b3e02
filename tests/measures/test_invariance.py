"""Sensitivity is 0 where it must, by construction, and says what is only equivariant."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from convscope.cli.measure_text import measure_text
from convscope.core.errors import DataError, ParameterError
from convscope.core.records import from_json, to_json
from convscope.core.statistics import wilson_interval
from convscope.images.preprocessing import Preprocessing
from convscope.layers.geometry import Window
from convscope.layers.kinds import Convolution, Padding
from convscope.measures.distortions.family import DISTORTIONS, distortion_named
from convscope.measures.invariance import EvaluationImages, measure_invariance
from convscope.measures.invariance_record import Curve, Invariance, LayerChange, Point
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.graph import Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from tests.checks.models import with_statistics
from tests.checks.reporters import Counting

ALL = {one: one.strengths(12) for one in DISTORTIONS.values()}


def model_of(text: str, *, classes: int = 3) -> Model:
    layout = Layout.parse(text)
    network = with_statistics(
        Network(layout, height=12, width=12, channels=1, classes=classes, mean=(0.2,), std=(0.3,))
    )
    layer = Preprocessing(height=12, width=12, channels=1)
    return Model(network=network, classes=tuple("abcdefg"[:classes]), preprocessing=layer)


def evaluated(count: int = 20, *, empty: int = 0) -> EvaluationImages:
    """Return images with noise in the middle and an empty edge of `empty` pixels."""
    generator = np.random.default_rng(0)
    images = np.zeros((count, 12, 12, 1), np.uint8)
    inside = slice(empty, 12 - empty)
    images[:, inside, inside] = generator.integers(0, 256, images[:, inside, inside].shape)
    labels = generator.integers(0, 3, count)
    return EvaluationImages(images=images, labels=labels, indices=np.arange(count), name="some")


def sensitivity(text: str, distortion: str, strength: float, **edge: int) -> tuple[LayerChange, ...]:
    found = measure_invariance(model_of(text), evaluated(**edge), {DISTORTIONS[distortion]: [strength]})
    return found.curves[0].points[0].layers


def test_a_network_that_is_invariant_by_construction_reads_0() -> None:
    convolution, whole, classifier = sensitivity("4C1-APg", "circular-shift-x", 3)
    assert convolution.changed is not None
    assert convolution.changed > 0.5
    assert convolution.residual == pytest.approx(0, abs=1e-6)  # rounding differs from position to position
    assert whole.changed == pytest.approx(0, abs=1e-5)
    assert classifier.changed == pytest.approx(0, abs=1e-5)


def test_the_sensitivity_says_in_words_what_is_invariant_and_what_is_only_equivariant() -> None:
    """Weights on single pixels see no edge: their maps go round with the image; the mean of all stays."""
    assert [layer.verdict for layer in sensitivity("4C1-APg", "circular-shift-x", 3)] == [
        "equivariant",
        "invariant",
        "invariant",
    ]
    convolution, _ = sensitivity("4C1", "circular-shift-x", 3)
    assert (convolution.verdict, convolution.residual) == ("equivariant", pytest.approx(0, abs=1e-6))
    layer, classifier = sensitivity("4C3", "shift-x", 2)
    assert (layer.verdict, classifier.verdict) == ("equivariant inside", "changed")
    assert sensitivity("4C3-MP2", "shift-x", 1)[1].verdict == "in part"
    assert sensitivity("4C3", "noise", 0.3)[0].verdict == "changed"
    assert LayerChange(changed=None).verdict == ""


def wrapping(network: GraphNetwork) -> GraphNetwork:
    """Return the network with convolutions whose padding goes round, in place of zeros."""
    nodes: list[Node] = []
    for node in network.graph.nodes:
        if isinstance(node.layer, Convolution):
            frame = Padding(top=1, left=1, bottom=1, right=1, mode="wrap")
            nodes.append(Node(name=f"{node.name}.frame", layer=frame, inputs=node.inputs))
            window = Window(kernel=3)
            layer = dataclasses.replace(node.layer, rows=window, columns=window)
            node = dataclasses.replace(node, layer=layer, inputs=(nodes[-1].name,))  # noqa: PLW2901
        nodes.append(node)
    mean, std = network.mean.tolist(), network.std.tolist()
    return GraphNetwork(Graph(nodes=tuple(nodes), image=network.graph.image), network.tensors, mean=mean, std=std)


def test_a_same_convolution_that_wraps_with_a_mean_of_all_is_invariant() -> None:
    """The network of the textbook: convolutions whose padding goes round, then the mean of each map."""
    model = dataclasses.replace(model_of("4C3-6C3-APg"), network=wrapping(fold(model_of("4C3-6C3-APg").network)))
    found = measure_invariance(
        model, evaluated(), {DISTORTIONS["circular-shift-x"]: [1, 5], distortion_named("shift@0"): [1]}
    )
    shown = [index for index, name in enumerate(found.layers) if not name.endswith(".frame")]
    for point in found.curves[0].points:
        layers = [point.layers[index] for index in shown]
        assert [layer.verdict for layer in layers] == ["equivariant", "equivariant", "invariant", "invariant"]
        assert [layer.changed for layer in layers[2:]] == pytest.approx([0, 0], abs=1e-5)
        assert (point.consistency, point.consistency_of_correct) == (1, 1)
    (real,) = found.curves[1].points
    assert [real.layers[index].verdict for index in shown] == [
        "equivariant inside",
        "equivariant inside",
        "changed",
        "changed",
    ]


def test_steps_belong_to_stages() -> None:
    found = measure_invariance(model_of("MP2-4C3-SS2-AP2-4N"), evaluated(3), {DISTORTIONS["blur"]: [1]})
    assert found.layers == ("MP2", "4C3", "SS2", "AP2", "4N", "softmax")
    assert found.stages == (1, 2, 2, 3, 4, None)


def test_layers_are_compared_on_some_of_the_images_and_predictions_counted_on_all() -> None:
    model, some, strengths = model_of("4C3-MP2-5N"), evaluated(9), {DISTORTIONS["shift-x"]: [2]}
    whole, part = (measure_invariance(model, some, strengths, compared=count, batch=4) for count in (None, 5))
    assert (whole.compared, part.compared) == (None, 5)
    (of_all,), (of_some,) = whole.curves[0].points, part.curves[0].points
    assert (of_some.images, of_some.correct, of_some.same) == (of_all.images, of_all.correct, of_all.same)
    assert of_some.probability_change == pytest.approx(of_all.probability_change, abs=1e-6)
    chosen = np.linspace(0, len(some.indices) - 1, 5).round().astype(int)
    alone = measure_invariance(model, dataclasses.replace(some, indices=some.indices[chosen]), strengths)
    for own, other in zip(of_some.layers, alone.curves[0].points[0].layers, strict=True):
        assert own.changed == pytest.approx(other.changed, abs=1e-6)


def test_the_time_is_said_before_it_is_spent_and_progress_moves_with_every_distortion() -> None:
    class Hearing(Counting):
        def say(self, text: str) -> None:
            self.told.append(text)

    heard = Hearing()
    strengths = {DISTORTIONS["shift-x"]: [1, 2], DISTORTIONS["blur"]: [1]}
    measure_invariance(model_of("4C3"), evaluated(9), strengths, compared=4, reporter=heard)
    said, (title, total, _), *steps = heard.told
    assert re.search(r"9 images, each distorted in 3 ways, layers compared on 4 of them: about .* on this", said)
    assert title == "distorting"
    assert len(steps) == 3 * 2, "4 images and 5, each three times"
    assert sum(steps) == pytest.approx(total)


def test_of_a_curve_a_weak_strength_is_shown() -> None:
    found = measure_invariance(model_of("4C3"), evaluated(3), {DISTORTIONS["rotation"]: [-45, -5, 5, 10, 20, 45]})
    assert found.shown(found.curves[0]).strength == 10
    found = measure_invariance(model_of("4C3"), evaluated(3), {DISTORTIONS["contrast"]: [-0.8, -0.2]})
    assert found.shown(found.curves[0]).strength == -0.2


def test_a_convolution_is_equivariant_where_no_edge_is_seen() -> None:
    (layer, _) = sensitivity("4C3", "shift-x", 2)
    assert layer.residual_inside == pytest.approx(0, abs=1e-5)
    assert layer.residual is not None
    assert layer.changed_inside is not None
    assert layer.residual > 0.05  # zeros at the edge are not what moved in
    assert layer.changed_inside > 0.5
    assert layer.moved is not None
    assert 0.5 < layer.moved < 1


def test_pooling_moves_along_by_its_stride_and_forgets_less_between() -> None:
    whole, half = (sensitivity("4C3-MP2", "shift-y", strength)[1] for strength in (2, 1))
    assert whole.residual_inside == pytest.approx(0, abs=1e-5)
    assert half.residual_inside is not None
    assert half.residual_inside > 0.1


def test_maps_turn_around_the_middle_of_the_image() -> None:
    """Means of windows of an image upside down are the means, upside down: their places lie between the pixels."""
    layer, _ = sensitivity("AP2", "rotation", 180)
    assert layer.residual == pytest.approx(0, abs=1e-5)
    assert layer.changed is not None
    assert layer.changed > 0.5


def test_images_that_keep_inside_the_canvas_lose_nothing() -> None:
    found = measure_invariance(model_of("4C3"), evaluated(empty=3), {DISTORTIONS["shift-x"]: [-3, 3, 6]})
    assert [point.fraction_outside for point in found.curves[0].points[:2]] == [0, 0]
    assert found.curves[0].points[2].fraction_outside > 0.3


def test_every_distortion_is_measured_and_the_batch_makes_no_difference() -> None:
    model, some = model_of("4C3-MP2-5N"), evaluated(9)
    one, other = (measure_invariance(model, some, ALL, batch=batch) for batch in (2, 9))
    assert len(one.curves) == len(DISTORTIONS)
    for curve, same in zip(one.curves, other.curves, strict=True):
        for point, again in zip(curve.points, same.points, strict=True):
            assert (point.correct, point.same, point.same_of_correct) == (
                again.correct,
                again.same,
                again.same_of_correct,
            )
            for layer, layer_again in zip(point.layers, again.layers, strict=True):
                assert layer.changed == pytest.approx(layer_again.changed, rel=1e-3)
                if layer.residual is not None:
                    assert layer.residual == pytest.approx(layer_again.residual, rel=1e-3, abs=1e-5)
    assert from_json(Invariance, to_json(one)) == one


def test_vectors_are_not_moved() -> None:
    layer, classifier = sensitivity("6N", "shift-x", 1)
    assert (layer.residual, layer.moved, classifier.residual) == (None, None, None)
    assert layer.changed is not None


def test_answers_are_counted_as_they_are() -> None:
    model, some = model_of("4C3-MP2"), evaluated(30)
    found = measure_invariance(model, some, {DISTORTIONS["shift-x"]: [2]})
    before = model.predict_proba(some.images)
    moved = np.zeros_like(some.images)
    moved[:, :, 2:] = some.images[:, :, :-2]
    after = model.predict_proba(moved)
    (point,) = found.curves[0].points
    same, correct = before.argmax(1) == after.argmax(1), before.argmax(1) == some.labels
    assert found.correct == correct.sum() == point.clean_correct
    assert (point.same, point.same_of_correct) == (same.sum(), (same & correct).sum())
    assert point.correct == (after.argmax(1) == some.labels).sum()
    chosen = before.argmax(1)[:, None]
    change = np.take_along_axis(after, chosen, 1) - np.take_along_axis(before, chosen, 1)
    assert point.probability_change == pytest.approx(float(change.mean()), abs=1e-6)


def test_limits_lie_on_the_straight_line_between_two_points() -> None:
    def point(strength: float, correct: int) -> Point:
        return Point(
            strength=strength,
            images=100,
            correct=correct,
            same=correct,
            same_of_correct=correct,
            clean_correct=100,
            probability_change=0.0,
            fraction_outside=0.0,
            layers=(LayerChange(changed=None), LayerChange(changed=None)),
        )

    curve = Curve(distortion="rotation", unit="degrees", points=(point(-10, 98), point(10, 94), point(20, 44)))
    sizes: dict[str, Any] = {"images": 100, "correct": 100, "margin_px": 0, "seed": 0}
    found = Invariance(layout="4C3", data="", split="", layers=("4C3", "softmax"), curves=(curve,), **sizes)
    by_part = {(one.sign, one.fraction): one for one in found.limits()}
    assert by_part[(1, 0.95)].strength == pytest.approx(10 * 5 / 6)
    assert by_part[(1, 0.9)].strength == pytest.approx(10.8)
    assert by_part[(1, 0.5)].strength == pytest.approx(18.8)
    ends = [wilson_interval(correct, 100) for correct in (94, 44)]
    half = by_part[(1, 0.5)]
    assert half.nearest == pytest.approx(10 + 10 * (ends[0][0] - 0.5) / (ends[0][0] - ends[1][0]))
    assert half.latest is None, "the upper end of 44 % is above 50 %"
    assert (by_part[(-1, 0.95)].strength, by_part[(-1, 0.95)].latest) == (None, None)
    assert by_part[(-1, 0.95)].nearest == pytest.approx(-10 * 0.05 / (1 - wilson_interval(98, 100)[0]))
    text = measure_text(found)
    assert "18.8 (17.1 to beyond 20)" in text
    assert "beyond -10 (-7.14 to beyond -10)" in text


@pytest.mark.parametrize(("correct", "classes", "largest_class"), [(18, 10, 12), (40, 10, 36), (9, 10, 12)])
def test_a_network_at_chance_has_no_limits(correct: int, classes: int, largest_class: int) -> None:
    """Its interval has 1 of the classes, or the share of the largest one, in it or above it."""
    found = measure_invariance(model_of("4C3"), evaluated(3), {DISTORTIONS["blur"]: [1]})
    found = dataclasses.replace(found, images=100, correct=correct, classes=classes, largest_class=largest_class)
    assert found.limits() == ()
    text = measure_text(found)
    assert f"The clean accuracy is not above chance ({max(0.1, largest_class / 100):.2%})" in text
    assert "95 %   " not in text
    assert dataclasses.replace(found, correct=60).limits()


def test_what_chance_is_comes_from_the_images_and_an_old_record_has_none() -> None:
    some = evaluated(20)
    found = measure_invariance(model_of("4C3"), some, {DISTORTIONS["blur"]: [1]})
    counts = np.bincount(some.labels)
    assert (found.classes, found.largest_class) == (3, counts.max())
    assert found.chance == max(1 / 3, counts.max() / 20)
    old = {name: value for name, value in to_json(found).items() if name not in ("classes", "largest_class")}
    read = from_json(Invariance, old)
    assert (read.chance, read.curves) == (0, found.curves)
    assert read.above_chance == (read.correct > 0)


def test_one_image_and_wrong_strengths_are_refused() -> None:
    with pytest.raises(DataError, match="at least 2 images"):
        measure_invariance(model_of("4C3"), evaluated(1), {DISTORTIONS["blur"]: [1]})
    with pytest.raises(ParameterError, match="The strength of blur must be from 0 to 1000"):
        measure_invariance(model_of("4C3"), evaluated(), {DISTORTIONS["blur"]: [-1]})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"images": 0, "correct": 0}, "at least 1"),
        ({"correct": 101}, "101 of 100"),
        ({"correct": -1}, "-1 of 100"),
        ({"largest_class": 101}, "largest_class"),
        ({"layers": ["4C3"]}, r"rotated clockwise by 1 degree"),
    ],
)
def test_a_record_of_counts_that_cannot_be_is_refused(changed: dict[str, Any], sentence: str) -> None:
    counts = {"images": 100, "correct": 9, "same": 9, "same_of_correct": 9, "clean_correct": 9}
    point = counts | {"strength": 1.0, "probability_change": 0.0, "fraction_outside": 0.0, "layers": []}
    whole = {"layout": "", "data": "", "split": "", "images": 100, "correct": 100, "margin_px": 0, "seed": 0}
    whole |= {"layers": [], "curves": [{"distortion": "rotation", "unit": "°", "points": [point]}]}
    assert from_json(Invariance, whole).accuracy.fraction == 1
    with pytest.raises(DataError, match=sentence):
        from_json(Invariance, whole | changed)
    if not changed.keys() & {"layers", "largest_class"}:
        with pytest.raises(DataError, match=sentence):
            from_json(Point, point | changed)
