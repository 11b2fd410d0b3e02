"""``convscope features`` as a user calls it."""

from pathlib import Path

import numpy as np
import pytest

import convscope
from convscope.cli import main
from convscope.cli.features import table
from convscope.core.statistics import Proportion
from convscope.features.classifiers import CLASSIFIERS, ClassifierResult
from convscope.options.features import CLASSIFIER_NAMES


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    convscope.train("digits", layout="8C3-MP2", epochs=2, output=folder, force=True)
    return folder


def test_a_file_and_a_table(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "x.npz"
    assert (
        main(["features", str(run), "digits", "-o", str(target), "--pool", "mean", "--classifiers", "lda, softmax"])
        == 0
    )
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{target}: 1,797 images, 8 values each"
    assert out[1].split()[:2] == ["classifier", "accuracy"]
    assert {line.split()[0] for line in out[2:4]} == {"lda", "softmax"}
    assert out[4] == "evaluated on 359 images that none of them was trained on"
    assert out[5].startswith("strengths are fixed here; train --start --head chooses them")
    with np.load(target) as saved:
        assert saved["features"].shape == (1797, 8)


def test_with_nothing_to_do_or_an_unknown_classifier_it_ends_at_once(run: Path, capsys) -> None:
    assert main(["features", str(run), "digits"]) == 2
    assert "Give a file for the features (-o features.npz)" in capsys.readouterr().err
    assert main(["features", str(run), "no such folder", "--classifiers", "swm"]) == 2
    assert "Did you mean 'svm'" in capsys.readouterr().err


def test_the_table_lines_up_and_ends_with_complaints() -> None:
    evaluated = [
        ClassifierResult(
            name="rbf-svm", accuracy=Proportion(correct=359, total=359), fit_seconds=1234.5, predict_us=98765.0
        ),
        ClassifierResult(
            name="knn",
            accuracy=Proportion(correct=1, total=359),
            fit_seconds=0.0,
            predict_us=1.0,
            note="it did not converge",
        ),
    ]
    lines = table(evaluated).splitlines()
    assert lines[1].startswith("rbf-svm       100.00%   98.94% to 100.00%  1234.50 s   98765 µs each")
    assert len(lines[1]) == len(lines[2]) == len(lines[0])
    assert lines[-1] == "knn: it did not converge"


def test_the_help_names_every_classifier() -> None:
    assert set(CLASSIFIER_NAMES) == set(CLASSIFIERS)


def test_layer_names_are_shown_with_and_without_images(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", str(run), "--layer-names", "--pool", "mean"]) == 0
    expected = [
        "--stage  --layer       computes  values of one image  receptive field",
        "      0  image         pixels    1                    1x1",
        "         convolution1  8C3       8                    3x3",
        "      1  pooling1      MP2       8                    4x4",
        "         classifier    10N       10                   10x10",
    ]
    assert capsys.readouterr().out.splitlines() == expected
    target = tmp_path / "x.npy"
    assert main(["features", str(run), "digits", "--layer-names", "--pool", "mean", "-o", str(target)]) == 0
    assert capsys.readouterr().out.splitlines() == [*expected, f"{target}: 1,797 images, 8 values each"]
    assert main(["features", str(run), "-o", str(target)]) == 2
    assert "Give the images (DATA) behind the model" in capsys.readouterr().err


def test_a_grid_larger_than_the_maps_is_one_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.npy"
    assert main(["features", str(run), "digits", "--pool", "grid99", "-o", str(target)]) == 2
    assert "`--pool` must be grid4 or smaller for maps of 4 × 4. Got 'grid99'." in capsys.readouterr().err
    assert not target.exists()
    assert main(["features", str(run), "--layer-names", "--pool", "grid8"]) == 0  # the pixels have 8 × 8
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line[9:23].strip() for line in lines] == ["image", "convolution1", "classifier"]
    assert main(["features", str(run), "--layer-names", "--pool", "grid9"]) == 2
    assert "`--pool` must be grid8 or smaller" in capsys.readouterr().err


def test_what_no_model_file_can_hold_is_refused_before_any_image_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "features",
        "none.safetensors",
        "digits",
        "--classifiers",
        "svm",
        "--save",
        "s.safetensors",
        "--pool",
        "grid2",
    ]
    assert main(words) == 2
    assert "`--pool` must be none, mean or max for" in capsys.readouterr().err
