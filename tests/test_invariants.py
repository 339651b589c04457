"""Invariants of ARCHITECTURE.md that can be read off the code, wherever it stands."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import fields

import pytest

from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead
from tests.support.source import nodes, trees

EVERYTHING = {"Exception", "BaseException"}
# What two projects in one program share, since it belongs to the process.
OF_THE_PROCESS = {
    "_guardian", "_lifeline", "sessions", "engine",  # of the guardian
    "_given",  # the limit of descriptors that the process was started with
    "_files",  # what the command line has named
}  # fmt: skip


def calls(*names: str) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield calls by the last part of what is called, `subscribe`.

    Each with its file and what is called as written, `registry.events.subscribe`.
    """
    for path, node in nodes(ast.Call):
        what = node.func.value if isinstance(node.func, ast.Subscript) else node.func
        last = what.attr if isinstance(what, ast.Attribute) else getattr(what, "id", None)
        if last in names:
            yield path, ast.unparse(node.func), node


def rooms(*ends: str) -> set[str]:
    """Return the rooms in which a function is called whose dotted name ends so."""
    found = calls(*(end.rpartition(".")[2] for end in ends))
    return {path.partition("/")[0] for path, name, _ in found if f".{name}".endswith(ends)}


def swallows(handler: ast.ExceptHandler) -> bool:
    """Whether it catches exceptions that nobody expected, and does not raise them again."""
    blind = handler.type is None or ast.unparse(handler.type) in EVERYTHING
    return blind and not any(isinstance(each, ast.Raise) for each in ast.walk(handler))


def changed_globals(tree: ast.Module, said: Iterable[ast.Global]) -> set[str]:
    """Return the names of a module that its functions set, or that hold what is there to be filled.

    `said` are the statements by which they set any. A name in capitals is a constant.
    """
    told = {name for node in said for name in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.expr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if _empty(node.value):
                told |= {ast.unparse(target) for target in targets}
    return {name for name in told if not name.strip("_").isupper()}


def _empty(value: ast.expr) -> bool:
    """Whether it can only be there to be filled."""
    if isinstance(value, ast.Call):
        makers = {"deque", "defaultdict", "dict", "list", "set", "Counter", "WeakSet"}
        return ast.unparse(value.func).rpartition(".")[2] in makers and not value.args
    return (isinstance(value, ast.List | ast.Set) and not value.elts) or (
        isinstance(value, ast.Dict) and not value.keys
    )


def test_only_lives_move_backends() -> None:
    assert rooms(".registry.move") == {"backend"}


def test_only_the_registry_sets_a_state() -> None:
    places = {
        path
        for path, node in nodes(ast.Attribute)
        if isinstance(node.ctx, ast.Store) and node.attr == "state"
    }
    assert {path.partition("/")[0] for path in places} == {"hub"}


def test_nobody_who_decides_listens_to_a_bus() -> None:
    listens = rooms(".events.subscribe", ".events.feed", ".lines.subscribe", ".registry.lines.feed")
    assert listens == {"cli", "control", "journal", "python"}


def test_error_boundaries_stand_where_adr_0007_says_and_nowhere_else() -> None:
    around = {
        path
        for path, node in nodes(ast.Name)
        if node.id == "contain_errors"
        and isinstance(node.ctx, ast.Load)
        and path != "hub/error_boundary.py"
    }
    assert around == {
        "backend/fleet.py",  # lives
        "cli/observers/console.py",
        "cli/observers/narrator.py",
        "control/server.py",  # connections to the API
        "journal/writer.py",
        "proxy/front_door.py",  # what the machine's door says
        "proxy/listener.py",  # connections
        "proxy/multiplex.py",  # streams of HTTP/2
        "proxy/shared_connections.py",  # connections of HTTP/2 to backends
    }
    others = {path for path, handler in nodes(ast.ExceptHandler) if swallows(handler)}
    assert others == {
        "agents/mcp_server.py",  # one call of a tool
        "backend/guardian.py",  # the end of a program of its own
        "certificates/leaves.py",  # a file that is damaged in whatever way is made anew
        "cli/at_tab/answering_shells.py",  # nothing may stand in the line that somebody is typing
        "cli/failures.py",  # the last door of every command
        "door/door_process.py",  # whatever is told of one descriptor
        "door/membership.py",  # what one member says
        "door/coming_in.py",  # one client that comes in
        "cli/observers/narrator.py",  # one sentence
        "hub/error_boundary.py",
        "proxy/coroutines.py",  # kept, and raised where it is waited for
    }


def test_no_global_is_changed_by_a_project() -> None:
    said: dict[str, list[ast.Global]] = {path: [] for path in trees()}
    for path, node in nodes(ast.Global):
        said[path].append(node)
    found = [changed_globals(tree, said[path]) for path, tree in trees().items()]
    assert set[str]().union(*found) == OF_THE_PROCESS


def test_no_channel_is_infinite() -> None:
    channels = {
        path: ast.unparse(node)
        for path, _, node in calls("open_memory_channel", "Queue", "SimpleQueue")
    }
    assert set(channels) == {"hub/mailbox.py"}
    assert channels["hub/mailbox.py"].endswith("(MAILBOX)")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = []", {"x"}),
        ("x: dict[str, int] = {}", {"x"}),
        ("x = deque(maxlen=3)", {"x"}),
        ("x = [1]\ny = ()\nz = frozenset()\nX = []", set()),
        ("def f():\n    global x\n    x = 1", {"x"}),
        ("def f():\n    x = []", set()),
    ],
)
def test_what_counts_as_a_global_that_changes(text: str, found: set[str]) -> None:
    tree = ast.parse(text)
    said = [node for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert changed_globals(tree, said) == found


@pytest.mark.parametrize(
    ("handler", "found"),
    [
        ("except Exception: pass", 1),
        ("except* Exception: f()", 1),
        ("except: f()", 1),
        ("except BaseException:\n    f()\n    raise", 0),
        ("except OSError: pass", 0),
    ],
)
def test_what_counts_as_swallowed(handler: str, found: int) -> None:
    [tried] = ast.parse(f"try:\n    f()\n{handler}").body
    assert isinstance(tried, ast.Try | ast.TryStar)
    assert len(list(filter(swallows, tried.handlers))) == found


def test_no_head_is_changed_once_it_was_parsed() -> None:
    """Every field is Final, which mypy holds: nothing that is frozen is made as fast."""
    for head in (RequestHead, ResponseHead):
        kinds = {field.name: str(field.type) for field in fields(head)}
        assert all(kind.startswith("Final[") for kind in kinds.values()), kinds
