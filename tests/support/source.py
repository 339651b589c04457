"""The source of rpx for tests that read it: parsed once, however many of them there are."""

from __future__ import annotations

import ast
import gc
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "rpx"


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
