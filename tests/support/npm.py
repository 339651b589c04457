"""Packages of npm that tests need, in a cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rpx-tests"


def npm_package(name: str, version: str) -> Path:
    """Return the `node_modules` that has the package; skip where it can't be installed."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip(f"{name} needs Node.js and npm")
    folder = _CACHE / f"{name.rpartition('/')[2]}-{version}"
    modules = folder / "node_modules"
    if not (modules / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run(
            [*command, f"{name}@{version}"],
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm could not install {name}: {done.stderr[-300:]}")
    return modules
