"""A classifier that compares with stored images, as a layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.core.text import counted
from convscope.layers.geometry import MapShape
from convscope.layers.instance_based import Exemplars
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    TensorShapes,
    only,
)
from convscope.layers.sliding import SideTaps, SlidingInput, all_taps, flattened


@dataclass(frozen=True, kw_only=True)
class InstanceBased(Layer):
    """Nearest neighbors or the support vectors of a kernel: logits from distances to stored images.

    Attributes:
        exemplars: what is stored.
        classes: number of logits.
    """

    KIND: ClassVar[str] = "instance-based"
    FORMULA: ClassVar[str] = "votes of the stored images, by their distance"
    PHRASE: ClassVar[str] = "the image is compared with stored ones, and the nearest vote"
    SHIFT: ClassVar[str] = "changes: every position has a value of its own"

    exemplars: Exemplars
    classes: int

    @property
    def notation(self) -> str:
        """What is stored, in words."""
        return str(self.exemplars)

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return one logit per class."""
        return MapShape(maps=self.classes)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the field of all values below together."""
        below, (rows, columns) = only(shapes), inputs[0]
        return rows.over(below.rows), columns.over(below.columns)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return the shapes of what is stored."""
        stored = self.exemplars.tensors(only(inputs).values, self.classes)
        return {name: shape for name, (_, shape) in stored.items()}

    def macs(self, inputs: Sequence[MapShape]) -> int:
        """Return those of the distances and votes."""
        return self.exemplars.macs(only(inputs).values, self.classes)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return N classes 1 1."""
        features = inputs[0].flatten(1)
        classifier = self.exemplars.build(features.shape[1], self.classes)
        for name, value in tensors.items():
            setattr(classifier, name, value)
        return classifier(features)[:, :, None, None]  # type: ignore[no-any-return]  # modules return Any

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps]:
        """Return all positions below."""
        return (all_taps(only(inputs).rows),), (all_taps(only(inputs).columns),)

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the logits of every position, compared one by one."""
        features = flattened(sources[0]).permute(0, 2, 3, 1)  # N F h w -> N h w F
        logits = self.compute([features.flatten(0, 2)[:, :, None, None]], tensors)
        return logits.reshape(*features.shape[:3], self.classes).permute(0, 3, 1, 2)

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Raise an error: it is no sum of weights."""
        raise self.refusal()

    def refusal(self) -> ParameterError:
        """Return the error of what needs a linear classifier."""
        return ParameterError(
            "The model must have a linear classifier. Got an instance-based one "
            f"({counted(self.exemplars.kept, 'stored image')}). Use the model that it was made from, or softmax, svm "
            "or lda in its place."
        )
