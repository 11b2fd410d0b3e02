"""Blocks of a network: its layers gathered by the names of the modules that they are parts of."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_BLOCKS = 40


@dataclass(frozen=True, kw_only=True)
class Block:
    """Layers with a part of their names in common.

    Attributes:
        name: what they have in common; of a single layer, its name.
        layers: their indices, in order; the values of the last are those of the block.
    """

    name: str
    layers: tuple[int, ...]


def blocks_of(names: Sequence[str], most: int = MOST_BLOCKS) -> tuple[Block, ...]:
    """Return the layers in at most `most` blocks, as small as the names allow; every layer by itself where that fits.

    Names are cut at the same depth everywhere, where they have dots; names without are gathered by their order.

    Args:
        names: of the layers, in the order in which they are computed.
        most: number of blocks.

    Examples:
        >>> names = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2", "fc"]
        >>> [block.name for block in blocks_of(names, most=4)]
        ['conv1', 'layer1.0', 'layer1.1', 'fc']
        >>> [block.name for block in blocks_of(names, most=3)]
        ['conv1', 'layer1', 'fc']
        >>> [block.name for block in blocks_of(["a", "b", "c", "d"], most=2)]
        ['a … b', 'c … d']
    """
    deepest = max(name.count(".") for name in names) + 1
    by_depth = [_cut(names, depth) for depth in range(1, deepest + 1)]
    fitting = [blocks for blocks in by_depth if len(blocks) <= most]
    if not fitting:
        return _in_order(names, most)
    finest = max(map(len, fitting))
    return next(blocks for blocks in fitting if len(blocks) == finest)


def _cut(names: Sequence[str], depth: int) -> tuple[Block, ...]:
    """Return the layers whose names have the first `depth` parts in common, by the last of each."""
    members: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        members.setdefault(".".join(name.split(".")[:depth]), []).append(index)
    ordered = sorted(members.items(), key=lambda item: item[1][-1])
    return tuple(
        Block(name=names[layers[0]] if len(layers) == 1 else name, layers=tuple(layers)) for name, layers in ordered
    )


def _in_order(names: Sequence[str], most: int) -> tuple[Block, ...]:
    """Return runs of neighboring layers of about the same number."""
    ends = [round(len(names) * (number + 1) / most) for number in range(most)]
    runs = [range(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    return tuple(Block(name=f"{names[run[0]]} … {names[run[-1]]}", layers=tuple(run)) for run in runs)
