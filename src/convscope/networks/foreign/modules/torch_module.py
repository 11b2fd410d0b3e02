"""Reads a module of torch: its forward pass is traced with `torch.export`, and each ATen operator becomes layers."""

import contextlib
import io
import logging
import operator
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils import _pytree

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape
from convscope.networks.foreign.building.builder import Builder, ReadNetwork
from convscope.networks.foreign.building.unsupported import InexpressibleError, UnsupportedError
from convscope.networks.foreign.building.views import Value
from convscope.networks.image_network import evaluating

from .aten_call import AtenCall
from .aten_table import OPERATORS, REFUSED
from .traced_values import TracedValues, live_nodes

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
    with evaluating(module), torch.no_grad(), _silent():
        try:
            return torch.export.export(module, (example,), strict=False)
        except Exception as error:  # it runs code of the user, which may raise anything
            remedy = "The module must take one batch of images, and do the same for every image."
            raise UnsupportedError("torch.export", type(module).__name__, _untraced(error), remedy=remedy) from error


def _untraced(error: Exception) -> str:
    """Return why a module cannot be traced, and the line of the user's code where that is seen."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if "data-dependent" in reason:
        reason = "an if, a loop or a size depends on the values of the image"
    library = Path(torch.__file__).parent
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if library not in Path(frame.filename).parents and frame.filename != __file__
    ]
    where = f", {Path(own[-1].filename).name} line {own[-1].lineno}" if own else ""
    return f"the forward pass cannot be traced ({reason}{where})"


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep quiet while a module is traced: its own warnings, and what torch says of code that it cannot trace."""
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class _Reading:
    """One pass over an exported program."""

    def __init__(self, builder: Builder, module: nn.Module, program: torch.export.ExportedProgram) -> None:
        self._builder, self._module, self._program = builder, module, program
        self._values = TracedValues()
        self._calls = Counter(_call_of(node) for node in program.graph.nodes if node.op == "call_function")

    def output(self) -> Value:
        """Return the output of the network.

        Raises:
            UnsupportedError: an operator cannot be read, or there is no output of maps or a vector.
        """
        self._place_inputs()
        for node in live_nodes(self._program.graph):
            with self._builder.operation(_operator(node), _module_path(node)):
                self._compute(node)
        with self._builder.operation("the output", type(self._module).__name__):
            return self._chosen()

    def _place_inputs(self) -> None:
        nodes = {node.name: node for node in self._program.graph.nodes if node.op == "placeholder"}
        stored: Mapping[str, Any] = {**self._program.constants, **self._program.state_dict}
        for spec in self._program.graph_signature.input_specs:
            content = self._builder.image() if spec.kind == InputKind.USER_INPUT else stored[spec.target or ""]
            self._values.put(nodes[spec.arg.name], content.detach() if isinstance(content, Tensor) else content)

    def _compute(self, node: fx.Node) -> None:
        """Store what an operator gives."""
        target, inputs = node.target, node.all_input_nodes
        if target is operator.getitem:
            container, index = self._values.of(node.args)
            self._values.put(node, container[index], shared_with=inputs)
            return
        if not isinstance(target, torch._ops.OpOverload):
            raise InexpressibleError("it is no operator on tensors")
        schema = target._schema
        content = self._content(node, target, self._arguments(node, target))
        if schema.is_mutable:
            self._values.overwrite(node, inputs[0], content)
            return
        shares = any(result.alias_info is not None for result in schema.returns) or "dropout" in schema.name
        self._values.put(node, content, shared_with=inputs[:1] if shares else ())

    def _content(self, node: fx.Node, target: "torch._ops.OpOverload[Any, Any]", arguments: dict[str, Any]) -> Any:
        name = _operator(node).removeprefix("aten.")
        if name in _SILENT:
            return None
        if not any(isinstance(leaf, Value) for leaf in _pytree.tree_leaves(arguments)):
            own = _pytree.tree_map_only(Tensor, Tensor.clone, arguments) if target._schema.is_mutable else arguments
            return _called(target, own)
        plain = name.removesuffix("_")
        if plain not in OPERATORS:
            raise InexpressibleError(REFUSED.get(plain, "there is no layer for it"))
        return OPERATORS[plain](AtenCall(self._builder, arguments, self._layer_name(node)))

    def _arguments(self, node: fx.Node, target: "torch._ops.OpOverload[Any, Any]") -> dict[str, Any]:
        """Return the arguments of an operator by name, those left out as well, with what the tensors hold."""
        given = dict(zip((argument.name for argument in target._schema.arguments), node.args, strict=False))
        given.update(node.kwargs)
        return {
            argument.name: self._values.of(given.get(argument.name, argument.default_value))
            for argument in target._schema.arguments
            if argument.name in given or argument.has_default_value()
        }

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
            self._values.of(value)
            for value, spec in zip(node.args[0], specs, strict=True)
            if spec.kind == OutputKind.USER_OUTPUT
        ]
        structure = self._program.call_spec.out_spec
        whole = _pytree.tree_unflatten(outputs, structure) if structure is not None else outputs
        if isinstance(whole, dict) and "out" in whole:
            outputs = [whole["out"], *outputs]
        usable = [value for value in outputs if isinstance(value, Value) and len(value.shape) in (2, 4)]
        if not usable:
            raise InexpressibleError("none is maps or a vector")
        if len({id(value) for value in outputs}) > 1:
            self._builder.notes.append(
                f"Of {len(set(map(id, outputs)))} outputs, one of {usable[0].shape} was taken. `up_to` takes another "
                "by the name of its last layer."
            )
        return usable[0]


def _called(target: "torch._ops.OpOverload[Any, Any]", arguments: Mapping[str, Any]) -> Any:
    """Return what an operator gives for constants."""
    names = [argument.name for argument in target._schema.arguments if not argument.kwarg_only]
    positional = [arguments[name] for name in names if name in arguments]
    with torch.no_grad():
        return target(*positional, **{name: value for name, value in arguments.items() if name not in names})


def _operator(node: fx.Node) -> str:
    """Return the name of an operator, without its overload."""
    schema = getattr(node.target, "_schema", None)
    return schema.name.replace("::", ".") if schema else getattr(node.target, "__name__", str(node.target))


def _call_of(node: fx.Node) -> str:
    """Return what names one call of the module that an operator is in."""
    return next(reversed(node.meta.get("nn_module_stack") or {}), "")


def _module_path(node: fx.Node) -> str:
    """Return the path of the module that an operator is in."""
    stack = node.meta.get("nn_module_stack") or {}
    return _CALL.sub("", next(reversed([path for path, _ in stack.values()]), ""))
