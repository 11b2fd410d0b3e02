"""A graph with its weights: a network that computes, whatever it was read from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.kinds import LocallyConnected
from convscope.layers.nonlinearity import nonlinearity_of

from .graph import IMAGE, Graph, Node
from .image_network import ImageNetwork
from .plan import NetworkPlan

_DOT = "/"  # in place of the dots of a tensor's name, which torch does not allow


@dataclass(frozen=True, kw_only=True)
class GraphPlan(NetworkPlan):
    """The layers of a graph, one a node, with their sums."""

    graph: Graph

    @property
    def stored_values(self) -> int:
        """Values stored at once: maps are given up when nothing reads them any more."""
        return self.graph.live()

    @property
    def working_values(self) -> int:
        """Values stored at once, and the patches of locally connected units."""
        patches = 0
        for node in self.graph.nodes:
            if isinstance(node.layer, LocallyConnected):
                shape, below = self.graph.shapes[node.name], self.graph.inputs_of(node)[0]
                patches = max(patches, 2 * below.maps * node.layer.window.kernel**2 * shape.rows * shape.columns)
        return max(3 * self.graph.image.values, self.graph.live() + patches)


def plan_of(graph: Graph, title: str) -> GraphPlan:
    """Return the plan of a graph; `title` names it to a reader."""
    return GraphPlan(
        title=title,
        graph=graph,
        height=graph.image.rows,
        width=graph.image.columns,
        channels=graph.image.maps,
        classes=graph.shapes[graph.output.name].maps,
        layers=tuple(map(graph.planned, graph.nodes)),
    )


class GraphNetwork(ImageNetwork):
    """The layers of a graph, computed one after another.

    Its parameters are the tensors of the graph, so that it can be trained; `tensors` gives them by their names.

    Args:
        graph: the layers.
        tensors: by name, of the shapes in `graph.tensors`.
        mean, std: of the images it was trained on, one a channel, in 0…1.
        title: names it to a reader.
        margins: its logits are margins, not meant for a softmax.

    Raises:
        LayoutError: the tensors are not those of the graph.

    Examples:
        >>> from convscope.layers.kinds import Linear
        >>> from convscope.layers.geometry import MapShape
        >>> nodes = (Node(name="classifier", layer=Linear(units=2), inputs=("image",)),)
        >>> tensors = {"classifier.weight": torch.ones(2, 12), "classifier.bias": torch.zeros(2)}
        >>> network = GraphNetwork(Graph(nodes=nodes, image=MapShape(maps=3, rows=2, columns=2)), tensors)
        >>> network(torch.ones(1, 3, 2, 2)).tolist()
        [[12.0, 12.0]]
    """

    plan: GraphPlan

    def __init__(
        self,
        graph: Graph,
        tensors: Mapping[str, Tensor],
        *,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        title: str = "network",
        margins: bool = False,
    ) -> None:
        super().__init__()
        shapes = {name: tuple(value.shape) for name, value in tensors.items()}
        if shapes != graph.tensors:
            wrong = min(set(shapes.items()) ^ set(graph.tensors.items()))[0]
            raise LayoutError(
                f"The tensors must be those of the graph. {wrong!r} has {shapes.get(wrong, 'no values')} in place of "
                f"{graph.tensors.get(wrong, 'none')}."
            )
        self.plan, self.layout = plan_of(graph, title), None
        self.precision, self.only_predicts = torch.float32, False
        self.weights = nn.Module()
        for name, value in tensors.items():
            key = name.replace(".", _DOT)
            if value.is_floating_point():
                self.weights.register_parameter(key, nn.Parameter(value.detach().clone()))
            else:
                self.weights.register_buffer(key, value.detach().clone())
        self._prepare(self.plan, mean, std, margins=margins)
        if (first := next(iter(tensors.values()), None)) is not None:
            self.to(first.device)

    def like(
        self, graph: Graph, tensors: Mapping[str, Tensor], *, title: str | None = None, margins: bool = False
    ) -> "GraphNetwork":
        """Return a network for the same images, of other layers or weights, in evaluation mode."""
        mean, std = self.mean.tolist(), self.std.tolist()
        return GraphNetwork(graph, tensors, mean=mean, std=std, title=title or self.plan.title, margins=margins).eval()

    @classmethod
    def calibrated_as(cls, network: ImageNetwork, graph: Graph, tensors: Mapping[str, Tensor]) -> Self:
        """Return a network of these layers and weights, in evaluation mode, that gives probabilities as `network` does.

        It takes the same images, and has a copy of the temperature or sigmoids.
        """
        mean, std = network.mean.tolist(), network.std.tolist()
        made = cls(graph, tensors, mean=mean, std=std, title=network.plan.title, margins=network.gives_margins)
        made.calibrate_like(network)
        return made.eval()

    @property
    def graph(self) -> Graph:
        """Its layers."""
        return self.plan.graph

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by its name in the graph."""
        own = {**dict(self.weights.named_parameters()), **dict(self.weights.named_buffers())}
        return {name: own[name.replace(".", _DOT)] for name in self.graph.tensors}

    def tensors_of(self, node: Node) -> dict[str, Tensor]:
        """Return the tensors of one node by their names in its layer."""
        names = node.layer.tensors(self.graph.inputs_of(node))
        return {name: getattr(self.weights, f"{node.name}.{name}".replace(".", _DOT)) for name in names}

    def compute(self, node: Node, inputs: Sequence[Tensor]) -> Tensor:
        """Return the values of one node, N C h w, from those that it reads."""
        values = node.layer.compute(inputs, self.tensors_of(node))
        return nonlinearity_of(node.nonlinearity).apply(values)

    def compute_into(self, out: Tensor, node: Node, inputs: Sequence[Tensor], part: tuple[slice, slice]) -> None:
        """Write some rows and columns of the values of one node into `out`, with the fewest copies."""
        kind, tensors = nonlinearity_of(node.nonlinearity), self.tensors_of(node)
        if kind.is_identity:
            node.layer.compute_into(out, inputs, tensors, part)
        else:
            kind.written(node.layer.compute(inputs, tensors)[:, :, *part], out)

    def values(self, image: Tensor) -> Iterator[tuple[Node, Tensor]]:
        """Give the values of every node, N C h w, in order, from standardized images N C H W.

        They are given up when nothing reads them any more.
        """
        return ((node, values) for node, _, values in self.steps(image))

    def steps(self, image: Tensor) -> Iterator[tuple[Node, list[Tensor], Tensor]]:
        """Give every node with what it reads and its values, as `values` does."""
        last = {name: index for index, node in enumerate(self.graph.nodes) for name in node.inputs}
        stored = {IMAGE: image}
        for index, node in enumerate(self.graph.nodes):
            inputs = [stored[name] for name in node.inputs]
            stored[node.name] = self.compute(node, inputs)
            yield node, inputs, stored[node.name]
            for name in {*node.inputs, node.name}:
                if last.get(name, -1) <= index:
                    del stored[name]

    def recomputed(self, stored: Mapping[str, Tensor], changed: Mapping[str, Tensor]) -> Tensor:
        """Return the output where the values of some nodes are others; only what depends on them is computed.

        Args:
            stored: the values of the image and of every node, by name, as they are without the change.
            changed: the other values, by name.
        """
        values = dict(changed)
        reached = frozenset().union(*(self.graph.descendants(name) for name in changed)) - set(changed)
        for node in self.graph.nodes:
            if node.name in reached:
                inputs = [values[name] if name in values else stored[name] for name in node.inputs]
                values[node.name] = self.compute(node, inputs)
        output = self.graph.output.name
        return _flat(values[output] if output in values else stored[output])

    def forward(self, images: Tensor) -> Tensor:
        """Return logits N K (N K h w where the output is maps) from what `standardized` takes.

        Raises:
            ParameterError: the images are neither pixels nor standardized.
        """
        image = self.standardized(images)
        expected = (self.plan.height, self.plan.width)
        if tuple(image.shape[2:]) != expected and not self.training:  # progressive resizing
            raise ParameterError(
                f"`images` must have {self.plan.width}x{self.plan.height} pixels. "
                f"Got {image.shape[3]}x{image.shape[2]}."
            )
        for _, values in self.values(image):  # noqa: B007  # the last ones are the output
            pass
        return _flat(values).float()


def _flat(values: Tensor) -> Tensor:
    """Return N K from N K 1 1, and maps as they are."""
    return values.flatten(1) if values.shape[2:] == (1, 1) else values
