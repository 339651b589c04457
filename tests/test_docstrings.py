"""What public functions say about what they raise."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.source import trees

Function = ast.FunctionDef | ast.AsyncFunctionDef
# What says that the program is wrong, and nothing to whoever calls it rightly.
OUR_OWN_FAULT = {"AssertionError", "NotImplementedError"}
ROOTS = {"BaseException", "Exception", "object"}  # to name one of these says nothing


def public(node: ast.AST) -> Iterator[Function]:
    """Yield the functions and methods that others may call."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, Function) and not inner.name.startswith("_"):
            yield inner
        elif isinstance(inner, ast.ClassDef) and not inner.name.startswith("_"):
            yield from public(inner)


def is_command(function: Function) -> bool:
    """Whether its docstring is the help of a command: that is for users."""
    return any(re.search(r"(command|group)\(", ast.unparse(x)) for x in function.decorator_list)


def raised(node: ast.AST) -> Iterator[str]:
    """Yield what a body raises itself, as it is written there."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, Function | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(inner, ast.Raise) and inner.exc is not None:
            what = inner.exc.func if isinstance(inner.exc, ast.Call) else inner.exc
            yield ast.unparse(what).rpartition(".")[2]
        yield from raised(inner)


@cache
def made(tree: ast.Module) -> dict[str, str]:
    """Return what the functions of a file give."""
    return {
        node.name: ast.unparse(node.returns)
        for node in tree.body
        if isinstance(node, Function) and node.returns is not None
    }


@cache
def makers(tree: ast.Module) -> dict[str, str]:
    """Return what the functions give that a file has or imports from another of ours."""
    found = made(tree)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            source = trees().get(f"{node.module.removeprefix('rpx.').replace('.', '/')}.py")
            theirs = made(source) if source is not None else {}
            found |= {each.name: theirs[each.name] for each in node.names if each.name in theirs}
    return found


@cache
def parents() -> dict[str, list[str]]:
    """Return what each class of ours inherits from."""
    return {
        node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        for tree in trees().values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def kinds(name: str) -> set[str]:
    """Return the class and all that it is one of: naming any of them names it."""
    above = getattr(builtins, name, None)
    found = {each.__name__ for each in above.__mro__} if isinstance(above, type) else {name}
    return found.union(*map(kinds, parents().get(name, ()))) - ROOTS


def missing(tree: ast.Module, function: Function) -> set[str]:
    """Return what `function` raises and says neither itself nor in the first lines of its file."""
    texts = (ast.get_docstring(function) or "", ast.get_docstring(tree) or "")
    told = " ".join(text.partition("Raises:")[2] for text in texts)
    gives = makers(tree)
    found = set()
    for name in {gives.get(each, each) for each in raised(function)} - OUR_OWN_FAULT:
        # `raise error`, an exception that was kept: which it is, reading doesn't tell.
        names = kinds(name) if name[0].isupper() else set[str]()
        if not re.search(rf"\b({'|'.join(names) or '.+'})", told):
            found.add(name)
    return found


def test_a_public_function_that_raises_says_so() -> None:
    complaints = [
        f"{path}:{function.lineno}: {function.name} raises {name}"
        for path, tree in trees().items()
        for function in public(tree)
        if not is_command(function)
        for name in sorted(missing(tree, function))
    ]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('def f():\n    """Raises: OSError."""\n    raise OSError(2)', set()),
        ('def f():\n    """Raises: OSError."""\n    raise TimeoutError', set()),
        ('def f():\n    """Raises: OSError."""\n    raise KeyError', {"KeyError"}),
        ('def f():\n    """OSError."""\n    raise OSError', {"OSError"}),
        ('def f():\n    """Raises: RpxError."""\n    raise ConfigError', set()),
        ("def f():\n    if x:\n        raise no(1)\ndef no() -> KeyError: ...", {"KeyError"}),
        ('def f():\n    """Raises: what was kept."""\n    raise self.error', set()),
        ("def f():\n    raise self.error", {"error"}),
        ("def f():\n    raise\n    def g():\n        raise OSError", set()),
        ("def f():\n    raise AssertionError", set()),
        ('"""Raises: OSError."""\ndef f():\n    raise OSError', set()),
    ],
)
def test_what_counts_as_said(text: str, found: set[str]) -> None:
    tree = ast.parse(text)
    assert missing(tree, next(public(tree))) == found
