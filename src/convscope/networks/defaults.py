"""The default layout for a dataset."""

from convscope.options.train import Effort

from .layout import Layout

SMALL, MIDDLE = 12, 40  # pixels of the shorter side
_WIDE_FROM = 28
_MANY = 5_000  # images
_GRAY_FEW = "24C5-MP2-48C3-MP2-96C3-MPg"
_GRAY_QUICK = "16C5-MP2-32C3-MP2-128N"
_GRAY_MANY = "24C5-MP2-48C3-MP2-192N"
_GRAY_SIGNS_BEST = "24C5-MP2-64C3-MP2-128C3-MP2-192N"
_GRAY_THINGS_BEST = "24C5-MP2-48C3-+48C3-MP2-96C3-+96C3-MP2-192N"
_COLOR_BEST = "24C3v-64C3-MP2-64C3-128C3-MP2-256C3-256C3-MP2-256C3-MPg"


def default_layout(
    *, height: int, width: int, channels: int, images: int, flipped: bool = False, effort: Effort = "balanced"
) -> Layout:
    """Return the default layout for `images` training images of height × width × channels.

    Small images keep their size for two stages; images of 13 to 40 pixels are halved after each. With color, and
    from 41 pixels on, each size but the last is looked at twice (the second stage adds its input), and stages go on
    until about 5 pixels are left; in large images, the first stage has stride 2. A wide fully
    connected end needs many images to learn; with few, each map is reduced to its largest value.

    Many gray images get a smaller network where time goes before accuracy (`effort` is quick), a deeper one where
    accuracy goes first (best): the deepest, if they are `flipped` while training (each stays what it is), for then
    they show things rather than signs.

    Many images in color of 28 to 40 pixels get a wider network where accuracy goes first (`effort` is best): two
    convolutions of 3 × 3 before the first pooling.

    Examples:
        >>> str(default_layout(height=28, width=28, channels=1, images=60_000))
        '24C5-MP2-48C3-MP2-192N'
        >>> str(default_layout(height=28, width=28, channels=1, images=60_000, flipped=True, effort="best"))
        '24C5-MP2-48C3-+48C3-MP2-96C3-+96C3-MP2-192N'
        >>> str(default_layout(height=32, width=32, channels=3, images=50_000))
        '32C5-MP2-64C3-+64C3-MP2-128C3-+128C3-MP2-256C3-MPg'
        >>> str(default_layout(height=32, width=32, channels=3, images=50_000, effort="best"))
        '24C3v-64C3-MP2-64C3-128C3-MP2-256C3-256C3-MP2-256C3-MPg'
    """
    side = min(height, width)
    if side < 4:
        return Layout.parse("64N-64N")
    if side <= SMALL:
        return Layout.parse("24C3-48C3-MP2-96N")
    if side <= MIDDLE and channels == 1:
        if images < _MANY:
            return Layout.parse(_GRAY_FEW)
        best = _GRAY_THINGS_BEST if flipped else _GRAY_SIGNS_BEST
        return Layout.parse({"quick": _GRAY_QUICK, "balanced": _GRAY_MANY, "best": best}[effort])
    if effort == "best" and takes_wide(height=height, width=width, channels=channels, images=images):
        return Layout.parse(_COLOR_BEST)
    return Layout.parse("-".join(_deep(side)))


def takes_wide(*, height: int, width: int, channels: int, images: int) -> bool:
    """Return whether there is a wider network for such images where accuracy goes first."""
    return channels == 3 and _WIDE_FROM <= min(height, width) <= MIDDLE and images >= _MANY


def _deep(side: int) -> list[str]:
    """Return stages that halve the image until about 5 pixels are left, then take the largest value of each map."""
    units = 32
    stages = [f"{units}C5" if side <= MIDDLE else f"{units}C5/2", "MP2"]
    left = side // 2 if side <= MIDDLE else (side + 1) // 2 // 2
    while left >= 8:
        units = min(2 * units, 256)
        stages += [f"{units}C3", *([f"+{units}C3"] if units <= 128 else []), "MP2"]
        left //= 2
    return [*stages, f"{min(2 * units, 384)}C3", "MPg"]
