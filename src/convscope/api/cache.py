"""Show or clear the cache of decoded images."""

from dataclasses import dataclass

from convscope.core.context import Context, context_of
from convscope.core.options import documented, options_from
from convscope.images.cache import folder as folders
from convscope.images.cache.limit import limit_bytes
from convscope.options.check import CacheOptions


@dataclass(frozen=True, kw_only=True)
class CacheResult:
    """The contents of the cache.

    Attributes:
        folder: its path.
        limit: the largest number of bytes.
        bytes: the number of bytes.
        entries: the datasets in it, the last used first.
        freed: bytes removed by this call.
        in_use: entries that stay because a process uses them.
    """

    folder: str
    limit: int
    bytes: int
    entries: tuple[folders.CacheEntry, ...]
    freed: int = 0
    in_use: int = 0


@documented(CacheOptions)
def cache(*, clear: bool = False, context: Context | None = None) -> CacheResult:
    """Return the contents of the cache; with `clear` after removing every entry that no process uses.

    Only folders that convscope made are removed.

    Args:
        context: its `cache_dir` is the cache; by default CONVSCOPE_CACHE or the user's cache folder.

    Raises:
        ParameterError: CONVSCOPE_CACHE_LIMIT is no size.

    Examples:
        >>> import convscope, tempfile
        >>> cache(context=convscope.Context(cache_dir=tempfile.mkdtemp())).entries
        ()
    """
    options = options_from(CacheOptions, locals())
    folder = folders.cache_folder(context_of(context).cache_dir)
    freed, in_use = folders.clear(folder) if options.clear else (0, 0)
    entries = folders.entries(folder)
    return CacheResult(
        folder=str(folder),
        limit=limit_bytes(folder),
        bytes=sum(entry.bytes for entry in entries),
        entries=tuple(entries),
        freed=freed,
        in_use=in_use,
    )
