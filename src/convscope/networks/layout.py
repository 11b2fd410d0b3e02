"""The layout: a whole network as one line of text, after the notation of the literature (Cireşan et al. 2012).

The grammar, with `-` between the parts::

    32C5     32 units convolved on 5 × 5 patches
    32C5/2   stride 2        32C5v  valid, no padding        +32C5  adds its input
    32U5     locally connected: own weights at each position               32U5:4  own weights in each of 4 × 4 regions
    MP2      max of 2 × 2 windows (AP mean, SS subset)
    MP3/2    windows of 3, stride 2        MPg  the whole map
    128N     128 fully connected units
    tanh     at the end: the nonlinearity of every stage (relu by default)
    nonorm   at the end: no normalization
    svm      at the end: the classifier (softmax by default; svm with squared margins, hinge with plain ones)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from convscope.core.errors import LayoutError, choose, did_you_mean
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.normalization import BATCH_NORM, NORMALIZATIONS
from convscope.layers.pooling import POOLINGS

from .classifiers import LINEAR_CLASSIFIERS
from .stages import ConnectedStage, ConvolutionStage, PoolingStage

Stage = ConvolutionStage | PoolingStage | ConnectedStage

LARGEST_STAGES = 200
_NO_NORMALIZATION = "nonorm"
_LONGEST_TEXT = 4_000  # more than the longest text of any layout
_LONGEST_QUOTE = 40
_NUMBER = r"([0-9]{1,9})"
_CONVOLUTION = re.compile(rf"(\+?){_NUMBER}(C|U){_NUMBER}(?::{_NUMBER})?(?:/{_NUMBER})?(v?)")
_POOLING = re.compile(rf"([A-Z]{{2}})(?:{_NUMBER}(?:/{_NUMBER})?|g)")
_CONNECTED = re.compile(rf"{_NUMBER}N")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A whole network: its stages in order, the nonlinearity, whether it normalizes, and its classifier.

    Attributes:
        stages: from the image upward; empty if the classifier reads the pixels.
        nonlinearity: of every convolution and all fully connected units, a key of `NONLINEARITIES`.
        normalization: of every convolution and all fully connected units, a key of `NORMALIZATIONS`; None for none.
        classifier: what reads the last maps, a key of `LINEAR_CLASSIFIERS`.

    Raises:
        LayoutError: the stages cannot follow each other, or are too many.
        ParameterError: the nonlinearity, the normalization or the classifier is unknown.
    """

    stages: tuple[Stage, ...]
    nonlinearity: str = "relu"
    normalization: str | None = BATCH_NORM
    classifier: str = "softmax"

    def __post_init__(self) -> None:
        """Validate the fields."""
        choose("nonlinearity", self.nonlinearity, NONLINEARITIES)
        if self.normalization is not None:
            choose("normalization", self.normalization, NORMALIZATIONS)
        choose("classifier", self.classifier, LINEAR_CLASSIFIERS)
        if not isinstance(self.stages, tuple) or not all(isinstance(stage, Stage) for stage in self.stages):
            raise LayoutError(
                "`stages` must be a tuple of ConvolutionStage, PoolingStage and ConnectedStage. "
                f"Got {self.stages!r:.200}. Layout.parse reads a text."
            )
        _check_number(len(self.stages))
        for number, (below, stage) in enumerate(pairwise(self.stages), start=2):
            if _misplaced(stage, below):
                raise LayoutError(f"Stage {number}: {_misplaced(stage, below)}")

    def is_joined(self, index: int) -> bool:
        """Return whether the stage at `index` (from 0) is a pooling that belongs to the convolution before it."""
        return (
            isinstance(self.stages[index], PoolingStage)
            and index > 0
            and isinstance(self.stages[index - 1], ConvolutionStage)
        )

    @staticmethod
    def parse(text: str) -> "Layout":
        """Return the layout that `text` describes.

        Raises:
            LayoutError: the text is no layout; the message names the position and what is allowed there.

        Examples:
            >>> layout = Layout.parse("6C5-AP2-16C5v-AP2-120N-84N-tanh")
            >>> len(layout.stages), layout.nonlinearity, str(layout)
            (6, 'tanh', '6C5-AP2-16C5v-AP2-120N-84N-tanh')
        """
        return _parse(text)

    def __str__(self) -> str:
        """Return the text that parses to this layout."""
        words = [str(stage) for stage in self.stages]
        words += [self.nonlinearity] if self.nonlinearity != "relu" else []
        words += [self.normalization or _NO_NORMALIZATION] if self.normalization != BATCH_NORM else []
        words += [self.classifier] if self.classifier != "softmax" or not words else []
        return "-".join(words)


def _parse(text: str) -> Layout:
    if not isinstance(text, str) or not text.strip():
        raise LayoutError(
            f"The layout must be a text that is not empty. Got {text!r:.40} (position 1). Write stages joined by '-', "
            "for example 32C5-MP2-64C5-MP2-128N."
        )
    if len(text) > _LONGEST_TEXT:
        raise LayoutError(
            f"The layout must have at most {_LONGEST_TEXT:,} characters. Got {len(text):,}: cut it before "
            f"position {_LONGEST_TEXT + 1}."
        )
    stages: list[Stage] = []
    words: dict[str, str] = {}
    position = 1 + len(text) - len(text.lstrip())
    for part in text.strip().split("-"):
        where = f"(position {position})"
        role = _role(part)
        if role is None:
            stages.append(_stage(part, where, stages, list(words.values())))
        elif role in words:
            raise LayoutError(
                f"The layout must say its {role} once. Got {words[role]!r} and {part!r} {where}. Remove one of the two."
            )
        else:
            words[role] = part
        position += len(part) + 1
    return Layout(
        stages=tuple(stages),
        nonlinearity=words.get("nonlinearity", "relu"),
        normalization=_normalization(words.get("normalization", BATCH_NORM)),
        classifier=words.get("classifier", "softmax"),
    )


def _role(part: str) -> str | None:
    """Return what a closing word sets, or None if `part` is no closing word."""
    if part in NONLINEARITIES:
        return "nonlinearity"
    if part in LINEAR_CLASSIFIERS:
        return "classifier"
    return "normalization" if part == _NO_NORMALIZATION or part in NORMALIZATIONS else None


def _normalization(word: str) -> str | None:
    return None if word == _NO_NORMALIZATION else word


def _stage(part: str, where: str, before: Sequence[Stage], words: Sequence[str]) -> Stage:
    """Return the stage that `part` describes; raise LayoutError if it describes none or cannot follow."""
    try:
        stage = _read(part)
    except LayoutError as error:
        raise LayoutError(f"{_quoted(part)} {where}: {error}") from None
    if stage is None:
        raise LayoutError(_not_a_stage(part, where))
    if words:
        raise LayoutError(
            f"Stages must come before the word {words[-1]!r}. Got {part!r} after it {where}. Move the word to the end."
        )
    if before and (reason := _misplaced(stage, before[-1])):
        raise LayoutError(f"{part!r} {where}: {reason}")
    _check_number(len(before) + 1, where)
    return stage


def _misplaced(stage: Stage, below: Stage) -> str:
    """Return why `stage` cannot follow `below`, or the empty text."""
    if isinstance(below, ConnectedStage) and not isinstance(stage, ConnectedStage):
        return (
            f"after fully connected units only fully connected units can follow. Got {str(stage)!r} after "
            f"{str(below)!r}. Move it before the first …N."
        )
    return ""


def _check_number(stages: int, where: str = "") -> None:
    if stages > LARGEST_STAGES:
        raise LayoutError(f"The layout must have at most {LARGEST_STAGES} stages. Got {stages} {where}".strip() + ".")


def _read(part: str) -> Stage | None:
    """Return the stage of one part of the text, None where it has the form of none; LayoutError: out of range."""
    if (match := _CONVOLUTION.fullmatch(part)) and not (match[3] == "C" and match[5]):
        plus, units, letter, patch, regions, stride, valid = match.groups()
        return ConvolutionStage(
            units=int(units),
            patch=int(patch),
            stride=int(stride or 1),
            padding="valid" if valid else "same",
            residual=bool(plus),
            regions=1 if letter == "C" else int(regions) if regions else None,
        )
    if match := _CONNECTED.fullmatch(part):
        return ConnectedStage(units=int(match[1]))
    if (match := _POOLING.fullmatch(part)) and match[1] in POOLINGS:
        if match[2] is None:
            return PoolingStage(code=match[1], window=None, stride=1)
        return PoolingStage(code=match[1], window=int(match[2]), stride=int(match[3] or match[2]))
    return None


def _not_a_stage(part: str, where: str) -> str:
    codes = ", ".join(f"{kind.code}2 ({kind.name})" for kind in POOLINGS.values())
    words = ", ".join([*NONLINEARITIES, *NORMALIZATIONS, _NO_NORMALIZATION, *LINEAR_CLASSIFIERS])
    got = _quoted(part) if part else "nothing before or after a '-'"
    return (
        f"A stage must be like 32C5, 32C5/2, 32C5v, +32C5, 32U5, 32U5:4, {codes}, 128N, or a closing word "
        f"({words}). Got {got} {where}.{_hint(part)}"
    )


def _quoted(part: str) -> str:
    return repr(part if len(part) <= _LONGEST_QUOTE else part[:_LONGEST_QUOTE] + "…")


def _hint(part: str) -> str:
    """Return a suggestion: other letter case, spaces removed, or the closest closing word."""
    if not part or len(part) > _LONGEST_QUOTE:
        return ""
    small = "".join(part.split()).lower()
    large = re.sub(r"[a-z]{2}(?=[0-9g])|[cun]", lambda letters: letters[0].upper(), small)
    for guess in (small, large):
        if guess != part and (_role(guess) or _fits(guess)):
            return f" Did you mean {guess!r}?"
    if part.startswith("+"):
        return " Only a convolution can add its input."
    return did_you_mean(small, [*NONLINEARITIES, *LINEAR_CLASSIFIERS, *NORMALIZATIONS, _NO_NORMALIZATION])


def _fits(part: str) -> bool:
    try:
        return _read(part) is not None
    except LayoutError:
        return False
