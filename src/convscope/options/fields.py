"""Options that several commands have: one help sentence and one range each."""

from typing import Any

from convscope.core.options import option


def batch(text: str = "Images computed at once; as memory allows by default.") -> Any:
    """Return the option `batch`."""
    return option(None, text, group="Network", metavar="N", least=1)


def labels() -> Any:
    """Return the option `labels`."""
    return option(
        None,
        "CSV file of decisions on single images (keep, other class, leave out), saved by the page of convscope check.",
        group="Data",
        metavar="FILE",
    )


def class_depth() -> Any:
    """Return the option `class_depth`."""
    return option(
        None,
        "Folder levels that form the class name: 1 for cat/, 2 for animals/cat/.",
        group="Data",
        metavar="N",
        least=1,
        most=20,
    )


def force(text: str = "Replace existing files.") -> Any:
    """Return the option `force`."""
    return option(False, text, group="Output")


def output(text: str, metavar: str = "FILE") -> Any:
    """Return the option `output`."""
    return option(None, text, metavar=metavar, short="-o")


def device() -> Any:
    """Return the option `device`."""
    return option(
        "auto",
        "Device: cuda (NVIDIA or AMD GPU), mps (Apple GPU) or cpu; auto uses the first available.",
        group="Network",
    )


def seed() -> Any:
    """Return the option `seed`."""
    return option(0, "Random seed; runs are deterministic.", metavar="N", least=0, most=2**31 - 1)


def value_range() -> Any:
    """Return the option `value_range`."""
    return option(
        None,
        "Values that become black and white, for example 0,4095; each stretches every image by itself; chosen from "
        "the dataset by default.",
        group="Data",
        metavar="LOW,HIGH|each",
    )


def size(text: str = "Size of the images in pixels; chosen from the dataset by default.") -> Any:
    """Return the option `size`."""
    return option(None, text, group="Data", metavar="SIDE|WxH")


def channels(text: str = "Gray (1) or color (3); chosen from the dataset by default.") -> Any:
    """Return the option `channels`."""
    return option(None, text, group="Data", metavar="1|3")


def classes() -> Any:
    """Return the option `classes`."""
    return option(
        None, "Number of classes of a MODEL that is a layout; 10 by default.", group="Network", metavar="K", least=1
    )


def background() -> Any:
    """Return the option `background` of a trained network."""
    return option(
        None,
        "Color behind transparency and in margins: white, black or #rrggbb; that of the network by default.",
        group="Data",
        metavar="COLOR",
    )


def workers() -> Any:
    """Return the option `workers`."""
    return option(
        None, "Threads that read images; the cores by default.", group="Data", metavar="N", least=1, most=1_024
    )
