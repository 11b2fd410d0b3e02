"""What a network has that no graph of layers can say, and how far it can be read."""

from convscope.core.errors import DataError


class UnsupportedError(DataError):
    """An operation cannot be expressed as layers.

    Args:
        operator: what the network's own format calls it.
        place: path of its module, or name of its node.
        reason: why it cannot be expressed: the end of a sentence.
        last_layer: the last layer before it, up to which the network can be read; empty if there is none.
        remedy: what else helps: a sentence.

    Examples:
        >>> print(UnsupportedError("aten.bmm", "encoder.attention", "it multiplies two computed tensors", "stem.conv"))
        `aten.bmm` in encoder.attention cannot be read: it multiplies two computed tensors. Take the network up to the \
layer before it with `up_to="stem.conv"`.
    """

    def __init__(self, operator: str, place: str, reason: str, last_layer: str = "", remedy: str = "") -> None:
        self.operator, self.place, self.reason, self.last_layer = operator, place, reason, last_layer
        where = f" in {place}" if place else ""
        help_ = f' Take the network up to the layer before it with `up_to="{last_layer}"`.' if last_layer else ""
        super().__init__(
            f"`{operator}` {where.strip()} cannot be read: {reason}.".replace("`  ", "` ")
            + help_
            + (f" {remedy}" if remedy else "")
        )


class InexpressibleError(Exception):
    """A value cannot be seen in the way that an operation asks for; the text is the end of a sentence."""
