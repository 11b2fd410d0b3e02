"""The network of a layout as a module of torch."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from convscope.core.draws import Draws
from convscope.core.errors import ParameterError
from convscope.core.machine import memory_format, usual_settings
from convscope.core.text import counted
from convscope.layers.instance_based import ExemplarClassifier, Exemplars
from convscope.layers.kinds import InstanceBased, Linear
from convscope.layers.layer import Layer
from convscope.layers.locally_connected import LocallyConnected2d
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.normalization import NORMALIZATIONS, BatchNormalization
from convscope.layers.windows import Stochastic

from .classifiers import LINEAR_CLASSIFIERS
from .graph import IMAGE, Graph, Node
from .image_network import ImageNetwork
from .layout import Layout
from .plan import Plan, check_built, plan
from .stages import ConnectedStage, ConvolutionStage, PoolingStage


class ConvolutionModule(nn.Module):
    """Convolve → normalize → (add the input) → nonlinearity → pool: N C H W → N units h w.

    A pooling that keeps order is computed first where all before it increases: the values are the same, and
    normalization and nonlinearity have fewer values to compute.

    Args:
        convolution: what is convolved.
        pooling: what follows, if any.
        channels: maps below.
        places: rows and columns of what the convolution gives.
        layout: the nonlinearity, and whether there is normalization.
    """

    def __init__(
        self,
        convolution: ConvolutionStage,
        pooling: PoolingStage | None,
        *,
        channels: int,
        places: tuple[int, int],
        layout: Layout,
    ) -> None:
        super().__init__()
        self.residual = convolution.residual
        window, bias = convolution.window, not layout.normalization
        uneven = window.before != window.after and convolution.regions == 1
        self.pad = nn.ZeroPad2d((window.before, window.after) * 2) if uneven else None
        if convolution.regions == 1:
            self.convolution: nn.Conv2d | LocallyConnected2d = nn.Conv2d(
                channels,
                convolution.units,
                convolution.patch,
                stride=convolution.stride,
                padding=0 if uneven else window.before,
                bias=bias,
            )
        else:
            regions = convolution.regions_over(*places)
            self.convolution = LocallyConnected2d(channels, convolution.units, window, regions, places, bias=bias)
        self.normalization = _normalization(layout, convolution.units)
        self.nonlinearity = NONLINEARITIES[layout.nonlinearity]
        self.pooling = pooling.build() if pooling else None
        self.pool_first = bool(pooling and pooling.kind.keeps_order and self.nonlinearity.increasing)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the stage's maps."""
        if self.pooling is None or self.pool_first:
            return self.convolve(maps, self.pooling)
        pooled: Tensor = self.pooling(self.convolve(maps))
        return pooled

    def convolve(self, maps: Tensor, early: nn.Module | None = None) -> Tensor:
        """Return the maps as they are before the pooling, or with one as `early` as gives the same values."""
        values = self.convolution(self.pad(maps) if self.pad else maps)
        if early is not None and not self.residual:
            values = early(values)
        if self.normalization is not None:
            values = self.normalization(values)
        if self.residual:
            values = values + maps
            if early is not None:
                values = early(values)
        return self.nonlinearity.apply(values)


def _normalization(layout: Layout, units: int) -> BatchNormalization | None:
    return NORMALIZATIONS[layout.normalization].module(units) if layout.normalization else None


class _Flat(torch.autograd.Function):
    """Maps as vectors; the gradient comes back in the order in memory that the maps have."""

    @staticmethod
    def forward(context: FunctionCtx, maps: Tensor) -> Tensor:
        context.shape = maps.shape  # type: ignore[attr-defined]  # where torch wants it
        return maps.flatten(1)

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> Tensor:
        maps = gradient.reshape(context.shape)  # type: ignore[attr-defined]  # as above
        return maps.contiguous(memory_format=memory_format())


def flat(maps: Tensor) -> Tensor:
    """Return N × values, in the order C H W, from maps N C H W; vectors stay as they are.

    What is below computes its gradients with channels last; one that came in another order would make each of its
    operations several times as slow.
    """
    if maps.dim() == 4 and maps.requires_grad:
        vectors: Tensor = _Flat.apply(maps)  # type: ignore[no-untyped-call]  # torch has no types here
        return vectors
    return maps.flatten(1)


class ConnectedModule(nn.Module):
    """Fully connected units, normalized, with their nonlinearity: N × anything → N × units."""

    def __init__(self, stage: ConnectedStage, inputs: int, layout: Layout) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, stage.units, bias=not layout.normalization)
        self.normalization = _normalization(layout, stage.units)
        self.nonlinearity = NONLINEARITIES[layout.nonlinearity]

    def forward(self, maps: Tensor) -> Tensor:
        """Return the units' values."""
        values = self.linear(flat(maps))
        if self.normalization is not None:
            values = self.normalization(values)
        return self.nonlinearity.apply(values)


class Network(ImageNetwork):
    """A network that takes images and gives one logit per class.

    Args:
        layout: the stages.
        height, width, channels: of the images, in pixels.
        classes: number of classes.
        mean, std: of the training images, one a channel, in 0…1; images are standardized with them.
        seed: of the first weights.

    Raises:
        LayoutError: the layout does not fit the images, or makes an absurdly large network.
        ParameterError: `mean`, `std` or `seed` is out of range.

    Examples:
        >>> network = Network(Layout.parse("8C3-MP2-16N"), height=8, width=8, channels=1, classes=10)
        >>> network(torch.zeros(4, 8, 8, 1, dtype=torch.uint8)).shape
        torch.Size([4, 10])
    """

    plan: Plan
    layout: Layout
    classifier: nn.Linear | ExemplarClassifier

    def __init__(
        self,
        layout: Layout,
        *,
        height: int,
        width: int,
        channels: int,
        classes: int,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.plan = plan(layout, height=height, width=width, channels=channels, classes=classes)
        check_built(self.plan)
        self.layout = layout
        self.precision, self.only_predicts = torch.float32, False
        if not 0 <= seed < 2**63:
            raise ParameterError(f"`seed` must be from 0 to 2**63 - 1. Got {seed}.")
        with usual_settings():
            self.stages = nn.ModuleList(_stages(self.plan))
            self.classifier = nn.Linear(self.plan.below(len(layout.stages)).values, classes)
            _initialize(self, layout, seed)
            margins = not LINEAR_CLASSIFIERS[layout.classifier].gives_probabilities
            self._prepare(self.plan, mean, std, margins=margins)

    @property
    def graph(self) -> Graph:
        """Its layers, one node for each layer of the plan."""
        layout, planned = self.layout, self.plan
        nodes: list[Node] = []
        numbers: Counter[str] = Counter()
        image = shape = planned.below(0)
        below = IMAGE
        for stage in layout.stages:
            layer, inputs = stage.layer(shape), (below,) * stage.inputs
            shape = layer.shape([shape] * stage.inputs)
            numbers[stage.NAME] += 1
            below = f"{stage.NAME}{numbers[stage.NAME]}"
            nonlinearity = "linear" if isinstance(stage, PoolingStage) else layout.nonlinearity
            nodes.append(Node(name=below, layer=layer, inputs=inputs, nonlinearity=nonlinearity))
        last: Layer = Linear(units=planned.classes)
        if self.exemplars is not None:
            last = InstanceBased(exemplars=self.exemplars, classes=planned.classes)
        nodes.append(Node(name="classifier", layer=last, inputs=(below,)))
        return Graph(nodes=tuple(nodes), image=image)

    @property
    def exemplars(self) -> Exemplars | None:
        """What an instance-based classifier keeps; None where it is weighted sums."""
        return self.classifier.exemplars if isinstance(self.classifier, ExemplarClassifier) else None

    @contextmanager
    def drawing_from(self, draws: Draws) -> Iterator[None]:
        """Use `draws` for stochastic pooling (``ST``) while the block runs."""
        stochastic = [module for module in self.modules() if isinstance(module, Stochastic)]
        for module in stochastic:
            module.draws = draws
        try:
            yield
        finally:
            for module in stochastic:
                module.draws = Draws()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits N K from uint8 images N H W C, or from standardized float images N C H W.

        Raises:
            ParameterError: the images are neither; the message says what they are.
        """
        maps = self.standardized(images)
        for stage in self.stages:
            maps = stage(maps)
        logits: Tensor = self.classifier(flat(maps))
        return logits.float()

    def weighted_sums(self) -> nn.Linear:
        """Return the linear classifier.

        Raises:
            ParameterError: the classifier is instance-based.
        """
        if isinstance(self.classifier, nn.Linear):
            return self.classifier
        raise ParameterError(
            "The model must have a linear classifier. Got an instance-based one "
            f"({counted(self.classifier.exemplars.kept, 'stored image')}). Use the model that it was made from, or "
            "softmax, svm or lda in its place."
        )


def layout_network(network: ImageNetwork) -> Network:
    """Return `network` if it is that of a layout.

    Raises:
        ParameterError: it was read from elsewhere.
    """
    if isinstance(network, Network):
        return network
    raise ParameterError(
        f"The network must be that of a layout, trained by convscope. Got {network.plan.title}, which was read from "
        "elsewhere."
    )


def _stages(planned: Plan) -> list[nn.Module]:
    """Return the modules; a pooling belongs to the convolution before it."""
    modules: list[nn.Module] = []
    layout = planned.layout
    for index, (stage, after) in enumerate(pairwise([*layout.stages, None])):
        below = planned.below(index)
        if isinstance(stage, ConvolutionStage):
            pooling = after if isinstance(after, PoolingStage) else None
            places = planned.layers[index].rows, planned.layers[index].columns
            modules.append(ConvolutionModule(stage, pooling, channels=below.maps, places=places, layout=layout))
        elif isinstance(stage, PoolingStage):
            if not layout.is_joined(index):
                modules.append(stage.build())
        elif isinstance(stage, ConnectedStage):
            modules.append(ConnectedModule(stage, below.values, layout))
    return modules


def _initialize(network: Network, layout: Layout, seed: int) -> None:
    """Draw the first weights: normal, of standard deviation gain / √inputs (1 / √inputs for the classifier).

    Without normalization every stage that adds its input makes the values larger; its weights are divided by the root
    of the number of such stages (Zhang, Dauphin and Ma 2019), so that they grow by less than e in all.
    """
    generator = torch.Generator().manual_seed(seed)
    gain = NONLINEARITIES[layout.nonlinearity].gain
    adding = [m.convolution for m in network.modules() if isinstance(m, ConvolutionModule) and m.residual]
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear, LocallyConnected2d)):
                inputs = math.prod(module.weight.shape[-3:] if module.weight.ndim > 2 else module.weight.shape[1:])
                scale = 1.0 if module is network.classifier else gain
                if not layout.normalization and any(module is convolution for convolution in adding):
                    scale /= len(adding) ** 0.5
                module.weight.normal_(0.0, scale / inputs**0.5, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
