"""A device for machines that have only a processor: tensors that are elsewhere, with values.

Tensors on torch's device ``meta`` have no values; here they keep them, in the processor's memory. They refuse to mix
with the processor's, as those of a GPU do, and double precision, as those of Apple's do, and count what makes the
processor wait for a GPU.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Self

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

PLACE = "meta"
_READ = torch.ops.aten._local_scalar_dense.default
_INDEX = torch.ops.aten.index.Tensor
_COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
_SIZE_IS_A_VALUE = ("aten::nonzero", "aten::masked_select", "aten::bincount", "aten::unique")


class ElsewhereTensor(Tensor):
    """A tensor elsewhere."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Self:
        with torch.inference_mode(mode=False):  # of tensors made in it there are no views of others
            made = Tensor._make_wrapper_subclass(
                cls,
                inner.shape,
                strides=inner.stride(),
                storage_offset=inner.storage_offset(),
                dtype=inner.dtype,
                device=PLACE,
            )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {}, [])


class Elsewhere(TorchDispatchMode):
    """While it is entered, tensors can be brought to the device; `waits` names what a GPU would be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and loading the compiler takes ten seconds

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {}, self.waits)


def _computed(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], waits: list[str]) -> Any:
    here: list[Tensor] = []
    there: list[Tensor] = []

    def inner(value: Any) -> Any:
        if isinstance(value, Tensor):
            (there if isinstance(value, ElsewhereTensor) else here).append(value)
        return value.inner if isinstance(value, ElsewhereTensor) else value

    plain, named = tree_map(inner, args), tree_map(inner, dict(kwargs))
    target = named.get("device")
    goes = bool(there) if target is None else torch.device(target).type == PLACE
    if target is not None:
        named["device"] = "cpu"
    indexed = function is _INDEX and isinstance(args[0], ElsewhereTensor)  # by indices that are brought, which waits
    if function not in _COPIES and not indexed and there and any(one.dim() for one in here):
        raise RuntimeError(f"{function} has tensors of two devices.")
    crosses = (indexed and bool(here)) or (function in _COPIES and (goes != bool(there) or (there and here)))
    waiting = crosses and not (goes and named.pop("non_blocking", False))
    if waiting or (there and (function is _READ or function.name().startswith(_SIZE_IS_A_VALUE))):
        waits.append(str(function))
    result = function(*plain, **named)
    if not goes:
        return result
    if any(isinstance(one, Tensor) and one.dtype == torch.float64 for one in tree_leaves(result)):
        raise TypeError(f"{function} makes float64, which the device mps does not have.")
    own = {id(value.inner): value for value in there}  # what is changed in place stays itself

    def outer(value: Any) -> Any:
        return own[id(value)] if id(value) in own else ElsewhereTensor(value) if isinstance(value, Tensor) else value

    return tree_map(outer, result)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """Give the device as what ``mps`` means, as if this were a machine that has it."""
    import sys

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    usual = torch.autocast
    monkeypatch.setattr(
        torch, "autocast", lambda kind, *given, **more: nullcontext() if kind == PLACE else usual(kind, *given, **more)
    )

    def own_device(device: str) -> str:
        return {"mps": PLACE}.get(device, device)

    for module in [one for name, one in sys.modules.items() if name.startswith("convscope.")]:
        if hasattr(module, "own_device"):
            monkeypatch.setattr(module, "own_device", own_device)
    with Elsewhere() as device:
        yield device
