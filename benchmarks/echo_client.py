"""WebSocket clients on one epoll: each sends a message, waits for its echo, sends the next.

Run with -m, with the standard library alone. The frames are ready-made and only counted, so
that little of the core that all share goes to the client.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

PAYLOAD = b"a message of thirty-two bytes ok"
MASK = b"\x01\x02\x03\x04"
FRAME = b"\x81\xa0" + MASK + bytes(b ^ MASK[i % 4] for i, b in enumerate(PAYLOAD))
ECHO = b"\x81\x20" + PAYLOAD
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def shake_hands(port: int, host: str) -> socket.socket:
    """Open a connection and switch it to WebSocket."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        more = sock.recv(4096)
        if not more:
            raise ConnectionError(f"no handshake: {answer!r}")
        answer += more
    if b" 101 " not in answer or ACCEPT.encode() not in answer:
        raise ConnectionError(f"no handshake: {answer!r}")
    sock.setblocking(False)
    return sock


def talk(socks: list[socket.socket], seconds: float) -> tuple[int, float]:
    """Exchange messages; how many came back, and how long it took."""
    poll = select.epoll()
    recv, send, left = {}, {}, {}
    for sock in socks:
        number = sock.fileno()
        poll.register(number, select.EPOLLIN)
        recv[number], send[number], left[number] = sock.recv, sock.send, len(ECHO)
    began = now = time.perf_counter()
    for sock in socks:
        sock.send(FRAME)
    echoes, size = 0, len(ECHO)
    while now - began < seconds:
        for number, _ in poll.poll(5):
            data = recv[number](4096)
            if len(data) == left[number]:
                echoes += 1
                left[number] = size
                send[number](FRAME)
            elif not data:
                raise ConnectionError("the proxy closed a WebSocket")
            else:
                left[number] -= len(data)
        now = time.perf_counter()
    poll.close()
    return echoes, now - began


def main() -> None:
    """`port host connections seconds`; prints a line of JSON."""
    port, host, connections, seconds = sys.argv[1:]
    socks = [shake_hands(int(port), host) for _ in range(int(connections))]
    echoes, took = talk(socks, float(seconds))
    found = {"requests": echoes, "bytes": echoes * len(ECHO), "microseconds": took * 1e6}
    found |= {"median": 0.0, "errors": 0}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
