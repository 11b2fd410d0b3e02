"""Features learned without labels, on random patches of pictures, then copied to every place."""

from .layer import learn_layer
from .learners import LEARNERS

__all__ = ["LEARNERS", "learn_layer"]
