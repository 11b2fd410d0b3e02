"""A whole network, forward, in nested loops over float64: what a layout means, not how it is computed."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.normalization import BATCH_NORM, NORMALIZATIONS
from convscope.networks.build import Network
from convscope.networks.stages import ConnectedStage, ConvolutionStage, PoolingStage
from tests.oracles import stages as oracle

Values = NDArray[np.float64]


def logits(network: Network, image: NDArray[np.uint8]) -> Values:
    """Return the logits K of one image H W C, from the network's layout and its state (evaluation mode)."""
    state = {key: value.detach().numpy().astype(np.float64) for key, value in network.state_dict().items()}
    maps = np.moveaxis((image / 255 - state["mean"]) / state["std"], 2, 0)
    name = NONLINEARITIES[network.layout.nonlinearity].oracle
    apply = np.vectorize(lambda value: oracle.nonlinearity(name, value), otypes=[np.float64])
    for stage, key in _keys(network):
        if isinstance(stage, ConvolutionStage):
            maps = apply(_convolve(stage, maps, state, key))
        elif isinstance(stage, PoolingStage):
            window = maps.shape[1:] if stage.window is None else (stage.window, stage.window)
            stride = maps.shape[1:] if stage.window is None else (stage.stride, stage.stride)
            maps = oracle.pooling(stage.kind.oracle, maps, window=window, stride=stride, whole=stage.window is None)
        else:
            values = state[f"{key}.linear.weight"] @ maps.ravel() + state.get(f"{key}.linear.bias", 0.0)
            maps = apply(_normalize(values, state, key))
    return np.asarray(state["classifier.weight"] @ maps.ravel() + state["classifier.bias"])


def _convolve(stage: ConvolutionStage, maps: Values, state: dict[str, Values], key: str) -> Values:
    before, after = ((stage.patch - 1) // 2, stage.patch // 2) if stage.padding == "same" else (0, 0)
    bias = state.get(f"{key}.convolution.bias", np.zeros(stage.units))
    weights = state[f"{key}.convolution.weight"]
    compute = oracle.convolution if stage.regions == 1 else oracle.locally_connected
    values = compute(maps, weights, bias, stride=stage.stride, before=before, after=after)
    values = _normalize(values, state, key)
    return values + maps if stage.residual else values


def _normalize(values: Values, state: dict[str, Values], key: str) -> Values:
    key = f"{key}.normalization"
    if f"{key}.bias" not in state:
        return values
    shape = (-1,) + (1,) * (values.ndim - 1)
    mean, variance, shift = (state[f"{key}.{name}"].reshape(shape) for name in ("running_mean", "running_var", "bias"))
    return oracle.NORMALIZATIONS[NORMALIZATIONS[BATCH_NORM].oracle](values, mean, variance, shift)


def _keys(network: Network) -> Iterator[tuple[ConvolutionStage | PoolingStage | ConnectedStage, str]]:
    """Yield every stage with the prefix of its names in the state; a pooling shares its convolution's module."""
    index, below = -1, None
    for stage in network.layout.stages:
        if not (isinstance(stage, PoolingStage) and isinstance(below, ConvolutionStage)):
            index += 1
        yield stage, f"stages.{index}"
        below = stage
