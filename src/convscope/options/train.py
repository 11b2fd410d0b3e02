"""Options of ``convscope train``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from convscope.core.arguments import PATH, TEXT, check_value
from convscope.core.devices import DeviceChoice
from convscope.core.errors import ParameterError
from convscope.core.options import AnyPath, Size, ValueLimits, check_options, option
from convscope.core.precision import PrecisionChoice

from . import fields

Effort = Literal["quick", "balanced", "best"]
Fit = Literal["letterbox", "stretch", "crop"]
HeadName = Literal["softmax", "svm", "rbf-svm", "lda", "knn"]
Mode = Literal["frozen", "last-stages", "fine-tuned"]


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to train: everything that ``--resume`` needs to continue. None leaves the choice to convscope.

    Attributes:
        data: folder, list, file or name of a dataset.
        data_dir: folder searched first for named datasets.

    Raises:
        ParameterError: a value is out of its range, or two exclude each other.
    """

    data: str = "digits"
    data_dir: str | None = None
    start: Any = option(
        None,
        "Start from a trained network: efficientnet-lite0, torchvision:NAME, timm:NAME, a run folder, a model file or "
        "an ONNX file.",
        metavar="NETWORK",
    )
    mode: Mode | None = option(
        None,
        "With --start, what is trained: a classifier on its features (frozen), its last stages, too, or all of it "
        "(fine-tuned); by default frozen, or fine-tuned with --epochs or where --minutes allow it.",
        group="Network",
    )
    cut: str | None = option(
        None,
        "With --start, the layer whose features the classifier takes, by default the last one before its own; with "
        "last-stages, the layer up to which it stays frozen. auto: the best by cross-validation.",
        group="Network",
        metavar="LAYER",
    )
    head: HeadName = option("softmax", "With --start, the classifier on the features.", group="Network")
    layout: str | None = option(
        None,
        "The network, for example 32C5-MP2-64C5-MP2-128N; chosen from the dataset by default.",
        group="Common",
        metavar="TEXT",
    )
    for_scan: bool = option(
        False,
        "Convolutions without zeros around them (v) wherever they fit, so that convscope scan is faster.",
        group="Network",
    )
    pixel_size: float | None = option(
        None,
        "Size of a training pixel in micrometers; scan reads its scale from it.",
        group="Data",
        metavar="UM",
        least=1e-6,
        most=1e6,
    )
    epochs: int | None = option(
        None, "Epochs of training; by default chosen from the number of images: fewer for more.", metavar="N"
    )
    minutes: float | None = option(None, "Minutes of training, in place of epochs.", metavar="M", group="Common")
    seed: int = fields.seed()
    recipe: Effort = option(
        "balanced",
        "Priority where layout and epochs are not given: time, both, or accuracy.",
        group="Network",
    )
    class_depth: int | None = fields.class_depth()
    labels: Any = fields.labels()
    size: Size | None = fields.size()
    fit: Fit | None = option(
        None, "How images of another shape are fitted; letterbox by default, or as a start takes them.", group="Data"
    )
    background: str = option(
        "auto", "Color behind transparency and in margins: white, black or #rrggbb.", group="Data", metavar="COLOR"
    )
    channels: int | None = fields.channels()
    value_range: ValueLimits | None = fields.value_range()
    validation: float | None = option(
        None,
        "Fraction of the training images used for validation; 0.2 by default, where the dataset has no splits.",
        group="Data",
        metavar="FRACTION",
    )
    target_accuracy: float | None = option(
        None,
        "Stop at this validation accuracy (0 to 1); off by default.",
        group="Training",
        metavar="ACCURACY",
    )
    batch: int | None = option(
        None,
        "Images per optimizer step; by default chosen from their number, 32 to 256, and memory.",
        group="Training",
        metavar="N",
    )
    learning_rate: float | None = option(
        None,
        "Highest learning rate of the schedule; 0.003 by default, less for more than 300 steps.",
        group="Training",
        metavar="X",
    )
    smoothing: float | None = option(None, "Label smoothing, 0 to 1; 0.05 by default.", group="Training", metavar="X")
    flip: bool | None = option(
        None, "Flip training images horizontally; decided from the dataset by default.", group="Training"
    )
    shift: int | None = option(
        None,
        "Shift training images by up to this many pixels; by default 4 to 7 % of the shorter side.",
        group="Training",
        metavar="PX",
    )
    rotate: float | None = option(
        None, "Rotate training images by up to this many degrees; 0 by default.", group="Training", metavar="DEG"
    )
    scale: float | None = option(
        None,
        "Scale training images by up to this ratio, for example 0.1; 0 by default.",
        group="Training",
        metavar="RATIO",
    )
    erase: float | None = option(
        None,
        "Random erasing: a square of this fraction of the side; 0 by default.",
        group="Training",
        metavar="FRACTION",
    )
    progressive_resizing: float | None = option(
        None,
        "Fraction of the training that starts with smaller images (two thirds of the side). By default 0.4 from 32 "
        "pixels on, where the layout fits any size and without --pretrain.",
        group="Training",
        metavar="FRACTION",
    )
    balance: bool = option(False, "Weight classes by the inverse of their frequency.", group="Training")
    pretrain: str | None = option(
        None,
        "Learn the first convolutions without labels, each by one of random, patches, whitening, kmeans, "
        "autoencoder, rica, gabor, edges, dct; none by default.",
        group="Training",
        metavar="WAY[,WAY...]",
    )
    freeze: bool = option(False, "Keep the pretrained weights fixed.", group="Training")
    threads: int | None = option(
        None,
        "CPU threads; by default one for small networks, else one for each core.",
        group="Training",
        metavar="N",
        least=1,
        most=1_024,
    )
    ranks: int | None = option(
        None,
        "Processes that share each batch and the threads; by default one a core where that is faster.",
        group="Training",
        metavar="N",
        least=1,
        most=1_024,
    )
    batch_statistics: Literal["own", "all"] = option(
        "own",
        "What batch normalization takes mean and variance of: the share of each rank (own), or the whole batch (all).",
        group="Training",
    )
    device: DeviceChoice = fields.device()
    precision: PrecisionChoice = option("auto", "Number format of convolutions and products.", group="Training")

    def __post_init__(self) -> None:
        from convscope.images.sizes import size_as_text
        from convscope.images.splits import check_fraction
        from convscope.images.values import parse_value_range, value_range_as_text

        if self.size is not None:
            object.__setattr__(self, "size", size_as_text(self.size))
        if self.value_range is not None:
            object.__setattr__(self, "value_range", value_range_as_text(self.value_range))
            parse_value_range(self.value_range)
        check_options(self)
        check_fraction(self.validation)
        if self.labels is not None:
            check_value("labels", self.labels, PATH)
            object.__setattr__(self, "labels", str(Path(self.labels).absolute()))
        if self.start is not None:
            check_value("start", self.start, TEXT)
        if self.start is None and (self.cut is not None or self.mode is not None or self.head != "softmax"):
            raise ParameterError(
                "`mode`, `cut` and `head` are those of a start. Got no `start`. Name one, or leave them out."
            )
        if self.start is not None and (self.ranks or 1) > 1:
            raise ParameterError(
                f"`ranks` train a network from nothing, without `start`. Got {self.ranks}. Leave it out."
            )
        if self.epochs is not None and self.minutes is not None:
            raise ParameterError("Only one of `epochs` and `minutes` can be given. Leave one out.")
        if self.minutes is not None and not 0 < self.minutes <= 100_000:
            raise ParameterError(f"`minutes` must be above 0 and at most 100,000. Got {self.minutes}.")
        if self.target_accuracy is not None and not 0 < self.target_accuracy <= 1:
            raise ParameterError(
                f"`target_accuracy` must be above 0 and at most 1. Got {self.target_accuracy}. Write 0.99 for 99 %."
            )
        if self.channels not in (None, 1, 3):
            raise ParameterError(f"`channels` must be 1 (gray) or 3 (color). Got {self.channels!r}.")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where a run goes."""

    output: AnyPath | None = fields.output(
        "Folder of the run; the first free runs/<name>-<number> by default.", "FOLDER"
    )
    resume: AnyPath | None = option(
        None, "Continue the run in this folder; the weights are the same.", group="Output", metavar="RUN"
    )
    force: bool = fields.force("Overwrite a run in the output folder.")

    def __post_init__(self) -> None:
        check_options(self)
