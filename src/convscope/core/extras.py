"""Optional packages: imported where they are used, with a clear error if one is missing."""

import importlib
from types import ModuleType

from .errors import MissingPackageError


def optional(package: str, *, needed_for: str, extra: str) -> ModuleType:
    """Return the imported optional package.

    Args:
        package: name to import, for example ``"pyarrow"``.
        needed_for: feature that needs it, for example ``"Parquet files"``.
        extra: the extra of convscope that installs it.

    Raises:
        MissingPackageError: the package is not installed.

    Examples:
        >>> optional("json", needed_for="reports", extra="none").__name__
        'json'
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"{needed_for} need the package {package}, which is not installed. "
            f"Install it with: pip install 'convscope[{extra}]'"
        ) from error
