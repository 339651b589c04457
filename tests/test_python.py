"""rpx inside a trio program."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import psutil
import pytest
import trio

import rpx
from rpx.python import verbose
from tests.proxy.house import get
from tests.support.origin import OK as ORIGIN_OK
from tests.support.origin import Origin, answers, origin
from tests.support.project import free_ports
from tests.support.raw import connect

pytestmark = pytest.mark.real
OK = f"{sys.executable} {Path(__file__).parents[1] / 'fixtures' / 'apps' / 'ok.py'}"


async def ask(proxy: rpx.Proxy, path: str = "/", host: str = "api.localhost") -> httpx.Response:
    port = proxy.url.rpartition(":")[2]
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
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


async def test_programs_reach_each_host_by_an_address_in_two_projects_of_one_folder_at_once() -> (
    None
):
    first, second, nobody = free_ports(3)

    def project(port: int) -> AbstractAsyncContextManager[rpx.Proxy]:
        own = {"to": "api.localhost", "from": port, "start": OK}
        web = {"to": "web.localhost/app", "from": nobody}
        return rpx.start_proxy({"proxies": [own, web], "listen": {"http_port": 0}})

    async with project(first) as one, project(second) as other:
        urls = [*one.internal_urls.values(), *other.internal_urls.values()]
        assert list(one.internal_urls) == ["api.localhost", "web.localhost/app"]
        assert len(set(urls)) == 4
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            for url in (urls[0], urls[2]):
                answer = (await client.get(f"{url}/x")).json()
                fields = {name.lower(): value for name, value in answer["headers"]}
                assert fields["host"].startswith("api.localhost:")
    async with rpx.start_proxy(from_=1, to="api.localhost", listen={"http_port": 0}) as nothing:
        assert nothing.internal_urls == {}


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


async def test_a_proxy_can_have_several_hosts_and_another_any_other_host() -> None:
    first, second = free_ports(2)
    proxies = [
        {"from": first, "to": ("shop.localhost", "www.shop.localhost"), "start": OK},
        {"from": second, "to": "*", "start": OK},
    ]
    async with rpx.start_proxy({"proxies": proxies, "listen": {"http_port": 0}}) as proxy:
        end = ":" + proxy.url.rpartition(":")[2]
        assert proxy.urls == {
            "shop.localhost": f"http://shop.localhost{end}",
            "www.shop.localhost": f"http://www.shop.localhost{end}",
            "*": f"http://localhost{end}",
        }
        for host, port in (("www.shop.localhost", first), ("x.test", second), ("[::2]", second)):
            assert (await ask(proxy, host=host)).json()["port"] == port
        assert list(proxy.stats_by_host()) == ["shop.localhost", "*"]


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
        # What the types know is an error of mypy, too: an `ignore` without one would be noticed.
        async with rpx.start_proxy(form=[3000], to="api.localhost", hold="later"):  # type: ignore[call-arg]
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
    proxies: list[rpx.ProxyKeys] = [
        {"from": port, "to": "a.localhost", "start": OK},
        {"from": port, "to": "b.localhost"},
    ]
    async with rpx.start_proxy(proxies=proxies, listen={"http_port": 0}) as proxy:
        for host in ("a.localhost", "b.localhost", "b.localhost"):
            assert (await ask(proxy, host=host)).status_code == 200
        assert proxy.stats()[f"localhost:{port}"]["requests"] == 3


async def test_stats_of_a_host_have_a_row_for_what_rpx_has_answered_itself() -> None:
    closed, backend = free_ports(2)
    proxies: list[rpx.ProxyKeys] = [
        {"from": backend, "to": "a.localhost", "start": OK},
        {"from": closed, "to": "b.localhost"},
    ]
    async with rpx.start_proxy(proxies=proxies, listen={"http_port": 0}) as proxy:
        assert (await ask(proxy, host="a.localhost")).status_code == 200
        assert (await ask(proxy, host="b.localhost")).status_code == 502
        stats = proxy.stats_by_host()
    assert list(stats) == ["a.localhost", "b.localhost"]
    assert list(stats["a.localhost"]) == [f"localhost:{backend}"]
    assert stats["a.localhost"][f"localhost:{backend}"]["requests"] == 1
    assert stats["b.localhost"]["rpx"]["requests"] == 1


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


def verbosely(backend: Origin) -> AbstractAsyncContextManager[rpx.Proxy]:
    return rpx.start_proxy(
        from_=f"127.0.0.1:{backend.port}",
        to="api.localhost",
        listen={"http_port": 0},
        verbose=True,
    )


class Stuck:
    """A stdout that stands still until it is let go."""

    def __init__(self) -> None:
        self.buffer = self
        self.went_on = threading.Event()
        self.text = b""

    def write(self, data: bytes) -> int:
        self.went_on.wait(20)
        self.text += data
        return len(data)

    def flush(self) -> None:
        pass


async def test_verbose_holds_up_no_request_when_stdout_stands_still_and_counts_what_it_loses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck, asked = Stuck(), 60
    monkeypatch.setattr(sys, "stdout", stuck)
    monkeypatch.setattr(verbose, "DEPTH", 20)
    async with (
        origin(answers(ORIGIN_OK)) as backend,
        verbosely(backend) as proxy,
    ):
        client = await connect(int(proxy.url.rpartition(":")[2]))
        for _ in range(asked):
            await client.send(get())
            assert (await client.answer()).status == 200
        client.close()
        stuck.went_on.set()
    lines = stuck.text.decode().splitlines()
    lost = sum(int(line.split()[1]) for line in lines if "too fast" in line)
    shown = lines.count(f"[rpx] Request / → 127.0.0.1:{backend.port}")
    assert lost > 0
    assert shown + lost >= asked  # changes of state are among what was lost


async def test_a_stdout_that_never_moves_again_delays_the_end_by_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck = Stuck()
    monkeypatch.setattr(sys, "stdout", stuck)
    async with (
        origin(answers(ORIGIN_OK)) as backend,
        verbosely(backend) as proxy,
    ):
        client = await connect(int(proxy.url.rpartition(":")[2]))
        await client.send(get())
        await client.answer()
        client.close()
        left = trio.current_time()
    assert trio.current_time() - left < 5
    stuck.went_on.set()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
async def test_the_arrow_of_verbose_is_the_same_bytes_whatever_stdout_can_say(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    async with (
        origin(answers(ORIGIN_OK)) as backend,
        verbosely(backend) as proxy,
    ):
        client = await connect(int(proxy.url.rpartition(":")[2]))
        await client.send(get("/a%1b[31m?x=1"))
        await client.answer()
        client.close()
    line = f"[rpx] Request /a%1b[31m → 127.0.0.1:{backend.port}\n"
    assert raw.getvalue() == line.encode()


async def test_a_backend_is_killed_and_the_events_tell_of_it() -> None:
    [port] = free_ports(1)
    async with rpx.start_proxy(
        from_=port, to="api.localhost", start=OK, listen={"http_port": 0}
    ) as proxy:
        first = (await ask(proxy)).json()["pid"]
        events = proxy.events()
        kill = await proxy.kill_backend(port)
        assert (kill.pid, kill.gone, kill.signal) == (first, True, "SIGKILL")
        second = (await ask(proxy)).json()["pid"]
        [row] = proxy.backends()
        assert (row.pid, row.restarts, row.in_rotation) == (second, 1, True)
        assert row.state is rpx.State.READY
        states = []
        with trio.fail_after(20):
            async for event in events:
                if isinstance(event, rpx.StateChanged):
                    states.append(event.after.value)
                    if event.after is rpx.State.READY:
                        break
        assert states == ["backoff", "starting", "ready"]
    with trio.fail_after(5):  # what is left, and then it ends: the project has
        assert [e.after.value async for e in events if isinstance(e, rpx.StateChanged)][-1] == (
            "stopped"
        )
        assert [event async for event in proxy.events()] == []


async def test_orders_from_python_do_what_those_of_the_command_line_do() -> None:
    [port] = free_ports(1)
    async with rpx.start_proxy(
        from_=port, to="api.localhost", start=OK, listen={"http_port": 0}
    ) as proxy:
        await proxy.start("api")
        before = proxy.backends()[0].pid
        [outcome] = await proxy.restart(port)
        assert (outcome.pid_before, outcome.pid) == (before, proxy.backends()[0].pid)
        await proxy.stop(f"api:{port}")
        assert proxy.backends()[0].state is rpx.State.STOPPED
        with pytest.raises(rpx.RpxError, match="has no process to kill"):
            await proxy.kill_backend(port)
        with pytest.raises(rpx.RpxError, match=f"api:{port}"):
            await proxy.restart("nobody")
        await proxy.start(port)
        assert (await ask(proxy)).status_code == 200


async def test_a_paused_backend_gets_no_request_until_it_is_resumed() -> None:
    first, second = free_ports(2)
    async with rpx.start_proxy(
        from_=[first, second], to="api.localhost", start=OK, listen={"http_port": 0}
    ) as proxy:
        await proxy.start("api")
        [paused] = await proxy.pause(first)
        assert (paused.label, paused.state) == (f"api:{first}", rpx.State.PAUSED)
        before = proxy.stats()[f"localhost:{first}"]["requests"]
        for _ in range(4):
            assert (await ask(proxy)).status_code == 200
        assert proxy.stats()[f"localhost:{first}"]["requests"] == before
        [resumed] = await proxy.resume(f"api:{first}")
        assert resumed.state is rpx.State.READY
        with pytest.raises(rpx.RpxError, match="nobody"):
            await proxy.pause("nobody")


async def test_a_service_has_more_copies_and_then_fewer() -> None:
    async with rpx.start_proxy(
        to="api.localhost", start=OK, replicas=1, listen={"http_port": 0}
    ) as proxy:
        await proxy.start("api")
        look = await proxy.scale({"api": 2}, dry_run=True)
        assert (len(look.plan.add), look.outcomes, len(proxy.backends())) == (1, None, 1)
        more = await proxy.scale({"api": 2})
        [added] = more.plan.add
        assert [(each.label, each.state) for each in more.outcomes or ()] == [
            (added, rpx.State.READY)
        ]
        assert [each.state for each in proxy.backends()] == [rpx.State.READY] * 2
        fewer = await proxy.scale({"api": 1})
        assert (fewer.plan.remove, len(proxy.backends())) == ((added,), 1)
        with pytest.raises(rpx.RpxError, match="web"):
            await proxy.scale({"web": 2})


async def test_a_running_project_becomes_another() -> None:
    first, second = free_ports(2)
    async with rpx.start_proxy(
        from_=first, to="api.localhost", start=OK, listen={"http_port": 0}
    ) as proxy:
        await proxy.start("api")
        before = proxy.backends()[0].pid
        keys: rpx.ProjectKeys = {"to": "api.localhost", "start": OK, "listen": {"http_port": 0}}
        report = await proxy.reload({"from": [first, second]}, **keys)
        assert report.sentences == (f"add api:{second}", "leave 1 backend alone")
        assert proxy.backends()[0].pid == before
        assert {each.label for each in report.outcomes or ()} == {f"api:{second}"}
        assert (await ask(proxy)).status_code == 200
        assert (await proxy.reload({"from": [first, second]}, **keys)).sentences == (
            "nothing to change",
        )
        with pytest.raises(rpx.RpxError, match="unknown setting"):
            await proxy.reload({"from": first, "strat": "x"}, **keys)
        with pytest.raises(rpx.RpxError, match="status 3"):
            await proxy.reload(
                from_=first,
                to="api.localhost",
                start={"command": "exit 3", "restart": "no"},
                listen={"http_port": 0},
            )
        assert (await ask(proxy)).status_code == 200, "the one before goes on"


async def test_a_start_that_fails_is_an_error() -> None:
    [port] = free_ports(1)
    async with rpx.start_proxy(
        from_=port,
        to="api.localhost",
        start={"command": "sleep 0.1; exit 3", "restart": "no"},
        listen={"http_port": 0},
    ) as proxy:
        with pytest.raises(rpx.RpxError, match="status 3"):
            await proxy.start("api")


async def test_a_slow_loop_over_events_is_told_how_many_it_missed() -> None:
    async with rpx.start_proxy(from_=1, to="api.localhost", listen={"http_port": 0}) as proxy:
        with proxy.events(depth=10) as events:
            for number in range(25):
                proxy._registry.say(str(number))
            assert await anext(events) == rpx.Missed(15)
            assert await anext(events) == rpx.Note("15")
        assert events._news not in proxy._registry.events._sinks


async def test_an_iterator_that_is_forgotten_costs_nothing_more() -> None:
    async with rpx.start_proxy(from_=1, to="api.localhost", listen={"http_port": 0}) as proxy:
        before = len(proxy._registry.events._sinks)
        proxy.events()
        gc.collect()
        assert len(proxy._registry.events._sinks) == before


def test_every_name_of_the_package_is_there() -> None:
    for name in rpx.__all__:
        assert getattr(rpx, name)
