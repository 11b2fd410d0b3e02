"""The family of variants: each is the baseline, a convolutional network, with one thing changed.

To add one: one `Variant` in `VARIANTS`. The checks of the family do the rest.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from convscope.core.errors import ConvscopeError, LayoutError, ParameterError, choose
from convscope.images.augmentation import Augmentation
from convscope.layers.pooling import POOLINGS
from convscope.networks import variants as layouts
from convscope.networks.layout import Layout
from convscope.networks.plan import LARGEST_PARAMETERS, Plan, plan
from convscope.networks.stages import ConvolutionStage, PoolingStage
from convscope.training.recipe import Recipe
from convscope.transfer.recipes import FIRST_LAYER

from .start_network import StartMode, StartNetwork

MOST_PARAMETERS = 50_000_000  # with their gradients and the optimizer's state about 1 GB
_RANDOM_RATE = 0.03  # in steps relative to the weights: random ones have further to go
BASELINE = "convolution"
"""The name of the variant that all others are made from."""
Group = Literal["sharing", "pooling", "first stage", "by hand", "pixels", "distortions", "start"]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The convolutional network that all variants are made from.

    Attributes:
        plan: of the network.
        recipe: of its training, without augmentation.
        augmentation: for the variants that train on distorted images.
        start: a trained network; None without.
    """

    plan: Plan
    recipe: Recipe
    augmentation: Augmentation
    start: StartNetwork | None = None

    def planned(self, layout: Layout) -> Plan:
        """Return the plan of another layout for the same images.

        Raises:
            LayoutError: it does not fit them, or is too large to train.
        """
        count = plan(layout, **self.plan.sizes, bounded=False).parameters
        if count > MOST_PARAMETERS:
            raise LayoutError(
                f"{layout} would have {count:,} parameters; a comparison trains networks of at most "
                f"{min(MOST_PARAMETERS, LARGEST_PARAMETERS):,}. Use a smaller --layout or smaller images (--size)."
            )
        return plan(layout, **self.plan.sizes)


@dataclass(frozen=True, kw_only=True)
class Learner:
    """What a variant trains: a network by a recipe, a start, or a classifier on hand-made features.

    Attributes:
        recipe: of the training.
        plan: of the network; None for features.
        title: what it is, where that depends on the machine; empty for the title of the variant.
        features: kind of hand-made features; empty for a network.
        classifier: on the features, a key of `convscope.features.classifiers.CLASSIFIERS`.
        start: the network that training begins with; None for none.
        mode: what is trained of it.
    """

    recipe: Recipe
    plan: Plan | None = None
    title: str = ""
    features: str = ""
    classifier: str = ""
    start: StartNetwork | None = None
    mode: StartMode = "frozen"

    @property
    def text(self) -> str:
        """The layout, the start with its mode, or the features with their classifier."""
        if self.start is not None:
            return f"{self.start.name}, {self.mode}"
        return str(self.plan.layout) if self.plan is not None else f"{self.features} + {self.classifier}"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant of the comparison.

    Attributes:
        name: for the command line.
        title: for tables, in a few words.
        description: in a sentence: what it is, and in what it differs from the baseline.
        group: the question that it helps to answer.
        make: makes the learner; raises a `ConvscopeError` where there is none.
        purposes: what it is for, which is what is compared: ``accuracy``, ``parameters``, ``macs``, or robustness to a
            group of distortions (a key of `GROUPS`).
        curve: whether its learning curve is measured by default.
    """

    name: str
    title: str
    description: str
    group: Group
    make: Callable[[Baseline], Learner]
    purposes: tuple[str, ...] = ("accuracy",)
    curve: bool = False


def learner_of(variant: Variant, baseline: Baseline) -> tuple[Learner | None, str]:
    """Return what a variant trains, or None and the reason in a sentence."""
    try:
        return variant.make(baseline), ""
    except ConvscopeError as error:
        return None, str(error)


def _network(change: Callable[[Baseline], Layout], *, distorted: bool = False) -> Callable[[Baseline], Learner]:
    def make(baseline: Baseline) -> Learner:
        recipe = baseline.recipe
        if distorted:
            recipe = dataclasses.replace(recipe, augmentation=baseline.augmentation)
        return Learner(plan=baseline.planned(change(baseline)), recipe=recipe)

    return make


def _unchanged(baseline: Baseline) -> Layout:
    return baseline.plan.layout


def _check_convolution(baseline: Baseline) -> Plan:
    """Return the plan of the baseline; LayoutError if it has no convolution."""
    layout = baseline.plan.layout
    if not any(isinstance(stage, ConvolutionStage) for stage in layout.stages):
        raise LayoutError(f"{layout} has no convolution to change. Give a --layout with one.")
    return baseline.plan


def _check_pooling(baseline: Baseline, *, windows: bool = True) -> Layout:
    """Return the layout of the baseline; LayoutError if it has no pooling, or with `windows` only a global one."""
    layout = baseline.plan.layout
    if not any(isinstance(stage, PoolingStage) and (stage.window or not windows) for stage in layout.stages):
        raise LayoutError(f"{layout} has no pooling to change. Give a --layout with one, like 16C5-MP2-32C3-MP2.")
    return layout


def _without_pooling(*, global_mean: bool) -> Callable[[Baseline], Layout]:
    def change(baseline: Baseline) -> Layout:
        layout = _check_pooling(baseline, windows=False)
        return layouts.without_pooling(layout, keep_strides=False, global_mean=global_mean)

    return change


def _same_parameters(baseline: Baseline) -> Layout:
    return layouts.fully_connected_like(baseline.plan, lambda planned: planned.parameters)


def _pixels(classifier: str) -> Callable[[Baseline], Layout]:
    return lambda baseline: dataclasses.replace(baseline.plan.layout, stages=(), classifier=classifier)


def _first_stage(way: str, *, frozen: bool) -> Callable[[Baseline], Learner]:
    def make(baseline: Baseline) -> Learner:
        first = next(iter(baseline.plan.layout.stages), None)
        if not isinstance(first, ConvolutionStage) or first.regions != 1:
            raise ParameterError(
                f"{baseline.plan.layout} does not begin with a convolution that can be pretrained. Give a --layout "
                "that does."
            )
        return Learner(plan=baseline.plan, recipe=dataclasses.replace(baseline.recipe, pretrain=(way,), freeze=frozen))

    return make


def _hand_made(baseline: Baseline) -> Learner:
    """Return histograms of gradients if scikit-image is installed and the images are large enough, else PCA."""
    import importlib.util

    large = min(baseline.plan.height, baseline.plan.width) >= 8
    features = "hog" if large and importlib.util.find_spec("skimage") is not None else "pca"
    title = "" if features == "hog" else "principal components (SVM)"
    return Learner(recipe=baseline.recipe, title=title, features=features, classifier="svm")


def _from_start(mode: StartMode) -> Callable[[Baseline], Learner]:
    def make(baseline: Baseline) -> Learner:
        start = baseline.start
        if start is None:
            raise ParameterError(f"The variant start-{mode} needs a trained network. Got none. Name one with --start.")
        recipe = dataclasses.replace(
            baseline.recipe,
            batch=min(baseline.recipe.batch, start.most_images),
            first_layer=FIRST_LAYER if mode == "fine-tuned" else 1.0,
            learning_rate=_RANDOM_RATE if mode == "random" else baseline.recipe.learning_rate,
        )
        return Learner(recipe=recipe, start=start, mode=mode)

    return make


def _pooling(code: str) -> Variant:
    name = POOLINGS[code].name
    return Variant(
        name=f"pooling-{'-'.join(name.split())}",
        title=f"pooling ({name})",
        description=f"The baseline with pooling that takes {POOLINGS[code].phrase} of each window.",
        group="pooling",
        make=_network(lambda baseline: layouts.pooled_by(_check_pooling(baseline), code)),
        purposes=("accuracy", "shifted"),
    )


_FAMILY = (
    Variant(
        name=BASELINE,
        title="shared weights",
        description="The baseline: convolutions, whose filters are shared by all positions, with pooling.",
        group="sharing",
        make=_network(_unchanged),
        curve=True,
    ),
    Variant(
        name="locally-connected",
        title="own weights",
        description="Locally connected: the baseline with separate weights at every position and shared biases.",
        group="sharing",
        make=_network(lambda baseline: layouts.locally_connected(_check_convolution(baseline).layout)),
        purposes=("accuracy", "shifted", "parameters"),
        curve=True,
    ),
    Variant(
        name="partly-shared",
        title="partly shared",
        description="The baseline with weights shared only within each of at most 4 x 4 regions of a map.",
        group="sharing",
        make=_network(lambda baseline: layouts.partly_shared(_check_convolution(baseline))),
        purposes=("accuracy", "shifted", "parameters"),
    ),
    Variant(
        name="mlp-parameters",
        title="plain network",
        description="One fully connected layer with as many parameters as the baseline.",
        group="sharing",
        make=_network(_same_parameters),
        purposes=("accuracy", "shifted"),
        curve=True,
    ),
    Variant(
        name="mlp-macs",
        title="plain network (same MACs)",
        description="One fully connected layer with as many MACs as the baseline.",
        group="sharing",
        make=_network(
            lambda baseline: layouts.fully_connected_like(baseline.plan, lambda planned: planned.macs),
        ),
        purposes=("accuracy", "shifted"),
    ),
    Variant(
        name="no-pooling-mean",
        title="global mean in place of pooling",
        description="The baseline without pooling; the layers after the convolutions see the mean of each map.",
        group="pooling",
        make=_network(_without_pooling(global_mean=True)),
        purposes=("accuracy", "shifted", "macs"),
    ),
    Variant(
        name="no-pooling-connected",
        title="without pooling",
        description="The baseline without pooling; the layers after the convolutions see every value.",
        group="pooling",
        make=_network(_without_pooling(global_mean=False)),
        purposes=("accuracy", "shifted", "macs", "parameters"),
    ),
    *(_pooling(code) for code in POOLINGS),
    Variant(
        name="stride",
        title="strided convolutions in place of pooling",
        description="The baseline with strided convolutions in place of the pooling after them.",
        group="pooling",
        make=_network(lambda baseline: layouts.strided(_check_pooling(baseline))),
        purposes=("accuracy", "shifted", "macs"),
    ),
    Variant(
        name="first-random",
        title="first stage random (frozen)",
        description="The baseline with a first convolution that stays at its random initial weights.",
        group="first stage",
        make=_first_stage("random", frozen=True),
    ),
    Variant(
        name="first-kmeans-frozen",
        title="first stage from patches (frozen)",
        description="The baseline with a first convolution learned from patches without labels (k-means), then frozen.",
        group="first stage",
        make=_first_stage("kmeans", frozen=True),
    ),
    Variant(
        name="first-kmeans",
        title="first stage from patches (fine-tuned)",
        description="The baseline with a first convolution initialized from patches without labels (k-means).",
        group="first stage",
        make=_first_stage("kmeans", frozen=False),
    ),
    Variant(
        name="by-hand-svm",
        title="gradient histograms (SVM)",
        description="Histograms of oriented gradients (principal components where these are not available) and a "
        "linear support vector machine, trained to convergence whatever the budget.",
        group="by hand",
        make=_hand_made,
        curve=True,
    ),
    Variant(
        name="pixels-softmax",
        title="pixels (softmax)",
        description="Softmax regression on the pixels.",
        group="pixels",
        make=_network(_pixels("softmax")),
        curve=True,
    ),
    Variant(
        name="pixels-svm",
        title="pixels (SVM)",
        description="A linear support vector machine on the pixels.",
        group="pixels",
        make=_network(_pixels("svm")),
    ),
    Variant(
        name="convolution-distorted",
        title="shared weights (distorted images)",
        description="The baseline trained on randomly shifted, rotated and scaled images.",
        group="distortions",
        make=_network(_unchanged, distorted=True),
        purposes=("shifted", "rotated", "scaled"),
        curve=True,
    ),
    Variant(
        name="mlp-distorted",
        title="plain network (distorted images)",
        description="The fully connected layer with as many parameters, trained on randomly shifted, rotated and "
        "scaled images.",
        group="distortions",
        make=_network(_same_parameters, distorted=True),
        purposes=("shifted", "rotated", "scaled"),
    ),
    Variant(
        name="start-frozen",
        title="trained network (frozen)",
        description="A softmax on the features of the network that --start names, which stay as they are.",
        group="start",
        make=_from_start("frozen"),
        curve=True,
    ),
    Variant(
        name="start-fine-tuned",
        title="trained network (fine-tuned)",
        description="The network that --start names with that softmax, all of it trained further.",
        group="start",
        make=_from_start("fine-tuned"),
        curve=True,
    ),
    Variant(
        name="start-random",
        title="the same network (random weights)",
        description="The layers of the network that --start names, trained from random weights.",
        group="start",
        make=_from_start("random"),
        curve=True,
    ),
)

VARIANTS: dict[str, Variant] = {variant.name: variant for variant in _FAMILY}
"""What is compared, by name."""


def named_variants(names: tuple[str, ...], *, start: bool = True) -> tuple[Variant, ...]:
    """Return the variants of these names in the order of the family; all without names.

    Without a `start` those that need one are left out, unless they are named.

    Raises:
        ParameterError: a name is unknown.
    """
    for name in names:
        choose("variants", name, VARIANTS)
    if names:
        return tuple(variant for variant in _FAMILY if variant.name in names)
    return tuple(variant for variant in _FAMILY if start or variant.group != "start")
