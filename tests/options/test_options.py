"""Options are declared once: command, record and function agree in names, defaults and types; and records check."""

import inspect
import re
import typing
from collections.abc import Sequence
from typing import Any

import click
import numpy as np
import pytest

import convscope
from convscope.api.features import save_features
from convscope.api.predict import optimized
from convscope.api.shards import merge
from convscope.cli.group import COMMANDS, group
from convscope.core.errors import ParameterError
from convscope.core.options import Declared, Size, ValueLimits, check_options, declared, python_help
from convscope.images.preprocessing import FITS
from convscope.measures.comparison.variants import VARIANTS
from convscope.options.check import CacheOptions, CheckOptions
from convscope.options.compare import VARIANT_NAMES, CompareOptions
from convscope.options.convert import ConvertOptions
from convscope.options.explain import ExplainOptions
from convscope.options.features import ClassifierOptions, FeaturesOptions
from convscope.options.look import DrawOptions, LookOptions
from convscope.options.measure import CostOptions, MeasureOptions, UnitsOptions
from convscope.options.predict import InferenceOptions, PredictOptions
from convscope.options.scan import ScanOptions
from convscope.options.shards import MergeOptions, ShardOptions
from convscope.options.train import RunOptions, TrainOptions

FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "train": (convscope.train, (TrainOptions, RunOptions)),
    "predict": (convscope.predict, (PredictOptions, InferenceOptions)),
    "optimized": (optimized, (InferenceOptions,)),
    "check": (convscope.check, (CheckOptions,)),
    "cache": (convscope.cache, (CacheOptions,)),
    "look": (convscope.look, (LookOptions,)),
    "draw": (convscope.draw, (DrawOptions,)),
    "compare": (convscope.compare, (CompareOptions,)),
    "measure": (convscope.measure, (MeasureOptions,)),
    "units": (convscope.units, (UnitsOptions,)),
    "cost": (convscope.cost, (CostOptions,)),
    "scan": (convscope.scan, (ScanOptions,)),
    "merge": (merge, (MergeOptions,)),
    "explain": (convscope.explain, (ExplainOptions,)),
    "extract_features": (convscope.extract_features, (FeaturesOptions,)),
    "save_features": (save_features, (FeaturesOptions,)),
}
CONTEXT = {"progress", "context"}
SUBJECTS = {"data", "model", "images", "image", "what", "folder"}  # what a command is about: its arguments
PYTHON_ONLY = {"unlabeled"}  # the command decides it by what is done with the features

COMMAND_RECORDS: dict[str, tuple[Any, ...]] = {
    "train": (TrainOptions, RunOptions),
    "predict": (PredictOptions, InferenceOptions, ShardOptions),
    "merge": (MergeOptions,),
    "check": (CheckOptions, ShardOptions),
    "cache": (CacheOptions,),
    "look": (LookOptions,),
    "draw": (DrawOptions,),
    "compare": (CompareOptions,),
    "scan": (ScanOptions, ShardOptions),
    "explain": (ExplainOptions,),
    "measure": (MeasureOptions, UnitsOptions, CostOptions),
    "features": (FeaturesOptions, ClassifierOptions, ShardOptions),
    "convert": (ConvertOptions,),
    "machine": (),
}
COMMAND_LINE_ONLY = {
    "as_json", "quiet", "data_dir", "cache_dir",  # output, and the context
    "dry_run", "looks", "opens", "layer_names",  # what is printed or opened beside the result
    "csv", "json", "parquet", "force", "null",  # files of predictions, and names on standard input
    "verify",  # a result, in place of a scan
    "what", "only_cost",  # which function of Python is called: measure, units or cost
}  # fmt: skip


def _options(kinds: tuple[Any, ...]) -> dict[str, Declared]:
    return {one.name: one for kind in reversed(kinds) for one in declared(kind)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_options_of_its_records_with_their_types_and_defaults(name: str) -> None:
    function, kinds = FUNCTIONS[name]
    parameters = inspect.signature(function).parameters
    hints, expected = typing.get_type_hints(function), _options(kinds)
    assert set(parameters) - CONTEXT - PYTHON_ONLY - (SUBJECTS - set(expected)) == set(expected)
    for one in expected.values():
        if name == "save_features" and one.name == "output":  # required there
            continue
        assert parameters[one.name].default == one.default, one.name
        record_hint = next(typing.get_type_hints(kind)[one.name] for kind in kinds if one in declared(kind))
        assert record_hint is Any or hints[one.name] == record_hint, one.name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_of_a_function_has_the_sentence_of_every_option(name: str) -> None:
    function, kinds = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    parameters = inspect.signature(function).parameters
    assert all(f"    {one.name}: {python_help(one, parameters)}" in text for one in _options(kinds).values())
    assert text.index("Keyword Args:") < text.index("Raises:")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_of_a_function_has_no_words_of_the_command_line(name: str) -> None:
    function, _ = FUNCTIONS[name]
    keywords = (inspect.getdoc(function) or "").partition("Keyword Args:")[2].partition("Raises:")[0]
    assert keywords
    for word in (r"\s--[a-z]", r"commas", *(rf"\b{name.upper()}\b" for name in inspect.signature(function).parameters)):
        assert re.search(word, keywords) is None, word


def test_no_public_function_takes_options_without_names() -> None:
    for name in ("train", "predict", "look", "draw", "compare", "measure", "units", "cost", "check", "cache"):
        parameters = inspect.signature(getattr(convscope, name)).parameters.values()
        assert all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in parameters), name


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_options_of_its_records_with_their_types_and_defaults(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    options = {one.name: one for one in command.params if isinstance(one, click.Option)}
    expected = _options(COMMAND_RECORDS[name])
    assert set(options) - COMMAND_LINE_ONLY == set(expected) - COMMAND_LINE_ONLY
    for one in expected.values():
        option = options[one.name]
        if one.kind not in (Sequence[str], Sequence[float]):
            assert option.default == one.default, one.name
        assert option.help == one.about.help
        if one.choices:
            assert isinstance(option.type, click.Choice)
            assert tuple(option.type.choices) == one.choices
        assert not one.about.short or one.about.short in option.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_shows_few_options_first(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    common = [one for one in command.params if getattr(one, "group", "") == "Common"]
    assert len(common) <= 7


@pytest.mark.parametrize("kind", sorted({kind for _, kinds in FUNCTIONS.values() for kind in kinds}, key=str))
def test_every_option_checks_its_type(kind: Any) -> None:
    for one in declared(kind):
        if one.kind in (Any, Size, ValueLimits):  # which have parsers
            continue
        with pytest.raises(ParameterError, match=f"`{one.name}`"):
            kind(**{one.name: object()})


@pytest.mark.parametrize(
    ("kind", "name", "value", "word"),
    [
        (TrainOptions, "seed", -1, "from 0 to"),
        (TrainOptions, "threads", 0, "from 1 to 1,024"),
        (TrainOptions, "fit", "crap", "crop"),
        (PredictOptions, "top", 0, "at least 1"),
        (CompareOptions, "seeds", 101, "from 1 to 100"),
        (CompareOptions, "images", 19, "at least 20"),
        (DrawOptions, "unit", 1.5, "whole"),
        (MeasureOptions, "strengths", ["1"], "numbers"),
    ],
)
def test_a_value_out_of_its_range_is_one_sentence(kind: Any, name: str, value: object, word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        kind(**{name: value})


def test_numbers_of_numpy_become_pythons_own() -> None:
    options = TrainOptions(seed=np.int64(3), epochs=np.int32(2), learning_rate=np.float32(0.5), flip=np.bool_(True))
    assert [type(value) for value in (options.seed, options.epochs, options.learning_rate, options.flip)] == [
        int, int, float, bool,
    ]  # fmt: skip
    check_options(options)


def test_the_help_of_compare_lists_every_variant() -> None:
    assert tuple(VARIANTS) == VARIANT_NAMES
    text = next(one.about.help for one in declared(CompareOptions) if one.name == "variants")
    assert ", ".join(VARIANTS) in text


@pytest.mark.parametrize("name", [one.name for one in declared(TrainOptions) if one.about.group == "Training"])
def test_an_option_of_training_that_may_be_left_out_says_what_then_happens(name: str) -> None:
    one = next(one for one in declared(TrainOptions) if one.name == name)
    assert one.default is not None or "default" in one.about.help


def test_the_choices_are_those_of_the_layers_below() -> None:
    by_name = {one.name: one.choices for one in declared(TrainOptions)}
    assert set(by_name["fit"]) == set(FITS)
