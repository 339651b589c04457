"""`python -m tests.described SCHEMATHESIS [OPTION…]`: a project against its OpenAPI document.

schemathesis sends what the description allows, and what it doesn't, and ends with 1 if an answer is
not as described, or if nobody answers. Left out are streams without an end, and the order to end.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import trio

from tests.support.project import project_in, until

EXAMPLES = "15"  # for each operation and phase


async def carry(unix: Path, client: trio.SocketStream) -> None:
    """Carry a connection of TCP to the socket of the control API: schemathesis knows TCP alone."""
    async with await trio.open_unix_socket(str(unix)) as server, trio.open_nursery() as nursery:
        nursery.start_soon(_one_way, client, server)
        nursery.start_soon(_one_way, server, client)


async def _one_way(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    try:
        async for data in source:
            await sink.send_all(data)
        await sink.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the other side has gone, and the other way will see it


async def judged(program: str, options: list[str], unix: Path, scratch: Path) -> int:
    """Have schemathesis ask, and return its exit code."""
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, host="127.0.0.1")
        [listener] = await nursery.start(serve, partial(carry, unix), 0)
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/v1/openapi.json"
        words = ["run", url, "--exclude-path-regex", "^/v1/(down|events|logs|requests)$"]
        words += ["--phases", "coverage,fuzzing", "--checks", "all"]
        words += ["--max-examples", EXAMPLES, *options]
        done = await trio.run_process([program, *words], check=False, cwd=scratch)
        nursery.cancel_scope.cancel()
    return done.returncode


def main(program: str, *options: str) -> int:
    """Start a project, have it asked, and end it."""
    with tempfile.TemporaryDirectory(prefix="t.", dir="/tmp") as place:
        with project_in(Path(place)) as project:
            project.copies(2, "processes: {worker: {command: sleep 1000}}\n")
            with project.up():
                [socket] = until(lambda: list(Path(place).rglob("control.sock")), "its socket")
                code = trio.run(
                    judged, os.path.abspath(program), list(options), socket, Path(place)
                )
                assert project.get("api.localhost").status_code == 200
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
