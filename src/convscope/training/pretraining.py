"""Pretraining: the first convolutions learn without labels on patches, before training with labels.

Each learns on random patches of what reaches it: the first on the images, the next on the maps that the stage below
makes of them. Whitening is folded into the weights, and so is the standardization of images that the network begins
with; what lies beyond the edge of an image counts as its mean, as in every convolution of the network.

Where normalization follows, it subtracts the mean of every map and divides by its standard deviation: the learned
biases and the length of a unit's weights then make no difference. The biases are left out and the lengths made equal,
so that training turns all units at one speed.
"""

import numpy as np
import torch
from torch import nn

from convscope.core.draws import Draws
from convscope.core.errors import ParameterError
from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted
from convscope.layers.patch_learning.hand_made import BANKS
from convscope.layers.patch_learning.layer import layer_of_patches, learner_for
from convscope.layers.patch_learning.patches import Rows, patches_of_maps, random_patches
from convscope.layers.unit import HiddenLayer
from convscope.networks.build import ConvolutionModule, Network
from convscope.networks.plan import Plan
from convscope.networks.stages import ConvolutionStage

from .recipe import Recipe
from .training_data import TrainingData

MOST_PATCHES = 50_000
_MOST_VALUES = 2**25  # of all patches: 256 MiB
_LARGEST_PATCH = 4_096  # values: whitening takes the eigenvectors of their covariance, a minute's work for so many
_MOST_IMAGES = 2_000  # whose maps a stage above the first learns from
_BATCH_VALUES = 2**25  # of all maps of some of them at once


def check_pretraining(recipe: Recipe, planned: Plan, *, images: int) -> tuple[str, ...]:
    """Return a sentence for the user on each convolution that `recipe` pretrains; `images` training images.

    Raises:
        ParameterError: the layout does not begin with as many convolutions, or one cannot be pretrained in this way.
    """
    stages = planned.layout.stages
    if not recipe.pretrain:
        return ()
    if not (stages and isinstance(stages[0], ConvolutionStage) and stages[0].regions == 1):
        raise ParameterError(
            f"`pretrain` needs a layout whose first stage is a convolution, like 32C5. Got {planned.layout}. "
            "Begin with a convolution, or leave `pretrain` out."
        )
    convolutions = _convolutions_of(planned)
    if len(recipe.pretrain) > len(convolutions):
        raise ParameterError(
            f"`pretrain` must name one way for each convolution at most, {len(convolutions)} in {planned.layout}. "
            f"Got {len(recipe.pretrain)} ({','.join(recipe.pretrain)}). Leave some out."
        )
    after = "frozen" if recipe.freeze else "then fine-tuned with labels; --freeze keeps it fixed"
    first = zip(recipe.pretrain, convolutions, strict=False)
    return tuple(f"{_check_one(name, planned, *convolution, images)}; {after}" for name, convolution in first)


def _check_one(name: str, planned: Plan, index: int, stage: ConvolutionStage, images: int) -> str:
    """Return how the stage is pretrained; raise ParameterError if it cannot be."""
    where, patch = f"Stage {index + 1}, {stage},", f"{stage.patch}x{stage.patch}"
    rows, columns = _size_below(planned, index)
    channels = planned.below(index).maps
    if stage.regions != 1:
        raise ParameterError(f"{where} must be a convolution to be pretrained, like 32C5. Leave {name} out for it.")
    if stage.patch > min(rows, columns):
        raise ParameterError(
            f"{where} must have a patch that fits into the maps below it to be pretrained. Got {patch} over "
            f"{columns}x{rows} pixels. Use a smaller patch, or larger images (--size)."
        )
    if stage.patch**2 * channels > _LARGEST_PATCH:
        raise ParameterError(
            f"{where} must have a patch of at most {_LARGEST_PATCH:,} values to be pretrained. Got {patch} over "
            f"{counted(channels, 'map')}, {stage.patch**2 * channels:,}. Use a smaller patch, or fewer units below."
        )
    if name in BANKS and index > 0:
        raise ParameterError(
            f"{where} cannot have units of {name}, which are made for pixels and not for the maps of a stage. "
            "Use another way, for example kmeans."
        )
    try:
        learner_for(name, units=stage.units, side=stage.patch, channels=channels)
    except ParameterError as error:
        raise ParameterError(f"{where} cannot be pretrained. {error}") from None
    if name in BANKS:
        return f"stage {index + 1}, {stage}: hand-made filters, {name}"
    count = _patches(planned, index, stage, images)
    if stage.units > count:
        raise ParameterError(
            f"{where} must have at most as many units as there are patches to learn them from, {count:,}. "
            f"Got {stage.units:,}. Use fewer units, or more images."
        )
    return f"stage {index + 1}, {stage}: pretrained without labels, {name} on {count:,} patches of {patch}"


def pretrain_convolutions(
    network: Network, data: TrainingData, recipe: Recipe, *, seed: int, reporter: Reporter | None = None
) -> None:
    """Pretrain the first convolutions of `network` as `recipe` says; `check_pretraining` has accepted it.

    Args:
        network: its weights are changed.
        data: whose training images are learned from; their labels are not looked at.
        recipe: says how.
        seed: of the patches and of what is random in learning.
        reporter: shows the progress.
    """
    if not recipe.pretrain or len(data.training) < 2:  # training itself refuses so few
        return
    planned = network.plan
    steps = zip(recipe.pretrain, _convolutions_of(planned), _convolutions_in(network), strict=False)
    with (reporter or Silent()).task("pretraining", len(recipe.pretrain)) as task:
        for number, (name, (index, stage), module) in enumerate(steps):
            count = _patches(planned, index, stage, len(data.training))
            source = _patches_of_images if index == 0 else _patches_above
            rows = source(network, data, module, side=stage.patch, count=count, seed=seed + number)
            put_units(network, module, layer_of_patches(rows, units=stage.units, side=stage.patch, by=name, seed=seed))
            task.advance()


def put_units(network: Network, stage: ConvolutionModule, layer: HiddenLayer) -> None:
    """Make a stage of `network` convolve the units of `layer`, which takes what reaches the stage.

    The units of the network's first stage take pixels 0…1, as they are before the network standardizes them.
    """
    weights, biases = torch.from_numpy(layer.weights), torch.from_numpy(layer.biases)  # U k k C, U
    if stage is network.stages[0]:
        mean, std = network.mean.double(), network.std.double()
        biases = biases + (weights * mean).sum(dim=(1, 2, 3))  # pixel = standardized × std + mean
        weights = weights * std
    if stage.normalization is not None:
        weights = nn.functional.normalize(weights.flatten(1), dim=1).view_as(weights)
    with torch.no_grad():
        stage.convolution.weight.copy_(weights.permute(0, 3, 1, 2))  # U k k C -> U C k k
        if stage.convolution.bias is not None:
            stage.convolution.bias.copy_(biases)


def freeze(network: Network, number: int) -> None:
    """Keep the weights of the first `number` convolutions fixed; a normalization's shift is still learned."""
    for stage in _convolutions_in(network)[:number]:
        stage.convolution.requires_grad_(False)


def _convolutions_of(planned: Plan) -> list[tuple[int, ConvolutionStage]]:
    """Return the convolutions of a layout, shared or not, with their numbers among its stages (from 0)."""
    return [(index, stage) for index, stage in enumerate(planned.layout.stages) if isinstance(stage, ConvolutionStage)]


def _convolutions_in(network: Network) -> list[ConvolutionModule]:
    """Return the modules of the same convolutions."""
    return [module for module in network.stages if isinstance(module, ConvolutionModule)]


def _size_below(planned: Plan, index: int) -> tuple[int, int]:
    """Return rows and columns of what reaches stage `index`."""
    if index == 0:
        return planned.height, planned.width
    return planned.layers[index - 1].rows, planned.layers[index - 1].columns


def _patches(planned: Plan, index: int, stage: ConvolutionStage, images: int) -> int:
    """Return how many patches are learned from: no more than there are, nor than are of use."""
    rows, columns = (size - stage.patch + 1 for size in _size_below(planned, index))
    seen = images if index == 0 else min(images, _MOST_IMAGES)
    return min(MOST_PATCHES, _MOST_VALUES // (stage.patch**2 * planned.below(index).maps), seen * rows * columns)


def _patches_of_images(
    network: Network, data: TrainingData, module: ConvolutionModule, *, side: int, count: int, seed: int
) -> Rows:
    """Return patches of the training images, pixels 0…1."""
    del network, module
    return random_patches(data.images.numpy(), side=side, count=count, seed=seed, among=data.training.numpy())


def _patches_above(
    network: Network, data: TrainingData, module: ConvolutionModule, *, side: int, count: int, seed: int
) -> Rows:
    """Return patches of the maps that reach `module`, normalized as in training: by the images of their batch."""
    generator = torch.Generator().manual_seed(seed)
    below = list(network.stages)[: list(network.stages).index(module)]
    chosen = data.training[torch.randperm(len(data.training), generator=generator)[:_MOST_IMAGES]]
    size = network.plan.batch_within(_BATCH_VALUES)
    batches = chosen.tensor_split(max(1, min(-(-len(chosen) // size), len(chosen) // 2)))  # of at least two images
    rows = []
    network.train()
    with torch.no_grad(), network.drawing_from(Draws(generator=generator)):
        for number, indices in enumerate(batches):
            maps = network.standardize(data.images[indices])
            for stage in below:
                maps = stage(maps)
            per_batch = -(-count // len(batches))
            values = maps.permute(0, 2, 3, 1).numpy()  # N C H W -> N H W C
            rows.append(patches_of_maps(values, side=side, count=per_batch, seed=seed + number))
    return np.concatenate(rows)
