"""A check in shards finds what one command finds, whoever computed which part."""

import shutil
from pathlib import Path

import pytest

from convscope.api.check import check
from convscope.api.check_in_shards import check_in_shards
from convscope.api.check_with_network import PAGE
from convscope.api.shards import merge
from convscope.cli import main
from convscope.core.context import Context
from convscope.core.errors import DataError, ParameterError
from convscope.images.inspection import Inspection
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.options.check import CheckOptions
from convscope.options.shards import ShardOptions
from tests.api.test_check_with_network import WRONG, data, network  # noqa: F401  # fixtures

pytest.importorskip("pyarrow.parquet")
BAD = "red/bad.png"


def test_a_check_in_shards_finds_what_one_command_finds(
    data: Path,  # noqa: F811
    network: Model,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, out, model = tmp_path / "set", tmp_path / "out", tmp_path / "model.safetensors"
    shutil.copytree(data, root)
    (root / BAD).write_bytes(b"no image")
    write_model(network, model)
    words = ["check", str(root), "--model", str(model), "--shards", str(out), "--shard-size", "16", "--quiet"]
    assert sorted(main([*words, "--part", f"{number}/2"]) for number in (1, 2)) == [0, 1], "one has the unusable image"
    assert "3 of 3 shards finished" in capsys.readouterr().out
    how, options = ShardOptions(shards=str(out), shard_size=16), CheckOptions(model=model, output=tmp_path / "page")
    found = check_in_shards(root, how, options)
    assert isinstance(found, Inspection)
    whole = check(root, model=model, context=Context(cache_dir=tmp_path / "cache"))
    assert [one.name for one in found.unusable] == [one.name for one in whole.unusable] == [BAD]
    assert [(one.name, one.kind, one.detail, one.others) for one in found.scored] == [
        (one.name, one.kind, one.detail, one.others) for one in whole.scored
    ]
    assert [one.score for one in found.scored] == pytest.approx([one.score for one in whole.scored], abs=1e-3)
    assert WRONG in (tmp_path / "page" / PAGE).read_text(encoding="utf-8")
    assert merge(out).images == found.images
    (out / "part-00001.parquet").write_bytes((out / "part-00000.parquet").read_bytes())
    with pytest.raises(DataError, match="images of its shard|not the"):
        check_in_shards(root, how, CheckOptions(model=model))


@pytest.mark.parametrize(
    ("how", "options", "word"),
    [
        ({"part": "1/2"}, {"output": "page"}, "verdict"),
        ({"part": "17/16"}, {}, "I/N"),
        ({"cluster": "slurm"}, {}, "tcp://"),
        ({}, {"model": None}, "`model`"),
    ],
)
def test_what_does_not_go_together_is_refused(
    how: dict[str, str],
    options: dict[str, str],
    word: str,
    data: Path,  # noqa: F811
    network: Model,  # noqa: F811
    tmp_path: Path,
) -> None:
    given = CheckOptions(**{"model": network, **options})
    with pytest.raises(ParameterError, match=word):
        check_in_shards(data, ShardOptions(shards=tmp_path / "out", **how), given)
    assert not list(tmp_path.rglob("part-*"))
