"""Who writes what: records are changed in rpx/hub, and a state is moved by a life alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rpx.hub.endpoint import Endpoint
from rpx.hub.process import Process, Standing
from tests.support.source import Node, nodes

FIELDS = {*Process.__slots__, *Endpoint.__slots__, *Standing.__slots__}
# What a record is called where it is used, as a variable or as the last part of one.
CALLED = {"backend", "endpoint", "process", "own", "owner", "other", "each", "standing"}
# The part of the registry that moves states, and who may ask for it.
MOVERS = {
    "move": {"backend/life.py", "backend/sequence.py", "backend/health_checks.py"},
    "judge": {"backend/health_checks.py"},
    "lost": {"backend/fleet.py"},
    "unchecked": {"backend/fleet.py"},
}


def elsewhere(kind: type[Node]) -> Iterator[tuple[str, Node]]:
    """The nodes outside of the hub, with their file's path in rpx."""
    return (found for found in nodes(kind) if not found[0].startswith("hub/"))


def is_written(target: ast.Attribute) -> bool:
    """Whether it is an attribute of a record that is assigned to."""
    match target:
        case ast.Attribute(value=of, attr=attr, ctx=ast.Store() | ast.Del()):
            return attr in FIELDS and ast.unparse(of).rpartition(".")[2] in CALLED
        case _:
            return False


def test_records_are_written_in_the_hub_alone() -> None:
    found = [
        f"{name}:{target.lineno}: {ast.unparse(target)}"
        for name, target in elsewhere(ast.Attribute)
        if is_written(target)
    ]
    assert not found, "give the registry or the record a method for it"


def test_a_state_is_moved_by_a_life_and_a_verdict_by_checks() -> None:
    asked: dict[str, set[str]] = {name: set() for name in MOVERS}
    for name, node in elsewhere(ast.Call):
        match node:
            case ast.Call(func=ast.Attribute(value=of, attr=attr)) if attr in MOVERS:
                if ast.unparse(of).endswith("registry"):
                    asked[attr].add(name)
            case _:
                pass
    assert asked == MOVERS
