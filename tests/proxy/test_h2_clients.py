"""HTTP/2 as real clients speak it: agreed on with TLS, by those who know it and by nobody else."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import httpx
import pytest
import trio

from rpx.certificates.authority import Authority, open_authority
from rpx.model.config import Https
from tests.proxy.house import HOST, House, get
from tests.proxy.lock import Lock
from tests.proxy.test_h2_websocket import switching
from tests.support.browser import dom, needs_chromium
from tests.support.origin import OK, answers, origin, says
from tests.support.raw import Raw

MODULES = 100
PAGE = (
    "<!doctype html><body>{}<script type=module>"
    "const all = performance.getEntriesByType('resource');"
    "document.body.textContent = JSON.stringify({{"
    "protocols: [...new Set(all.map(e => e.nextHopProtocol))], count: all.length}})"
    "</script></body>"
).format("".join(f'<script type=module src="/{n}.js"></script>' for n in range(MODULES)))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def lock(authority: Authority) -> Lock:
    return Lock(authority)


AT_ONCE = 6  # requests that a browser has under way to a host over HTTP/1.1


class DevServer:
    """A page of modules; each takes its time until there are more at once than HTTP/1.1 has."""

    def __init__(self) -> None:
        self.most = 0
        self._asked = 0
        self._many = trio.Event()

    async def __call__(self, raw: Raw) -> None:
        """Answer the requests of a connection."""
        while (request := await raw.request()) is not None:
            if request.startswith(b"GET / "):
                body, kind = PAGE, "text/html"
            else:
                await self._take_time()
                body, kind = "export default 1;\n" * 50, "text/javascript"
            await raw.send(
                f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                f"Cache-Control: no-store\r\n\r\n{body}".encode()
            )

    async def _take_time(self) -> None:
        self._asked += 1
        self.most = max(self.most, self._asked)
        if self._asked > AT_ONCE:
            self._many.set()
        with trio.move_on_after(0.05):
            await self._many.wait()
        self._asked -= 1


async def curl(lock: Lock, house: House, *options: str) -> str:
    done = await trio.run_process(
        (
            *("curl", "-sS", "--max-time", "10", "--noproxy", "*"),
            *("--cacert", str(lock.authority.path), "-w", "\n%{http_version} %{http_code}"),
            *(*options, f"https://{HOST}:{house.tls_port}/"),
        ),
        capture_stdout=True,
    )
    return str(done.stdout.decode())


async def test_it_is_offered_first_and_who_does_not_ask_gets_http_1(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
            context = lock.client()
            if offered:
                context.set_alpn_protocols(offered)
            client = await house.tls_client(context)
            assert client.sock.stream.selected_alpn_protocol() == chosen
            if chosen != "h2":
                await client.send(get())
                assert (await client.answer()).body == b"ok"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
async def test_curl_gets_and_puts(lock: Lock, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 1_000_000)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        assert await curl(lock, house, "--http2") == "ok\n2 200"
        assert await curl(lock, house, "--http1.1") == "ok\n1.1 200"
        assert await curl(lock, house, "--http2", "-T", str(large)) == "ok\n2 200"
        assert backend.requests[-1].endswith(b"x" * 1_000_000)


async def test_httpx_asks_for_many_things_at_once(lock: Lock) -> None:
    async with origin(answers(says("x" * 100_000))) as backend, lock.house(backend) as house:
        async with httpx.AsyncClient(http2=True, verify=lock.client(), trust_env=False) as client:
            got: list[httpx.Response] = []

            async def ask() -> None:
                url = f"https://127.0.0.1:{house.tls_port}/"
                extensions = {"sni_hostname": HOST}
                headers = {"Host": HOST}
                got.append(await client.get(url, headers=headers, extensions=extensions))

            async with trio.open_nursery() as nursery:
                for _ in range(50):
                    nursery.start_soon(ask)
        assert {(r.http_version, r.status_code, len(r.content)) for r in got} == {
            ("HTTP/2", 200, 100_000)
        }
        assert len(got) == 50


async def test_a_host_that_the_certificate_is_not_for_is_answered_with_421(
    authority: Authority,
) -> None:
    lock = Lock(authority, {HOST: Https(), "web.localhost": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        async with httpx.AsyncClient(http2=True, verify=lock.client(), trust_env=False) as client:
            answer = await client.get(
                f"https://127.0.0.1:{house.tls_port}/",
                headers={"Host": HOST},
                extensions={"sni_hostname": "web.localhost"},
            )
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 421)
        assert not backend.requests


@pytest.mark.programs
@needs_chromium
@pytest.mark.real
async def test_a_page_of_modules_is_asked_for_at_once_and_not_six_by_six(
    lock: Lock, tmp_path: Path
) -> None:
    most = {}
    for protocol, options in (("h2", []), ("http/1.1", ["--disable-http2"])):
        server = DevServer()
        async with origin(server) as backend, lock.house(backend) as house:
            url = f"https://{HOST}:{house.tls_port}/"
            done = "document.body.innerText.includes('protocols')"
            page = await dom(url, tmp_path, *options, done=done)
            found = re.search(r"\{.*\}", page)
            assert found, page
            seen = json.loads(found[0])
            assert seen["count"] == MODULES
            assert {*seen["protocols"]} <= {protocol, ""}  # a busy browser doesn't say it of all
            most[protocol] = server.most
    assert most["http/1.1"] <= AT_ONCE < most["h2"]


@pytest.mark.programs
@needs_chromium
@pytest.mark.real
async def test_a_browsers_websocket_is_a_stream_of_its_connection(
    lock: Lock, tmp_path: Path
) -> None:
    page = (
        "<!doctype html><body>waiting<script>"
        "const socket = new WebSocket('wss://' + location.host + '/ws');"
        "socket.onopen = () => socket.send('hello');"
        "socket.onmessage = e => { document.body.textContent = 'got ' + e.data; };"
        "</script></body>"
    )

    async def script(raw: Raw) -> None:
        while (request := await raw.request()) is not None:
            if request.startswith(b"GET /ws"):
                await raw.send(switching(request))
                frame = await raw.take(11)
                text = bytes(b ^ frame[2 + i % 4] for i, b in enumerate(frame[6:]))
                await raw.send(bytes((0x81, len(text))) + text)
            else:
                await raw.send(
                    says(page).replace(b"Content-L", b"Content-Type: text/html\r\nContent-L")
                )

    async with origin(script) as backend, lock.house(backend) as house:
        done = "document.body.innerText.trim() != 'waiting'"
        seen = await dom(f"https://{HOST}:{house.tls_port}/", tmp_path, done=done)
        assert ">got hello<" in seen
        handshake = next(r for r in backend.requests if r.startswith(b"GET /ws"))
        assert b"\r\nUpgrade: websocket\r\n" in handshake
        assert handshake.endswith(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
