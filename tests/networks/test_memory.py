"""A file of a few kB may describe a network that takes gigabytes: it is refused before any of it is taken."""

from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import ConvscopeError, DataError, LayoutError, ModelFileError
from convscope.features.reading import Reading
from convscope.features.trace import trace
from convscope.images.preprocessing import LARGEST_PIXELS, Preprocessing
from convscope.networks import memory
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.memory import fitting_batch, image_bytes, runs_ahead
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.networks.plan import LARGEST_COMPUTED, check_built, plan
from tests.checks.models import small_model, some_pixels

SIDE = 4_096


@pytest.mark.parametrize(
    ("text", "channels"),
    [("8C3-MPg", 1), ("-".join(["1C1"] * 30), 1), ("3C1-MP1-3C1-MPg", 3), ("MP1/1-" * 9 + "4N", 1)],
)
def test_all_maps_of_an_image_together_are_bounded(text: str, channels: int) -> None:
    planned = plan(Layout.parse(text), height=SIDE, width=SIDE, channels=channels, classes=2)
    assert planned.values > LARGEST_COMPUTED
    with pytest.raises(LayoutError, match="all its maps must have at most"):
        check_built(planned)
    with pytest.raises(LayoutError, match="all its maps must have at most"):
        Network(Layout.parse(text), height=SIDE, width=SIDE, channels=channels, classes=2)


def test_a_model_file_of_a_few_kb_that_asks_for_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr("convscope.networks.build.check_built", lambda _: None)
        network = Network(Layout.parse("-".join(["1C1"] * 30)), height=SIDE, width=SIDE, channels=1, classes=2)
    layer = Preprocessing(height=SIDE, width=SIDE, channels=1)
    write_model(Model(network=network, classes=("a", "b"), preprocessing=layer), path)
    with pytest.raises(ModelFileError, match="all its maps must have at most"):
        read_model(path)


@pytest.mark.parametrize("sides", [(16_384, 16_384), (16_384, 1_025), (4_097, 4_096)])
def test_no_model_takes_images_of_more_pixels_than_the_largest(sides: tuple[int, int]) -> None:
    assert sides[0] * sides[1] > LARGEST_PIXELS
    with pytest.raises(ConvscopeError, match="at most 16,777,216"):
        Preprocessing(height=sides[0], width=sides[1])
    with pytest.raises(ConvscopeError, match="at most 16,777,216"):
        plan(Layout.parse("2C3"), height=sides[0], width=sides[1], channels=1, classes=2)


def test_a_batch_shrinks_to_what_there_is_room_for_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = small_model(), some_pixels(7)
    expected, features = model.predict_proba(images), np.concatenate(list(Reading().of(model, images)))
    room = 3 * image_bytes(model.network.plan) / 0.8
    monkeypatch.setattr(memory, "available_bytes", lambda: int(room))
    assert fitting_batch(model.network.plan, 256) in (2, 3)
    np.testing.assert_allclose(model.predict_proba(images), expected, atol=1e-5)
    parts = list(Reading().of(model, images))
    assert max(map(len, parts)) <= 3
    np.testing.assert_allclose(np.concatenate(parts), features, atol=1e-4)


def test_where_there_is_no_room_for_one_image_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000)
    for ask in (lambda: model.predict_proba(some_pixels(1)), lambda: trace(model, some_pixels(1)[0])):
        with pytest.raises(DataError, match="must be memory for one image"):
            ask()


def test_units_that_are_not_shared_count_with_their_patches() -> None:
    shared, local = (plan(Layout.parse(text), height=64, width=64, channels=3, classes=2) for text in ("8C9", "8U9"))
    assert image_bytes(local) > 10 * image_bytes(shared)


def test_few_large_images_wait_and_many_small_ones() -> None:
    assert runs_ahead(32, 1 << 22) == 32
    assert runs_ahead(32, 3 * LARGEST_PIXELS) == 5
