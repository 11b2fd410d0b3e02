import convscope
from convscope.api.cache import cache
from convscope.api.check import check
from convscope.core.context import Context
from tests.images.generated import folder


def test_check_is_the_public_name_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    found = convscope.check(folder(tmp_path / "images"))
    assert found.images == 12
    assert not (tmp_path / "cache").exists()


def test_check_takes_the_name_of_a_set():
    assert check("digits").usable == 1797


def test_cache_of_an_empty_folder(tmp_path):
    found = cache(context=Context(cache_dir=tmp_path / "none"), clear=True)
    assert (found.bytes, found.entries, found.freed, found.in_use) == (0, (), 0, 0)
