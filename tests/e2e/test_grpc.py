"""gRPC through a real rpx: grpcio's clients and servers, with TLS and without."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from operator import ge
from pathlib import Path

import grpc
import pytest

from tests.support import grpc_echo
from tests.support.npm import npm_package
from tests.support.project import Project, free_ports, project_in, until
from tests.support.tls import Authority

pytestmark = pytest.mark.real

SERVER = Path(grpc_echo.__file__)
CALLS_OF_NODE = SERVER.with_name("grpc_calls.cjs")
SOON = 30.0  # seconds; a call that takes longer has failed


class Calls:
    """What a client calls."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.unary = channel.unary_unary("/Echo/Unary")
        self.down = channel.unary_stream("/Echo/Down")
        self.up = channel.stream_unary("/Echo/Up")
        self.both = channel.stream_stream("/Echo/Both")
        self.wait = channel.unary_stream("/Echo/Wait")
        self.cancelled = channel.unary_unary("/Echo/Cancelled")


def calling(
    target: str, authority: str = "echo.localhost", *, believing: bytes = b""
) -> grpc.Channel:
    """Open a channel to rpx, which knows the service by the name. `believing`: with TLS, whom."""
    options = [
        ("grpc.default_authority", authority),
        ("grpc.max_receive_message_length", grpc_echo.LARGEST),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if not believing:
        return grpc.insecure_channel(target, options=options)
    options.append(("grpc.ssl_target_name_override", authority))
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(believing), options=options)


class Going:
    """Short calls of every kind, one after the other and all kinds at once, until told to end."""

    def __init__(self, calls: Calls) -> None:
        self.failed: list[grpc.StatusCode] = []
        self.wrong: list[bytes] = []  # answers that are not what was asked for
        self._kinds: tuple[tuple[Callable[[], bytes], bytes], ...] = (
            (lambda: calls.unary(b"hello", timeout=SOON), b"hello"),
            (lambda: b"".join(calls.down(b"9", timeout=SOON)), b"012345678"),
            (lambda: calls.up(iter((b"one", b"two")), timeout=SOON), b"2 6"),
            (lambda: b"".join(calls.both(iter((b"one", b"two")), timeout=SOON)), b"onetwo"),
        )
        self._done = [0] * len(self._kinds)  # calls that succeeded
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(number,))
            for number in [*range(len(self._kinds))] * 2
        ]

    def __enter__(self) -> None:
        for each in self._threads:
            each.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join()

    def until_each_went_on(self, calls: int) -> None:
        """Wait until so many more of each kind have succeeded."""
        goals = [done + calls for done in self._done]
        until(lambda: all(map(ge, self._done, goals)), f"calls go on: {self._done} of {goals}")

    def _call(self, number: int) -> None:
        ask, expected = self._kinds[number]
        while not self._over.is_set():
            try:
                answer = ask()
            except grpc.RpcError as error:
                self.failed.append(error.code())
                continue
            self._done[number] += 1
            if answer != expected:
                self.wrong.append(answer)


def until_all_are_up(project: Project) -> None:
    """Wait for those that somebody starts."""
    until(lambda: [*project.states().values()].count("ready") == 3, "all are up")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("grpc")) as project:
        project.environment["XDG_DATA_HOME"] = str(project.folder / "data")
        project.https_port, secure, nobody = free_ports(3)
        project.write(
            f"""
https: {{redirect: false}}
listen: {{http_port: HTTP_PORT, https_port: {project.https_port}}}
proxies:
  - to: secure.localhost
    from: {{url: "https://localhost:{secure}", ca: {authority.file}}}
    start: {{command: PYTHON {SERVER}, env: {{TLS: {authority.issue()}}}}}
  - to: echo.localhost
    start: PYTHON {SERVER}
    replicas: 2
    protocol: h2c
  - to: nobody.localhost
    from: h2c://localhost:{nobody}
    hold: 0s
"""
        )
        with project.up(ready=False):
            until_all_are_up(project)
            yield project


@pytest.fixture
def calls(running: Project) -> Iterator[Calls]:
    with calling(f"127.0.0.1:{running.http_port}") as channel:
        yield Calls(channel)


def test_a_call_and_its_answer_pass_with_their_metadata(calls: Calls) -> None:
    answer, call = calls.unary.with_call(b"hello", timeout=SOON, metadata=(("mine", "1"),))
    assert answer == b"hello"
    assert dict(call.trailing_metadata())["behind"] == "yes"
    assert dict(call.initial_metadata())["pid"]


def test_calls_of_one_connection_go_to_all_copies(calls: Calls) -> None:
    pids = set()
    for _ in range(4):
        _, call = calls.unary.with_call(b"", timeout=SOON)
        pids.add(dict(call.initial_metadata())["pid"])
    assert len(pids) == 2


def test_messages_stream_in_either_direction_and_in_both(calls: Calls) -> None:
    assert [*calls.down(b"1000", timeout=SOON)] == [b"%d" % n for n in range(1000)]
    assert calls.up((bytes(1000) for _ in range(300)), timeout=SOON) == b"300 300000"
    turn = threading.Semaphore(1)

    def asking() -> Iterator[bytes]:
        for number in range(100):
            turn.acquire()
            yield b"%d" % number

    for number, answer in enumerate(calls.both(asking(), timeout=SOON)):
        assert answer == b"%d" % number  # before the next is asked
        turn.release()


def test_large_messages_pass(calls: Calls) -> None:
    large = bytes(range(256)) * 80_000  # 20 MB
    assert calls.unary(large, timeout=SOON) == large


def test_an_error_comes_back_as_it_was_said(calls: Calls) -> None:
    with pytest.raises(grpc.RpcError) as error:
        calls.unary(b"fail NOT_FOUND", timeout=SOON)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    assert error.value.details() == "nö: 100%"
    with pytest.raises(grpc.RpcError) as error:
        calls.channel.unary_unary("/Echo/Nothing")(b"", timeout=SOON)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_cancel_and_a_deadline_end_the_call_at_its_backend(calls: Calls) -> None:
    call = calls.wait(b"", timeout=SOON)
    next(call)  # it is there
    call.cancel()
    with pytest.raises(grpc.RpcError) as error:
        [*calls.wait(b"", timeout=1.0)]
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    found = [calls.cancelled(b"", timeout=2 * SOON) for _ in range(2)]  # one of each copy
    assert found == [b"yes", b"yes"]


def test_a_copy_that_is_killed_fails_its_calls_alone_and_the_next_ones_go_on(
    running: Project, calls: Calls
) -> None:
    waiting = [calls.wait(b"", timeout=SOON) for _ in range(2)]  # one at each copy
    pids = {next(each).decode(): each for each in waiting}
    ports = {str(row["pid"]): row["port"] for row in running.ps() if row["pid"]}
    victim = next(iter(pids))
    done = running.rpx("kill-backend", str(ports[victim]))
    assert done.returncode == 0, done.stderr
    with pytest.raises(grpc.RpcError) as error:
        [*pids.pop(victim)]
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    for _ in range(20):
        assert calls.unary(b"still", timeout=SOON) == b"still"
    (other,) = pids.values()
    assert other.is_active()
    other.cancel()
    until_all_are_up(running)


def test_a_copy_that_is_killed_under_load_fails_no_call_but_with_unavailable(
    running: Project, calls: Calls
) -> None:
    going = Going(calls)
    with going:
        going.until_each_went_on(10)
        victim = next(row for row in running.ps() if row["name"].startswith("echo"))
        assert running.rpx("kill-backend", str(victim["port"])).returncode == 0
        going.until_each_went_on(10)
        until(lambda: victim["pid"] not in [row["pid"] for row in running.ps()], "it is killed")
        until_all_are_up(running)
        going.until_each_went_on(10)
    assert {*going.failed} <= {grpc.StatusCode.UNAVAILABLE}
    assert not going.wrong


@pytest.mark.parametrize("name", ["echo.localhost", "secure.localhost"])
def test_tls_may_be_spoken_on_either_side(running: Project, name: str) -> None:
    """A server with TLS offers HTTP/2 alone."""
    told = running.rpx("trust", "--print-ca-path")
    believing = Path(told.stdout.strip()).read_bytes()
    target = f"127.0.0.1:{running.https_port}"
    with calling(target, name, believing=believing) as channel:
        assert Calls(channel).unary(b"sealed", timeout=SOON) == b"sealed"
    with calling(f"127.0.0.1:{running.http_port}", name) as channel:
        assert [*Calls(channel).down(b"3", timeout=SOON)] == [b"0", b"1", b"2"]


def test_where_nobody_answers_a_call_is_told_so_as_grpc_has_it(running: Project) -> None:
    with calling(f"127.0.0.1:{running.http_port}", "nobody.localhost") as channel:
        with pytest.raises(grpc.RpcError) as error:
            Calls(channel).unary(b"", timeout=SOON)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "nobody.localhost" in error.value.details()
    with calling(f"127.0.0.1:{running.http_port}", "unknown.localhost") as channel:
        with pytest.raises(grpc.RpcError) as error:
            Calls(channel).unary(b"", timeout=SOON)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.programs
@pytest.mark.parametrize("sealed", [False, True])
def test_grpc_js_calls_as_well(running: Project, *, sealed: bool) -> None:
    modules = npm_package("@grpc/grpc-js", "1.14.7")
    port = running.https_port if sealed else running.http_port
    command = ["node", str(CALLS_OF_NODE), f"127.0.0.1:{port}", "echo.localhost"]
    if sealed:
        command.append(running.rpx("trust", "--print-ca-path").stdout.strip())
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        timeout=4 * SOON,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "unary": {"answer": "hello", "behind": ["yes"]},
        "large": 1_000_000,
        "failed": {
            "code": grpc.StatusCode.NOT_FOUND.value[0],
            "details": "nö: 100%",
            "behind": ["yes"],
        },
        "unknown": grpc.StatusCode.UNIMPLEMENTED.value[0],
        "both": {"code": 0, "came": 50},
        "late": grpc.StatusCode.DEADLINE_EXCEEDED.value[0],
    }
