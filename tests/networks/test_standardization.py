"""How a network of others wants its pixels: read from what it carries, or asked for."""

from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from torch import nn

from convscope.core.errors import ParameterError
from convscope.networks.foreign.standardization import IMAGENET_MEAN, IMAGENET_STD, Standardization, standardization_of

HALF = (0.5, 0.5, 0.5)
PROCESSOR = {"image_mean": HALF, "image_std": HALF, "size": {"height": 32, "width": 48}, "rescale_factor": 1 / 255}
CARRIED: dict[str, tuple[Any, tuple[int, int] | None]] = {
    "a dict": ({"mean": HALF, "std": HALF, "size": "48x32"}, (32, 48)),
    "numbers of 0 to 255": ({"mean": (127.5,) * 3, "std": (127.5,) * 3, "scale": 255}, None),
    "one for all": ({"mean": 0.5, "std": 0.5, "size": 32}, (32, 32)),
    "torchvision": (SimpleNamespace(mean=HALF, std=HALF, crop_size=[32], resize_size=[40]), (32, 32)),
    "torchvision, segmentation": (SimpleNamespace(mean=HALF, std=HALF, resize_size=[40]), (40, 40)),
    "Hugging Face": (SimpleNamespace(**PROCESSOR), (32, 48)),
    "Hugging Face, an edge": (SimpleNamespace(**PROCESSOR | {"size": {"shortest_edge": 32}}), (32, 32)),
    "Hugging Face, a crop": (
        SimpleNamespace(**PROCESSOR | {"do_center_crop": True, "crop_size": {"height": 8, "width": 9}}),
        (8, 9),
    ),
    "Hugging Face, not rescaled": (
        SimpleNamespace(image_mean=(127.5,) * 3, image_std=(127.5,) * 3, do_rescale=False),
        None,
    ),
}


@pytest.mark.parametrize(("given", "size"), CARRIED.values(), ids=CARRIED)
def test_what_is_given_is_read(given: Any, size: tuple[int, int] | None) -> None:
    found = standardization_of(given, nn.Identity())
    mean, std = found.of(3)
    assert mean == pytest.approx(HALF)
    assert std == pytest.approx(HALF)
    assert found.size == size


@pytest.mark.parametrize("place", ["pretrained_cfg", "default_cfg"])
@pytest.mark.parametrize("kind", [dict, SimpleNamespace])
def test_what_timm_writes_into_a_module_is_read(place: str, kind: Any) -> None:
    module = nn.Identity()
    setattr(module, place, kind(mean=HALF, std=IMAGENET_STD, input_size=(3, 240, 224), crop_mode="border"))
    found = standardization_of(None, module)
    assert found.of(3) == (HALF, IMAGENET_STD)
    assert (found.size, found.fit) == ((240, 224), "letterbox")
    assert place in found.note


def test_a_processor_that_does_not_normalize_leaves_pixels_as_they_are() -> None:
    found = standardization_of(SimpleNamespace(**PROCESSOR, do_normalize=False), None)
    assert found.of(3)[0] == (0, 0, 0)
    assert found.of(3)[1] == pytest.approx((1, 1, 1))


TIMM = {"mean": HALF, "std": HALF, "input_size": (3, 224, 224)}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SimpleNamespace(mean=HALF, std=HALF, crop_size=[224], resize_size=[256]), "scaled to 256 pixels"),
        (SimpleNamespace(mean=HALF, std=HALF, crop_size=[224], resize_size=[224]), ""),
        (None, "scaled to 256 pixels"),
        (
            SimpleNamespace(
                image_mean=HALF,
                image_std=HALF,
                do_center_crop=True,
                crop_size={"height": 224, "width": 224},
                size={"shortest_edge": 256},
            ),
            "scaled to 256 pixels",
        ),
        (SimpleNamespace(mean=HALF, std=HALF, interpolation=Image.Resampling.BILINEAR), ""),
        (SimpleNamespace(mean=HALF, std=HALF, interpolation=SimpleNamespace(value="bicubic")), "bicubic interpolation"),
        (SimpleNamespace(image_mean=HALF, image_std=HALF, resample=3), "bicubic interpolation"),
        ({"mean": (127, 127, 127)}, "--scale 255"),
        ({"mean": (127, 127, 127), "scale": 255}, ""),
    ],
)
def test_what_is_done_otherwise_is_remarked(given: Any, words: str) -> None:
    module = nn.Identity()
    module.pretrained_cfg = TIMM | {"crop_pct": 0.875}  # type: ignore[assignment]
    remarks = standardization_of(given, module).remarks
    assert words in " ".join(remarks)
    assert bool(remarks) is bool(words)


def test_names_are_known() -> None:
    assert standardization_of("imagenet", None).of(3) == (IMAGENET_MEAN, IMAGENET_STD)
    assert standardization_of("unit", None).of(1) == ((0.0,), (1.0,))


def test_numbers_of_bgr_are_turned_with_the_channels() -> None:
    mean, std = Standardization(mean=(51, 102, 153), std=(1, 2, 3), scale=255, color="bgr").of(3)
    assert mean == pytest.approx((0.6, 0.4, 0.2))
    assert std == pytest.approx((3 / 255, 2 / 255, 1 / 255))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (None, "does not say"),
        ("imgenet", "imagenet"),
        ({"means": HALF}, "Did you mean 'mean'"),
        ({"mean": "0.5"}, "`mean`"),
        ({"mean": ()}, "`mean`"),
        ({"std": (0.5, 0.0, 0.5)}, "`std`"),
        ({"std": (float("nan"),)}, "`std`"),
        ({"scale": 0}, "`scale`"),
        ({"scale": "255"}, "`scale`"),
        ({"scale": 128}, "`scale`"),
        ({"color": "grb"}, "`color`"),
        ({"size": (1, 2, 3)}, "`size`"),
        ({"fit": "squash"}, "`fit`"),
        (3, "`preprocessing`"),
        (SimpleNamespace(mean="x", std=HALF), "`mean`"),
    ],
)
def test_what_cannot_be_is_refused(given: Any, word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        standardization_of(given, nn.Identity())


@pytest.mark.parametrize(
    ("given", "channels"),
    [({"mean": (0.5, 0.5)}, 3), ({"std": (1, 1, 1)}, 1), ({"color": "bgr"}, 1)],
)
def test_numbers_for_other_channels_are_refused(given: Any, channels: int) -> None:
    with pytest.raises(ParameterError, match="channel"):
        standardization_of(given, None).of(channels)
