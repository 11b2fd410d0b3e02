"""The layout: a whole network as one line of text, after the notation of the literature (Cireşan et al. 2012).

The grammar, with `-` between the parts::

    32C5     32 units convolved on 5 × 5 patches     32C5/2  stride 2     32C5v  valid, no padding     +32C5  adds its input
    MP2      max of 2 × 2 windows (AP mean, SS subset)     MP3/2  windows of 3, stride 2     MPg  the whole map
    128N     128 fully connected units
    tanh     at the end: the nonlinearity of every stage (relu unless said)
    nonorm   at the end: no normalization
    softmax  at the end: the classifier
"""

import re
from dataclasses import dataclass
from typing import Literal

from convscope.core.errors import LayoutError, did_you_mean
from convscope.stages.convolution import Connected, Convolution
from convscope.stages.nonlinearity import NONLINEARITIES
from convscope.stages.subsampling import KINDS, Subsampling

Stage = Convolution | Subsampling | Connected

CLASSIFIERS = ("softmax",)
_NO_NORMALIZATION = "nonorm"
_LONGEST_TEXT = 4_000
_NUMBER = r"([0-9]{1,6})"
_CONVOLUTION = re.compile(rf"(\+?){_NUMBER}C{_NUMBER}(?:/{_NUMBER})?(v?)")
_SUBSAMPLING = re.compile(rf"([A-Z]{{2}})(?:{_NUMBER}(?:/{_NUMBER})?|g)")
_CONNECTED = re.compile(rf"{_NUMBER}N")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A whole network: its stages in order, the nonlinearity, whether it normalizes, and its classifier."""

    stages: tuple[Stage, ...]
    nonlinearity: str = "relu"
    normalization: bool = True
    classifier: Literal["softmax"] = "softmax"

    @staticmethod
    def parse(text: str) -> "Layout":
        """Return the layout that `text` describes.

        Raises:
            LayoutError: it is none; the message names the position and what is allowed there.

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
        words += [] if self.normalization else [_NO_NORMALIZATION]
        words += [self.classifier] if self.classifier != "softmax" or not words else []
        return "-".join(words)


def _parse(text: str) -> Layout:
    if not text.strip():
        raise LayoutError("The layout is empty. Write stages joined by '-', for example 32C5-MP2-64C5-MP2-128N.")
    if len(text) > _LONGEST_TEXT:
        raise LayoutError(f"The layout must have at most {_LONGEST_TEXT:,} characters. Got {len(text):,}.")
    stages: list[Stage] = []
    words: dict[str, str] = {}
    position = 1
    for part in text.strip().split("-"):
        role = _role(part)
        if role is not None:
            if role in words:
                raise LayoutError(
                    f"The layout says its {role} twice: {words[role]!r} and {part!r} (position {position})."
                )
            words[role] = part
        else:
            stages.append(_stage(part, position, stages, list(words.values())))
        position += len(part) + 1
    return Layout(
        stages=tuple(stages),
        nonlinearity=words.get("nonlinearity", "relu"),
        normalization="normalization" not in words,
    )


def _role(part: str) -> str | None:
    """Return what a closing word settles, or None when `part` is no such word."""
    if part in NONLINEARITIES:
        return "nonlinearity"
    if part in CLASSIFIERS:
        return "classifier"
    return "normalization" if part == _NO_NORMALIZATION else None


def _stage(part: str, position: int, before: list[Stage], words: list[str]) -> Stage:
    where = f"(position {position})"
    if words:
        raise LayoutError(f"Stages come before the word {words[-1]!r}. Got {part!r} after it {where}.")
    try:
        stage = _read(part)
    except LayoutError as error:
        raise LayoutError(f"{part!r} {where}: {error}") from None
    if stage is None:
        raise LayoutError(_not_a_stage(part, where))
    if before and isinstance(before[-1], Connected) and not isinstance(stage, Connected):
        raise LayoutError(
            f"After fully connected units only fully connected units can follow. Got {part!r} {where} after "
            f"{str(before[-1])!r}. Move it before the first …N."
        )
    if isinstance(stage, Convolution) and stage.residual and not before:
        raise LayoutError(f"The first stage cannot add its input to itself. Got {part!r} {where}. Remove the '+'.")
    return stage


def _read(part: str) -> Stage | None:
    if match := _CONVOLUTION.fullmatch(part):
        plus, units, patch, stride, valid = match.groups()
        return Convolution(
            units=int(units),
            patch=int(patch),
            stride=int(stride or 1),
            padding="valid" if valid else "same",
            residual=bool(plus),
        )
    if match := _CONNECTED.fullmatch(part):
        return Connected(units=int(match[1]))
    if (match := _SUBSAMPLING.fullmatch(part)) and match[1] in KINDS:
        if match[2] is None:
            return Subsampling(code=match[1], window=None, stride=1)
        return Subsampling(code=match[1], window=int(match[2]), stride=int(match[3] or match[2]))
    return None


def _not_a_stage(part: str, where: str) -> str:
    codes = ", ".join(f"{kind.code}2 ({kind.name})" for kind in KINDS.values())
    got = repr(part) if part else "nothing between two '-'"
    hint = did_you_mean(part, [*NONLINEARITIES, *CLASSIFIERS, _NO_NORMALIZATION]) if part.islower() else ""
    if not hint and part and _read_or_none(part.upper().replace("V", "v")):
        hint = f" Did you mean {part.upper().replace('V', 'v')!r}?"
    return (
        f"A stage must be like 32C5, 32C5/2, 32C5v, +32C5, {codes}, 128N, or a closing word "
        f"({', '.join([*NONLINEARITIES, _NO_NORMALIZATION, *CLASSIFIERS])}). Got {got} {where}.{hint}"
    )


def _read_or_none(part: str) -> Stage | None:
    try:
        return _read(part)
    except LayoutError:
        return None
