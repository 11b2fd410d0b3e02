"""Reads a module of torch: its forward pass is traced with `torch.export`, and each ATen operator becomes layers."""

import operator
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils import _pytree

from convscope.core.errors import ParameterError
from convscope.layers.layer import MapShape

from .aten.call import AtenCall
from .aten.table import OPERATORS, REFUSED
from .builder import Builder, ReadNetwork
from .unsupported import UnsupportedError
from .views import Value

_CALL = re.compile(r"@\d+")  # of a module that is called again
_SILENT = {"_assert_tensor_metadata", "_assert_async", "_assert_scalar", "sym_constrain_range_for_size"}


def read_module(module: nn.Module, example: Tensor, *, up_to: str = "") -> ReadNetwork:
    """Return the graph of a module, with its weights, in evaluation mode; the module stays as it is.

    Args:
        module: takes one batch of images and gives maps, logits, or a tuple or dict of those.
        example: one image, 1 C H W, as the module takes it; the graph is for images of its size.
        up_to: name of the layer to end with, or of a module, where the rest is not wanted or cannot be read.

    Raises:
        ParameterError: the example is no image, or there is no layer `up_to`.
        UnsupportedError: the module cannot be traced, or has an operator that no layer expresses.

    Examples:
        >>> module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
        >>> _ = module(torch.zeros(1, 3, 6, 6))
        >>> source = read_module(module, torch.zeros(1, 3, 6, 6))
        >>> [(node.name, node.layer.notation, node.nonlinearity) for node in source.graph.nodes]
        [('0', '8C3', 'relu'), ('4', '2N', 'linear')]
    """
    if not isinstance(example, Tensor) or example.dim() != 4 or len(example) != 1 or not example.is_floating_point():
        shape = tuple(getattr(example, "shape", ()))
        raise ParameterError(f"`example` must be one image of floats, 1 C H W. Got {shape or type(example).__name__}.")
    program = _exported(module, example)
    _, maps, rows, columns = example.shape
    builder = Builder(MapShape(maps=maps, rows=rows, columns=columns))
    reading = _Reading(builder, module, program)
    try:
        output = reading.output()
    except UnsupportedError:
        if not up_to:
            raise
        output = None
    return builder.finish(output, up_to=up_to)


def _exported(module: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    """Return the operators of the forward pass, not decomposed."""
    with _evaluating(module), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's module, which they see when they run it
        try:
            return torch.export.export(module, (example,), strict=False)
        except Exception as error:  # it runs code of the user, which may raise anything
            text = str(error).strip() or type(error).__name__
            reason = f"the forward pass cannot be traced ({text.splitlines()[0].rstrip('.')})"
            remedy = "The module must take one batch of images, and do the same for every image."
            raise UnsupportedError("torch.export", type(module).__name__, reason, remedy=remedy) from error


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and each of its parts back afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@dataclass
class _Cell:
    """What a tensor of the program holds; an operator in place changes it for all that hold the same one."""

    content: Any


class _Reading:
    """One pass over an exported program."""

    def __init__(self, builder: Builder, module: nn.Module, program: torch.export.ExportedProgram) -> None:
        self._builder, self._module, self._program = builder, module, program
        self._cells: dict[fx.Node, _Cell] = {}
        self._calls = Counter(_call_of(node) for node in program.graph.nodes if node.op == "call_function")

    def output(self) -> Value:
        """Return the output of the network.

        Raises:
            UnsupportedError: an operator cannot be read, or there is no output of maps or a vector.
        """
        self._place_inputs()
        for node in self._program.graph.nodes:
            if node.op == "call_function":
                self._cells[node] = self._computed(node)
        return self._chosen()

    def _place_inputs(self) -> None:
        nodes = {node.name: node for node in self._program.graph.nodes if node.op == "placeholder"}
        stored: Mapping[str, Any] = {**self._program.constants, **self._program.state_dict}
        for spec in self._program.graph_signature.input_specs:
            node = nodes[spec.arg.name]
            if spec.kind == InputKind.USER_INPUT:
                self._cells[node] = _Cell(self._builder.image())
            else:
                content = stored[spec.target or ""]
                self._cells[node] = _Cell(content.detach() if isinstance(content, Tensor) else content)

    def _computed(self, node: fx.Node) -> _Cell:
        """Return what an operator gives."""
        if node.target is operator.getitem:
            container, index = node.args
            return _Cell(self._content_of(container)[index])
        target = node.target
        if not isinstance(target, torch._ops.OpOverload):
            with self._builder.operation(getattr(target, "__name__", str(target)), _module_path(node)):
                raise self._builder.refused("it is no operator on tensors")
        arguments = self._arguments(node, target)
        name = target._schema.name.partition("::")[2]
        mutated = node.args[0] if target._schema.is_mutable and node.args else None
        content = self._content(node, target, name, arguments)
        if isinstance(mutated, fx.Node):
            self._cells[mutated].content = content
            return self._cells[mutated]
        return _Cell(content)

    def _content(
        self, node: fx.Node, target: torch._ops.OpOverload[Any, Any], name: str, arguments: dict[str, Any]
    ) -> Any:
        leaves = _pytree.tree_leaves(arguments)
        if name in _SILENT:
            return None
        if not any(isinstance(leaf, Value) for leaf in leaves):
            own = _pytree.tree_map_only(Tensor, Tensor.clone, arguments) if target._schema.is_mutable else arguments
            return _called(target, own)
        plain = name.removesuffix("_")
        with self._builder.operation(f"aten.{name}", _module_path(node)):
            if plain not in OPERATORS:
                raise self._builder.refused(REFUSED.get(plain, "there is no layer for it"))
            return OPERATORS[plain](AtenCall(self._builder, arguments, self._layer_name(node)))

    def _content_of(self, argument: Any) -> Any:
        """Return what the tensors in an argument hold."""
        return _pytree.tree_map_only(fx.Node, lambda node: self._cells[node].content, argument)

    def _arguments(self, node: fx.Node, target: torch._ops.OpOverload[Any, Any]) -> dict[str, Any]:
        """Return the arguments of an operator by name, those left out as well, with what the tensors hold."""
        given = dict(zip((argument.name for argument in target._schema.arguments), node.args, strict=False))
        given.update(node.kwargs)
        result = {}
        for argument in target._schema.arguments:
            if argument.name in given or argument.has_default_value():
                result[argument.name] = self._content_of(given.get(argument.name, argument.default_value))
        return result

    def _layer_name(self, node: fx.Node) -> str:
        """Return the path of a module that is one layer by itself; empty where the operator is a part of more."""
        path = _module_path(node)
        if not path or self._calls[_call_of(node)] > 1:
            return ""
        try:
            part = self._module.get_submodule(path)
        except AttributeError:
            return ""
        return "" if next(part.children(), None) is not None else path

    def _chosen(self) -> Value:
        """Return the first output that is maps or a vector; of a dict, the one that is called ``out``."""
        (node,) = (node for node in self._program.graph.nodes if node.op == "output")
        specs = self._program.graph_signature.output_specs
        outputs = [
            self._cells[value].content if isinstance(value, fx.Node) else value
            for value, spec in zip(node.args[0], specs, strict=True)
            if spec.kind == OutputKind.USER_OUTPUT
        ]
        structure = self._program.call_spec.out_spec
        whole = _pytree.tree_unflatten(outputs, structure) if structure is not None else outputs
        if isinstance(whole, dict) and "out" in whole:
            outputs = [whole["out"], *outputs]
        usable = [value for value in outputs if isinstance(value, Value) and len(value.shape) in (2, 4)]
        if not usable:
            with self._builder.operation("the output", type(self._module).__name__):
                raise self._builder.refused("none is maps or a vector")
        if len({id(value) for value in outputs}) > 1:
            self._builder.notes.append(f"Of {len(set(map(id, outputs)))} outputs, one of {usable[0].shape} was taken.")
        return usable[0]


def _called(target: torch._ops.OpOverload[Any, Any], arguments: Mapping[str, Any]) -> Any:
    """Return what an operator gives for constants."""
    names = [argument.name for argument in target._schema.arguments if not argument.kwarg_only]
    positional = [arguments[name] for name in names if name in arguments]
    with torch.no_grad():
        return target(*positional, **{name: value for name, value in arguments.items() if name not in names})


def _call_of(node: fx.Node) -> str:
    """Return what names one call of the module that an operator is in."""
    return next(reversed(node.meta.get("nn_module_stack") or {}), "")


def _module_path(node: fx.Node) -> str:
    """Return the path of the module that an operator is in."""
    stack = node.meta.get("nn_module_stack") or {}
    return _CALL.sub("", next(reversed([path for path, _ in stack.values()]), ""))
