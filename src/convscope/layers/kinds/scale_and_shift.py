"""Scale and shift: a normalization for prediction that no convolution could take into its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from convscope.layers.geometry import MapShape
from convscope.layers.layer import (
    Arrays,
    Layer,
    OnnxWriter,
    TensorShapes,
    only,
)


@dataclass(frozen=True, kw_only=True)
class ScaleAndShift(Layer):
    """Each map times one number plus another: batch normalization (Ioffe & Szegedy 2015) as it predicts."""

    KIND: ClassVar[str] = "scale-and-shift"
    FORMULA: ClassVar[str] = "scale × x + shift"
    PHRASE: ClassVar[str] = "each map is multiplied by one number, and another is added"
    SHIFT: ClassVar[str] = "moves along: it looks at one value at a time"

    @property
    def notation(self) -> str:
        """Short for scale and shift."""
        return "scale"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        return only(inputs)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return one scale and one shift a map."""
        return {"scale": (only(inputs).maps,), "shift": (only(inputs).maps,)}

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps."""
        return inputs[0] * tensors["scale"][:, None, None] + tensors["shift"][:, None, None]

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add BatchNormalization, whose mean is 0 and whose variance is 1."""
        maps = only(shapes).maps
        scale, shift = (writer.constant(tensors[name]) for name in ("scale", "shift"))
        mean, variance = (writer.constant(np.full(maps, number, np.float32)) for number in (0.0, 1.0))
        return writer.node("BatchNormalization", inputs[0], scale, shift, mean, variance, epsilon=0.0)
