"""The registered methods. To add one, write its file and its line here."""

from .contributions import CONTRIBUTIONS
from .grad_cam import GRAD_CAM
from .method import Method
from .nearest import NEAREST
from .occlusion import OCCLUSION

METHODS: dict[str, Method] = {method.name: method for method in (OCCLUSION, GRAD_CAM, CONTRIBUTIONS, NEAREST)}
"""Every method by its name."""
