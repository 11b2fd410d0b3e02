"""A training from a start that is killed within the write of a file ends, resumed, with the bits of a whole one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent / "kill_driver.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks, which this system cannot")
def test_a_training_killed_within_the_write_of_a_file_ends_with_the_same_weights(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.transfer.kill_driver", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=DRIVER.parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert len(result) == 3 + 4 + 4
    assert {tuple(one["codes"]) for one in result.values()} == {(0, -9, 0)}
    assert [name for name, one in result.items() if not one["equal"] or one["left"]] == []
