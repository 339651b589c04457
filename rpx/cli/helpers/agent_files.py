"""What coding agents read in a project: `.mcp.json` and a section of `AGENTS.md`, as texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rpx.errors import RpxError

SERVERS: Final = ".mcp.json"
GUIDE: Final = "AGENTS.md"
BEGIN: Final = "<!-- rpx: from here to its end, written by `rpx agent init` -->"
END: Final = "<!-- rpx: end -->"
_BEGINS = re.compile(r"^<!-- rpx: from here .*-->[ \t]*\r?$", re.MULTILINE)
_ENDS = re.compile(r"^<!-- rpx: end -->[ \t]*\r?$", re.MULTILINE)

SECTION: Final = f"""\
{BEGIN}
## Running this project

rpx runs the services in `rpx.yaml` and routes requests to them. Don't start them by hand.

- `rpx up --wait` starts all in the background and returns when it is ready; `rpx down` stops it.
- With the MCP server `rpx`: `status` first; `why` and `logs` tell what is wrong; after an edit
  `wait` until quiet, then `send` a request: it tells who answered and what was printed.
- Without it: `rpx ps`, `rpx why NAME`, `rpx logs --since 1m NAME`, `rpx requests status:5xx`; each
  has `--json`.
- After a change of `rpx.yaml`: `rpx check`, then `rpx reload`.
{END}
"""


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """How a program starts `rpx mcp`."""

    command: str
    args: tuple[str, ...] = ("mcp",)

    def json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"type": "stdio", "command": self.command, "args": list(self.args)}


def with_server(text: str | None, entry: ServerEntry) -> str:
    """Return `.mcp.json` with an entry `rpx`; all else stays, and so does an entry that serves.

    `text` None: there is no file. Raises: RpxError: it can't be understood, and so not kept.
    """
    if text is None or not text.strip():
        return f"{json.dumps({'mcpServers': {'rpx': entry.json()}}, indent=2)}\n"
    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise _not_kept(f"is no JSON: {error}", entry) from None
    if not isinstance(found, dict):
        raise _not_kept("is no JSON object", entry)
    servers = found.setdefault("mcpServers", {})
    if not isinstance(servers, dict):
        raise _not_kept("has a `mcpServers` that is no object", entry)
    there = servers.get("rpx")
    if isinstance(there, dict) and _serves(there, entry):
        return text
    servers.update(rpx={**(there if isinstance(there, dict) else {}), **entry.json()})
    written = json.dumps(found, indent=_indent(text), ensure_ascii=False)
    return _as_lines_were(f"{written}\n", text)


def with_section(text: str | None) -> str:
    """Return `AGENTS.md` with our section, in the place of a former one or at its end.

    Raises: RpxError: the marks of a former one are not a pair.
    """
    if text is None or not text.strip():
        return SECTION
    begins, ends = list(_BEGINS.finditer(text)), list(_ENDS.finditer(text))
    if not begins and not ends:
        return _as_lines_were(f"{text.rstrip()}\n\n{SECTION}", text)
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].end():
        raise RpxError(
            f"{GUIDE} has {len(begins)} `{BEGIN[:18]}…` and {len(ends)} `{END}`, and not one pair",
            hint="nothing was written; take out all of these marks and run this again",
        )
    before, after = text[: begins[0].start()], text[ends[0].end() :]
    return _as_lines_were(f"{before}{SECTION.rstrip()}{after}", text)


def _serves(there: Mapping[str, Any], entry: ServerEntry) -> bool:
    """An entry of ours, perhaps with more: another folder, a whole path."""
    have = there.get("args")
    return (
        isinstance(have, list)
        and bool(there.get("command"))
        and set(entry.args) <= set(map(str, have))
    )


def _not_kept(what: str, entry: ServerEntry) -> RpxError:
    return RpxError(
        f"{SERVERS} {what}",
        hint="nothing was written; mend it and run this again, or add to its `mcpServers`:"
        f' "rpx": {json.dumps(entry.json())}',
    )


def _indent(text: str) -> int | str:
    found = re.search(r"\n([ \t]+)\S", text)
    if found is None:
        return 2
    return found[1] if "\t" in found[1] else len(found[1])


def _as_lines_were(text: str, former: str) -> str:
    """With the line ends of the file, and the mark of its encoding, if it has one."""
    if "\r\n" in former:
        text = re.sub(r"\r?\n", "\r\n", text)
    return "\ufeff" * (former.startswith("\ufeff") and not text.startswith("\ufeff")) + text
