"""The lesson computes what the library computes: units copied to every place of an image; and its two experiments."""

import itertools
import re
from typing import Any

import numpy as np
import pytest
import torch

from convscope.layers import convolve
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.pooling import POOLINGS
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from tests.oracles import stages as oracle

from .javascript import STATIC, needs_node, run_driver

SIDE = 5


DICE = [([1] * 6, [1] * 6), ([1, 2, 3, 4, 5, 6], [0, 0, 5, 1, 0, 2]), ([0] * 6, [1, 0, 0, 0, 0, 0])]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    toys = [
        {
            "channels": rng.integers(0, 10, (channels, SIDE * SIDE)).tolist(),
            "units": [
                {"weights": rng.integers(-3, 4, (channels, 9)).tolist(), "bias": int(rng.integers(-9, 10))}
                for _ in range(units)
            ],
            "zeros": zeros,
            "stride": stride,
            "nonlinearity": nonlinearity,
            "code": code,
        }
        for zeros, stride, nonlinearity, code in itertools.product((0, 1), (1, 2), ("linear", "relu"), ("", *POOLINGS))
        for channels, units in ((1, 1), (2, 2))
    ]
    found = run_driver("toy_driver.mjs", {"toys": toys, "dice": DICE}, tmp_path_factory.mktemp("lesson"))
    return {**found, "given": toys}


@pytest.fixture(scope="module")
def lessons(made: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(zip(made["given"], made["toys"], strict=True))


@needs_node
def test_separate_weights_are_counted_as_in_the_networks_that_have_them(lessons: Any) -> None:
    for toy, found in lessons:
        units, channels, features = len(toy["units"]), len(toy["channels"]), found["layers"][0]
        if (toy["zeros"], toy["stride"]) == (0, 1):
            own = plan(Layout.parse(f"{units}U3v"), height=SIDE, width=SIDE, channels=channels, classes=2).layers[0]
            assert (features["separate"], features["macs"]) == (own.parameters, own.macs)
    text = re.sub(r'" \+\n *"', "", (STATIC / "text_lesson.js").read_text(encoding="utf-8"))
    said = re.findall(r" = (\d+)", text.split("shared: {")[1])
    feature = lessons[0][1]["layers"][0]
    whole = plan(Layout.parse("9N"), height=SIDE, width=SIDE, channels=1, classes=2).layers[0]
    assert said[:3] == [str(count) for count in (feature["parameters"], feature["separate"], whole.parameters)]


@needs_node
def test_a_unit_of_3_x_3_on_an_image_of_5_x_5_has_9_features(lessons: Any) -> None:
    toy, found = lessons[0]
    assert (toy["zeros"], toy["stride"], toy["code"], len(toy["channels"])) == (0, 1, "", 1)
    (features,) = found["layers"]
    assert (features["maps"], features["rows"], features["columns"]) == (1, 3, 3)
    assert (features["parameters"], features["macs"]) == (10, 81)
    image = np.reshape(toy["channels"], (SIDE, SIDE)).astype(np.float32)
    unit = np.reshape(toy["units"][0]["weights"], (3, 3)).astype(np.float32)
    expected = convolve(unit, image) + toy["units"][0]["bias"]
    np.testing.assert_allclose(np.reshape(features["values"], (3, 3)), expected, atol=1e-4)


@needs_node
def test_every_choice_gives_what_the_library_gives(lessons: Any) -> None:
    for toy, found in lessons:
        image = np.reshape(toy["channels"], (-1, SIDE, SIDE)).astype(float)
        np.testing.assert_allclose(np.reshape(found["image"], image.shape), image, rtol=1e-6)
        units = np.reshape([unit["weights"] for unit in toy["units"]], (len(toy["units"]), -1, 3, 3)).astype(float)
        bias = np.array([float(unit["bias"]) for unit in toy["units"]])
        sizes = {"stride": toy["stride"], "before": toy["zeros"], "after": toy["zeros"]}
        maps = torch.from_numpy(oracle.convolution(image, units, bias, **sizes))
        maps = NONLINEARITIES[toy["nonlinearity"]].apply(maps).numpy()
        expected = [maps]
        if len(found["layers"]) == 2:
            expected.append(
                oracle.pooling(POOLINGS[toy["code"]].oracle, maps, window=(2, 2), stride=(2, 2), whole=False)
            )
        for layer, values in zip(found["layers"], expected, strict=True):
            assert (layer["maps"], layer["rows"], layer["columns"]) == values.shape
            np.testing.assert_allclose(layer["values"], values.ravel(), atol=1e-4, err_msg=str(toy))
            np.testing.assert_allclose([one["value"] for one in layer["taken"]], values.ravel(), atol=1e-4)


@needs_node
def test_features_move_along_with_the_image(lessons: Any) -> None:
    for toy, found in lessons:
        if toy["stride"] == 1 and toy["zeros"] == 0:
            features = found["layers"][0]
            before, after = (np.reshape(features[name], (-1, 3, 3)) for name in ("values", "moved"))
            np.testing.assert_allclose(after[:, :, 1:], before[:, :, :-1], atol=1e-5)


@needs_node
def test_the_marked_pixels_are_those_that_the_value_depends_on(lessons: Any) -> None:
    for toy, found in lessons:
        for one in found["layers"][0]["taken"]:
            assert one["box"] == one["field"], str(toy)
        sees = {"SS": 1, "BP": 3}.get(toy["code"], 2)
        for layer in found["layers"][1:]:
            for one in layer["taken"]:
                assert one["field"]["tall"] == one["field"]["wide"] == 3 + (sees - 1) * toy["stride"]


@needs_node
def test_the_sum_of_two_dice_is_their_convolution(made: Any) -> None:
    for (first, second), found in zip(DICE, made["sums"], strict=True):
        shares = [np.array(die) / sum(die) if sum(die) else np.full(6, 1 / 6) for die in (first, second)]
        np.testing.assert_allclose(found["chances"], np.convolve(*shares), atol=1e-12)
        np.testing.assert_allclose(found["totals"], found["chances"])
        for place, weights in enumerate(found["weights"]):
            laid = [weight for weight in weights if weight is not None]
            np.testing.assert_allclose(laid, shares[1][::-1], err_msg="the second die lies backwards")
            assert weights.index(laid[0]) <= place, "and moves on by one for each sum"
            assert weights[place : place + 6] == laid


@needs_node
def test_the_copied_layer_learns_what_it_never_saw_at_a_place_and_the_separate_one_does_not(made: Any) -> None:
    errors = [(stage["seen"], stage["errors"]["copied"], stage["errors"]["separate"]) for stage in made["stages"]]
    assert [seen for seen, *_ in errors] == [0, 1, 20, 200, 1000]
    assert errors[-1][1] < 0.01 < 0.3 < errors[-1][2]
    assert errors[0][1] > 1
    np.testing.assert_allclose(made["stages"][-1]["weights"], made["teacher"], atol=0.05)
    unseen = np.reshape(made["stages"][-1]["separate"], (3, 3, 3, 3))[:, 2, :, 1:]  # columns 3 and 4 of the image
    np.testing.assert_allclose(unseen, np.reshape(made["stages"][0]["separate"], (3, 3, 3, 3))[:, 2, :, 1:])
    np.testing.assert_allclose(made["twice"], made["stages"][2]["weights"], err_msg="15 and 5 are 20")


@needs_node
def test_one_step_of_gradient_descent_is_the_gradient_of_the_squared_error(made: Any) -> None:
    step = made["step"]
    assert step["kept"] == step["old"], "the weights before the last image"
    weights = torch.tensor(step["old"], dtype=torch.float64, requires_grad=True)
    patches, right = (torch.tensor(step[name], dtype=torch.float64) for name in ("patches", "right"))
    (0.5 * (right - patches @ weights).square().sum()).backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    np.testing.assert_allclose(step["sums"], -weights.grad, atol=1e-12)
    np.testing.assert_allclose(step["made"], weights.detach() - step["rate"] * weights.grad, atol=1e-12)


@needs_node
def test_two_layers_without_a_nonlinearity_are_one_and_with_relu_an_exclusive_or(made: Any) -> None:
    linear, relu = made["layers"]
    for images in linear:
        for one in images:
            assert one["value"] == pytest.approx(one["single"])
            assert one["value"] == pytest.approx(np.dot(one["weights"], one["image"]))
    for images in relu:
        inputs = np.array([[*one["image"], 1] for one in images])
        best = inputs @ np.linalg.lstsq(inputs, [one["value"] for one in images], rcond=None)[0]
        np.testing.assert_allclose([one["single"] for one in images], best, err_msg="the closest of all single units")
    assert [one["value"] for one in relu[0]] == [27, 27, 0, 0], "an edge of either kind; both sides; dark"


@needs_node
def test_the_parts_of_softmax_are_the_probabilities(made: Any) -> None:
    for logits, (parts, sigmoids) in zip(([3, 1, -1], [200, 199, -200]), made["softmax"], strict=True):
        values = torch.tensor(logits, dtype=torch.float64)
        np.testing.assert_allclose(np.array(parts) / sum(parts), torch.softmax(values, 0), atol=1e-12)
        np.testing.assert_allclose(sigmoids, torch.sigmoid(values), atol=1e-12)
    np.testing.assert_allclose(made["softmax"][0][0], np.exp([3, 1, -1]), err_msg="e^logit itself where it fits")


@needs_node
def test_every_step_of_the_lesson_has_something_to_try(made: dict[str, Any]) -> None:
    assert len(made["lesson"]) == 13
    program = (STATIC / "lesson_steps.js").read_text(encoding="utf-8")
    tried = re.findall(r"^    (\w+): \S", program[program.index("const made = {") :], re.MULTILINE)
    assert tried[: len(made["lesson"])] == made["lesson"]
