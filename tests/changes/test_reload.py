"""rpx.yaml changes while a project runs: only what is different is touched, no request fails."""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path

import pytest
import trio

from rpx.certificates.authority_files import authority_folder
from rpx.changes.project import Terms
from rpx.errors import ConfigError, RpxError
from rpx.hub.mailbox import Order, OrderKind
from rpx.listeners import Usual
from rpx.model.status import State
from tests.changes.written import at, shop
from tests.support.bench import process_of
from tests.support.live import Clients, clients, live, told
from tests.support.project import free_ports

pytestmark = pytest.mark.real


async def test_one_backend_more_or_less_touches_nobody_else(tmp_path: Path) -> None:
    first, second, third = free_ports(3)
    async with live(tmp_path, shop(api=at(first), web=at(second))) as it:
        before = it.pids
        it.registry.endpoint(f"web:{second}").counts.errors = 7
        async with clients(it) as asking:
            said = await it.reload(shop(api=at(first, third), web=at(second)))
            assert said == [f"add api:{third}", "leave 2 backends alone"]
            assert it.pids.items() > before.items()
            assert list(it.pids) == [f"api:{first}", f"api:{third}", f"web:{second}"]
            await asking.answered(20)
            assert set(asking.answers) == {it.pids[f"api:{first}"], it.pids[f"api:{third}"]}
            said = await it.reload(shop(api=at(third), web=at(second)))
            assert said == [f"remove api:{first}", "leave 2 backends alone"]
        assert set(it.pids) == {f"api:{third}", f"web:{second}"}
        assert it.pids[f"web:{second}"] == before[f"web:{second}"]
        assert it.registry.endpoint(f"web:{second}").counts.errors == 7


async def test_another_name_and_host_at_the_same_port(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(api=at(port))) as it:
        it.registry.endpoint(f"api:{port}").counts.errors = 7
        said = await it.reload(shop(web=at(port)))
        assert said == [f"restart api:{port}, now web:{port}: name, to"]
        assert it.registry.endpoint(f"web:{port}").counts.errors == 7
        async with clients(it, "web.localhost"):
            pass


async def test_settings_of_a_pool_change_in_place(tmp_path: Path) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first, second))) as it:
        before, pool = it.pids, it.registry.pools["api.localhost"]
        async with clients(it):
            said = await it.reload(
                shop(
                    api=f"from: [{{address: {first}, weight: 3}}, {second}], start: RUN,"
                    " health_check: {path: /health, interval: 20, unhealthy_threshold: 2},"
                    " sticky: true, strategy: random, hold: 3"
                )
            )
        assert said == [
            f"change api:{first}: weight, health_check",
            f"change api:{second}: health_check",
            "change api.localhost: strategy, sticky, hold",
        ]
        assert it.pids == before
        assert it.registry.pools["api.localhost"] is pool
        assert (pool.spec.hold, pool.affinity is not None) == (3.0, True)
        assert [backend.weight for backend in pool.backends] == [3, 1]
        assert it.registry.key, "cookies that nobody can guess"
        (tmp_path / "sick").touch()
        await it.until(lambda: not it.backend(f"api:{first}").in_rotation)


async def test_a_request_under_way_is_finished_by_a_backend_that_leaves(tmp_path: Path) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first), web=at(second))) as it:
        leaving, asking = it.backend(f"web:{second}"), Clients()
        async with trio.open_nursery() as nursery:
            stream = await trio.open_tcp_stream("127.0.0.1", it.registry.ports.http)
            request = b"GET /slow HTTP/1.1\r\nHost: web.localhost\r\n\r\n"
            nursery.start_soon(asking._ask, stream, request)
            await trio.sleep(0.1)
            assert leaving.in_flight == 1
            await it.reload(shop(api=at(first)))
            assert asking.answers.total() == 1, "it was stopped after its answer"
        await asking._ask(stream, b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert "404" in asking.failures[0]
        await stream.aclose()
        assert process_of(leaving).gone


async def test_a_file_with_mistakes_changes_nothing_and_all_of_them_are_said(
    tmp_path: Path,
) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(api=at(port))) as it:
        before = it.pids
        with pytest.raises(ConfigError) as error:
            await it.reload(shop(api=at(port, more=", strateggy: random, hold: soon")))
        assert len(error.value.problems) == 2
        await it.until_noted("everything stays as it is")
        await it.until_noted("unknown setting `strateggy`")
        with pytest.raises(ConfigError, match="does not exist"):
            await it.reload(shop(api=at(port), web="start: no-such-program"))
        assert it.pids == before
        async with clients(it):
            pass


async def test_a_port_that_somebody_has_changes_nothing(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(api=at(port))) as it:
        with pytest.raises(RpxError, match="is taken by"):
            await it.reload(shop(api=at(port), web=at(it.registry.ports.http)))
        with pytest.raises(RpxError, match="is taken by"):
            await it.reload(shop(api=at(it.registry.ports.http)))
        assert list(it.pids) == [f"api:{port}"]


async def test_what_takes_another_run_is_said_each_time(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(api=at(port))) as it:
        text = shop("metrics: {port: 0}\nverbose: true\nlimits: {held: 5}\n", api=at(port))
        assert (await it.reload(text))[0] == "change verbose, limits"
        await it.until_noted("`metrics` can't change while rpx runs: `rpx down`, then `rpx up`")
        again = await it.change()
        assert told(again)["sentences"] == ["nothing to change"]
        assert told(again)["plan"]["next_run"] == ["metrics"]


async def test_a_look_changes_nothing(tmp_path: Path) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first))) as it:
        it.write(shop(api=at(first), web=at(second)))
        change = await it.change(dry=True)
        assert told(change)["plan"]["add"] == [f"web:{second}"]
        assert "outcomes" not in told(change)
        assert list(it.pids) == [f"api:{first}"]


async def test_one_that_was_stopped_stays_stopped_and_starts_as_it_says_now(
    tmp_path: Path,
) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(api=at(port))) as it:
        backend = it.backend(f"api:{port}")
        process_of(backend).mailbox.give.send_nowait(Order(OrderKind.STOP))
        await it.until(lambda: backend.state is State.STOPPED)
        it.write(shop(api=at(port, run="echo new; RUN")))
        change = await it.change()
        [outcome] = told(change)["outcomes"]
        assert outcome["sentence"].endswith("is stopped: what is new holds from its next start")
        assert backend.state is State.STOPPED
        process_of(backend).mailbox.give.send_nowait(Order(OrderKind.START))
        await it.ready()
        assert b"new" in [line.text for line in process_of(backend).lines.tail(3)]


async def test_one_that_has_failed_is_tried_again_with_a_new_command(tmp_path: Path) -> None:
    port, other = free_ports(2)
    broken = shop(web=at(other), api=at(port, run="{command: RUN broken, restart: 'no'}"))
    async with live(tmp_path, shop(web=at(other))) as it:
        it.write(broken)
        await it.change()
        assert it.backend(f"api:{port}").state is State.FAILED
        assert await it.reload(broken) == ["nothing to change"]
        await it.reload(shop(web=at(other), api=at(port)))
        assert it.backend(f"api:{port}").in_rotation


async def test_processes_come_and_go_and_a_changed_oneshot_runs_again(tmp_path: Path) -> None:
    [port] = free_ports(1)
    job = "processes:\n  worker: exec sleep 100\n  job: {command: echo %s, oneshot: true}\n"
    async with live(tmp_path, shop(api=at(port))) as it:
        await it.reload(shop(api=at(port)) + job % "one")
        assert process_of(it.backend("worker")).pid
        assert it.backend("job").state is State.COMPLETED
        worker = process_of(it.backend("worker")).pid
        said = await it.reload(shop(api=at(port)) + job % "two")
        assert said[0] == "restart job: command"
        assert [line.text for line in process_of(it.backend("job")).lines.tail(9)] == [
            b"one",
            b"two",
        ]
        assert process_of(it.backend("worker")).pid == worker
        assert (await it.reload(shop(api=at(port))))[:2] == ["remove worker", "remove job"]
        assert list(it.pids) == [f"api:{port}"]


async def test_who_depends_on_others_comes_after_them_and_stays_if_they_fail(
    tmp_path: Path,
) -> None:
    api = "start: {command: %s echo api >>order; RUN}, replicas: 1, hold: 0, "
    api += "depends_on: {job: completed}"
    job = "processes: {job: {command: %s, oneshot: true}}"
    async with live(tmp_path, shop(api=api % "") + job % "true") as it:
        async with clients(it):
            await it.reload(shop(api=api % "A=1;") + job % "sleep 0.3; echo job >>order")
        assert (tmp_path / "order").read_text().split() == ["api", "job", "api"]
        before = it.pids
        async with clients(it):
            it.write(shop(api=api % "A=2;") + job % "exit 3")
            outcomes = told(await it.change())["outcomes"]
        assert [each["exit_code"] for each in outcomes] == [1, 1]
        assert it.pids == before


async def test_an_address_that_somebody_else_serves_from_now_on(tmp_path: Path) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first), web=at(second))) as it:
        await it.reload(shop(api=f"from: [{first}]", web=at(second)))
        assert it.backend(f"api:{first}").external
        assert it.registry.leaving == []


async def test_only_what_was_asked_for_is_started_also_after_a_reload(tmp_path: Path) -> None:
    first, second = free_ports(2)
    terms = Terms(names=["api", "gone"])
    text = shop(api=at(first), gone="from: 1")
    async with live(tmp_path, text, terms=terms) as it:
        await it.until(lambda: it.backend(f"api:{first}").in_rotation)
        await it.reload(shop(api=at(first), web=at(second)))
        await it.until(lambda: not it.backend(f"web:{second}").about_to_start)
        assert it.backend(f"web:{second}").state is State.STOPPED
        await it.reload(shop(api=at(first), web="start: RUN, replicas: 1"))
        await it.change({"web": 2})
        states = [it.backend(label).state for label in list(it.pids)[1:]]
        assert states == [State.STOPPED, State.READY]
        await it.reload(shop(web="start: RUN, replicas: 2"))
        await it.reload(shop(web="start: RUN, replicas: 3"))
        assert it.backend(list(it.pids)[2]).state is State.READY


async def test_the_end_does_not_wait_for_a_reload(tmp_path: Path) -> None:
    first, second = free_ports(2)
    slow = at(second, run="sleep 100")
    async with live(tmp_path, shop(api=at(first))) as it:
        it.write(shop(api=at(first), web=slow))
        change = it.order()
        await it.until(lambda: f"web:{second}" in it.registry.backends)
        began = trio.current_time()
    assert trio.current_time() - began < 10
    assert not change.done.is_set()


async def test_with_auto_a_change_of_the_file_or_of_an_env_file_is_enough(tmp_path: Path) -> None:
    first, second = free_ports(2)
    auto = "reload: auto\n"
    async with live(tmp_path, shop(auto, api=at(first))) as it:
        await it.watching()
        it.write(shop(auto, api=at(first), web=at(second)))
        await it.until_noted("rpx.yaml has changed")
        await it.until(lambda: f"web:{second}" in it.pids and it.backend(f"web:{second}").pid)
        (tmp_path / "new").write_text("proxies: [")
        (tmp_path / "new").replace(tmp_path / "rpx.yaml")
        await it.until_noted("everything stays as it is")
        it.write(shop(auto, api=at(first), web=at(second)))
        await it.until_noted("rpx.yaml has changed: nothing to change")
        (tmp_path / ".env").write_text("COLOUR=red\n")
        await it.until_noted("restart api:")
        assert ".env has changed:" in it.notes


async def test_with_auto_a_hanging_service_can_be_mended_at_once_and_a_link_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.changes.transition.PRESSED", 0.1)
    [port] = free_ports(1)
    good, hangs = (shop("reload: auto\n", api=at(port, run=run)) for run in ("RUN", "sleep 100"))
    (tmp_path / "real").mkdir()
    (tmp_path / "rpx.yaml").symlink_to("real/rpx.yaml")
    async with live(tmp_path, good) as it:
        await it.watching("real")
        before = it.pids[f"api:{port}"]
        it.write(hangs)
        await it.until(lambda: it.pids[f"api:{port}"] not in (before, None))
        it.write(good)
        await it.ready()


async def test_a_file_that_is_gone_for_a_moment_is_no_mistake(tmp_path: Path) -> None:
    first, second = free_ports(2)
    auto = "reload: auto\n"
    async with live(tmp_path, shop(auto, api=at(first))) as it:
        await it.watching()
        (tmp_path / "rpx.yaml").unlink()
        await trio.sleep(0.3)  # it is noticed, and waited for
        it.write(shop(auto, api=at(first), web=at(second)))
        await it.until_noted(f"add web:{second}")
        assert not any("stays as it is" in note for note in it.notes)


async def test_a_change_that_fails_once_it_listens_for_tls_does_not_go_on_listening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    first, second = free_ports(2)
    monkeypatch.setattr("rpx.listeners.HTTPS", Usual("`listen.https_port`", second, range(0)))
    async with live(tmp_path, shop(api=at(first))) as it:
        before = it.registry.ports.https
        with pytest.raises(RpxError, match=f"the port of `web:{second}`, {second}, is taken by"):
            await it.reload(shop("https: true\n", api=at(first), web=at(second)))
        assert it.registry.ports.https == before
        with socket.socket() as nobody:
            assert nobody.connect_ex(("127.0.0.1", second)) == errno.ECONNREFUSED
        async with clients(it):
            pass
        await it.reload(shop("https: true\n", api=at(first)))
        await (await trio.open_tcp_stream("127.0.0.1", second)).aclose()


async def test_a_new_host_has_a_certificate_also_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    first, second = free_ports(2)

    async def shakes_hands(host: str) -> bool:
        context = ssl.create_default_context(cafile=str(authority_folder() / "rpx-ca.pem"))
        stream = trio.SSLStream(
            await trio.open_tcp_stream("127.0.0.1", it.registry.ports.https),
            context,
            server_hostname=host,
        )
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError:
            return False
        finally:
            await trio.aclose_forcefully(stream)
        return True

    text = at(first, run="echo $RPX_URL >url; RUN")
    async with live(tmp_path, shop(api=text), listen="{http_port: 0}") as it:
        it.listen = "{http_port: 0, https_port: 0}"
        async with clients(it):
            said = await it.reload(shop("https: {redirect: false}\n", api=text))
            assert said == [f"restart api:{first}: https", "change api.localhost: https"]
        assert await shakes_hands("api.localhost")
        url = f"https://api.localhost:{it.registry.ports.https}"
        assert (tmp_path / "url").read_text().strip() == url == it.registry.url("api.localhost")
        assert not await shakes_hands("web.localhost")
        said = await it.reload(shop("https: {redirect: false}\n", api=text, web=at(second)))
        assert said == [f"add web:{second}", "leave 1 backend alone"]
        assert await shakes_hands("web.localhost")
        said = await it.reload(shop("https: false\n", api=text, web=at(second)))
        assert said[0] == f"restart api:{first}: https"
        listening = it.registry.ports.https
        it.listen = "{http_port: 0, https_port: 1}"
        it.write(shop("https: {redirect: false}\n", api=text, web=at(second)))
        for _ in range(2):
            [advice] = told(await it.change())["advice"]
            assert advice.startswith("`listen` can't change while rpx runs")
            assert it.registry.ports.https == listening
        assert await shakes_hands("api.localhost")
