"""A module of torch becomes a model: read by tracing, and compared with the module."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from convscope.core.arguments import shown
from convscope.core.errors import DataError, ParameterError
from convscope.core.numeric import is_integer
from convscope.networks.class_names import class_names
from convscope.networks.foreign.modules.torch_module import read_module
from convscope.networks.graph_network import GraphNetwork

from .models import ForeignParts, checked_end, foreign_parts, network_of
from .proof import Trial, noted, proof_of, some_images, trials_of_module
from .standardization import Standardization, standardization_of

_LARGEST_SIDE = 65_536


def of_module(
    module: nn.Module,
    example: Any = None,
    *,
    preprocessing: Any = None,
    classes: Any = None,
    up_to: str | None = None,
) -> ForeignParts:
    """Return the network of a module of torch, compared with it.

    Args:
        module: takes one batch of images and gives one logit per class.
        example: images as the module takes them, N C H W, or the shape of one, C H W; by default of the size that the
            preprocessing says, in color.
        preprocessing: as `standardization_of` takes it.
        classes: as `class_names` takes them.
        up_to: name of the last layer that is wanted.

    Raises:
        DataError: it cannot be traced, has an operator that no layer expresses, or computes something else.
        ParameterError: an argument does not fit the network.
    """
    if not isinstance(module, nn.Module):
        raise ParameterError(f"`model` must be a path or a torch.nn.Module. Got {shown(module)}.")
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise ParameterError("`model` must have its weights in memory. Got some on the device meta. Load them first.")
    others = {str(tensor.dtype) for tensor in module.parameters() if tensor.dtype != torch.float32}
    if others:
        raise ParameterError(f"`model` must have float32 weights. Got {min(others)}. Give module.float().")
    end = checked_end(up_to)
    standardization = standardization_of(preprocessing, module)
    images, real = _example(example, standardization)
    place = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
    source = read_module(module, images[:1].to(place), up_to=end)
    source = dataclasses.replace(source, tensors={name: value.cpu() for name, value in source.tensors.items()})
    standardization = dataclasses.replace(standardization, size=None)  # that of the example
    notes = [*source.notes, f"Images are standardized by: {standardization.note}.", *standardization.remarks]
    network = network_of(source, standardization, type(module).__name__, notes, whole=not end)
    tried = some_images(source.graph, [images[:1]] if real else [])
    trials = trials_of_module(module, source.graph, tried, whole=not end)
    try:
        proof = noted(proof_of(GraphNetwork(source.graph, source.tensors).eval(), trials, "the module"), notes)
    except DataError:
        again = trials_of_module(module, source.graph, tried, whole=not end)
        if all(map(_are_equal, trials, again)):
            raise
        raise DataError(
            "The module must compute the same for the same image. It gives different numbers each time, also in "
            "evaluation mode."
        ) from None
    return foreign_parts(
        network,
        standardization,
        classes=class_names(classes, network.plan.classes),
        kind="torch",
        name=type(module).__name__,
        notes=notes,
        proof=proof,
    )


def _are_equal(one: Trial, other: Trial) -> bool:
    pairs = [*zip(one.values, other.values, strict=False)]
    if one.output is not None and other.output is not None:
        pairs.append((one.output, other.output))
    return all(torch.allclose(first, second, rtol=1e-3, equal_nan=True) for first, second in pairs)


def _example(given: Any, standardization: Standardization) -> tuple[Tensor, bool]:
    """Return images N C H W, and whether they are the user's."""
    if given is None:
        if standardization.size is None:
            raise ParameterError(
                "`example` must be given, since the module does not say the size of its images. Got None. Give an "
                "image as the module takes it, 1 C H W, or its shape, for example (3, 224, 224)."
            )
        return torch.zeros(1, 3, *standardization.size), False
    if isinstance(given, Tensor):
        images = given[None] if given.dim() == 3 else given
        if images.dim() != 4 or not len(images) or not images.is_floating_point():
            raise _no_example(f"{str(given.dtype).removeprefix('torch.')} {tuple(given.shape)}")
        return images.detach().float().cpu(), True
    if (
        isinstance(given, Sequence)
        and len(given) == 3
        and all(is_integer(side) and 0 < side < _LARGEST_SIDE for side in given)
    ):
        return torch.zeros(1, *map(int, given)), False
    raise _no_example(shown(given) if not isinstance(given, tuple) else str(given))


def _no_example(got: str) -> ParameterError:
    return ParameterError(f"`example` must be images of floats, N C H W, or the shape of one, C H W. Got {got}.")
