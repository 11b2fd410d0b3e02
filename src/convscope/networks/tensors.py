"""The tensors that a network keeps: names, types and shapes, known from its plan before any of it is built."""

import torch

from convscope.layers.instance_based import Exemplars, Tensors

from .classifiers import LINEAR_CLASSIFIERS
from .plan import Plan
from .stages import PoolingStage


def expected_tensors(planned: Plan, exemplars: Exemplars | None = None) -> Tensors:
    """Return type and shape of each tensor in the ``state_dict`` of the network that `planned` describes.

    Args:
        planned: of the network.
        exemplars: of an instance-based classifier.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.plan import plan
        >>> planned = plan(Layout.parse("4C3-nonorm"), height=8, width=8, channels=1, classes=2)
        >>> [(name, shape) for name, (_, shape) in expected_tensors(planned).items()][:2]
        [('stages.0.convolution.weight', (4, 1, 3, 3)), ('stages.0.convolution.bias', (4,))]
    """
    result: Tensors = {}
    stages, normalized = planned.layout.stages, planned.layout.normalization is not None
    module = -1
    for index, stage in enumerate(stages):
        module += not planned.layout.is_joined(index)
        if isinstance(stage, PoolingStage):
            continue
        below = planned.below(index)
        shape = stage.layer(below).tensors([below])["weight"]
        result |= _weights(f"stages.{module}", stage.NAME, shape, units=stage.units, normalized=normalized)
    values, classes = planned.below(len(stages)).values, planned.classes
    if exemplars is None:
        result |= _learned("classifier", (classes, values), biases=classes)
    else:
        result |= {f"classifier.{name}": kind for name, kind in exemplars.tensors(values, classes).items()}
    if LINEAR_CLASSIFIERS[planned.layout.classifier].gives_probabilities:
        result["temperature"] = (torch.float32, (1,))
    else:
        result |= dict.fromkeys(("slopes", "offsets"), (torch.float32, (classes,)))
    return result | dict.fromkeys(("mean", "std"), (torch.float32, (planned.channels,)))


def _weights(module: str, kind: str, shape: tuple[int, ...], *, units: int, normalized: bool) -> Tensors:
    result = _learned(f"{module}.{kind}", shape, biases=0 if normalized else units)
    if normalized:
        names = ("bias", "running_mean", "running_var")
        result |= {f"{module}.normalization.{name}": (torch.float32, (units,)) for name in names}
    return result


def _learned(module: str, shape: tuple[int, ...], *, biases: int) -> Tensors:
    result = {f"{module}.weight": (torch.float32, shape)}
    return result | ({f"{module}.bias": (torch.float32, (biases,))} if biases else {})
