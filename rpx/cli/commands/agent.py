"""`rpx agent init`."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.agent_files import GUIDE, SERVERS, ServerEntry, with_section, with_server
from rpx.cli.helpers.extras import MCP, has_mcp, how_to_add
from rpx.cli.helpers.moving_in import agreed, on_terminal
from rpx.cli.terminal.output import say
from rpx.config import find_config
from rpx.errors import Exit, RpxError, UsageError
from rpx.folders import here

EXAMPLES = """\
rpx agent init                  # show what it would write, ask, write it
rpx agent init --yes            # don't ask
rpx agent init --read-only      # agents may look, and change nothing
"""


@click.command("agent", cls=Command, examples=EXAMPLES)
@click.argument("action", type=click.Choice(["init"]), metavar="init")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@click.option("--read-only", is_flag=True, help="Have agents offered only tools that look")
@click.pass_obj
def agent(common: Common, *, action: str, yes: bool, read_only: bool) -> int:  # noqa: ARG001 - there is one
    """Set a project up for coding agents: the server `rpx mcp` in .mcp.json, and a section of
    AGENTS.md that says how this project is run.

    What is in these files stays; of a former run, its own is replaced. Both are shown first.
    """
    folder = _folder(common)
    entry = ServerEntry(_command(), ("mcp", "--read-only") if read_only else ("mcp",))
    files = [_Written.of(folder / SERVERS), _Written.of(folder / GUIDE)]
    texts = [with_server(files[0].text, entry), with_section(files[1].text)]
    changed = [(file, text) for file, text in zip(files, texts, strict=True) if file.text != text]
    for file, text in changed:
        say("\n".join(file.difference(text)))
    if not changed:
        say(f"nothing to change in {SERVERS} and {GUIDE}")
        _say_what_is_left(folder)
        return Exit.FINE
    if not yes:
        if not on_terminal():
            raise UsageError(
                "nothing was written: nobody can be asked", hint="`rpx agent init --yes` writes it"
            )
        if not agreed("write that?"):
            say("nothing was written")
            return Exit.FAILED
    for file, text in changed:
        file.write(text)
        say(f"wrote {file.path.name}")
    _say_what_is_left(folder)
    return Exit.FINE


def _folder(common: Common) -> Path:
    """That of the project's file, or this one where there is none."""
    if common.file is not None:
        return common.file.parent
    try:
        return find_config(here()).parent
    except RpxError:
        say("there is no rpx.yaml here yet: `rpx init` writes one")
        return here()


def _command() -> str:
    """`rpx`, where whoever starts it finds that; else where it is on this machine."""
    if shutil.which("rpx"):
        return "rpx"
    path = Path(sys.executable).with_name("rpx")
    say(f"note: rpx is not on PATH, and {SERVERS} gets its path on this machine")
    return str(path)


def _say_what_is_left(folder: Path) -> None:
    if not has_mcp():
        say(f"next: `{how_to_add('mcp', MCP)}`, which `rpx mcp` takes")
    claude = folder / "CLAUDE.md"
    try:
        apart = claude.exists() and not claude.samefile(folder / GUIDE)
        if apart and GUIDE not in claude.read_text("utf-8", "replace"):
            say(f"note: Claude Code reads CLAUDE.md: a line `@{GUIDE}` there lets it read both")
    except OSError:
        pass


@dataclass(frozen=True, slots=True)
class _Written:
    """A file as it is now; `text` None: there is none."""

    path: Path
    text: str | None

    @classmethod
    def of(cls, path: Path) -> _Written:
        """Read it. Raises: RpxError."""
        try:
            return cls(path, path.read_bytes().decode())
        except FileNotFoundError:
            return cls(path, None)
        except UnicodeDecodeError:
            raise RpxError(f"{path.name} is no UTF-8", hint="nothing was written") from None
        except OSError as error:
            why = (error.strerror or "unknown reason").lower()
            raise RpxError(
                f"{path} can't be read ({why})", hint=f"nothing was written: see `ls -la {path}`"
            ) from None

    def difference(self, text: str) -> Iterator[str]:
        """What writing `text` would change, in lines."""
        before = [] if self.text is None else self.text.splitlines()
        name = self.path.name
        if self.text is None:
            yield f"{name} (new):"
            yield from (f"  {line}" for line in text.splitlines())
            return
        yield f"{name}:"
        lines = difflib.unified_diff(before, text.splitlines(), n=2, lineterm="")
        yield from (f"  {line}" for line in lines if not line.startswith(("---", "+++")))

    def write(self, text: str) -> None:
        """Write all of it or nothing, where a link leads to, too. Raises: RpxError."""
        target = Path(os.path.realpath(self.path))
        beside = ""
        try:
            handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".rpx-", suffix=".new")
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                os.fchmod(file.fileno(), _mode(target))
            os.replace(beside, target)
        except OSError as error:
            if beside:
                Path(beside).unlink(missing_ok=True)
            why = (error.strerror or "unknown reason").lower()
            raise RpxError(
                f"{target} can't be written ({why})", hint="see who may write there: `ls -ld`"
            ) from None


def _mode(path: Path) -> int:
    """That of the file; of a new one what the user's mask leaves."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask
