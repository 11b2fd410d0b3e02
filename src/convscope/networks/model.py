"""A model: a trained network with classes, preprocessing and training record, ready to predict."""

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.core.arguments import shown
from convscope.core.devices import DeviceChoice, choose_device, own_device
from convscope.core.errors import DataError, ParameterError
from convscope.core.forks import computing
from convscope.core.machine import memory_format, usual_settings
from convscope.core.precision import BackendPrecision, choose_precision
from convscope.core.text import counted
from convscope.core.version import __version__
from convscope.images.preprocessing import Preprocessing
from convscope.images.sizes import background_of
from convscope.images.sources.arrays import refuse_one_in_color

from .finite import check_probabilities, without_broken
from .image_network import ImageNetwork, evaluating
from .memory import check_batch, fitting_batch
from .training_record import TrainingRecord, read_training

if TYPE_CHECKING:
    from .backends import BackendName, Runner
    from .layout import Layout
    from .prediction import Prediction

LARGEST_BATCH = 256
_NAMED = 3  # classes of a model that is printed
BATCH_VALUES = 2**25  # of all maps of one batch: 128 MiB


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A trained network and what belongs to it.

    Attributes:
        network: computes the logits; that of a layout, or of a graph that was read.
        classes: their names, in the order of the logits.
        preprocessing: how an image becomes the network's input; the same in training and in prediction.
        training: how it was trained, as JSON: dicts, lists, texts, numbers.
        version: of convscope, which wrote it.
        runner: computes the probabilities instead of the network, where another back end was chosen.
        learned: the validated part of `training` that other features depend on.

    Raises:
        ParameterError: the parts do not belong together.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> model
        Model(4C3-MP2, 2 classes: 'cat', 'dog', 8x8x1 pixels)
        >>> model.predict_proba(np.zeros((3, 8, 8, 1), np.uint8)).shape
        (3, 2)
    """

    network: ImageNetwork
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    training: dict[str, Any] = field(default_factory=dict)
    version: str = __version__
    runner: "Runner | None" = None
    learned: TrainingRecord = field(init=False)

    def __post_init__(self) -> None:
        """Validate that the parts belong together."""
        kinds = {"network": ImageNetwork, "classes": tuple, "preprocessing": Preprocessing}
        for name, kind in (kinds | {"training": dict, "version": str}).items():
            if not isinstance(getattr(self, name), kind):
                raise ParameterError(f"`{name}` must be a {kind.__name__}. Got {shown(getattr(self, name))}.")
        if not all(isinstance(name, str) for name in self.classes):
            raise ParameterError("`classes` must be names. Got something else among them.")
        object.__setattr__(self, "learned", read_training(self.training))
        preprocessing, planned = self.preprocessing, self.network.plan
        if len(self.classes) != planned.classes or len(set(self.classes)) != planned.classes:
            raise ParameterError(
                f"`classes` must be {counted(planned.classes, 'different name')}, one a logit of the network. "
                f"Got {len(self.classes):,} ({len(set(self.classes)):,} different)."
            )
        if (preprocessing.height, preprocessing.width, preprocessing.channels) != (
            planned.height,
            planned.width,
            planned.channels,
        ):
            raise ParameterError(
                f"`preprocessing` must give the network's {planned.width}x{planned.height} pixels of "
                f"{counted(planned.channels, 'channel')}. Got {preprocessing.width}x{preprocessing.height} of "
                f"{preprocessing.channels}."
            )
        # the order of the weights in memory decides how they are added up; one order gives the same bits every time
        self.network.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one

    def __repr__(self) -> str:
        """Return a line: the network, some classes, and the size of its images."""
        names = ", ".join([*map(repr, self.classes[:_NAMED]), *(["…"] if len(self.classes) > _NAMED else [])])
        pixels = f"{self.preprocessing.width}x{self.preprocessing.height}x{self.preprocessing.channels}"
        return f"Model({self.title}, {counted(len(self.classes), 'class', 'classes')}: {names}, {pixels} pixels)"

    @property
    def layout(self) -> "Layout | None":
        """The layout of the network; None of one that was read from elsewhere."""
        return self.network.layout

    @property
    def title(self) -> str:
        """Names the network to a reader; of a layout, its notation."""
        return self.network.plan.title

    @property
    def batch(self) -> int:
        """Default batch size: as memory allows, at most 256."""
        return min(LARGEST_BATCH, self.network.plan.batch_within(BATCH_VALUES))

    @property
    def learned_flipped(self) -> bool | None:
        """Whether the network has learned from flipped images; None where the model does not say."""
        return self.learned.flip

    @property
    def is_dense(self) -> bool:
        """Whether the output is a map for each class, in place of one number: of a segmentation, or a part cut out."""
        return not self.network.gives_vector

    def check_answers(self) -> None:
        """Raise an error for a network that does not give one answer for an image.

        Raises:
            ParameterError: its output is maps.
        """
        if self.is_dense:
            last = self.network.plan.layers[-1]
            raise ParameterError(
                f"`model` must give one number per class to predict. Got one that gives {last.columns}x{last.rows} "
                "numbers for each, like a segmentation. Look, draw, features and measure --what cost work with it."
            )

    @classmethod
    def from_torch(
        cls,
        module: nn.Module,
        example: Any = None,
        *,
        classes: Any = None,
        preprocessing: Any = None,
        up_to: str | None = None,
    ) -> "Model":
        """Return a module of torch as a model, compared with the module; it stays as it is.

        Args:
            module: takes one batch of images and gives one logit per class; see `convscope.load`.
            example: images as it takes them, N C H W, or the shape of one, C H W.
            classes: names of its outputs, or a file of them; ``class 1`` … ``class N`` by default.
            preprocessing: how it wants its pixels; by default what it carries.
            up_to: name of the last layer that is wanted.

        Raises:
            DataError: it cannot be traced, or has an operator that no layer expresses.
            ParameterError: an argument does not fit it.
        """
        from .foreign.torch_models import of_module

        with usual_settings():
            parts = of_module(module, example, classes=classes, preprocessing=preprocessing, up_to=up_to)
        return cls(**vars(parts))

    def to_torch(self) -> nn.Module:
        """Return the network as a plain module of torch, which needs convscope no more.

        It takes standardized images, float32 N C H W, which are (pixels / 255 − mean) / std with `network.mean` and
        `network.std`, and gives logits. Its submodules and its `state_dict` have the names of the layers; it can be
        pickled, exported and trained.

        Raises:
            ParameterError: it has a layer that torch has no module for.
        """
        from .export.torch_writer import torch_module

        return torch_module(self.to("cpu").network)

    def predict_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the probability of every class: float32 N K, each row with the sum 1.

        Args:
            images: uint8 N H W C, or N H W of gray ones, of the network's size; `predict` takes images of any size.
            batch: images at once; the result is the same for every number, to rounding (1e-5).

        Raises:
            DataError: the images are not such an array, or what the network computes for one is not a number.
            ParameterError: `batch` is not a whole number above 0.
        """
        result = self.rows_of_proba(images, batch=batch)
        check_probabilities(result)
        return result

    def rows_of_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return what `predict_proba` does, with a row of NaN for an image whose output is not a number."""
        planned = self.network.plan
        shape = (planned.height, planned.width, planned.channels)
        images = np.asarray(images)
        refuse_one_in_color(images, channels=planned.channels, size=shape[:2])
        if images.ndim == 3:
            images = images[..., None]  # N H W -> N H W 1
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise DataError(
                f"`images` must be a uint8 array N {' '.join(map(str, shape))}. Got {images.dtype} {images.shape}. "
                "Images of other sizes go to `predict`."
            )
        self.check_answers()
        size = fitting_batch(planned, self.batch if batch is None else check_batch(batch))
        result = np.empty((len(images), planned.classes), np.float32)
        with usual_settings(), evaluating(self.network), torch.inference_mode():
            for start in range(0, len(images), size):
                batch_images = images[start : start + size]
                with computing():
                    if self.runner is not None:
                        result[start : start + size] = self.runner(batch_images)
                    else:
                        result[start : start + size] = self.network.probabilities(as_tensor(batch_images)).cpu().numpy()
        return without_broken(result)

    def to(self, device: DeviceChoice) -> "Model":
        """Return the model on a device, which then computes whatever is asked of it; itself where it is there.

        Raises:
            ParameterError: `device` is none, or torch does not find it.
        """
        chosen = torch.device(own_device(choose_device(device)))
        if self.network.device == chosen:
            return self
        return dataclasses.replace(self, network=copy.deepcopy(self.network).to(chosen))

    def optimize(
        self,
        precision: BackendPrecision = "auto",
        *,
        backend: "BackendName" = "torch",
        calibration: NDArray[np.uint8] | None = None,
        device: DeviceChoice = "cpu",
    ) -> "Model":
        """Return a faster model with the same predictions, to rounding: 8 bits in bfloat16 and int8.

        It can do nothing else: what is trained, measured or saved is the model that it was made from.

        Args:
            precision: of convolutions and matrix products; ``auto`` is bfloat16 where the processor multiplies it
                natively, else float32; ``int8`` needs a back end that has it.
            backend: what computes: ``torch``, ``onnxruntime``, ``openvino`` (an extra), or ``auto`` for the
                fastest that is installed and agrees with torch.
            calibration: some hundred training images, uint8 N H W C, which say what range each value has, for int8.
            device: what computes.

        Raises:
            ParameterError: an argument is none of these, or they do not go together.
            MissingPackageError: the back end is not installed.
        """
        from .backends import runner
        from .inference import optimize_for_inference

        self.check_answers()
        chosen_device, network = choose_device(device), self.to("cpu").network
        with usual_settings():
            made = runner(network, backend=backend, precision=precision, calibration=calibration, device=chosen_device)
            chosen = "float32" if precision == "int8" else choose_precision(precision, chosen_device)
            optimized = optimize_for_inference(self.to(chosen_device).network, chosen)
            return dataclasses.replace(self, network=optimized, runner=made)

    def on_background(self, color: str | None) -> "Model":
        """Return the model with another background behind transparency and in margins: white, black or #rrggbb.

        None leaves it.

        Raises:
            ParameterError: `color` is none of these.
        """
        if color is None:
            return self
        preprocessing = self.preprocessing
        changed = dataclasses.replace(preprocessing, background=background_of(color, preprocessing.channels))
        return dataclasses.replace(self, preprocessing=changed)

    def predict(
        self, images: Any, *, top: int = 1, batch: int | None = None, workers: int | None = None
    ) -> "list[Prediction]":
        """Return the most probable classes of images; takes what `convscope.networks.prediction.predict` takes."""
        from .prediction import predict

        return list(predict(self, images, top=top, batch=batch, workers=workers))

    def explain(self, image: Any, **options: Any) -> Any:
        """Return what the prediction for one image is due to, an `Explanation`.

        It takes the options of `convscope.explain`. Faithfulness, which is measured on many images, is left to that
        function.
        """
        from convscope import explain

        given = [image] if isinstance(image, np.ndarray) else image
        return explain(self, given, **{"faithfulness": 0, **options}).explanations[0]

    def scan(self, image: Any, **options: Any) -> Any:
        """Return the class probabilities at every position of an image of any size: `convscope.scan` of this model."""
        from convscope import scan

        return scan(self, image, **options)


def as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return the array as a tensor; copied where torch would complain (read-only, mapped from a file, reversed)."""
    usable = images.flags.writeable and images.flags.c_contiguous
    return torch.from_numpy(images if usable else np.array(images, order="C"))
