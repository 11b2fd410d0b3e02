import dataclasses
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from convscope.core.errors import ModelFileError, ParameterError, StorageError
from convscope.networks.build import Network
from convscope.networks.model_file import read_model, write_model
from convscope.networks.tensor_file import read_tensors
from convscope.networks.tensors import expected_tensors
from tests.checks.disks import broken_disk
from tests.checks.layouts import Case, cases
from tests.checks.models import LAYOUTS, small_model, some_pixels
from tests.checks.work import counted_calls

from .broken_models import foreign_files, hostile_documents, hostile_headers, split, with_value


def _good() -> bytes:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"convscope-test-{os.getpid()}.safetensors"
    write_model(small_model(), path)
    try:
        return path.read_bytes()
    finally:
        path.unlink()


GOOD = _good()
BROKEN = foreign_files(GOOD) | hostile_headers(GOOD) | hostile_documents(GOOD)
IMAGES = some_pixels(5)
EXPECTED = small_model().predict_proba(IMAGES)


@pytest.mark.parametrize("text", LAYOUTS)
def test_a_model_read_back_predicts_the_same_bits(text: str, tmp_path: Path) -> None:
    model = small_model(text)
    write_model(model, tmp_path / "m.safetensors")
    back = read_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.predict_proba(some_pixels(20)), model.predict_proba(some_pixels(20)))
    for name in ("layout", "classes", "preprocessing", "training", "version"):
        assert getattr(back, name) == getattr(model, name)
    assert not any(module.training for module in back.network.modules())


@given(case=cases())
def test_the_plan_tells_the_tensors_of_the_network(case: Case) -> None:
    network = Network(case.layout, height=case.height, width=case.width, channels=case.channels, classes=case.classes)
    found = {name: (value.dtype, tuple(value.shape)) for name, value in network.state_dict().items()}
    assert expected_tensors(network.plan) == found


def test_other_programs_can_read_the_file(tmp_path: Path) -> None:
    model = small_model()
    write_model(model, tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        document = json.loads(file.metadata()["convscope"])
        weight = file.get_tensor("classifier.weight")
    assert (document["format"], document["format_version"]) == ("convscope", 1)
    assert document["classes"] == list(model.classes)
    assert torch.equal(weight, model.network.classifier.weight)


def test_a_run_folder_stands_for_the_model_in_it(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(GOOD)
    np.testing.assert_array_equal(read_model(tmp_path).predict_proba(IMAGES), EXPECTED)


def test_saving_again_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(GOOD)
    write_model(read_model(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == GOOD


def test_names_of_classes_that_nobody_could_print_are_written_out(tmp_path: Path) -> None:
    model = dataclasses.replace(small_model(), classes=("größe 猫", "two\nlines", "caf\udce9"))
    write_model(model, tmp_path / "m.safetensors")
    assert read_model(tmp_path / "m.safetensors").classes == ("größe 猫", r"two\nlines", r"caf\xe9")


def test_what_json_cannot_hold_is_refused_but_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    model = dataclasses.replace(small_model(), training={"loss": [float("nan"), {"a": float("inf")}]})
    write_model(model, tmp_path / "m.safetensors")
    assert read_model(tmp_path / "m.safetensors").training == {"loss": [None, {"a": None}]}
    with pytest.raises(ParameterError, match="`training` must be what JSON can hold"):
        write_model(dataclasses.replace(model, training={"when": object()}), tmp_path / "n.safetensors")
    with pytest.raises(ParameterError, match="`training` must make a document below 4,194,304 characters"):
        write_model(dataclasses.replace(model, training={"long": "x" * 5_000_000}), tmp_path / "n.safetensors")
    assert not (tmp_path / "n.safetensors").exists()


def test_a_model_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(GOOD)

    with monkeypatch.context() as patch:
        broken_disk(patch, "fsync")
        with pytest.raises(StorageError, match="the disk is full"):
            write_model(small_model(seed=1), path)
    assert path.read_bytes() == GOOD
    assert [file.name for file in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_file_is_refused_with_one_sentence_at_once(name: str, tmp_path: Path) -> None:
    data, reason = BROKEN[name]
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with counted_calls() as calls, pytest.raises(ModelFileError, match=reason) as caught:
        read_model(path)
    assert calls.number < 50_000 + 3 * len(data)  # of a list of 100,000 classes every name is looked at
    sentence = str(caught.value)
    assert sentence.startswith(f"{path} is no model file that can be used: ")
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert len(sentence) < 600


def test_there_are_more_than_twenty_broken_files() -> None:
    assert len(BROKEN) >= 80


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing is no model file that can be used: there is no such file\."):
        read_model(tmp_path / "nothing")
    with pytest.raises(ModelFileError, match=r"is a folder without a model\.safetensors\. Give a run folder or a"):
        read_model(tmp_path)
    with pytest.raises(ModelFileError, match="its name holds a zero byte"):
        read_model("a\0b")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="it is a folder or a device, not a file"):
        read_model(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="it cannot be read: File name too long"):
        read_model(tmp_path / ("x" * 300))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(ModelFileError, match="there is no permission to read it"):
        read_model(path)


def test_no_permission_is_a_sentence_for_root_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "m").write_bytes(GOOD)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelFileError, match="there is no permission to read it"):
        read_model(tmp_path / "m")


def test_a_file_cut_at_any_boundary_is_refused(tmp_path: Path) -> None:
    header, data = split(GOOD)
    start = len(GOOD) - len(data)
    ends = {
        start + place for name, entry in header.items() if name != "__metadata__" for place in entry["data_offsets"]
    }
    path = tmp_path / "m.safetensors"
    for end in sorted({*range(20), *range(20, start, 97), *range(start - 3, start + 3), *ends} - {len(GOOD)}):
        path.write_bytes(GOOD[:end])
        with pytest.raises(ModelFileError, match="is no model file that can be used"):
            read_model(path)


@settings(max_examples=300)
@given(bit=st.integers(0, 8 * len(GOOD) - 1))
def test_a_flipped_bit_is_found(bit: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = bytearray(GOOD)
    data[bit // 8] ^= 1 << bit % 8
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="is no model file that can be used"):
        read_model(path)


@settings(max_examples=100)
@given(data=st.binary(max_size=300), start=st.integers(0, 300))
def test_bytes_at_random_are_refused(data: bytes, start: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "random.safetensors"
    for file in (data, struct.pack("<Q", len(data)) + data, GOOD[:start] + data + GOOD[start + len(data) :]):
        path.write_bytes(file)
        try:
            back = read_model(path)
        except ModelFileError:
            continue
        np.testing.assert_array_equal(back.predict_proba(IMAGES), EXPECTED)


_CHILD = """
import resource, sys
from pathlib import Path
from convscope.core.errors import ModelFileError
from convscope.networks.model_file import read_model
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        read_model(path)
    except ModelFileError:
        continue
    print("loaded", path)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss has another unit there")
def test_refusing_takes_no_memory(tmp_path: Path) -> None:
    for place, (data, _) in enumerate(BROKEN.values()):
        (tmp_path / f"{place:03}").write_bytes(data)
    for name, start in (("sparse", 8), ("sparse header", 20)):  # a file of 40 GB that has no blocks on the disk
        with (tmp_path / name).open("wb") as file:
            file.write(GOOD[:start] if start == 8 else GOOD[: len(GOOD) - len(split(GOOD)[1])])
            file.truncate(40 << 30)
    done = subprocess.run([sys.executable, "-c", _CHILD, str(tmp_path)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 1, lines
    assert int(lines[0]) < 150  # MiB, for parsing long headers; some files ask for 4 GiB and more


def test_a_tensor_file_gives_tensors_and_metadata(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(GOOD)
    tensors, metadata = read_tensors(tmp_path / "m")
    assert set(metadata) == {"convscope"}
    state = small_model().network.state_dict()
    assert all(torch.equal(tensors[name], value) for name, value in state.items())
    (tmp_path / "m").write_bytes(GOOD[:100])
    with pytest.raises(ModelFileError, match="is no checkpoint that can be used: it is cut off"):
        read_tensors(tmp_path / "m")


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_temperature_that_is_none_is_refused(value: float, tmp_path: Path) -> None:
    write_model(small_model("4C3-MP2"), tmp_path / "m")
    (tmp_path / "m").write_bytes(with_value((tmp_path / "m").read_bytes(), "temperature", value))
    with pytest.raises(ModelFileError, match="its temperature of the logits is not above 0"):
        read_model(tmp_path / "m")


@pytest.mark.parametrize("path", ["", None, 3])
def test_what_is_no_path_is_one_sentence(path: object) -> None:
    with pytest.raises(ParameterError, match="The model must be named by the path of a file or run folder. Got "):
        read_model(path)  # type: ignore[arg-type]  # that is the point


def test_a_run_that_was_cut_off_is_to_be_finished(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoint").mkdir(parents=True)
    with pytest.raises(ModelFileError, match=r"cut off and has no model.safetensors yet. Finish it with: .* --resume"):
        read_model(tmp_path / "run")
