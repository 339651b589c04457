"""A server that shows a certificate, and clients that may or may not like it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rpx.cli.main import main

BODY = b"<!doctype html><p>hello from behind the lock</p>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    missing = shutil.which(program, path="/usr/sbin:/usr/bin:/bin") is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


@contextmanager
def https_server(path: Path) -> Iterator[int]:
    """Answer every connection with a page, under the certificate in `path`; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(5)
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                if secured.recv(65536):
                    secured.sendall(ANSWER)
        except OSError:
            connection.close()  # it did not like us, or wanted nothing


def shakes_hands(port: int, name: str, context: ssl.SSLContext) -> None:
    """Raise ssl.SSLError where a client with this list does not accept the server."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        with context.wrap_socket(sock, server_hostname=name):
            pass


def tool(*command: str) -> str:
    """What a tool prints; it has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Rpx:
    """`rpx` in this process; `err` is what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        code = main(words)
        self.out, self.err = self._capsys.readouterr()
        return code
