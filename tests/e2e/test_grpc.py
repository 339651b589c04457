"""gRPC through a real rpx: grpcio's clients and servers, with TLS and without."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.support import grpc_echo
from tests.support.project import Project, free_ports, project_in, until
from tests.support.tls import Authority

pytestmark = pytest.mark.real

SERVER = Path(grpc_echo.__file__)
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
