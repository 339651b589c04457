"""A machine in a folder, with a `sysctl` that knows its kernel only."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from rpx.setup.part import Part
from rpx.setup.system import System

PROC = "proc/sys/net/ipv4/ip_unprivileged_port_start"
SYSCTL = """\
#!/bin/sh
case $1 in
-p) sed -n 's/^net.ipv4.ip_unprivileged_port_start *= *//p' "$2" > {proc} ;;
-w) echo "${{2#*=}}" > {proc} ;;
esac
"""


@dataclass
class Machine:
    """Its files are below `root`."""

    root: Path
    system: System

    @property
    def kernel(self) -> int:
        """From which port on everybody may listen now."""
        return int((self.root / PROC).read_text())

    def file(self, path: str, text: str) -> Path:
        """Put a file there."""
        there = self.root / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)
        return there

    def tree(self) -> dict[str, bytes | None]:
        """Every file with what is in it, and every folder."""
        return {
            str(path.relative_to(self.root)): path.read_bytes() if path.is_file() else None
            for path in sorted(self.root.rglob("*"))
        }

    def take(self, part: Part) -> None:
        """Take the steps, as root would."""
        for step in part.steps:
            subprocess.run(
                step.command, input=step.text, text=True, check=True, stdout=subprocess.DEVNULL
            )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    root = tmp_path / "machine"
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sysctl").write_text(SYSCTL.format(proc=root / PROC))
    (tools / "sysctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    home = root / "home/ann"
    home.mkdir(parents=True)
    system = System(root, "linux", 1000, "ann", home, "bash", {})
    found = Machine(root, system)
    found.file(PROC, "1024\n")
    (root / "etc/sysctl.d").mkdir(parents=True)
    (root / "run/systemd/system").mkdir(parents=True)
    return found
