"""convscope: train convolutional networks on your own pictures and see what every step has learned.

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

if TYPE_CHECKING:
    from convscope.estimators.classifier import ConvClassifier
    from convscope.estimators.features import ConvFeatures
    from convscope.networks.layout import Layout
    from convscope.verbs.check import check
    from convscope.verbs.compare import compare
    from convscope.verbs.cost import cost
    from convscope.verbs.draw import draw
    from convscope.verbs.features import extract_features
    from convscope.verbs.load import load
    from convscope.verbs.look import look
    from convscope.verbs.measure import measure
    from convscope.verbs.predict import predict
    from convscope.verbs.train import train
    from convscope.verbs.units import units

__version__ = "0.1.0"

__all__ = [
    "ConvClassifier",
    "ConvFeatures",
    "Layout",
    "__version__",
    "check",
    "compare",
    "cost",
    "draw",
    "extract_features",
    "load",
    "look",
    "measure",
    "predict",
    "train",
    "units",
]

_HOMES = {
    "ConvClassifier": "convscope.estimators.classifier",
    "ConvFeatures": "convscope.estimators.features",
    "Layout": "convscope.networks.layout",
    "check": "convscope.verbs.check",
    "compare": "convscope.verbs.compare",
    "cost": "convscope.verbs.cost",
    "draw": "convscope.verbs.draw",
    "extract_features": "convscope.verbs.features",
    "load": "convscope.verbs.load",
    "look": "convscope.verbs.look",
    "measure": "convscope.verbs.measure",
    "predict": "convscope.verbs.predict",
    "train": "convscope.verbs.train",
    "units": "convscope.verbs.units",
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
