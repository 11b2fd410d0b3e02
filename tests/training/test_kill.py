"""A run that was killed and resumed, again and again, ends with the bits of a run that never was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent / "kill_driver.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks, which this system cannot")
def test_a_run_killed_at_twenty_random_moments_ends_with_the_same_weights(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path), "0"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["whole"] == 0
    assert result["last"] == 0
    assert set(result["codes"]) <= {0, -9}
    assert result["codes"].count(-9) == 20
    assert result["equal"]
    assert result["leftovers"] == []
