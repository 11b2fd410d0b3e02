"""Features learned without labels, on random patches of pictures, then copied to every place."""

from .clusters import ClusterLayer
from .layer import learn_layer
from .learners import LEARNERS

__all__ = ["LEARNERS", "ClusterLayer", "learn_layer"]
