"""rpx inside a trio program."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import trio

import rpx
from tests.support.project import free_ports

pytestmark = pytest.mark.real
OK = f"{sys.executable} {Path(__file__).parents[1] / 'fixtures' / 'apps' / 'ok.py'}"


async def ask(proxy: rpx.Proxy, path: str = "/", host: str = "api.localhost") -> httpx.Response:
    port = proxy.url.rpartition(":")[2]
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host})


async def test_a_block_has_its_services_and_afterwards_they_are_gone() -> None:
    first, second = free_ports(2)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with rpx.start_proxy(
        from_=[f"localhost:{first}", f"localhost:{second}"],
        to="api.localhost",
        start=OK,
        listen={"http_port": 0},
    ) as proxy:
        answers: list[dict[str, int]] = []
        with trio.fail_after(20):  # the second copy may be ready later than the first
            while {answer["port"] for answer in answers} != {first, second}:
                answers.append((await ask(proxy)).json())
        assert proxy.url.startswith("http://api.localhost:")
        stats = proxy.stats()
        assert set(stats) == {f"localhost:{first}", f"localhost:{second}"}
        assert sum(row["requests"] for row in stats.values()) == len(answers)
        assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert not any(psutil.pid_exists(answer["pid"]) for answer in answers)


async def test_several_proxies_share_one_listener() -> None:
    first, second = free_ports(2)
    proxies = [
        {"from": first, "to": "api.localhost", "start": OK},
        {"from": second, "to": "auth.localhost", "start": OK},
    ]
    async with rpx.start_proxy({"proxies": proxies, "listen": {"http_port": 0}}) as proxy:
        assert (await ask(proxy, host="api.localhost")).json()["port"] == first
        assert (await ask(proxy, host="auth.localhost")).json()["port"] == second
        assert list(proxy.urls) == ["api.localhost", "auth.localhost"]


async def test_what_is_raised_in_the_block_comes_out_as_it_was() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with rpx.start_proxy(from_=1, to="api.localhost", listen={"http_port": 0}):
            raise KeyError("mine")


async def test_a_cancelled_block_still_ends_its_processes() -> None:
    [port] = free_ports(1)
    pid = 0
    with trio.move_on_after(20) as scope:
        async with rpx.start_proxy(
            from_=port, to="api.localhost", start=OK, listen={"http_port": 0}
        ) as proxy:
            pid = (await ask(proxy)).json()["pid"]
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert pid
    assert not psutil.pid_exists(pid)


async def test_wrong_keys_are_told_all_at_once_and_nothing_is_started() -> None:
    with pytest.raises(rpx.RpxError) as caught:
        async with rpx.start_proxy(form=[3000], to="api.localhost", hold="later"):
            pytest.fail("it must not start")
    assert "`form`" in str(caught.value)
    assert "`hold`" in str(caught.value)


async def test_a_taken_port_is_an_error_of_rpx_not_a_group() -> None:
    listener = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener[0].socket.getsockname()[1]
    with pytest.raises(rpx.RpxError, match=f"{port}"):
        async with rpx.start_proxy(from_=1, to="api.localhost", listen={"http_port": port}):
            pytest.fail("it must not start")
    await listener[0].aclose()
    assert os.getpid()  # still here: rpx never ends the process it runs in


async def test_verbose_prints_a_line_for_each_request(capsys: pytest.CaptureFixture[str]) -> None:
    [port] = free_ports(1)
    async with rpx.start_proxy(
        from_=port, to="api.localhost", start=OK, listen={"http_port": 0}, verbose=True
    ) as proxy:
        await ask(proxy, "/users?x=1")
    assert capsys.readouterr().out == f"[rpx] Request /users → localhost:{port}\n"


async def test_a_backend_of_two_hosts_has_the_sum_of_both_in_its_stats() -> None:
    [port] = free_ports(1)
    proxies = [
        {"from": port, "to": "a.localhost", "start": OK},
        {"from": port, "to": "b.localhost"},
    ]
    async with rpx.start_proxy(proxies=proxies, listen={"http_port": 0}) as proxy:
        for host in ("a.localhost", "b.localhost", "b.localhost"):
            assert (await ask(proxy, host=host)).status_code == 200
        assert proxy.stats()[f"localhost:{port}"]["requests"] == 3


async def test_timeouts_and_limits_are_those_that_were_given() -> None:
    async with rpx.start_proxy(
        from_=1,
        to="api.localhost",
        listen={"http_port": 0},
        timeouts={"head": "100ms"},
        limits={"target": "1kb"},
    ) as proxy:
        assert (await ask(proxy, "/" + "a" * 1024)).status_code == 414
        slow = await trio.open_tcp_stream("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        async with slow:
            await slow.send_all(b"GET / HTTP/1.1\r\nHo")
            with trio.fail_after(5):
                assert await slow.receive_some() == b""
