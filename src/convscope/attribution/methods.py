"""The registered methods. To add one, write its file and its line here."""

from .contributions import CONTRIBUTIONS
from .grad_cam import GRAD_CAM
from .method import AttributionMethod
from .nearest import NEAREST
from .occlusion import OCCLUSION

METHODS: dict[str, AttributionMethod] = {
    method.name: method for method in (OCCLUSION, GRAD_CAM, CONTRIBUTIONS, NEAREST)
}
"""Every method by its name."""
