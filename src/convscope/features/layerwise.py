"""A network taken apart into the layers of its plan, so that the maps after each of them can be had."""

from collections.abc import Callable, Iterator

from torch import Tensor

from convscope.networks.build import ConvolutionStage, Network

LayerFunction = Callable[[Tensor], Tensor]


def layer_functions(network: Network) -> tuple[LayerFunction, ...]:
    """Return what each layer of the network's plan does with the maps below, the classifier last.

    The first takes standardized images N C H W. A convolution comes before its pooling, whatever order the
    network computes them in: the values after both are the same.

    Examples:
        >>> import torch
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> maps = torch.zeros(1, 1, 8, 8)
        >>> for layer in layer_functions(network):
        ...     maps = layer(maps)
        ...     print(tuple(maps.shape))
        (1, 4, 8, 8)
        (1, 4, 4, 4)
        (1, 2)
    """
    return tuple(_functions(network))


def _functions(network: Network) -> Iterator[LayerFunction]:
    for module in network.stages:
        if isinstance(module, ConvolutionStage):
            yield module.convolve
            if module.pooling is not None:
                yield module.pooling
        else:
            yield module
    yield lambda maps: network.classifier(maps.flatten(1))  # N C H W -> N, C*H*W
