"""The WebSocket server behind the proxies: answers each message with an unmasked frame.

Run with -m, with the standard library alone. All messages have the same length and text, so it
counts bytes and answers with ready-made frames. A plain GET gets a 200: that is how others see
that it is there.
"""

from __future__ import annotations

import select
import socket
import sys

from benchmarks.echo_client import ACCEPT, ECHO, FRAME

_SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
).encode()
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Client:
    """One connection: `left` bytes are missing from the present frame; None before the 101."""

    def __init__(self, sock: socket.socket) -> None:
        self.recv, self.send, self.close = sock.recv, sock.send, sock.close
        self.left: int | None = None
        self.head = b""

    def greet(self, data: bytes) -> None:
        """Answer the request once it is whole."""
        self.head += data
        if self.head.endswith(b"\r\n\r\n"):
            if b"upgrade: websocket" in self.head.lower():
                self.left = len(FRAME)
                self.send(_SWITCH)
            else:
                self.send(_OK)
            self.head = b""


def serve(port: int) -> None:
    """Serve until killed."""
    door = socket.create_server(("127.0.0.1", port), backlog=1024)
    door.setblocking(False)
    poll = select.epoll()
    poll.register(door.fileno(), select.EPOLLIN)
    clients: dict[int, Client] = {}
    size = len(FRAME)
    while True:
        for number, _ in poll.poll():
            if number == door.fileno():
                sock, _ = door.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(sock.fileno(), select.EPOLLIN)
                clients[sock.fileno()] = Client(sock)
                continue
            client = clients[number]
            data = _receive(client)
            if not data:
                del clients[number]
                client.close()
            elif client.left is None:
                client.greet(data)
            elif len(data) == client.left:
                client.left = size
                client.send(ECHO)
            else:  # a frame in pieces, or several at once
                whole, rest = divmod(size - client.left + len(data), size)
                client.left = size - rest
                client.send(ECHO * whole)


def _receive(client: Client) -> bytes:
    try:
        return client.recv(65536)
    except OSError:
        return b""


if __name__ == "__main__":
    serve(int(sys.argv[1]))
