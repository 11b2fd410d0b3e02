import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.core.errors import DataError, ParameterError, StorageError
from convscope.training.history import EpochRecord, History, read_history
from tests.checks.laws import LAWS

HEAD = "epoch,step,seconds,images_per_second,learning_rate,loss,accuracy,validation_loss,validation_accuracy\n"
numbers = st.floats(allow_nan=False)
maybe = st.none() | numbers


def epoch(number: int = 1, **changes: float | None) -> EpochRecord:
    record = EpochRecord(
        epoch=number,
        step=number * 6,
        seconds=0.7 * number,
        images_per_second=2053.1,
        learning_rate=3e-3,
        loss=1 / number,
        accuracy=1 - 0.5 / number,
        validation_loss=0.3,
        validation_accuracy=0.9,
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn) -> History:
    size = draw(st.integers(0, 5))
    steps = sorted(draw(st.sets(st.integers(0, 10**12), min_size=size, max_size=size)))
    return History(
        epochs=tuple(
            EpochRecord(
                epoch=place + 1,
                step=step,
                seconds=draw(numbers),
                images_per_second=draw(numbers),
                learning_rate=draw(numbers),
                loss=draw(numbers),
                accuracy=draw(numbers),
                validation_loss=draw(maybe),
                validation_accuracy=draw(maybe),
            )
            for place, step in enumerate(steps)
        )
    )


@LAWS
@given(history=histories())
def test_what_is_read_equals_what_was_written(history: History, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("run") / "history.csv"
    history.write(path)
    assert read_history(path) == history


def test_the_table_has_one_head_and_one_line_an_epoch(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    History(epochs=(epoch(1), epoch(2, validation_loss=None, validation_accuracy=None))).write(path)
    text = path.read_text()
    assert text.startswith(HEAD)
    assert text.splitlines()[2] == "2,12,1.4,2053.1,0.003,0.5,0.75,,"


def test_numbers_of_numpy_are_written_as_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    History(epochs=(epoch(1, loss=np.float64(0.25), accuracy=np.float64(0.5)),)).write(path)
    assert "np." not in path.read_text()
    assert read_history(path).epochs[0].loss == 0.25


def test_a_loss_that_is_not_finite_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    History(epochs=(epoch(1, loss=math.nan, validation_loss=math.inf),)).write(path)
    read = read_history(path).epochs[0]
    assert math.isnan(read.loss)
    assert read.validation_loss == math.inf


def test_epochs_out_of_order_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"order of training\. Got epoch 1 \(step 6\) after epoch 2 \(step 12\)"):
        History(epochs=(epoch(2), epoch(1)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must begin with the line epoch,step,"),
        ("a,b\n1,2\n", "must begin with the line epoch,step,"),
        (HEAD + "1,6,0.7\n", r"line 2 must have 9 values\. Got 3"),
        (HEAD + "1.5,6,1,1,1,1,1,,\n", r"line 2: `epoch` must be a whole number\. Got '1.5'"),
        (HEAD + "1,6,1,1,1,x,1,,\n", r"line 2: `loss` must be a number\. Got 'x'"),
        (HEAD + "1,6,1,1,1,,1,,\n", r"line 2: `loss` must be a number\. Got ''"),
        (HEAD + "2,12,1,1,1,1,1,,\n1,6,1,1,1,1,1,,\n", "is damaged: `epochs` must be in the order"),
    ],
)
def test_a_table_that_is_no_history_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_history(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="must be a table in UTF-8"):
        read_history(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot read .*history\.csv: No such file"):
        read_history(tmp_path / "history.csv")


def test_a_history_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write .*history.csv"):
        History().write(tmp_path / "file" / "history.csv")
