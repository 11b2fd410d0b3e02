"""Normalizations by name. To add one, add one record to `NORMALIZATIONS`; the first is that of every layout."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .family import check_described


class BatchNormalization(nn.Module):
    """Batch normalization (Ioffe & Szegedy 2015) whose scale stays 1; only the shift is learned.

    Without a scale of its own it is increasing for every map, so that it commutes with a pooling that keeps order:
    max(normalized(x)) = normalized(max(x)). The weights of the next layer can take over the scale.
    Training uses mean and variance of the batch; their running averages are used for prediction.

    Args:
        units: number of maps (or of fully connected units).
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, units: int) -> None:
        super().__init__()
        self.momentum = self.MOMENTUM  # of the running averages
        self.total: Callable[[Tensor], Tensor] | None = None  # adds what several processes know of one batch
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("running_mean", torch.zeros(units))
        self.register_buffer("running_var", torch.ones(units))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape, N units or N units H W."""
        if self.total is not None and self.training:
            return self._by_whole_batch(maps, self.total)
        return functional.batch_norm(
            maps,
            self.running_mean,
            self.running_var,
            bias=self.bias,
            training=self.training,
            momentum=self.momentum,
            eps=self.EPSILON,
        )

    def _by_whole_batch(self, maps: Tensor, total: Callable[[Tensor], Tensor]) -> Tensor:
        """Return normalized maps, by mean and variance of a batch of which these are a share."""
        axes, shape = (0, *range(2, maps.dim())), (-1, *(1,) * (maps.dim() - 2))
        values = maps if maps.dtype == torch.float64 else maps.float()
        sums = total(torch.cat([values.sum(axes), values.new_tensor([values[:, 0].numel()])]))
        mean, count = sums[:-1] / sums[-1], sums[-1].detach()
        centered = values - mean.view(shape)
        variance = total(centered.square().sum(axes)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        normalized = centered * (variance + self.EPSILON).rsqrt().view(shape) + self.bias.view(shape)
        return normalized.to(maps.dtype)

    def predicting(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean, scale and shift, float64, one a unit: prediction computes (x - mean) × scale + shift.

        Convolutions, ONNX and the page take them into the weights and biases before it.
        """
        scale = (self.running_var.double() + self.EPSILON).rsqrt()
        return self.running_mean.double(), scale, self.bias.detach().double()


@dataclass(frozen=True, kw_only=True)
class NormalizationKind:
    """One kind of normalization.

    Attributes:
        module: makes the module for a number of units; its `predicting` is what ONNX and the page use.
        oracle: the function in ``tests/oracles/stages.py``.
        formula: what it computes for prediction, in Unicode.
        phrase: the same in words.

    Raises:
        ParameterError: `oracle`, `formula` or `phrase` is empty.
    """

    module: type[BatchNormalization]
    oracle: str
    formula: str
    phrase: str

    def __post_init__(self) -> None:
        """Validate the texts."""
        check_described(self, "oracle", "formula", "phrase")


NORMALIZATIONS: dict[str, NormalizationKind] = {
    "batchnorm": NormalizationKind(
        module=BatchNormalization,
        oracle="batch_normalization",
        formula="(x − mean) / √(variance + 10⁻⁵) + shift",
        phrase="each map gets mean 0 and standard deviation 1 over the training images, then a learned shift",
    ),
}
BATCH_NORM = "batchnorm"
