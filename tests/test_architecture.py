"""The shape of the package: who imports whom, how large things are, and what is never used."""

import ast
import collections
import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

# Each folder imports only folders on lines above its own; folders on one line do not know each other.
LINES = (
    ("core",),
    ("images", "layers"),
    ("options",),
    ("networks",),
    ("training", "features"),
    ("transfer",),
    ("estimators", "scanning"),
    ("measures", "attribution", "cleaning", "shards"),
    ("figures", "report", "explorer"),
    ("api",),
    ("cli",),
)
IMAGES = ("decoding", "sources", "loading", "cache")  # folders inside images/: each knows only those before it
LEVEL = {folder: level for level, line in enumerate(LINES) for folder in line}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60
# Functions of `api` and estimators have the parameters of their options records. These three describe a unit, or how
# patches are drawn and whitened, argument by argument.
MANY_PARAMETERS = {("walk", "walk"), ("layer", "learn_layer"), ("clusters", "learn")}
# Operations of the builder have the settings of the operators that they read.
MANY_PARAMETERS |= {("sums", "transposed_convolution"), ("pools", "pooling")}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec"}
UNSAFE_MEMBERS = {("torch", "load"), ("torch", "save"), ("joblib", "load"), ("os", "system")}


def _package() -> Path:
    spec = importlib.util.find_spec("convscope")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


PACKAGE = _package()
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def _imports(module: str) -> Iterator[tuple[str, int]]:
    """Give (absolute name of the imported module, number of leading dots) for every import, wherever it stands."""
    here = ["convscope", *Path(module).parts[:-1]]
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name, node.level
            if name == "convscope" or node.module is None:
                for alias in node.names:
                    yield f"{name}.{alias.name}", node.level


def test_every_module_is_found() -> None:
    assert len(MODULES) > 40
    assert "core/errors.py" in MODULES


@pytest.mark.parametrize("module", [module for module in MODULES if "/" in module])
def test_a_folder_imports_only_folders_on_lines_above(module: str) -> None:
    folder = Path(module).parts[0]
    for name, _ in _imports(module):
        parts = name.split(".")
        if parts[0] != "convscope" or len(parts) == 1 or parts[1] not in LEVEL or parts[1] == folder:
            continue
        assert LEVEL[parts[1]] < LEVEL[folder], f"{module} imports {name}: {parts[1]} is not above {folder}"


def test_every_folder_that_has_a_line_is_there() -> None:
    assert set(LEVEL) == {Path(module).parts[0] for module in MODULES if "/" in module}
    assert set(IMAGES) == {
        Path(module).parts[1] for module in MODULES if module.startswith("images/") and module.count("/") > 1
    }


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("images/")])
def test_a_folder_of_images_imports_only_those_before_it(module: str) -> None:
    folder = Path(module).parts[1]
    for name, _ in _imports(module):
        parts = name.split(".")
        if folder in IMAGES and parts[:2] == ["convscope", "images"] and parts[2] in IMAGES:
            assert IMAGES.index(parts[2]) <= IMAGES.index(folder), f"{module} imports {name}"


def _needs(module: str) -> set[str]:
    """Return the modules of the package that a module imports, at its top or within a function, not for types only."""
    for_types = {
        id(node)
        for guard in ast.walk(_tree(module))
        if isinstance(guard, ast.If) and ast.unparse(guard.test) == "TYPE_CHECKING"
        for node in ast.walk(guard)
    }
    here = ["convscope", *Path(module).parts[:-1]]
    found = set()
    for node in ast.walk(_tree(module)):
        if not isinstance(node, ast.ImportFrom) or id(node) in for_types:
            continue
        base = here[: len(here) - node.level + 1] if node.level else []
        name = [*base, *(node.module.split(".") if node.module else [])]
        for path in (name, *([*name, alias.name] for alias in node.names)):
            found.add("/".join(path[1:]) + ".py")
    return found & set(MODULES)


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    left = {module: _needs(module) for module in MODULES}
    while free := {module for module, needed in left.items() if not needed & left.keys()}:
        left = {module: needed for module, needed in left.items() if module not in free}
    assert left == {}, "these wait for each other"


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_in_full_between_folders_and_with_one_dot_inside(module: str) -> None:
    inside = ".".join(["convscope", *Path(module).parts[:-1], ""]) if "/" in module else None
    for name, dots in _imports(module):
        assert dots <= 1, f"{module} imports {name} with {dots} dots"
        if inside and dots == 0:
            own = name.startswith(inside) and "." not in name.removeprefix(inside)
            assert not own, f"{module} imports {name} in full from inside its folder"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_name_that_says_what_it_is_and_a_docstring(module: str) -> None:
    assert not {part.removesuffix(".py").strip("_") for part in Path(module).parts} & EMPTY_NAMES
    assert ast.get_docstring(_tree(module)), f"{module} has no docstring"


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_stay_short(module: str) -> None:
    lines = (PACKAGE / module).read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_MODULE, f"{module} has {lines} lines"
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _body_lines(node)
            assert length <= LONGEST_FUNCTION, f"{module}: {node.name} has {length} lines"


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1


def test_nine_functions_in_ten_are_under_35_lines() -> None:
    nodes = [node for module in MODULES for node in ast.walk(_tree(module)) if isinstance(node, ast.FunctionDef)]
    lengths = sorted(_body_lines(node) for node in nodes)
    assert lengths[int(0.9 * len(lengths))] < 35


def test_every_class_has_a_name_of_its_own() -> None:
    names = [node.name for module in MODULES for node in ast.walk(_tree(module)) if isinstance(node, ast.ClassDef)]
    assert [name for name, count in collections.Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_table_is_named_by_what_is_in_it(module: str) -> None:
    names = {node.id for node in ast.walk(_tree(module)) if isinstance(node, ast.Name)}
    assert not names & {"KINDS", "_KINDS"}, f"{module} has kinds of what?"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith(("api/", "estimators/"))])
def test_no_function_has_more_than_eight_parameters(module: str) -> None:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.FunctionDef) and (Path(module).stem, node.name) not in MANY_PARAMETERS:
            given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            assert len([name for name in given if name not in ("self", "cls")]) <= 8, f"{module}: {node.name}"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_ever_unpickled_or_evaluated(module: str) -> None:
    for name, _ in _imports(module):
        assert name.split(".")[0] not in UNSAFE_MODULES, f"{module} imports {name}"
    for node in ast.walk(_tree(module)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name):
            assert called.id not in UNSAFE_CALLS, f"{module}:{node.lineno} calls {called.id}"
        elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            assert (called.value.id, called.attr) not in UNSAFE_MEMBERS, f"{module}:{node.lineno} calls {called.attr}"
        assert not any(word.arg == "shell" for word in node.keywords), f"{module}:{node.lineno} uses a shell"
        allowed = [word for word in node.keywords if word.arg == "allow_pickle"]
        assert all(isinstance(word.value, ast.Constant) and word.value.value is False for word in allowed), module


@pytest.mark.parametrize("module", MODULES)
def test_only_figures_draws_and_only_the_command_line_prints(module: str) -> None:
    folder = Path(module).parts[0]
    if folder != "figures":
        assert not any(name.split(".")[0] == "matplotlib" for name, _ in _imports(module)), f"{module} draws"
    if folder != "cli":
        calls = [node.func for node in ast.walk(_tree(module)) if isinstance(node, ast.Call)]
        assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), f"{module} prints"


@pytest.mark.parametrize("module", MODULES)
def test_what_a_user_gave_is_never_checked_with_assert(module: str) -> None:
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(_tree(module))), f"{module} asserts"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("images/")])
def test_images_are_read_without_torch(module: str) -> None:
    works_on_batches = {"images/augmentation.py", "images/symmetry.py"}  # which are tensors
    uses_torch = any(name.split(".")[0] == "torch" for name, _ in _imports(module))
    assert not uses_torch or module in works_on_batches


# Who opens files for writing, and why not by way of core/atomic.py.
WRITERS = {
    "core/atomic.py",
    "core/streams.py",  # its part for outputs that are not files
    "core/temporaries.py",
    "core/targets.py",  # tries whether a file may be written, and leaves it
    "images/cache/caching.py",  # parts of an entry in a folder of its own, which is renamed as a whole
    "images/cache/entry.py",  # the same
    "images/loading/chunks.py",  # the same: many processes write their rows of one file
    "transfer/feature_store.py",  # rows of features, written in place, each with its checksum behind it
    "cli/standard.py",  # the null device, for standard streams that are closed
}
OPENERS = {
    "open",
    "fdopen",
    "FileIO",
    "TemporaryFile",
    "NamedTemporaryFile",
    "TemporaryDirectory",
    "mkdtemp",
    "mkstemp",
}
ALWAYS_WRITE = {"write_text", "write_bytes", "savez", "savez_compressed", "tofile", "savetxt", "save_file", "to_csv"}
ALWAYS_WRITE |= {"symlink_to", "hardlink_to", "touch", "mkstemp", "NamedTemporaryFile", "copyfile", "copyfileobj"}


def _writes(call: ast.Call) -> bool:
    """Return whether a call opens something to write it, or writes a file."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ALWAYS_WRITE:
        own = isinstance(call.func, ast.Name) and name.startswith("write_")  # of core/atomic.py
        return not own
    values = [*call.args, *(word.value for word in call.keywords)]
    texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    modes = [text for text in texts if len(text) <= 3 and set(text) <= set("rwaxbt+") and set(text) & set("wax+")]
    in_archive = isinstance(call.func, ast.Attribute) and "archive" in ast.unparse(call.func.value)
    flags = any("O_CREAT" in ast.unparse(value) or "O_WRONLY" in ast.unparse(value) for value in values)
    return name in OPENERS and (bool(modes) or flags) and not in_archive


@pytest.mark.parametrize("module", MODULES)
def test_every_output_goes_by_way_of_the_one_writer(module: str) -> None:
    calls = [node for node in ast.walk(_tree(module)) if isinstance(node, ast.Call) and _writes(node)]
    found = [f"{module}:{call.lineno}: {ast.unparse(call)[:80]}" for call in calls]
    assert module in WRITERS or not found, found


@pytest.mark.parametrize(
    "text",
    [
        "open(p, 'w')",
        "p.open('r+b')",
        "open(p, mode='xb')",
        "p.write_text('')",
        "np.savez(p, x)",
        "os.open(p, os.O_WRONLY)",
        "shutil.copyfile(a, b)",
    ],
)
def test_writing_is_recognized(text: str) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _writes(call)
