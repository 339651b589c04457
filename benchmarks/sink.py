"""A backend that takes an upload and says how many bytes have come."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink(BaseHTTPRequestHandler):
    """One connection."""

    def do_PUT(self) -> None:
        """Read everything."""
        left = size = int(self.headers["Content-Length"])
        while left and (piece := self.rfile.read1(min(left, 1 << 20))):
            left -= len(piece)
        self._say(str(size - left).encode())

    def do_GET(self) -> None:
        """Answer at once."""
        self._say(b"here")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Print nothing."""


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Sink).serve_forever()
