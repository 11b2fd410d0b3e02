"""convscope: train convolutional networks on your own images and see what every layer has learned.

The public names are imported when they are first used, so that ``import convscope`` is fast.

Examples:
    >>> import convscope
    >>> str(convscope.Layout.parse("32C5-MP2-128N"))
    '32C5-MP2-128N'
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

import convscope.core.forks  # noqa: F401  # a process that is forked from now on knows it
from convscope.core.version import __version__

if TYPE_CHECKING:
    from convscope.api.cache import cache
    from convscope.api.check import check
    from convscope.api.compare import compare
    from convscope.api.convert import convert
    from convscope.api.cost import cost
    from convscope.api.draw import draw
    from convscope.api.explain import explain
    from convscope.api.features import extract_features
    from convscope.api.load import load, save
    from convscope.api.look import look
    from convscope.api.machine import machine
    from convscope.api.measure import measure
    from convscope.api.predict import predict
    from convscope.api.scan import scan
    from convscope.api.train import train
    from convscope.api.units import units
    from convscope.core.context import Context
    from convscope.estimators.classifier import ConvClassifier
    from convscope.estimators.features import ConvFeatures
    from convscope.networks.layout import Layout

__all__ = [
    "Context",
    "ConvClassifier",
    "ConvFeatures",
    "Layout",
    "__version__",
    "cache",
    "check",
    "compare",
    "convert",
    "cost",
    "draw",
    "explain",
    "extract_features",
    "load",
    "look",
    "machine",
    "measure",
    "predict",
    "save",
    "scan",
    "train",
    "units",
]

_HOMES = {
    "Context": "convscope.core.context",
    "ConvClassifier": "convscope.estimators.classifier",
    "ConvFeatures": "convscope.estimators.features",
    "Layout": "convscope.networks.layout",
    "cache": "convscope.api.cache",
    "check": "convscope.api.check",
    "compare": "convscope.api.compare",
    "convert": "convscope.api.convert",
    "cost": "convscope.api.cost",
    "draw": "convscope.api.draw",
    "explain": "convscope.api.explain",
    "extract_features": "convscope.api.features",
    "load": "convscope.api.load",
    "look": "convscope.api.look",
    "machine": "convscope.api.machine",
    "measure": "convscope.api.measure",
    "predict": "convscope.api.predict",
    "save": "convscope.api.load",
    "scan": "convscope.api.scan",
    "train": "convscope.api.train",
    "units": "convscope.api.units",
}


def __getattr__(name: str) -> Any:
    """Return the public name, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'convscope' has no attribute {name!r}")
    if "torch" not in sys.modules:
        from convscope.core.process import refuse_lost_folder

        refuse_lost_folder()
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return every name, imported or not."""
    return sorted({*globals(), *__all__})
