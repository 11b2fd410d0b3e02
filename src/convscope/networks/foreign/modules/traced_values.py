"""What the tensors of a traced program hold while it is walked; some of them share their memory."""

from collections.abc import Sequence
from typing import Any

from torch import fx
from torch.utils import _pytree

from convscope.networks.foreign.building.unsupported import InexpressibleError

_OVERWRITTEN = object()


class TracedValues:
    """The content of every node that was computed: a value, a constant, or a tuple of them.

    An operator in place changes what the nodes hold that show the same values. Nodes that show a part of them, or more
    of them, or show them in another way, can no longer be read.
    """

    def __init__(self) -> None:
        self._contents: dict[fx.Node, Any] = {}
        self._sharing: dict[fx.Node, list[fx.Node]] = {}

    def of(self, argument: Any) -> Any:
        """Return an argument of an operator with the contents of the nodes in it.

        Raises:
            InexpressibleError: they were written into through a view of them.
        """
        return _pytree.tree_map_only(fx.Node, self._content, argument)

    def _content(self, node: fx.Node) -> Any:
        if self._contents[node] is _OVERWRITTEN:
            raise InexpressibleError("its values were written into through a part of them")
        return self._contents[node]

    def put(self, node: fx.Node, content: Any, *, shared_with: Sequence[fx.Node] = ()) -> None:
        """Store what a node holds; it shows memory of other nodes, or has its own."""
        self._contents[node] = content
        self._sharing[node] = self._sharing[shared_with[0]] if shared_with else []
        self._sharing[node].append(node)

    def overwrite(self, node: fx.Node, written: fx.Node, content: Any) -> None:
        """Store what an operator gives that writes it into `written`."""
        before = self._contents[written]
        for other in self._sharing[written]:
            self._contents[other] = content if self._contents[other] is before else _OVERWRITTEN
        self.put(node, content, shared_with=[written])


def live_nodes(graph: fx.Graph) -> list[fx.Node]:
    """Return the operators that the outputs depend on, and those that write into values, in order."""
    live: set[fx.Node] = set()
    for node in reversed(graph.nodes):
        writes = node.op == "call_function" and getattr(getattr(node.target, "_schema", None), "is_mutable", False)
        if node.op == "output" or writes or any(user in live for user in node.users):
            live.add(node)
    return [node for node in graph.nodes if node in live and node.op == "call_function"]
