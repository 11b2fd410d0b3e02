"""One stage: convolve, normalize, nonlinearity, pool. Integers first (geometry), then arrays and tensors."""

from .unit import HiddenLayer, convolve

__all__ = ["HiddenLayer", "convolve"]
