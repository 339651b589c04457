"""Test modules in bytecode before one process imports them all.

pytest rewrites the assertions of a module when it is imported first, and keeps what comes of it.
In a new checkout that takes ten seconds, in which other cores would have nothing to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


Execute = Callable[[ModuleType], None]  # `exec_module` of what pytest imports tests by


def compile_tests(execute: Execute, wanted: Iterable[str]) -> None:
    """Have all tests below the `wanted` files and folders in bytecode: a share by each core."""
    places = [(ROOT / each.partition("::")[0]).resolve() for each in wanted]
    paths = sorted(
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if any(path.is_relative_to(place) for place in places)
    )
    cores = os.cpu_count() or 1
    children = [_child(execute, paths[number::cores]) for number in range(cores)]
    for pid in children:
        os.waitpid(pid, 0)


def _child(execute: Execute, paths: Iterable[Path]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        for path in paths:
            compile_one(execute, path)
    finally:
        os._exit(0)


def compile_one(execute: Execute, path: Path) -> None:
    """Let pytest keep the bytecode of a module; nothing in it is run."""
    module = ModuleType(path.stem)
    module.__spec__ = ModuleSpec(path.stem, None, origin=str(path))
    module.__dict__["__builtins__"] = {}  # so that it ends where it first imports something
    with suppress(Exception):  # and where it can't be compiled a worker says so
        execute(module)
