"""Fine-tuning as fastai's book writes it, on the weights of EfficientNet-Lite0.

The head of its `vision_learner`, images of 460 pixels, `aug_transforms(size=224, min_scale=0.75)`, `fine_tune`: one
epoch of the head alone, then all layers. As many epochs as fit into the seconds, by a few steps that are timed. The
argument and the printed line are those of fine_tune_torch.py.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:  # it was built for torch with CUDA; fastai imports operators on boxes that nothing here uses
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from fastai.callback.core import Callback, CancelFitException, CancelValidException
from fastai.metrics import accuracy
from fastai.vision.all import (
    ImageDataLoaders,
    Learner,
    Normalize,
    Resize,
    add_head,
    aug_transforms,
    params,
    set_seed,
)
from fine_tune_torch import Lite0
from torch import Tensor, nn

BATCH, TIMED, TEST_SHARE = 16, 4, 0.35  # images; steps; time of an image evaluated over one learned from


class Body(Lite0):
    """The layers before the pooling."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the last maps."""
        return self.maps(images)


class Timed(Callback):
    """Leaves out validation, and ends the training in time."""

    def __init__(self, clock: Any, end_s: float) -> None:
        self.clock, self.end_s = clock, end_s

    def before_validate(self) -> None:
        """Leave it out."""
        raise CancelValidException

    def after_batch(self) -> None:
        """End."""
        if self.clock() >= self.end_s:
            raise CancelFitException


def main() -> None:
    """Train for the given time, and evaluate."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    clock = time.process_time if given["clock"] == "processor" else time.perf_counter
    started = clock()
    torch.set_num_threads(given["threads"])
    set_seed(given["seed"])
    images = ImageDataLoaders.from_folder(
        Path(given["folder"]),
        train="train",
        valid="test",
        item_tfms=Resize(460),
        batch_tfms=[*aug_transforms(size=224, min_scale=0.75), Normalize.from_stats([127 / 255] * 3, [128 / 255] * 3)],
        bs=BATCH,
        num_workers=0,
        seed=given["seed"],
    )

    body = Body()
    body.load_state_dict(torch.load(given["weights"], weights_only=True))
    body._fc = nn.Identity()
    network = add_head(body, 1280, len(images.vocab))
    learner = Learner(images, network, splitter=lambda parts: [params(parts[0]), params(parts[1])], metrics=accuracy)
    begun = clock()
    for _ in range(TIMED):
        inputs, labels = images.one_batch()
        learner.loss_func(learner.model(inputs), labels).backward()
    learner.model.zero_grad()
    image_s = (clock() - begun) / TIMED / BATCH
    evaluation_s = TEST_SHARE * image_s * len(images.valid_ds)
    end_s = started + given["seconds"] - evaluation_s
    epochs = max(1, int((end_s - clock()) / (image_s * len(images.train_ds)) - 0.5))  # the head alone costs half
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs, cbs=Timed(clock, end_s))
        _, found = learner.validate()
    seconds = clock() - started
    print(json.dumps({"accuracy": found, "images": len(images.valid_ds), "epochs": 1 + epochs, "seconds": seconds}))


if __name__ == "__main__":
    main()
