"""Workers, nodes and drivers that are killed in the middle of shards: every image exactly once, as on one machine."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from convscope.api.predict import predict
from convscope.core.errors import ConvscopeError
from convscope.networks.model_file import write_model
from convscope.shards.on_ray import on_ray
from tests.checks.models import small_model
from tests.images.generated import save

parquet = pytest.importorskip("pyarrow.parquet")
DRIVER = Path(__file__).parent / "cluster_driver.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks, which this system cannot")
@pytest.mark.parametrize("engine", ["parts", "dask", pytest.param("ray", marks=pytest.mark.slow)])
def test_every_image_has_its_result_exactly_once_whatever_is_killed(engine: str, tmp_path: Path) -> None:
    package = {"dask": "distributed", "ray": "ray"}.get(engine)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"clusters of {engine.title()} are tested with {package}, which is not installed")
    model = small_model()
    write_model(model, tmp_path / "m.safetensors")
    size = (1500, 1500) if engine == "ray" else (20, 20)
    first = save(tmp_path / "images" / "0.png", 0, size)
    for number in range(1, 24):
        if engine == "ray":
            (tmp_path / "images" / f"{number}.png").hardlink_to(first)
        else:
            save(tmp_path / "images" / f"{number}.png", number, size)
    done = subprocess.run(
        [sys.executable, str(DRIVER), engine, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["killed"] == [-9]
    assert set(found["codes"]) == {0}
    assert 0 < found["before"] < 12
    rows = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    expected = predict(model, tmp_path / "images")
    assert [row["image"] for row in rows] == [one.image for one in expected]
    assert [row["class"] for row in rows] == [one.label for one in expected]
    np.testing.assert_allclose([row["probability"] for row in rows], [one.probability for one in expected], rtol=1e-5)


@pytest.mark.parametrize(("address", "variable"), [("ray://127.0.0.1:1", ""), ("ray", "127.0.0.1:1")])
def test_a_cluster_of_ray_that_is_not_there_is_told_at_once(
    address: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(*_given: object, **_settings: object) -> None:
        raise AssertionError("Ray would try for minutes")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init))  # type: ignore[arg-type]  # enough of it
    monkeypatch.setenv("RAY_ADDRESS", variable)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    with pytest.raises(ConvscopeError, match=r"Ray must run at .*127\.0\.0\.1:1\. It does not answer"):
        list(on_ray(address, "out", "", [0], "cpu"))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
