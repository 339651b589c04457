"""The source of rpx for tests that read it: parsed and walked once for all of them."""

from __future__ import annotations

import ast
import gc
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

PACKAGE = Path(__file__).parents[2] / "rpx"
Node = TypeVar("Node", bound=ast.AST)


@cache
def trees() -> dict[str, ast.Module]:
    """Every file by its path in the package, `hub/bus.py`, parsed; nobody changes a tree.

    They are some hundred thousand objects that stay: garbage collections that look at each of them,
    again and again while they come, take longer than the parser.
    """
    gc.disable()
    try:
        found = {
            path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
            for path in sorted(PACKAGE.rglob("*.py"))
        }
    finally:
        gc.enable()
    gc.freeze()
    return found


def nodes(kind: type[Node]) -> list[tuple[str, Node]]:
    """All nodes of exactly this kind, with the path of their file, as `ast.walk` finds them."""
    return cast("list[tuple[str, Node]]", _by_kind().get(kind, []))


@cache
def _by_kind() -> dict[type[ast.AST], list[tuple[str, ast.AST]]]:
    found: dict[type[ast.AST], list[tuple[str, ast.AST]]] = defaultdict(list)
    for path, tree in trees().items():
        for node in ast.walk(tree):
            found[type(node)].append((path, node))
    return found


def read() -> None:
    """Have it all, for this process and for those that are forked from it."""
    _by_kind()
