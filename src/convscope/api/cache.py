"""Show or clear the images that are kept decoded."""

from dataclasses import dataclass
from pathlib import Path

from convscope.core.arguments import check_arguments
from convscope.images.cache.folder import CacheEntry, cache_folder, clear, entries
from convscope.images.cache.limit import limit_bytes


@dataclass(frozen=True, kw_only=True)
class CacheContents:
    """The cache as it stands.

    Attributes:
        folder: where it is.
        limit: how many bytes it may take.
        bytes: how many it takes.
        entries: what stands in it, the one used last first.
        freed: bytes that were removed now.
        kept: how many entries were not removed because a process uses them.
    """

    folder: str
    limit: int
    bytes: int
    entries: tuple[CacheEntry, ...]
    freed: int = 0
    kept: int = 0


def cache(*, clear_all: bool = False, cache_dir: Path | None = None) -> CacheContents:
    """Return what the cache holds; with `clear_all` after everything was removed that no process uses.

    Only folders that convscope made are ever removed.

    Args:
        clear_all: remove the entries.
        cache_dir: the folder; CONVSCOPE_CACHE or the user's cache folder if none.

    Raises:
        ParameterError: CONVSCOPE_CACHE_LIMIT is no size.

    Examples:
        >>> import tempfile
        >>> cache(cache_dir=Path(tempfile.mkdtemp())).entries
        ()
    """
    check_arguments(locals())
    folder = cache_folder(cache_dir)
    freed, kept = clear(folder) if clear_all else (0, 0)
    found = entries(folder)
    return CacheContents(
        folder=str(folder),
        limit=limit_bytes(folder),
        bytes=sum(entry.bytes for entry in found),
        entries=tuple(found),
        freed=freed,
        kept=kept,
    )
