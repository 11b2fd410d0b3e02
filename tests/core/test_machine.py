"""What is chosen for a machine: by faked features, since nobody has all processors at hand."""

import pytest

from convscope.core.errors import ParameterError
from convscope.core.machine import Machine, memory_format, native_bfloat16, physical_cores, tunings
from convscope.core.tunings import TUNINGS, left_out

AVX2 = "fpu sse sse2 avx avx2 fma f16c"
ARM = "fp asimd evtstrm aes asimddp bf16 i8mm sve"


def machine_with(flags: str, system: str = "Linux x86_64, Python 3.11.7") -> Machine:
    return Machine(processor="faked", cores=4, bfloat16=native_bfloat16(flags.split()), system=system)


def chosen(here: Machine) -> dict[str, str]:
    return {one.name: one.value for one in tunings(here)}


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        (AVX2, "float32"),
        (f"{AVX2} avx512f avx512bw avx512_vnni", "float32"),
        (f"{AVX2} avx512f avx512_bf16", "bfloat16"),
        (f"{AVX2} amx_bf16 amx_tile", "bfloat16"),
        (ARM, "float32"),
        ("", "float32"),
    ],
)
def test_bfloat16_only_where_products_in_it_are_native(flags: str, precision: str) -> None:
    assert chosen(machine_with(flags))["precision"] == precision


@pytest.mark.parametrize(
    ("system", "kept"), [("Linux x86_64", "on"), ("Darwin arm64", "off"), ("Windows AMD64", "off")]
)
def test_memory_is_kept_where_the_allocator_can_be_told(system: str, kept: str) -> None:
    assert chosen(machine_with(AVX2, system))["keep-memory"] == kept


def processors(*places: tuple[int, int]) -> str:
    """Return /proc/cpuinfo of processors at (package, core)."""
    blocks = [
        f"processor\t: {number}\nphysical id\t: {package}\ncore id\t\t: {core}\n"
        for number, (package, core) in enumerate(places)
    ]
    return "\n".join(blocks)


@pytest.mark.parametrize(
    ("text", "allowed", "cores"),
    [
        (processors((0, 0), (0, 1), (0, 0), (0, 1)), {0, 1, 2, 3}, 2),
        (processors((0, 0), (0, 1), (0, 0), (0, 1)), {0, 2}, 1),
        (processors((0, 0), (1, 0)), {0, 1}, 2),
        ("processor: 0\nBogoMIPS: 50\n\nprocessor: 1\nBogoMIPS: 50\n", {0, 1}, 2),
        ("", {0, 1, 2}, 3),
        ("nonsense", set(), 1),
    ],
)
def test_threads_count_cores_and_not_what_shares_one(text: str, allowed: set[int], cores: int) -> None:
    assert physical_cores(text, allowed) == cores


@pytest.mark.parametrize("name", TUNINGS)
def test_every_tuning_can_be_left_out_and_is_shown_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine_with(AVX2)
    assert chosen(here)[name] == "on"
    monkeypatch.setenv("CONVSCOPE_WITHOUT", f"{name},")
    assert left_out() == {name}
    assert [value for other, value in chosen(here).items() if other in TUNINGS].count("off") == 1
    assert chosen(here)[name] == "off"


def test_a_tuning_that_is_none_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_WITHOUT", "keep-memori")
    with pytest.raises(ParameterError, match="keep-memory"):
        left_out()


def test_maps_lie_channel_by_channel_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from convscope.networks.build import Network
    from convscope.networks.layout import Layout

    network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=3, classes=2)
    images = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    assert network.standardize(images).is_contiguous(memory_format=torch.channels_last)
    monkeypatch.setenv("CONVSCOPE_WITHOUT", "channels-last")
    assert memory_format() is torch.contiguous_format
    assert network.standardize(images).is_contiguous()


@pytest.mark.parametrize(
    ("installed", "words"), [(None, "torch, onnxruntime"), ("yes", "torch, onnxruntime, openvino")]
)
def test_back_ends_that_are_installed_are_named(
    installed: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: installed)
    (found,) = [one for one in tunings(machine_with(ARM)) if one.name == "back end"]
    assert (found.value, f"of {words};" in found.why) == ("auto", True)
