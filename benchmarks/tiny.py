"""The smallest backend in Python: answers `ok`. What it takes to start is taken off of rpx's time.

Run as a script; listens on $PORT, or on the port given.
"""

from __future__ import annotations

import os
import socket
import sys

port = int(sys.argv[1] if len(sys.argv) > 1 else os.environ["PORT"])
door = socket.create_server(("127.0.0.1", port), backlog=16)
while True:
    client, _ = door.accept()
    with client:
        if client.recv(65536):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
