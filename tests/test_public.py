"""What a user may rely on: the public names, their documentation, their types, and the package as installed."""

import importlib.metadata
import inspect
import json
from pathlib import Path

import pytest

import convscope

PUBLIC = [name for name in convscope.__all__ if not name.startswith("_")]
DISTRIBUTION = importlib.metadata.distribution("convscope")


def _editable() -> bool:
    origin = json.loads(DISTRIBUTION.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name: str) -> None:
    text = inspect.getdoc(getattr(convscope, name)) or ""
    assert text.splitlines()[0].rstrip().endswith("."), f"{name}: the first line is one sentence"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_is_typed_in_full(name: str) -> None:
    value = getattr(convscope, name)
    signature = inspect.signature(value)
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, f"{name}({parameter.name})"
    if inspect.isfunction(value):
        assert signature.return_annotation is not inspect.Signature.empty


def test_the_list_of_public_names_is_sorted_whole_and_shown() -> None:
    assert convscope.__all__ == sorted(convscope.__all__)
    assert set(convscope.__all__) <= set(dir(convscope))
    assert set(convscope._HOMES) == set(PUBLIC)


def test_a_name_that_does_not_exist_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="module 'convscope' has no attribute 'nothing'"):
        _ = convscope.nothing
    assert not hasattr(convscope, "nothing")


def test_the_version_is_that_of_the_package() -> None:
    if _editable():
        pytest.skip("an editable installation keeps the version of the day it was made")
    assert DISTRIBUTION.version == convscope.__version__


def test_the_tests_run_on_the_installed_package() -> None:
    if _editable():
        pytest.skip("an editable installation is for work on the code; `make test` installs the wheel")
    package = Path(convscope.__file__).resolve()
    checkout = Path(__file__).resolve().parents[1]
    assert checkout / "src" not in package.parents
    assert "site-packages" in package.parts


def test_types_and_page_files_are_installed() -> None:
    package = Path(convscope.__file__).parent
    assert (package / "py.typed").is_file()
    assert any((package / "explorer" / "static").iterdir())


def test_the_installed_package_has_no_tests_and_no_strays() -> None:
    if _editable():
        pytest.skip("an editable installation has no list of files")
    assert DISTRIBUTION.files is not None
    tops = {file.parts[0] for file in DISTRIBUTION.files if not file.parts[0].startswith("..")}
    assert tops == {"convscope", f"convscope-{convscope.__version__}.dist-info"}


def test_the_command_is_installed() -> None:
    (entry,) = DISTRIBUTION.entry_points.select(group="console_scripts")
    assert (entry.name, entry.value) == ("convscope", "convscope.cli:main")
