"""A program `rpx` for the shells of tests, whose short commands are copies (forkserver.py).

Nine tenths of what such a command costs is the start of Python and its imports, and a page of
documentation has dozens, some again and again until something is so. What goes on, as `rpx up`
does, is the installed program itself.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import forkserver

GO_ON = ("up", "drill", "attach", "top", "run", "exec")
# It sends its words, folder, variables and standard streams, and gets the exit code.
PROGRAM = """\
#!{python} -IS
import _socket, os, sys
words = sys.argv[1:]
if not words or words[0].startswith("-") or words[0] in {go_on}:
    os.execv({real!r}, [{real!r}, *words])
asked = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
asked.connect({path!r})
names = [b"%s=%s" % each for each in os.environb.items()]
parts = [b"\\0".join(map(os.fsencode, each)) for each in (words, [os.getcwd()], names)]
files = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
asked.sendmsg([b"\\0\\0".join(parts)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
os._exit(int(asked.recv(16)))
"""


@contextmanager
def short_commands(folder: Path) -> Iterator[Path]:
    """Make the program in this folder; the folder to have first in PATH."""
    place = folder / "short"
    place.mkdir(exist_ok=True)
    path = place / "s"
    path.unlink(missing_ok=True)
    real = str(Path(sys.executable).with_name("rpx"))
    program = place / "rpx"
    program.write_text(
        PROGRAM.format(python=sys.executable, go_on=GO_ON, real=real, path=str(path))
    )
    program.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener,))
        thread.start()
        try:
            yield place
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_run, args=(client,), daemon=True).start()


def _run(client: socket.socket) -> None:
    with client:
        data, files, _, _ = socket.recv_fds(client, 1 << 18, 3)
        words, folder, names = (
            [os.fsdecode(word) for word in part.split(b"\0")] for part in data.split(b"\0\0")
        )
        copy = forkserver.start(
            words,
            cwd=Path(folder[0]),
            env=dict(name.split("=", 1) for name in names),
            stdin=files[0],
            stdout=files[1],
            stderr=files[2],
        )
        for file in files:
            os.close(file)
        client.send(b"%d" % (copy.wait() & 0xFF))
