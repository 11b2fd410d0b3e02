"""The page's modules run by node, as they are in ``static/``."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import convscope

NODE = shutil.which("node") or shutil.which("nodejs")
STATIC = Path(convscope.__file__).parent / "explorer" / "static"

needs_node = pytest.mark.skipif(NODE is None, reason="the page's programs are tested with node, which is not installed")


def run_driver(driver: str, value: Any, folder: Path) -> Any:
    """Return what ``tests/page/<driver>`` writes when it is given `value`, both as JSON."""
    shutil.copytree(STATIC, folder / "look", dirs_exist_ok=True)
    shutil.copy(Path(__file__).with_name(driver), folder / driver)
    (folder / "package.json").write_text('{"type": "module"}')  # these are ES modules
    (folder / "given.json").write_text(json.dumps(value), encoding="utf-8")
    assert NODE is not None
    command = [NODE, driver, "given.json", "made.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads((folder / "made.json").read_text(encoding="utf-8"))
