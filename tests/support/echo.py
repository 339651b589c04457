"""A backend that says what it sees."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """A backend that says what it sees."""

    called = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer; below /show/ with the field that is named there, /moved with a redirect."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, show, name = self.path.partition("/show/")
        moved = self.path.endswith("/moved")
        more = f" ({name}: {self.headers[name]})" if show else ""
        body = f"{self.called} sees {self.command} {self.path}{more}\n".encode()
        self.send_response(302 if moved else 200)
        self.send_header("Cache-Control", "max-age=60")
        self.send_header("X-Powered-By", "echo")
        if moved:
            self.send_header("Location", f"http://{self.headers['Host']}/login")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def backend(called: str, port: int) -> Iterator[None]:
    """Run one, which the page calls so."""
    handler = type("Called", (Echo,), {"called": called})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
