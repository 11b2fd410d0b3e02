"""One stage: convolve, normalize, nonlinearity, subsample. Integers first (geometry), then arrays and tensors."""

from .unit import convolve

__all__ = ["convolve"]
