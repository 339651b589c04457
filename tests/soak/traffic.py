"""The clients: each opens a connection, asks a few things on it, closes it, and begins again."""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from tests.soak.content import content, digest, events
from tests.soak.ledger import Ledger, Outcome, Request
from tests.soak.link import Broken, Head, Link

HOST = "soak.localhost"
PATIENCE = 45.0  # seconds for one request; rpx holds one for 10 s, slow ones take up to 5 s
REPEATS = 6  # times a client asks again when an answer broke off
KEPT = 60_000  # bytes of a body that rpx keeps for another try, whatever its framing
KINDS = {"small": 30, "big": 5, "thinking": 6, "post": 12, "chunked": 6, "echo": 5, "put": 6,
         "expect": 4, "events": 3, "socket": 3, "pipeline": 5, "slow read": 2,
         "slow write": 3}  # fmt: skip
Ask = Callable[[Link, Request], Awaitable[Head]]
FAILED = frozenset({Outcome.BROKE_OFF, Outcome.UNANSWERED, Outcome.REFUSED})
LEAVE = 0.07  # of all requests are left in the middle


class Client:
    """One of the clients. `stop` ends it after the request it is at."""

    def __init__(self, name: str, port: int, ledger: Ledger, *, leaves: bool) -> None:
        self.name = name
        self.port = port
        self.ledger = ledger
        self.leaves = leaves
        self.stop = False
        self._chance = random.Random(name)
        self._number = 0

    async def run(self, most: int = 10**9) -> None:
        """Ask until stopped, or `most` times."""
        while not self.stop and self._number < most:
            kinds = self._chance.choices(list(KINDS), list(KINDS.values()), k=8)
            await self._visit(kinds[: self._chance.choice([1, 1, 4, 8])])

    async def _visit(self, kinds: list[str]) -> None:
        window = 16384 if "slow read" in kinds else 0
        try:
            link = await Link.open(self.port, window=window)
        except OSError:
            self.ledger.outcomes["connect", Outcome.NOT_TRIED] += 1
            return
        try:
            for kind in kinds:
                if self.stop or not await self._ask(link, kind):
                    break
                await trio.sleep(self._chance.uniform(0, 0.03))
        finally:
            link.leave(reset=self._chance.random() < 0.1)

    def request(self, kind: str, method: str, *, safe: bool) -> Request:
        """A new request."""
        self._number += 1
        ident = f"{self.name}-{self._number}"
        return Request(ident, kind, method, safe, trio.current_time())

    async def _ask(self, link: Link, kind: str) -> bool:
        """Ask something; tell whether the connection can be used again."""
        if kind == "pipeline":
            return await self._pipeline(link)
        link.pace = 0.01 if kind == "slow read" else 0.0
        asks: dict[str, Ask] = {
            "events": self._events, "socket": self._socket,
            "small": self._get, "big": self._get, "thinking": self._get, "slow read": self._get,
        }  # fmt: skip
        ask = asks.get(kind, self._upload)
        method = "GET" if kind in asks else "PUT" if kind == "put" else "POST"
        request = self.request(kind, method, safe=method != "POST")
        keeps = await self._attempt(link, request, ask)
        await self._again(request, ask)
        return keeps

    async def _again(self, request: Request, ask: Ask) -> None:
        """Do what any client would when a safe request failed: ask until it is answered."""
        for _ in range(REPEATS):
            if request.outcome not in FAILED or not request.safe:
                return
            self.ledger.repeats += 1
            began = trio.current_time()
            request = Request(request.ident, request.kind, request.method, safe=True, began=began)
            link = await Link.open(self.port)
            try:
                await self._attempt(link, request, ask)
            finally:
                link.leave()
        if request.outcome in FAILED:
            self.ledger.given_up.append(request)

    async def _attempt(self, link: Link, request: Request, ask: Ask) -> bool:
        leaving = self.leaves and self._chance.random() < LEAVE
        most = self._chance.choice([0.003, 0.05, 0.5, 3.0]) * self._chance.random()
        keeps = False
        with trio.move_on_after(most if leaving else PATIENCE) as wait:
            async with self._judged(request):
                head = await ask(link, request)
                request.outcome = Outcome.RIGHT if head.status in {200, 101} else Outcome.REFUSED
                keeps = not head.closes and head.status != 101
        if wait.cancelled_caught:
            request.outcome = Outcome.LEFT if leaving else Outcome.LATE
        request.ended = trio.current_time()
        self.ledger.note(request)
        return keeps and request.outcome in {Outcome.RIGHT, Outcome.REFUSED}

    @asynccontextmanager
    async def _judged(self, request: Request) -> AsyncIterator[None]:
        """Turn the ways an exchange may fail into outcomes."""
        try:
            yield
        except* (Broken, OSError) as group:
            request.outcome = Outcome.BROKE_OFF if request.pid else Outcome.LOST
            request.detail = repr(group.exceptions[0])
        except* (ValueError, AssertionError) as group:
            request.outcome = Outcome.WRONG
            request.detail = repr(group.exceptions[0])

    # ---- what is asked

    def _lines(self, request: Request, target: str, *more: str) -> bytes:
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {HOST}", *more]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _get(self, link: Link, request: Request) -> Head:
        # More than the kernel's buffers take, for who reads slowly.
        size = {"big": 1_000_000, "slow read": 6_000_000}.get(request.kind, 200)
        await self._send(link, request, self._lines(request, self._target(request, size)))
        return await self._receive(link, request, content(request.ident, size))

    def _target(self, request: Request, size: int) -> str:
        chance = self._chance
        target = f"/get?id={request.ident}&n={size}"
        if chance.random() < 0.3:
            target += "&how=chunked"
        if chance.random() < 0.03:
            target += "&then=close"
        if request.kind == "thinking":
            target += f"&wait={chance.uniform(0.05, 1.5):.2f}"
        return target

    async def _upload(self, link: Link, request: Request) -> Head:
        chance = self._chance
        most = (
            KEPT if request.method == "PUT" else chance.choice([0, 100, 60_000, 300_000, 2_000_000])
        )
        body = content(request.ident, chance.randint(0, most))
        step = chance.randint(1000, 70_000) if request.kind != "slow write" else len(body) // 20 + 1
        pieces = [body[at : at + step] for at in range(0, len(body), step)]
        framing = f"Content-Length: {len(body)}"
        if request.kind == "chunked" or (request.kind != "expect" and chance.random() < 0.2):
            framing = "Transfer-Encoding: chunked"
            pieces = [*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]
        expect = ["Expect: 100-continue"] if request.kind == "expect" else []
        path = "/echo" if request.kind == "echo" else "/take"
        target = f"{path}?id={request.ident}"
        if chance.random() < 0.2:
            target += f"&wait={chance.uniform(0.05, 1):.2f}"
        head = self._lines(request, target, framing, *expect)
        expected = body if request.kind == "echo" else f"{digest(body)} {len(body)}".encode()
        pause = chance.uniform(0, 0.15) if request.kind == "slow write" else 0.0
        found: list[Head] = []
        async with trio.open_nursery() as both:
            both.start_soon(self._pour, link, request, [head, *pieces], pause)
            found.append(await self._receive(link, request, expected))
            if not request.sent_whole:
                found[0].fields["connection"] = "close"  # nobody will read the rest
            both.cancel_scope.cancel()
        return found[0]

    async def _pour(self, link: Link, request: Request, pieces: list[bytes], pause: float) -> None:
        """Send an upload; whether anybody wants it is seen by who reads the answer."""
        try:
            for piece in pieces:
                await trio.sleep(pause)
                await link.send(piece)
        except OSError:
            return
        request.sent_whole = True

    async def _send(self, link: Link, request: Request, data: bytes) -> None:
        await link.send(data)
        request.sent_whole = True

    async def _events(self, link: Link, request: Request) -> Head:
        count, pause = self._chance.randint(3, 30), self._chance.uniform(0.005, 0.1)
        target = f"/sse?id={request.ident}&n={count}&pause={pause:.3f}"
        await self._send(link, request, self._lines(request, target))
        return await self._receive(link, request, b"".join(events(request.ident, count)))

    async def _socket(self, link: Link, request: Request) -> Head:
        key = base64.b64encode(self._chance.randbytes(16)).decode()
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        lines = self._lines(
            request, f"/ws?id={request.ident}", *upgrade, f"Sec-WebSocket-Key: {key}"
        )
        await self._send(link, request, lines)
        head = await self._head(link, request)
        if head.status != 101:
            await link.body(head, bytearray())
            return head
        for _ in range(self._chance.randint(1, 20)):
            said = self._chance.randbytes(self._chance.choice([10, 1000, 100_000]))
            async with trio.open_nursery() as both:  # a long message needs both ways at once
                both.start_soon(link.send, said)
                heard = await link.exactly(len(said))
            if heard != said:
                raise ValueError(f"an echo of {len(said)} bytes differs")
            await trio.sleep(self._chance.uniform(0, 0.1))
        return head

    async def _pipeline(self, link: Link) -> bool:
        requests = [self.request("pipeline", "GET", safe=True) for _ in range(5)]
        sizes = [self._chance.choice([10, 200, 30_000]) for _ in requests]
        data = b"".join(
            self._lines(request, self._target(request, size).replace("&then=close", ""))
            for request, size in zip(requests, sizes, strict=True)
        )

        async def first(link: Link, request: Request) -> Head:
            await self._send(link, request, data)
            return await self._receive(link, request, content(request.ident, sizes[0]))

        keeps = await self._attempt(link, requests[0], first)
        leaves, self.leaves = self.leaves, False  # who has begun to read reads on
        for request, size in zip(requests[1:], sizes[1:], strict=True):

            async def next_one(link: Link, request: Request, size: int = size) -> Head:
                request.sent_whole = True
                return await self._receive(link, request, content(request.ident, size))

            if keeps:
                keeps = await self._attempt(link, request, next_one)
            else:
                left = requests[0].outcome is Outcome.LEFT
                request.outcome = Outcome.LEFT if left else Outcome.UNANSWERED
                request.ended = trio.current_time()
                self.ledger.note(request)
        self.leaves = leaves
        for request in requests:
            await self._again(request, self._get)
        return keeps

    # ---- what comes back

    async def _head(self, link: Link, request: Request) -> Head:
        head = await link.head()
        request.status = head.status
        if "x-id" in head.fields:
            request.pid, request.port = int(head.fields["x-pid"]), int(head.fields["x-port"])
            if head.fields["x-id"] != request.ident:
                raise ValueError(f"the answer to {head.fields['x-id']}")
        elif head.status == 200:
            raise ValueError("a 200 that no backend has sent")
        return head

    async def _receive(self, link: Link, request: Request, expected: bytes) -> Head:
        """Read an answer and compare it. Raises ValueError when it is wrong."""
        head = await self._head(link, request)
        body = bytearray()
        try:
            await link.body(head, body)
        except Broken:
            if head.status == 200 and not expected.startswith(body):
                raise ValueError("wrong bytes before it broke off") from None
            raise
        if head.status == 200 and body != expected:
            raise ValueError(f"{len(body)} bytes, not the {len(expected)} expected ones")
        if head.status != 200:
            request.detail = body[:300].decode("latin-1")
        return head
