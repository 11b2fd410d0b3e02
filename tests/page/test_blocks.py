"""Blocks of the map of a large network: what is in them, and which paths are between them."""

from itertools import pairwise
from typing import Any

import pytest

from .javascript import needs_node, run_driver
from .large_networks import chain, densenet, efficientnet, placed, resnet18, unet, without_names

pytestmark = needs_node

GRAPHS = {
    "resnet": resnet18(),
    "lite": efficientnet(),
    "gates": efficientnet(gate=True),
    "dense": densenet(),
    "unet": unet(),
    "resnet without names": without_names(resnet18()),
    "lite without names": without_names(efficientnet()),
    "dense without names": without_names(densenet()),
    "unet without names": without_names(unet()),
    "short chain": chain(40),
    "long chain": chain(400),
}


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Any:
    given = {name: {"layers": list(placed(graph))} for name, graph in GRAPHS.items()}
    for layer in (wrapped := [dict(one) for one in given["resnet"]["layers"]]):
        layer["path"] = f"model.net.{layer['path']}"
    given["wrapped"] = {"layers": wrapped}
    given["dense"]["searches"] = ["denselayer3", "BLOCK2 cat", "conv0", "nothing"]
    return run_driver("blocks_driver.mjs", given, tmp_path_factory.mktemp("blocks"))


def names(found: Any) -> list[str]:
    return [entry["name"] for entry in found["entries"]]


def every(entries: list[Any]) -> list[Any]:
    return [one for entry in entries for one in (entry, *every(entry["entries"]))]


@pytest.mark.parametrize("name", GRAPHS)
def test_every_layer_is_in_one_entry_of_each_depth_in_order(maps: Any, name: str) -> None:
    for entries in ([maps[name]["entries"]], *([one["entries"]] for one in every(maps[name]["entries"]))):
        for inside in filter(None, entries):
            assert all(after["first"] == before["last"] + 1 for before, after in pairwise(inside))
    ends = [entry["last"] for entry in maps[name]["entries"]]
    assert (maps[name]["entries"][0]["first"], ends[-1]) == (0, len(GRAPHS[name].nodes) - 1)
    for entry in every(maps[name]["entries"]):
        inside = entry["entries"]
        if inside:
            assert (inside[0]["first"], inside[-1]["last"]) == (entry["first"], entry["last"])
            assert len(inside) > 1
        else:
            assert entry["first"] == entry["last"]


def test_a_name_that_all_layers_begin_with_is_not_repeated(maps: Any) -> None:
    called = [[entry["called"] for entry in maps[name]["entries"]] for name in ("wrapped", "resnet")]
    assert called[0] == called[1] == names(maps["resnet"])
    assert names(maps["wrapped"])[0] == f"model.net.{called[1][0]}"


@pytest.mark.parametrize("name", GRAPHS)
def test_no_map_is_longer_than_two_screens(maps: Any, name: str) -> None:
    lists = [maps[name]["entries"], *(one["entries"] for one in every(maps[name]["entries"]))]
    assert max(map(len, lists)) <= (40 if name == "short chain" else 30)


def test_only_networks_of_many_layers_begin_with_a_map(maps: Any) -> None:
    assert [name for name in GRAPHS if not maps[name]["needsMap"]] == ["unet", "unet without names", "short chain"]


def test_resnet_is_folded_into_its_residual_blocks(maps: Any) -> None:
    blocks = [f"layer{number}.{place}" for number in (1, 2, 3, 4) for place in (0, 1)]
    assert names(maps["resnet"]) == ["conv1", "maxpool", *blocks, "avgpool", "fc"]
    assert [path for path in maps["resnet"]["paths"] if path["past"]] == []
    shortcuts = [entry["shortcut"] for entry in maps["resnet"]["entries"] if entry["entries"]]
    assert [at is None for at in shortcuts] == [True, True, *[False, True] * 3]


def test_efficientnet_has_a_block_for_each_of_its_own(maps: Any) -> None:
    for name in ("lite", "gates"):
        assert len(names(maps[name])) == 20
        assert {"blocks.0", "blocks.3.1", "blocks.6"} < set(names(maps[name]))


def test_without_names_blocks_are_what_all_paths_pass(maps: Any) -> None:
    ranges = [
        [(entry["first"], entry["last"]) for entry in maps[name]["entries"]]
        for name in ("resnet", "resnet without names")
    ]
    assert ranges[0] == ranges[1]
    assert {entry["name"] for entry in maps["resnet without names"]["entries"] if entry["entries"]} == {""}
    assert 2 * len(maps["lite without names"]["entries"]) < len(GRAPHS["lite"].nodes)
    assert len([entry for entry in maps["dense without names"]["entries"] if len(entry["entries"]) > 4]) == 3


def test_dense_blocks_hold_layers_that_read_all_before_them(maps: Any) -> None:
    block = next(entry for entry in maps["dense"]["entries"] if entry["name"] == "features.denseblock2")
    assert [inner["name"] for inner in block["entries"]][:2] == [
        "features.denseblock2.denselayer1",
        "features.denseblock2.denselayer2",
    ]
    ends = [path for path in block["paths"] if path["to"] == 3]
    assert [(path["from"], path["joins"], path["past"]) for path in ends] == [
        (-1, "concatenate", True),
        (0, "concatenate", True),
        (1, "concatenate", True),
        (2, "concatenate", False),
    ]


def test_a_u_net_is_joined_across_its_depths(maps: Any) -> None:
    assert names(maps["unet"]) == ["inc", "down1", "down2", "down3", "up1", "up2", "up3", "outc"]
    across = [path for path in maps["unet"]["paths"] if path["past"]]
    assert [(path["from"], path["to"], path["joins"]) for path in across] == [
        (2, 4, "concatenate"),
        (1, 5, "concatenate"),
        (0, 6, "concatenate"),
    ]
    assert len(maps["unet without names"]["entries"]) > 4


@pytest.mark.parametrize("name", GRAPHS)
def test_every_layer_opens_in_a_block_of_few_columns(maps: Any, name: str) -> None:
    for index, (opened, known) in enumerate(zip(maps[name]["opened"], maps[name]["known"], strict=True)):
        assert opened["first"] <= index <= opened["last"] < opened["first"] + 24
        assert known


def test_only_what_is_drawn_is_handed_over(maps: Any) -> None:
    resnet = maps["resnet"]
    assert resnet["shown"] == [0, *(entry["output"] + 1 for entry in resnet["entries"])]
    assert resnet["shownOpen"] == [0, 30, 31]
    assert len(maps["dense"]["shown"]) < 20


def test_names_are_found_by_their_parts(maps: Any) -> None:
    found = maps["dense"]["found"]
    assert found["denselayer3"][0] == "features.denseblock1.denselayer3"
    assert found["BLOCK2 cat"][-1] == "features.denseblock2.cat"
    assert found["conv0"] == ["features.conv0"]
    assert found["nothing"] == []


def test_lines_lead_through_the_gaps(maps: Any) -> None:
    routes = maps["routes"]
    assert routes["beside"] == [[100, 25], [150, 25]]
    assert routes["down"] == [[50, 50], [50, 87], [50, 87], [50, 100]]
    assert min(y for _, y in routes["over"]) < 0  # over the block between
    assert max(x for x, _ in routes["far"]) > 400  # past all blocks
    for x, y in routes["far"]:
        assert not 100 < y < 150 or x > 400  # and past those of the row between
