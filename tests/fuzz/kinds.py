"""Every kind of cases, by its name, and how many of each a whole campaign has."""

from .cases import Kind
from .images_kind import Images

KINDS: dict[str, tuple[type[Kind], int]] = {
    "images": (Images, 100_000),
}
