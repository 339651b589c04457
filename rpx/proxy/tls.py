"""A wire that speaks TLS, as client or as server.

OpenSSL gets no socket: bytes reach and leave it through memory. So waiting, cutting, closing and
the sweeper are those of a plain wire, one read takes many records, and what is sent goes out in
one call.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import READ_SIZE, Wire
from rpx.proxy.wire import Buffers, NotSent

RECORD = 16384  # bytes of payload that a record has at most
FEW = 64  # records of one read; it may hold thousands

Keep = Callable[[ssl.SSLSession], None]


class TlsWire(Wire):
    """One non-blocking stream socket with TLS on it. `handshake` comes first.

    What ends without a close_notify was cut off: reading raises ConnectionResetError, as after a
    RST, for nobody can tell whether that was all. `close` sends none, `finish_sending` and
    `take_leave` do. `tls` is OpenSSL's side of it.
    """

    plain = False
    __slots__ = ("_agreed", "_empty", "_in", "_keep", "_more", "_out", "tls")

    def __init__(
        self,
        sock: socket.socket,
        reactor: Reactor,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        host: str | None = None,
        session: ssl.SSLSession | None = None,
        keep: Keep | None = None,
    ) -> None:
        """`host` is what the server's certificate must be for (as a client). `session` is resumed
        if the server likes; `keep` gets the one that the next connection can resume.
        """
        super().__init__(sock, reactor)
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._keep = keep
        self._agreed = False
        self._empty = False  # nothing can be read before more comes
        self._more = (
            False  # the last read was a full one: more may have come, and nothing will tell
        )
        self.tls = context.wrap_bio(
            self._in, self._out, server_side=server_side, server_hostname=host, session=session
        )

    async def handshake(self) -> None:
        """Agree with the other side. Raises: ssl.SSLError (SSLEOFError if it leaves), WireCut."""
        while not self._agreed:
            try:
                self._shake()
            except ssl.SSLError:
                self.tell()
                raise
            try:
                if self._out.pending:
                    await super().send(self._out.read())
                if not self._agreed:
                    self._take(await super().receive())
            except OSError as error:
                raise ssl.SSLEOFError(str(error)) from error

    def begin(self, heard: bytes) -> bool:
        """Hear, as a server, what a client has said so far; tell whether that is its whole hello.

        Raises: ssl.SSLError. Then `tell` lets the client know.
        """
        self._in.write(heard)
        self._shake()
        return self._out.pending > 0

    def _shake(self) -> None:
        try:
            self.tls.do_handshake()
            self._agreed = True
        except ssl.SSLWantReadError:
            pass

    async def receive(self) -> bytes:
        """Return what there is, at least one byte; b"" at the end. Raises: OSError, WireCut."""
        while (data := self._decrypted()) is None:
            self._take(await Wire.receive(self))
        return data

    async def expect(self) -> bytes:
        """Like `receive` where nothing has come yet."""
        while (data := self._decrypted()) is None:
            self._take(await (Wire.receive(self) if self._more else Wire.expect(self)))
        return data

    async def receive_soon(self) -> bytes | None:
        """As a plain wire does. Session tickets are nothing."""
        sealed = await super().receive_soon()
        if sealed is None:
            return None
        self._take(sealed)
        return self._decrypted()

    async def send(self, data: bytes) -> None:
        """Send all of `data`. Raises: OSError, WireCut."""
        await Wire.send(self, self._encrypted(data))

    async def send_pieces(self, pieces: Buffers) -> None:
        """Send all of `pieces`, as one."""
        await Wire.send(self, self._encrypted(b"".join(pieces)))

    async def finish_sending(self) -> None:
        """Tell the other side that nothing more will come. Raises: OSError, WireCut."""
        self._end_session()
        if self._out.pending:
            await super().send(self._out.read())
        await super().finish_sending()

    def is_quiet(self) -> bool:
        """Nothing has come and the other side is still there: an idle connection may be used.

        Session tickets come late, behind the first answer or at rest: they are nothing.
        """
        try:
            data = self.sock.recv(READ_SIZE)
            self.traffic.received += len(data)
            self._take(data)
            return self._decrypted() is None
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        if self.sock.fileno() >= 0:
            super().close()
            if self._keep is not None and self._agreed:
                self._end_session()  # into memory only: without it the session counts as spoiled
                if self.tls.session is not None:
                    self._keep(self.tls.session)

    def _take(self, data: bytes) -> None:
        if not data:
            raise ConnectionResetError("cut off without a close_notify")
        self.traffic.received -= len(data)  # what counts is what was said, not how
        self._more = len(data) == READ_SIZE
        self._in.write(data)
        self._empty = False

    def _decrypted(self) -> bytes | None:
        """Return what can be read of what has come, b"" at the end; None: more has to come."""
        if self._empty:
            return None
        pieces: Buffers = []
        try:
            self._read(pieces)
        except ssl.SSLWantReadError:
            self._empty = True
            if not pieces:
                return None
        except ssl.SSLZeroReturnError:  # both sides have ended
            pass
        except ssl.SSLError:  # comes again at the next read
            if not pieces:
                raise
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if len(pieces) > FEW:
            self.give_way_soon()
        self.traffic.received += len(data)
        return data

    def _read(self, pieces: Buffers) -> None:
        while piece := self.tls.read(RECORD):  # which leaves nothing of a record behind
            pieces.append(piece)
            # A read of nothing would say so with an exception, which costs more than a record.
            if not self._in.pending:
                self._empty = True
                break

    def _encrypted(self, data: bytes) -> bytes:
        try:
            done = self.tls.write(data) if data else 0
            while done < len(data):
                done += self.tls.write(memoryview(data)[done:])
        except ssl.SSLError as error:
            raise NotSent from error
        sealed = self._out.read()
        self.traffic.sent += len(data) - len(sealed)
        return sealed

    def _end_session(self) -> None:
        try:
            self.tls.unwrap()
        except OSError:
            pass  # theirs has still to come, or it never began

    def take_leave(self) -> None:
        """Send a close_notify: what has been sent was all."""
        if self._agreed:
            self._end_session()
            self.tell()

    def tell(self) -> None:
        """Let the other side know what OpenSSL has to say, if that costs no wait."""
        try:
            self.sock.send(self._out.read())
        except OSError:
            pass
