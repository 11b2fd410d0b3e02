"""The family of what is compared: each kind is made after one convolutional network, with one thing changed.

To add one: one `Kind` in `KINDS`. The checks of the family do the rest.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from convscope.core.errors import ConvscopeError, LayoutError, ParameterError, choose
from convscope.images.augmentation import Augmentation
from convscope.layers.convolution import Convolution
from convscope.layers.pooling import POOLINGS, Pooling
from convscope.networks.layout import Layout
from convscope.networks.plan import LARGEST_PARAMETERS, Plan, plan
from convscope.training.recipe import Recipe

from . import layouts

MOST_PARAMETERS = 50_000_000  # with their gradients and the optimizer's sums about 1 GB
BASE = "convolution"
"""The name of the kind that all others are made after."""
Group = Literal["sharing", "pooling", "first stage", "by hand", "pixels", "distortions"]


@dataclass(frozen=True, kw_only=True)
class Base:
    """What all kinds are made after.

    Attributes:
        plan: of the convolutional network.
        recipe: that it is trained by; its images are not changed.
        change: how images are changed by the kinds that learn from distorted ones.
    """

    plan: Plan
    recipe: Recipe
    change: Augmentation

    def planned(self, layout: Layout) -> Plan:
        """Return the plan of another layout for the same images.

        Raises:
            LayoutError: it does not fit them, or would be too large to train.
        """
        shape = {name: getattr(self.plan, name) for name in ("height", "width", "channels", "classes")}
        count = plan(layout, **shape, bounded=False).parameters
        if count > MOST_PARAMETERS:
            raise LayoutError(
                f"{layout} would have {count:,} parameters; a comparison trains networks of at most "
                f"{min(MOST_PARAMETERS, LARGEST_PARAMETERS):,}. Use a smaller --layout or smaller images (--size)."
            )
        return plan(layout, **shape)


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """What is trained: a network by a recipe, or hand-made features with a classifier.

    Attributes:
        plan: of the network; None for features.
        recipe: of its training.
        features: kind of hand-made features that a classifier reads; empty for a network.
        classifier: that reads them, a key of `convscope.features.classifiers.CLASSIFIERS`.
    """

    recipe: Recipe
    plan: Plan | None = None
    features: str = ""
    classifier: str = ""

    @property
    def text(self) -> str:
        """The layout, or the features with their classifier."""
        return str(self.plan.layout) if self.plan is not None else f"{self.features} + {self.classifier}"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind in the comparison.

    Attributes:
        name: for the command line.
        title: for tables, in a few words.
        sentence: what it is, and what it differs in from the convolutional network.
        group: the question that it helps to answer.
        make: the entrant; a `ConvscopeError` says why there is none.
        curve: whether its learning curve is measured where no kinds are named.
    """

    name: str
    title: str
    sentence: str
    group: Group
    make: Callable[[Base], Entrant]
    curve: bool = False


def entrant_of(kind: Kind, base: Base) -> tuple[Entrant | None, str]:
    """Return what is trained of a kind; or None, and one sentence that says why not."""
    try:
        return kind.make(base), ""
    except ConvscopeError as error:
        return None, str(error)


def _network(change: Callable[[Base], Layout]) -> Callable[[Base], Entrant]:
    return lambda base: Entrant(plan=base.planned(change(base)), recipe=base.recipe)


def _itself(base: Base) -> Layout:
    return base.plan.layout


def _with_convolution(base: Base) -> Layout:
    """Return the base layout if it has a convolution."""
    if not any(isinstance(stage, Convolution) for stage in base.plan.layout.stages):
        raise LayoutError(f"{base.plan.layout} has no convolution that could be changed. Give a --layout that has one.")
    return base.plan.layout


def _with_windows(base: Base) -> Layout:
    """Return the base layout if it subsamples in windows."""
    if not any(isinstance(stage, Pooling) and stage.window for stage in base.plan.layout.stages):
        raise LayoutError(
            f"{base.plan.layout} has no pooling of windows that could be changed. Give a --layout with one, like "
            "16C5-MP2-32C3-MP2."
        )
    return base.plan.layout


def _locally_connected(base: Base) -> Layout:
    whole = _with_convolution(base)
    stages = tuple(
        dataclasses.replace(stage, regions=None) if isinstance(stage, Convolution) else stage for stage in whole.stages
    )
    return dataclasses.replace(whole, stages=stages)


def _partly_shared(base: Base) -> Layout:
    _with_convolution(base)
    return layouts.partly_shared(base.plan)


def _never_subsampled(end: str) -> Callable[[Base], Layout]:
    def change(base: Base) -> Layout:
        if not any(isinstance(stage, Pooling) for stage in base.plan.layout.stages):
            raise LayoutError(f"{base.plan.layout} has no pooling to leave out. Give a --layout with one.")
        return layouts.never_subsampled(base.plan.layout, end=end)

    return change


def _pixels(classifier: str) -> Callable[[Base], Layout]:
    return lambda base: dataclasses.replace(base.plan.layout, stages=(), classifier=classifier)


def _first(way: str, *, frozen: bool) -> Callable[[Base], Entrant]:
    def make(base: Base) -> Entrant:
        first = next(iter(base.plan.layout.stages), None)
        if not isinstance(first, Convolution) or first.regions != 1:
            raise ParameterError(
                f"{base.plan.layout} does not begin with a convolution, whose weights could be given. Give a --layout "
                "that does."
            )
        recipe = dataclasses.replace(base.recipe, pretrain=(way,), freeze=frozen)
        return Entrant(plan=base.plan, recipe=recipe)

    return make


def _by_hand(base: Base) -> Entrant:
    """Return histograms of gradients where scikit-image is there and the images are large enough, else components."""
    import importlib.util

    large = min(base.plan.height, base.plan.width) >= 8
    features = "hog" if large and importlib.util.find_spec("skimage") is not None else "pca"
    return Entrant(recipe=base.recipe, features=features, classifier="svm")


def _distorted(change: Callable[[Base], Layout]) -> Callable[[Base], Entrant]:
    def make(base: Base) -> Entrant:
        recipe = dataclasses.replace(base.recipe, augmentation=base.change)
        return Entrant(plan=base.planned(change(base)), recipe=recipe)

    return make


def _same_parameters(base: Base) -> Layout:
    return layouts.connected_like(base.plan, lambda one: one.parameters)


def _same_macs(base: Base) -> Layout:
    return layouts.connected_like(base.plan, lambda one: one.macs)


def _subsampled(code: str) -> Kind:
    name = POOLINGS[code].name
    return Kind(
        name=f"pooling-{'-'.join(name.split())}",
        title=f"pooling ({name})",
        sentence=f"The same network, whose pooling takes {POOLINGS[code].phrase} of each window.",
        group="pooling",
        make=_network(lambda base: layouts.subsampled_by(_with_windows(base), code)),
    )


_ALL = (
    Kind(
        name=BASE,
        title="convolutional",
        sentence="Units that are copied to every place of the image, with pooling: the network that all others "
        "are made after.",
        group="sharing",
        make=_network(_itself),
        curve=True,
    ),
    Kind(
        name="locally-connected",
        title="locally connected",
        sentence="The same network, whose units have weights of their own at every place.",
        group="sharing",
        make=_network(_locally_connected),
        curve=True,
    ),
    Kind(
        name="partly-shared",
        title="partly shared",
        sentence="The same network, whose units are copied only within each of at most 4 x 4 parts of a map.",
        group="sharing",
        make=_network(_partly_shared),
    ),
    Kind(
        name="mlp-parameters",
        title="fully connected (same parameters)",
        sentence="One layer of fully connected units, with as many parameters as the convolutional network.",
        group="sharing",
        make=_network(_same_parameters),
        curve=True,
    ),
    Kind(
        name="mlp-MACs",
        title="fully connected (same MACs)",
        sentence="One layer of fully connected units, with as many MACs as the convolutional network.",
        group="sharing",
        make=_network(_same_macs),
    ),
    Kind(
        name="no-pooling-mean",
        title="no pooling (global mean)",
        sentence="The same network without pooling; what comes after the convolutions reads the mean of each map.",
        group="pooling",
        make=_network(_never_subsampled("mean")),
    ),
    Kind(
        name="no-pooling-connected",
        title="no pooling (fully connected)",
        sentence="The same network without pooling; what comes after the convolutions reads every value.",
        group="pooling",
        make=_network(_never_subsampled("connected")),
    ),
    *(_subsampled(code) for code in POOLINGS),
    Kind(
        name="stride",
        title="larger steps in place of pooling",
        sentence="The same network, whose convolutions take larger steps in place of the pooling after them.",
        group="pooling",
        make=_network(lambda base: layouts.strided(_with_windows(base))),
    ),
    Kind(
        name="first-random",
        title="first stage random (frozen)",
        sentence="The same network, whose first convolution keeps the random weights that it began with.",
        group="first stage",
        make=_first("random", frozen=True),
    ),
    Kind(
        name="first-kmeans-frozen",
        title="first stage from patches (frozen)",
        sentence="The same network, whose first convolution is learned from patches without labels (k-means) and kept.",
        group="first stage",
        make=_first("kmeans", frozen=True),
    ),
    Kind(
        name="first-kmeans",
        title="first stage from patches (learned on)",
        sentence="The same network, whose first convolution begins with what is learned from patches without labels "
        "(k-means).",
        group="first stage",
        make=_first("kmeans", frozen=False),
    ),
    Kind(
        name="by-hand-svm",
        title="features made by hand (SVM)",
        sentence="Histograms of oriented gradients (principal components where these cannot be had) and a linear "
        "support vector machine. It learns to its end, whatever the budget; a note says where it does not.",
        group="by hand",
        make=_by_hand,
        curve=True,
    ),
    Kind(
        name="pixels-softmax",
        title="pixels (softmax)",
        sentence="Weighted sums of the pixels, one a class: logistic regression.",
        group="pixels",
        make=_network(_pixels("softmax")),
        curve=True,
    ),
    Kind(
        name="pixels-svm",
        title="pixels (SVM)",
        sentence="Weighted sums of the pixels, one a class, with the margins of a linear support vector machine.",
        group="pixels",
        make=_network(_pixels("svm")),
    ),
    Kind(
        name="convolution-distorted",
        title="convolutional (distorted images)",
        sentence="The convolutional network, whose training images are shifted, turned and scaled by chance.",
        group="distortions",
        make=_distorted(_itself),
        curve=True,
    ),
    Kind(
        name="mlp-distorted",
        title="fully connected (distorted images)",
        sentence="The fully connected units with as many parameters, whose training images are shifted, turned and "
        "scaled by chance.",
        group="distortions",
        make=_distorted(_same_parameters),
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""What is compared, by name."""


def named_kinds(names: tuple[str, ...]) -> tuple[Kind, ...]:
    """Return the kinds of these names in the order of the family; all if there are none.

    Raises:
        ParameterError: a name is unknown.
    """
    for name in names:
        choose("kinds", name, KINDS)
    return tuple(kind for kind in _ALL if not names or kind.name in names)
