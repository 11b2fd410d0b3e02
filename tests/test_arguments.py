"""Every argument of every public name, given what it cannot be: an error of convscope's own, never Python's."""

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import convscope
from convscope.api.features import compare_classifiers, save_with_classifier
from convscope.api.predict import optimized
from convscope.api.scan import verify
from convscope.api.shards import merge
from convscope.core.arguments import FLAG, check_value, shown
from convscope.core.context import Context
from convscope.core.errors import ConvscopeError, ParameterError
from convscope.core.options import declared
from convscope.images.sources.named_datasets import DATA_DIR_VARIABLE
from convscope.networks.model import Model
from convscope.options.train import TrainOptions
from tests.checks.models import small_model, some_pixels
from tests.images.generated import folder
from tests.images.test_sources import write_idx


class _Weird:
    """An object that stands for a path of bytes."""

    def __fspath__(self) -> bytes:
        return b"x"


ODD: list[Any] = [
    None, 3, -1, 1.5, float("nan"), float("inf"), 10**40, True, "", "nope", "a\0b", "\ud800", "x" * 5_000, b"x",
    Path("nope"), [], {}, (), [None], object(), np.int64(-3), np.float32("nan"), np.array([]), np.array(["a"]),
    np.zeros((2, 2)), np.zeros((3, 3, 3, 3, 3)), len, 1j, {1, 2}, _Weird(), int, ...,
]  # fmt: skip
MODEL = small_model(height=8, width=8)
IMAGES = some_pixels(12, 8, 8)
MODULE = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
DATA = (IMAGES, np.array(list(MODEL.classes) * 4))
FOUND = convscope.extract_features(MODEL, DATA)
Call = tuple[Callable[..., Any], dict[str, Any]]
CALLS: dict[str, Call] = {
    "predict": (convscope.predict, {"model": MODEL, "images": IMAGES[:1]}),
    "check": (convscope.check, {"data": DATA}),
    "check of a named set": (convscope.check, {"data": "mnist"}),
    "check of files": (convscope.check, {"data": "files"}),
    "extract_features of files": (convscope.extract_features, {"model": "pixels", "data": "files"}),
    "cache": (convscope.cache, {}),
    "optimized": (optimized, {"model": MODEL}),
    "compare_classifiers": (compare_classifiers, {"found": FOUND, "classifiers": []}),
    "save_with_classifier": (
        save_with_classifier,
        {"model": MODEL, "found": FOUND, "evaluated": (), "output": "nope/nope.safetensors"},
    ),
    "cost": (convscope.cost, {"model": "2C3", "repeats": 0}),
    "extract_features": (convscope.extract_features, {"model": MODEL, "data": DATA}),
    "load": (convscope.load, {"model": "nope"}),
    "load of a module": (convscope.load, {"model": MODULE, "example": (3, 4, 4), "preprocessing": "unit"}),
    "convert": (convscope.convert, {"model": MODEL, "output": "nope/nope.onnx"}),
    "Model.from_torch": (Model.from_torch, {"module": MODULE, "example": (3, 4, 4), "preprocessing": "unit"}),
    "measure": (convscope.measure, {"model": "nope", "data": DATA}),
    "scan": (convscope.scan, {"model": MODEL, "image": IMAGES[0], "scale": 1, "check": 5}),
    "merge": (merge, {"folder": "nope"}),
    "verify": (verify, {"output": "nope.tif", "model": MODEL, "image": IMAGES[0]}),
    "units": (convscope.units, {"model": "nope", "data": DATA}),
    "look": (convscope.look, {"model": "nope", "images": IMAGES[:1]}),
    "draw": (convscope.draw, {"what": "maps", "model": MODEL, "image": None}),
    "compare": (convscope.compare, {"data": "nope"}),
    "Layout.parse": (convscope.Layout.parse, {"text": "2C3"}),
    "Model.predict_proba": (MODEL.predict_proba, {"images": IMAGES}),
    "Model.predict": (MODEL.predict, {"images": IMAGES[:1]}),
    "Model.optimize": (MODEL.optimize, {}),
    "save": (convscope.save, {"model": MODEL, "path": "nope/nope.safetensors"}),
    "Model": (Model, {field.name: getattr(MODEL, field.name) for field in dataclasses.fields(Model) if field.init}),
}
CASES = [(name, argument) for name, (call, _) in CALLS.items() for argument in inspect.signature(call).parameters]


@pytest.mark.parametrize(("name", "argument"), CASES, ids=[f"{name}-{argument}" for name, argument in CASES])
def test_no_argument_ends_in_an_error_of_pythons_own(
    name: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, given = CALLS[name]
    if given.get("data") == "files":
        folder(tmp_path / "files", each=2)
    if given.get("data") == "mnist":
        write_idx(tmp_path / "mnist")
        monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    for value in ODD:
        if (
            name == "cost" and argument == "repeats" and type(value) is int and value > 0
        ):  # which it can be, and takes seconds
            continue
        if name == "compare" and value is None:  # which leaves the choice to it, and takes minutes
            continue
        try:
            call(**(given | {argument: value}))
        except ConvscopeError:
            continue


@pytest.mark.parametrize("place", [str, Path])
def test_a_place_may_be_a_text_or_a_path(place: Callable[[Path], Any], tmp_path: Path) -> None:
    write_idx(tmp_path / "sets" / "mnist")
    assert convscope.check("mnist", context=Context(data_dir=place(tmp_path / "sets"))).usable
    files, kept = folder(tmp_path / "files", each=2), place(tmp_path / "cache")
    assert len(convscope.extract_features("pixels", files, context=Context(cache_dir=kept)).values) == 4
    assert [one.images for one in convscope.cache(context=Context(cache_dir=kept)).entries] == [4]


@pytest.mark.parametrize("workers", [0, -1, 1_025, 1.5])
def test_a_number_of_workers_that_cannot_be_is_refused_by_every_function(workers: Any, tmp_path: Path) -> None:
    files = folder(tmp_path / "files", each=2)
    for call in (
        lambda: convscope.check(files, workers=workers),
        lambda: convscope.predict(MODEL, files, workers=workers),
    ):
        with pytest.raises(ParameterError, match="from 1 to 1,024"):
            call()


OPTIONS = [one.name for one in declared(TrainOptions)]


@pytest.mark.parametrize("option", [*OPTIONS, "output", "resume", "force", "progress", "context"])
def test_no_option_of_train_ends_in_an_error_of_pythons_own(option: str, tmp_path: Path) -> None:
    for value in ODD:
        with pytest.raises(ConvscopeError):
            convscope.train(tmp_path / "nothing", **{option: value})


@pytest.mark.parametrize("option", [one.name for one in declared(TrainOptions) if one.optional])
def test_none_leaves_an_option_to_convscope(option: str) -> None:
    assert getattr(TrainOptions(**{option: None}), option) is None


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("seed", None), ("epochs", float("nan")), ("threads", 10**40), ("layout", b"2C3"), ("flip", "y")],
)
def test_a_parameter_of_an_estimator_that_cannot_be_is_named(parameter: str, value: Any) -> None:
    with pytest.raises(ConvscopeError):
        convscope.ConvClassifier(**{parameter: value}).fit(IMAGES, DATA[1])


@pytest.mark.parametrize("odd", [None, 3, "x", object(), [], [[1], [1, 2]], np.array(["a"]), {1: 2}, b"x", 1j])
def test_what_is_no_images_is_refused_by_the_estimators(odd: Any) -> None:
    for call in (
        lambda: convscope.ConvClassifier("2C3", epochs=1).fit(odd, DATA[1]),
        lambda: convscope.ConvClassifier("2C3", epochs=1).fit(IMAGES, odd),
        lambda: convscope.ConvFeatures(MODEL).transform(odd),
    ):
        with pytest.raises(ConvscopeError):
            call()


def test_what_came_is_shown_in_few_characters() -> None:
    assert shown("x" * 1_000).endswith("…")
    assert shown(10**40) == "a number of many digits"
    assert shown(np.zeros(3)) == "ndarray"
    with pytest.raises(ParameterError, match="True or False"):
        check_value("force", "yes", FLAG)
