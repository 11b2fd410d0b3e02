"""Features learned without labels, on random patches of images, then copied to every position."""

from .clusters import ClusterLayer
from .layer import WAYS, learn_layer
from .learners import LEARNERS

__all__ = ["LEARNERS", "WAYS", "ClusterLayer", "learn_layer"]
