"""Which kinds are drawn as curves: there is room for four."""

from collections.abc import Sequence

from convscope.core.text import are, counted

from .records import Comparison, Entry

MOST = 4
_DISTORTED = ("convolution", "mlp-parameters", "convolution-distorted", "mlp-distorted")
_GROWING = ("convolution", "mlp-parameters", "by-hand-svm", "pixels-softmax")


def curves_by_strength(found: Comparison) -> list[Entry]:
    """Return the entries whose accuracy is drawn by strength of distortions."""
    return _foremost([entry for entry in found.measured if entry.trials[0].disturbed], _DISTORTED)


def curves_by_images(found: Comparison) -> list[Entry]:
    """Return the entries whose accuracy is drawn by number of training images."""
    return _foremost([entry for entry in found.measured if entry.curve], _GROWING)


def not_drawn(drawn: int, of: int, where: str) -> str:
    """Return a sentence on the kinds that have no curve, beginning with a space; the empty text where all have one.

    Examples:
        >>> not_drawn(4, 22, "in the table")
        ' DrawResult are 4 of 22 kinds; the others stand in the table.'
        >>> not_drawn(3, 3, "in the table")
        ''
    """
    if drawn >= of:
        return ""
    return f" DrawResult {are(drawn)} {drawn} of {counted(of, 'kind')}; the others stand {where}."


def _foremost(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    first = [entry for name in names for entry in entries if entry.kind == name]
    return (first + [entry for entry in entries if entry.kind not in names])[:MOST]
