"""The import rules of ARCHITECTURE.md, as a test."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePath

import pytest

from tests.support.source import PACKAGE, nodes, trees

LONGEST = 350  # lines of a file

# room -> rooms it may import. Order is ground floor up.
ROOMS = {
    "errors": set[str](),
    "folders": {"errors"},
    "programs": set[str](),
    "model": {"errors"},
    "policy": {"errors", "model"},
    "http": {"errors", "model"},
    "door": {"errors", "folders", "policy", "http"},
    "config": {"errors", "folders", "model", "policy", "certificates"},
    "moving": {"errors", "programs", "model", "policy", "config"},
    "export": {"errors", "model", "policy", "config", "moving"},
    "certificates": {"errors", "folders", "programs"},
    "hub": {"errors", "model", "policy", "http"},
    "engine": {"errors", "model"},
    "backend": {"errors", "folders", "model", "policy", "http", "engine", "hub"},
    "journal": {"errors", "folders", "model", "hub"},
    "proxy": {"errors", "model", "policy", "http", "door", "certificates", "hub"},
    "runs": {"errors", "folders", "model", "policy", "door", "journal"},
    "orders": {"errors", "model", "policy", "http", "hub"},
    "control": {"errors", "model", "policy", "door", "hub", "journal", "orders"},
    "drill": {"errors", "model", "policy", "http", "runs"},
    "agents": {"errors", "model", "policy", "config", "journal", "runs"},
    "setup": {"errors", "folders", "programs", "door", "certificates"},
    "doctor": {
        "errors",
        "programs",
        "model",
        "policy",
        "door",
        "certificates",
        "engine",
        "backend",
        "runs",
        "setup",
    },
    "changes": {"errors", "model", "policy", "hub", "backend", "orders", "runs"},
    "listeners": {"errors", "model", "policy", "door", "backend", "proxy", "runs"},
    "prepare": {"model", "policy", "door", "proxy", "changes", "runs", "listeners"},
    "app": {
        "model",
        "policy",
        "door",
        "engine",
        "hub",
        "backend",
        "proxy",
        "runs",
        "control",
        "changes",
        "listeners",
        "prepare",
    },
    "python": {"errors", "folders", "model", "policy", "config", "hub", "orders", "app"},
    "cli": {
        "errors",
        "folders",
        "programs",
        "model",
        "policy",
        "door",
        "config",
        "moving",
        "export",
        "certificates",
        "engine",
        "hub",
        "backend",
        "journal",
        "runs",
        "orders",
        "control",
        "drill",
        "agents",
        "setup",
        "doctor",
        "changes",
        "app",
    },
}
# outside package -> rooms that may import it; the standard library is for everyone but PURE.
OUTSIDE = {
    "anyio": {"agents"},
    "click": {"cli"},
    "crossplane": {"moving"},
    "cryptography": {"certificates"},
    "httpx": {"backend", "runs"},
    "idna": {"config"},
    "hypercorn": {"control"},
    "mcp": {"agents"},
    "mcp_types": {"agents"},
    "psutil": {"backend", "runs", "drill", "cli"},
    "pydantic": {"model", "config", "control", "agents"},
    "pydantic_core": {"config"},
    "rich": {"cli"},
    "starlette": {"control"},
    "textual": {"cli"},
    "trio": {
        "hub",
        "backend",
        "journal",
        "proxy",
        "runs",
        "orders",
        "control",
        "changes",
        "drill",
        "agents",
        "prepare",
        "app",
        "python",
        "cli",
    },
    "watchfiles": {"changes"},
    "wcwidth": {"model"},
    "yaml": {"config", "moving"},
}
# What pure rooms may have of the standard library: nothing that knows the system, time or chance.
HARMLESS = {"__future__", "base64", "collections", "copy", "dataclasses", "enum", "functools",
            "hashlib", "heapq", "hmac", "html", "http", "ipaddress", "itertools", "json", "math",
            "operator", "pathlib", "posixpath", "re", "struct", "typing",
            "unicodedata"}  # fmt: skip
PURE = {"errors", "model", "policy", "http"}


def files() -> list[tuple[str, str]]:
    """Every file of the package with its room; the package's own two doors belong to no room."""
    found = []
    for path in trees():
        room = path.partition("/")[0].removesuffix(".py")
        if room not in {"__init__", "__main__"}:
            found.append((path, room))
    return found


def imports(path: str) -> set[str]:
    return _imports().get(path, set())


@cache
def _imports() -> dict[str, set[str]]:
    found = defaultdict[str, set[str]](set)
    for path, node in nodes(ast.Import):
        found[path] |= {alias.name for alias in node.names}
    for path, wanted in nodes(ast.ImportFrom):
        assert wanted.level == 0, f"{path}: write imports in full"
        found[path] |= {f"{wanted.module}.{alias.name}" for alias in wanted.names}
    return found


def wrong(room: str, name: str) -> str | None:
    top, _, rest = name.partition(".")
    if top == "rpx":
        target = rest.partition(".")[0]
        if target in ROOMS and target != room and target not in ROOMS[room]:
            return f"{room} may not import {target}"
    elif top in sys.stdlib_module_names:
        if room in PURE and top not in HARMLESS:
            return f"pure room {room} may not import {top}"
    elif room not in OUTSIDE.get(top, ()):
        return f"{room} may not import {top}"
    return None


def test_every_room_imports_only_what_lies_below_it() -> None:
    complaints = [
        f"{path}: {complaint}"
        for path, room in files()
        for name in sorted(imports(path))
        if (complaint := wrong(room, name))
    ]
    assert not complaints, "\n".join(complaints)


def test_a_library_that_no_table_has_is_refused_everywhere() -> None:
    assert wrong("cli", "numpy.array") == "cli may not import numpy"
    assert wrong("model", "ctypes.CDLL") == "pure room model may not import ctypes"
    assert wrong("cli", "ctypes.CDLL") is None
    assert wrong("moving", "crossplane.parse") is None


# The extra `tui`: who has not installed it has all commands.
EXTRA = {"rich", "textual"}
ON_SCREEN = "cli/screen/"


def test_an_extra_is_imported_by_the_screen_alone_and_that_by_who_shows_it() -> None:
    with_extra = {
        path for path in trees() if {name.partition(".")[0] for name in imports(path)} & EXTRA
    }
    assert with_extra
    assert all(path.startswith(ON_SCREEN) for path in with_extra)
    modules = {module(path) for path in with_extra}
    for path in sorted(set(trees()) - with_extra):
        for node in trees()[path].body:  # not within a function
            if isinstance(node, ast.ImportFrom):
                assert node.module not in modules, f"{path}: imports {node.module}"


def test_no_file_takes_part_in_an_import_circle() -> None:
    """Imports for the type checker count: whoever reads one file of a circle has to read all."""
    modules = {module(path): path for path in trees()}
    below = {
        name: {each if each in modules else each.rpartition(".")[0] for each in imports(path)}
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def module(path: str) -> str:
    return f"rpx.{path.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")


# Who asks a running project has answers with attributes: a key that is written out is a mistake
# that no type checker sees. In these it isn't an answer, or mypy knows the keys.
WRITTEN_KEYS = {
    "cli/at_tab/answering_shells.py": "its own table",
    "cli/at_tab/command_table.py": "what it writes",
    "cli/at_tab/known.py": "what makes values of it takes as long to load as all the rest",
    "cli/flag_routes.py": "what it writes",
    "cli/flags.py": "what click has read",
    "cli/screen/bars.py": "Figures is a TypedDict",
    "cli/screen/columns.py": "likewise",
    "cli/screen/seen.py": "likewise",
    "cli/terminal/stats_table.py": "Figures is a TypedDict: users have it from Python",
    "drill/report.py": "its own groups",
}


def test_an_answer_of_a_running_project_is_never_taken_apart_by_strings() -> None:
    complaints = []
    asking = {path for path, room in files() if room in {"cli", "drill", "doctor"}}
    for path, node in nodes(ast.Subscript):
        key = node.slice
        if path not in asking - set(WRITTEN_KEYS):
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            complaints.append(f"{path}:{key.lineno}: {ast.unparse(node)}")
    assert not complaints, "\n".join(complaints)


# The rest of the room is the process itself, with nothing to spare.
DOOR_FOR_OTHERS = {"door_frames", "machine_listing", "messages", "roster", "starting"}


def test_other_rooms_have_the_words_of_the_door_and_nothing_of_its_process() -> None:
    complaints = [
        f"{path}: {name}"
        for path, room in files()
        if room != "door"
        for name in sorted(imports(path))
        if name.startswith("rpx.door.") and name.split(".")[2] not in DOOR_FOR_OTHERS
    ]
    assert not complaints, "\n".join(complaints)


def test_every_room_is_in_the_table() -> None:
    assert {room for _, room in files()} == set(ROOMS)


def test_every_file_begins_with_its_subject_and_stays_short() -> None:
    for path, tree in trees().items():
        assert ast.get_docstring(tree), f"{path} does not say what it is about"
        text = (PACKAGE / path).read_text()
        assert text.count("\n") <= LONGEST, f"{path} is too long: does it have a second subject?"


# Libraries of which something is used that they don't promise: docs/adr/0003-libraries.md.
UNDOCUMENTED = {"hypercorn", "textual", "watchfiles"}


def test_a_library_of_which_undocumented_parts_are_used_has_an_upper_bound() -> None:
    wanted = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    needed = [*wanted["dependencies"], *wanted["optional-dependencies"]["tui"]]
    bounded = {each.partition(">")[0] for each in needed if "<" in each}
    assert bounded == UNDOCUMENTED
    private = {
        name.partition(".")[0]
        for path, _ in files()
        for name in imports(path)
        if any(part.startswith("_") and part != "__future__" for part in name.split("."))
    }
    assert private - sys.stdlib_module_names - {"rpx"} <= UNDOCUMENTED
    page = (PACKAGE.parent / "docs/adr/0003-libraries.md").read_text()
    (reasons,) = re.findall(r"undocumented parts are used: (.*?)\. ", page, re.DOTALL)
    assert set(re.findall(r"\w+(?=\'s?\s)", reasons)) == UNDOCUMENTED


def test_no_two_classes_and_no_two_modules_have_one_name() -> None:
    named: dict[str, list[str]] = defaultdict(list)
    for path in trees():
        stem = PurePath(path).stem
        if stem not in {"__init__", "__main__"}:
            named[f"module {stem}"].append(path)
    for path, node in nodes(ast.ClassDef):
        named[f"class {node.name}"].append(f"{path}:{node.lineno}")
    twice = [f"{name}: {', '.join(places)}" for name, places in named.items() if len(places) > 1]
    assert not twice, "\n".join(twice)
