"""A dev server with a page of modules: each takes a while, and the page says when it has all.

Run with -m, with the standard library alone. What a page says is printed, a line for each.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

MODULES = 200
WORK = 0.02  # seconds for each

# Another address for each load: nothing comes from a cache. When all are there, the page says how
# long it took, and goes to the next one.
_PAGE = """<!doctype html><title>page</title><script type="module">
const turn = new URLSearchParams(location.search), tag = turn.get("t");
const all = [...Array(%d).keys()].map(n => import(`/module-${n}.js?t=${tag}`));
await Promise.all(all);
const seen = performance.getEntriesByType("resource").filter(e => e.name.includes("/module-"));
const took = Math.max(...seen.map(e => e.responseEnd)) - Math.min(...seen.map(e => e.startTime));
const said = {who: turn.get("who"), took, count: seen.length, how: seen[0].nextHopProtocol};
const next = await (await fetch("/done?" + new URLSearchParams(said))).text();
if (next) location = next;
</script>
"""
_MODULE = b"export const value = 1;\n" + b"// and a few lines of what was written\n" * 12


class Turns:
    """Whose turn it is next: each address in turn, so many times."""

    def __init__(self, urls: list[str], rounds: int) -> None:
        self._left = [
            f"{url}?who={who}&t={number}"
            for number in range(rounds)
            for who, url in enumerate(urls)
        ]

    def next(self) -> str:
        """The address of the next page, "" when that was all."""
        return self._left.pop(0) if self._left else ""


def _answer(path: str, turns: Turns) -> tuple[str, bytes]:
    if path.startswith("/done?"):
        said = {key: value[0] for key, value in parse_qs(urlsplit(path).query).items()}
        sys.stdout.write(f"{said['who']} {said['took']} {said['count']} {said['how']}\n")
        sys.stdout.flush()
        return "text/plain", turns.next().encode()
    if path.startswith("/module-"):
        return "text/javascript", _MODULE
    return "text/html", (_PAGE % MODULES).encode()


async def serve(port: int, turns: Turns) -> None:
    """Serve until somebody ends the process."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode("latin-1")
                if path.startswith("/module-"):
                    await asyncio.sleep(WORK)
                kind, body = _answer(path, turns)
                length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Turns(sys.argv[3:], int(sys.argv[2]))))
