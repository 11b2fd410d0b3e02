"""The registered methods. To add one, write its file and its line here."""

from .contributions import CONTRIBUTIONS
from .grad_cam import GRAD_CAM
from .method import AttributionMethod
from .nearest import NEAREST
from .occlusion import OCCLUSION

METHODS: dict[str, AttributionMethod] = {method.name: method for method in (OCCLUSION, GRAD_CAM, CONTRIBUTIONS)}
"""Every method with maps by its name."""

NAMES = (*METHODS, NEAREST)
"""All that can explain a prediction: the methods with maps, and the nearest training images."""
