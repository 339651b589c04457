"""npm's yaml-language-server, which editors speak to, and what a test needs of its protocol."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.npm import npm_package

VERSION: Final = "2.0.0"
SOON: Final = 60.0  # seconds; it is Node, on a busy machine

Json = dict[str, Any]


def installed() -> Path:
    """The program, which is installed into a cache folder if need be; skips where it can't be."""
    folder = npm_package("yaml-language-server", VERSION)
    return folder / "yaml-language-server/bin/yaml-language-server"


class Editor:
    """What an editor asks of the server, about one file at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._came: queue.Queue[Json] = queue.Queue()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def open(self, file: Path) -> list[str]:
        """Open a file; what is underlined in it."""
        text = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text()}
        self._tell("textDocument/didOpen", {"textDocument": text})
        while True:
            message = self._next()
            params = message.get("params", {})
            about = params.get("uri") if isinstance(params, dict) else None
            if about == file.as_uri() and "diagnostics" in params:
                return [each["message"] for each in params["diagnostics"]]

    def completed(self, file: Path, line: int, column: int) -> list[str]:
        """The words that are offered at a place, counted from 0."""
        found = self._at("textDocument/completion", file, line, column)
        items = found["items"] if isinstance(found, dict) else found or []
        return [each["label"] for each in items]

    def told(self, file: Path, line: int, column: int) -> str:
        """What is shown on hover there."""
        found = self._at("textDocument/hover", file, line, column)
        contents = found["contents"] if found else ""
        return str(contents["value"] if isinstance(contents, dict) else contents)

    def ask(self, method: str, params: Json) -> Any:  # noqa: ANN401 - what it answers
        """Send a request and wait for its answer."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                return message.get("result")

    def _at(self, method: str, file: Path, line: int, column: int) -> Any:  # noqa: ANN401 - likewise
        place = {"line": line, "character": column}
        return self.ask(method, {"textDocument": {"uri": file.as_uri()}, "position": place})

    def _tell(self, method: str, params: Json) -> None:
        self._send({"method": method, "params": params})

    def begin(self, folder: Path) -> None:
        """Say hello."""
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}})
        self._tell("initialized", {})

    def _next(self) -> Json:
        message = self._came.get(timeout=SOON)
        if "method" in message and "id" in message:  # it asks us: for settings, say
            items = message["params"].get("items", []) if message.get("params") else []
            self._send({"id": message["id"], "result": [{} for _ in items] or None})
        return message

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> None:
        out = self._process.stdout
        assert out is not None
        while line := out.readline():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
                while out.readline().strip():
                    pass
                self._came.put(json.loads(out.read(length)))


@contextmanager
def editor(folder: Path) -> Iterator[Editor]:
    """An editor in a folder, whose server has no network to fetch anything from."""
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "HOME": str(folder)}
    with subprocess.Popen(
        ["node", str(installed()), "--stdio"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            it = Editor(process)
            it.begin(folder)
            yield it
        finally:
            process.kill()
