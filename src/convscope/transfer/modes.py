"""How much of a start is trained: nothing but the classifier, its last stages, too, or all of it."""

from convscope.core.errors import ParameterError
from convscope.core.machine import images_trained_in
from convscope.core.options import declared
from convscope.core.text import counted
from convscope.options.train import Mode, TrainOptions

FROZEN: Mode = "frozen"
LAST_STAGES: Mode = "last-stages"
FINE_TUNED: Mode = "fine-tuned"
HEADS = ("softmax", "svm", "lda")
"""Classifiers that gradients can train on: weighted sums."""

_FROZEN = {
    *(
        "start",
        "mode",
        "cut",
        "head",
        "seed",
        "class_depth",
        "labels",
        "fit",
        "background",
        "value_range",
        "validation",
    ),
    *("flip", "threads", "device", "size", "channels"),
}
_LAST_STAGES = _FROZEN | {
    *("epochs", "minutes", "target_accuracy", "batch", "learning_rate", "smoothing", "shift", "balance", "precision"),
}
_OPTIONS: dict[Mode, set[str]] = {
    FROZEN: _FROZEN,
    LAST_STAGES: _LAST_STAGES,
    FINE_TUNED: _LAST_STAGES | {"rotate", "scale", "erase", "progressive_resizing"},
}
_REASONS: dict[Mode, str] = {
    FROZEN: "A start that stays as it is (frozen) has no gradients and no layout of its own.",
    LAST_STAGES: "The last stages of a start are trained on stored maps, which are shifted and flipped only.",
    FINE_TUNED: "A start has a layout and a recipe of its own.",
}
_FEWEST_IMAGES, _FEWEST_EPOCHS = 5, 6  # of a class; of a training that is worth it


def check_options(settings: TrainOptions, mode: Mode | None) -> None:
    """Raise an error for options that do not go with a mode; of None, those that go with no mode.

    Raises:
        ParameterError: the message names them.
    """
    allowed = _OPTIONS[mode or FINE_TUNED]
    others = [option for option in declared(TrainOptions) if option.name not in allowed]
    given = [option.name for option in others if getattr(settings, option.name) != option.default]
    if given:
        names = ", ".join(f"`{name}`" for name in given)
        other = next(
            (f", or use mode {other}" for other in (LAST_STAGES, FINE_TUNED) if {*given} <= _OPTIONS[other]), ""
        )
        raise ParameterError(
            f"{_REASONS[mode or FINE_TUNED]} Got {names}. Leave {'it' if len(given) == 1 else 'them'} out{other}."
        )
    if mode in (LAST_STAGES, FINE_TUNED) and settings.head not in HEADS:
        raise ParameterError(
            f"`head` must be {', '.join(HEADS)} to train more than the classifier. Got {settings.head}. Use mode "
            "frozen for it."
        )


def choose_mode(settings: TrainOptions, *, macs: int, images: int, fewest: int) -> tuple[Mode, str]:
    """Return how much is trained, and why in a sentence.

    Args:
        settings: which may name the mode, or the minutes that the training may take.
        macs: of the start, one image.
        images: number of training images.
        fewest: of them in a class.
    """
    if settings.mode is not None:
        return settings.mode, f"mode {settings.mode}"
    if settings.head not in HEADS:
        return FROZEN, f"mode frozen: no gradients train {settings.head}"
    trained = [option for option in declared(TrainOptions) if option.name not in _FROZEN]
    if all(getattr(settings, option.name) == option.default for option in trained):
        return FROZEN, "mode frozen: only a classifier is trained; --minutes 10 trains the network, too"
    if settings.minutes is None:
        return FINE_TUNED, "mode fine-tuned, as options of training are given; --mode changes it"
    if fewest < _FEWEST_IMAGES:
        text = counted(fewest, "training image")
        return FROZEN, f"mode frozen: a class has {text}, too few to train more than a classifier; --mode changes it"
    epochs = images_trained_in(settings.minutes, macs) / images
    if epochs >= _FEWEST_EPOCHS:
        return (
            FINE_TUNED,
            f"mode fine-tuned: there is time for about {counted(round(epochs), 'epoch')}; --mode changes it",
        )
    time = counted(round(epochs, 1), "epoch")
    return FROZEN, f"mode frozen: there is time for about {time}, too few to fine-tune; --mode changes it"
