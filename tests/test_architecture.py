"""The shape of the package: who imports whom, how large things are, and what is never used."""

import ast
import collections
import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

import convscope

# Each folder imports only folders on lines above its own; folders on one line do not know each other.
LINES = (
    ("core",),
    ("images", "layers"),
    ("options",),
    ("networks",),
    ("training", "features"),
    ("transfer",),
    ("estimators", "scanning"),
    ("measures", "attribution", "cleaning"),
    ("shards",),
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
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "torch.load", "torch.save", "joblib.load", "os.system"}


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


def test_a_folder_imports_only_folders_on_lines_above() -> None:
    assert [
        f"{module} imports {name}"
        for module in MODULES
        for name, _ in _imports(module)
        if (folder := Path(module).parts[0]) in LEVEL
        and (other := [*name.split("."), ""][1]) in LEVEL
        and name.startswith("convscope.")
        and other != folder
        and LEVEL[other] >= LEVEL[folder]
    ] == []


def test_only_a_model_reaches_up_by_way_of_the_public_names() -> None:
    public = {f"convscope.{name}" for name in set(convscope.__all__) - {"__version__"}} | {"convscope"}
    # `model.explain` and `model.scan` are functions of `api` as methods, imported when they are called.
    allowed = {("networks/model.py", name) for name in ("convscope", "convscope.explain", "convscope.scan")}
    assert {(module, name) for module in MODULES for name, _ in _imports(module) if name in public} == allowed


def test_every_folder_that_has_a_line_is_there() -> None:
    assert set(LEVEL) == {Path(module).parts[0] for module in MODULES if "/" in module}
    assert set(IMAGES) == {
        Path(module).parts[1] for module in MODULES if module.startswith("images/") and module.count("/") > 1
    }


def test_a_folder_of_images_imports_only_those_before_it() -> None:
    assert [
        f"{module} imports {name}"
        for module in MODULES
        for name, _ in _imports(module)
        if module.startswith("images/")
        and (folder := Path(module).parts[1]) in IMAGES
        and name.startswith("convscope.images.")
        and (other := name.split(".")[2]) in IMAGES
        and IMAGES.index(other) > IMAGES.index(folder)
    ] == []


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


def test_imports_are_in_full_between_folders_and_with_one_dot_inside() -> None:
    wrong = []
    for module in MODULES:
        inside = ".".join(["convscope", *Path(module).parts[:-1], ""]) if "/" in module else None
        for name, dots in _imports(module):
            own = inside is not None and name.startswith(inside) and "." not in name.removeprefix(inside)
            if dots > 1 or (dots == 0 and own):
                wrong.append(f"{module} imports {name} with {dots} dots")
    assert wrong == []


def test_a_module_has_a_name_that_says_what_it_is_and_a_docstring() -> None:
    parts = {module: {part.removesuffix(".py").strip("_") for part in Path(module).parts} for module in MODULES}
    assert [module for module in MODULES if parts[module] & EMPTY_NAMES] == []
    assert [module for module in MODULES if not ast.get_docstring(_tree(module))] == []


def test_modules_and_functions_stay_short() -> None:
    lines = {module: (PACKAGE / module).read_text(encoding="utf-8").count("\n") for module in MODULES}
    assert {module: count for module, count in lines.items() if count > LONGEST_MODULE} == {}
    long = [(module, node.name, _body_lines(node)) for module, node in _functions()]
    assert [function for function in long if function[2] > LONGEST_FUNCTION] == []


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    """Give every node of every module."""
    for module in MODULES:
        for node in ast.walk(_tree(module)):
            yield module, node


def _functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, node in _nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield module, node


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1


def test_nine_functions_in_ten_are_under_35_lines() -> None:
    lengths = sorted(_body_lines(node) for _, node in _functions())
    assert lengths[int(0.9 * len(lengths))] < 35


def test_every_class_has_a_name_of_its_own() -> None:
    names = [node.name for _, node in _nodes() if isinstance(node, ast.ClassDef)]
    assert [name for name, count in collections.Counter(names).items() if count > 1] == []


def test_a_table_is_named_by_what_is_in_it() -> None:
    named = {module for module, node in _nodes() if isinstance(node, ast.Name) and node.id.strip("_") == "KINDS"}
    assert named == set(), "these have kinds of what?"


def test_no_function_has_more_than_eight_parameters() -> None:
    wrong = []
    for module, node in _functions():
        given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        free = module.startswith(("api/", "estimators/")) or (Path(module).stem, node.name) in MANY_PARAMETERS
        if not free and len([name for name in given if name not in ("self", "cls")]) > 8:
            wrong.append(f"{module}: {node.name}")
    assert wrong == []


def _unsafe(call: ast.Call) -> bool:
    """Return whether a call may run what a file or a text says."""
    called = ast.unparse(call.func)
    pickles = [ast.unparse(word.value) for word in call.keywords if word.arg == "allow_pickle"]
    shell = any(word.arg == "shell" for word in call.keywords)
    return called in UNSAFE_CALLS or shell or set(pickles) - {"False"} != set()


def test_nothing_is_ever_unpickled_or_evaluated() -> None:
    imported = [(module, name) for module in MODULES for name, _ in _imports(module)]
    assert [(module, name) for module, name in imported if name.split(".")[0] in UNSAFE_MODULES] == []
    calls = [(module, node) for module, node in _nodes() if isinstance(node, ast.Call)]
    assert [f"{module}:{call.lineno}" for module, call in calls if _unsafe(call)] == []


def test_only_figures_draws_and_only_the_command_line_prints() -> None:
    imported = {module for module in MODULES for name, _ in _imports(module) if name.split(".")[0] == "matplotlib"}
    assert {module for module in imported if not module.startswith("figures/")} == set()
    calls = [(module, node.func) for module, node in _nodes() if isinstance(node, ast.Call)]
    prints = {module for module, called in calls if isinstance(called, ast.Name) and called.id == "print"}
    assert {module for module in prints if not module.startswith("cli/")} == set()


def test_what_a_user_gave_is_never_checked_with_assert() -> None:
    assert [module for module, node in _nodes() if isinstance(node, ast.Assert)] == []


def test_images_are_read_without_torch() -> None:
    works_on_batches = {"images/augmentation.py", "images/symmetry.py"}  # which are tensors
    uses_torch = {module for module in MODULES for name, _ in _imports(module) if name.split(".")[0] == "torch"}
    assert {module for module in uses_torch if module.startswith("images/")} <= works_on_batches


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


def test_every_output_goes_by_way_of_the_one_writer() -> None:
    calls = [(module, node) for module, node in _nodes() if isinstance(node, ast.Call) and module not in WRITERS]
    assert [f"{module}:{call.lineno}: {ast.unparse(call)[:80]}" for module, call in calls if _writes(call)] == []


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


@pytest.mark.parametrize("text", ["eval(x)", "torch.load(p)", "np.load(p, allow_pickle=True)", "run(x, shell=True)"])
def test_what_runs_code_is_recognized(text: str) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _unsafe(call)
