"""``convscope convert`` as a user calls it."""

import json
from pathlib import Path

import onnx
import pytest

import convscope
from convscope.cli import main
from convscope.networks.export.onnx_export import onnx_bytes
from convscope.networks.model_file import write_model
from tests.checks.models import graph_model


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_model(graph_model(), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def test_there_and_back(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "新しい" / "網.onnx"
    assert main(["convert", str(file), "-o", str(target)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{target}: 10 layers, 309 parameters, 14x17 pixels of 3 channels, 3 classes"
    assert out[1].startswith("compared with the original: the output differs by ")
    (tmp_path / "names.json").write_text('["猫", "犬", "鳥"]', encoding="utf-8")
    words = [
        "convert",
        str(target),
        "-o",
        str(tmp_path / "back.safetensors"),
        "--classes",
        str(tmp_path / "names.json"),
    ]
    assert main(words) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[2].startswith("layers: 10 of 10 compared")
    assert convscope.load(tmp_path / "back.safetensors").classes == ("猫", "犬", "鳥")


def test_json_has_everything(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(file), "-o", str(tmp_path / "m.onnx"), "--preprocessing", "outside"]) == 0
    capsys.readouterr()
    words = ["convert", str(tmp_path / "m.onnx"), "-o", str(tmp_path / "x.safetensors"), "--json"]
    words += ["--mean", "0.5,0.4,0.3", "--std", "0.2", "--scale", "1", "--color", "rgb", "--up-to", "gate"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["layers"], found["classes"], found["path"]) == (4, 6, str(tmp_path / "x.safetensors"))
    assert found["proof"]["compared"] == 4


def test_an_onnx_file_predicts(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(file), "-o", str(tmp_path / "m.onnx")]) == 0
    (tmp_path / "image.pgm").write_bytes(b"P5 14 17 255\n" + bytes(range(238)))
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "m.onnx"), str(tmp_path / "image.pgm"), "--quiet"]) == 0
    first = capsys.readouterr().out
    assert main(["predict", str(file), str(tmp_path / "image.pgm"), "--quiet"]) == 0
    assert capsys.readouterr().out == first
    assert "class " in first


def test_what_was_assumed_of_an_onnx_file_is_told(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = onnx.load_from_string(onnx_bytes(graph_model().network, preprocessing="outside"))
    del bare.metadata_props[:]
    (tmp_path / "m.onnx").write_bytes(bare.SerializeToString())
    (tmp_path / "image.pgm").write_bytes(b"P5 14 17 255\n" + bytes(range(238)))
    assert main(["predict", str(tmp_path / "m.onnx"), str(tmp_path / "image.pgm")]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert "It was assumed" in notes[0]
    assert "convscope convert m.onnx -o model.safetensors --mean" in notes[0]
    assert main(["convert", str(tmp_path / "m.onnx"), "-o", str(tmp_path / "x.safetensors")]) == 0
    assert notes[0] in capsys.readouterr().out


def test_a_command_that_has_no_such_option_names_the_one_that_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dynamic = onnx.load_from_string(onnx_bytes(graph_model().network, preprocessing="outside"))
    for axis in (2, 3):
        dynamic.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"side{axis}"
    (tmp_path / "m.onnx").write_bytes(dynamic.SerializeToString())
    (tmp_path / "image.pgm").write_bytes(b"P5 14 17 255\n" + bytes(range(238)))
    assert main(["predict", "m.onnx", "image.pgm"]) == 2
    assert "with `convscope convert m.onnx -o model.safetensors --size 224`, for example.\n" in capsys.readouterr().err
    assert main(["convert", "m.onnx", "-o", "m.safetensors"]) == 2
    assert "with `--size 224`, for example.\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "`--output` must be given"),
        (["-o", "m.pt"], "`--output` must end in .safetensors or .onnx"),
        (["-o", "x.onnx", "--opset", "12"], "`--opset`"),
        (["-o", "x.onnx", "--opset", "x"], "--opset"),
        (["-o", "x.onnx", "--mean", "0.5,a,1"], "must be numbers"),
        (["-o", "x.onnx", "--mean", "0.5"], "`--mean` must be left out"),
        (["-o", "x.onnx", "--scale", "256"], "--scale"),
        (["-o", "x.onnx", "--color", "gbr"], "--color"),
        (["-o", "x.onnx", "--size", "14x"], "--size"),
        (["-o", "x.onnx", "--preprocessing", "outsid"], "outside"),
        (
            ["-o", "x.onnx", "--up-to", "gatd"],
            "`--up-to` must be a layer of the network. Got 'gatd'. Did you mean 'gate",
        ),
        (["-o", "x.onnx", "--classes", "nowhere.txt"], "nowhere.txt"),
        (["-o", "x.safetensors", "--opset", "17"], "`--opset` must be left out"),
        (["-o", "m.safetensors"], "another file than the inputs"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(
    words: list[str], sentence: str, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    before = file.read_bytes()
    assert main(["convert", "m.safetensors", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert [path.name for path in file.parent.iterdir()] == ["m.safetensors"]
    assert file.read_bytes() == before
