"""Whose socket answers: with real processes that carry the marker of the service, or don't."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from rpx.backend.claim import Claim
from rpx.backend.elsewhere import misplaced
from rpx.backend.free_ports import is_taken
from rpx.backend.listening import Socket, every_socket
from rpx.backend.own_use import DEBUGGERS, INSPECTORS
from rpx.backend.processes import MARKER
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.address import Address, Location, SocketFile
from rpx.model.config import Ready, Start, Web
from rpx.model.specs import EndpointSpec, ProcessSpec
from rpx.model.status import Note, Printed
from tests.support.bench import external, process_of, registry, spec, start_of
from tests.support.project import SOON, free_ports
from tests.support.specs import backend_spec, varied

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system shows no owners"),
]
LISTEN = """
import os, socket, sys
if "CALLED" in os.environ:
    open("/proc/self/comm", "w").write(os.environ["CALLED"])
split = sys.argv.index("--")
for where in sys.argv[1:split]:
    host, _, port = where.rpartition(":")
    if port.isdigit():
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family); sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.argv[-1] == "share":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, int(port)))
    else:
        sock = socket.socket(socket.AF_UNIX); sock.bind(where)
    sock.listen(); os.set_inheritable(sock.detach(), True)
print("listening", flush=True)
sys.stdin.read()
"""
HINT = "pass --port $PORT, or write from: localhost:OTHER"


def instance(number: int = 1) -> str:
    """A process of a run that is that of this worker alone; others run these tests, too."""
    return f"claim-test-{os.getpid()}.{number}"


@contextmanager
def process(
    *where: str, marker: str | None = "", called: str = "", after: tuple[str, ...] = ()
) -> Iterator[int]:
    """Run one that listens there, and say its pid. `after` are more words of its command line.

    `marker`: whose it is, ours unless something else is said; None: nobody's.
    """
    if marker == "":
        marker = instance()
    environment = {name: value for name, value in os.environ.items() if name != MARKER}
    if marker:
        environment[MARKER] = marker
    if called:
        environment["CALLED"] = called
    with subprocess.Popen(
        (sys.executable, "-I", "-S", "-c", LISTEN, *where, "--", *after),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == b"listening\n"
        try:
            yield running.pid
        finally:
            running.stdin.close()


def free_one_of(ports: Iterable[int]) -> int:
    """Return one that nobody has: whoever runs the tests may be debugging something."""
    return next(port for port in ports if not is_taken(socket.AF_INET, "127.0.0.1", port))


async def sockets_of(claim: Claim) -> list[Socket]:
    """Where the processes of its instance listen."""
    return await trio.to_thread.run_sync(lambda: claim.sockets(every_socket(), claim.pids()))


class Case:
    """A service with one port, and whoever listens there."""

    def __init__(self) -> None:
        [self.port] = free_ports(1)
        self.registry = registry(spec(self.port))
        [self.backend] = self.registry.everyone
        self.claim = Claim(self.registry, process_of(self.backend), instance())
        self.v4, self.v6 = f"127.0.0.1:{self.port}", f"::1:{self.port}"

    async def find(self, host: str = "localhost") -> tuple[str | None, Location | None]:
        with trio.fail_after(2 * SOON):
            return await self.claim.find(Address(host, self.port), SOON)


async def test_our_own_process_is_found_where_it_listens() -> None:
    case = Case()
    with process(case.v4):
        assert await case.find() == (None, Address("127.0.0.1", case.port))
    with process(case.v6):
        assert await case.find() == (None, Address("::1", case.port))
    assert await case.find() == ("connection refused", None)


async def test_a_stranger_is_never_taken_for_our_own() -> None:
    case = Case()
    with process(case.v4, marker=None) as pid:
        for _ in range(2):
            failure, seat = await case.find()
            assert failure is not None
            assert failure.startswith(f"127.0.0.1:{case.port} belongs to `{sys.executable} ")
            assert failure.endswith(f"(pid {pid}), not to this service")
            assert seat is None


async def test_another_service_is_a_stranger_too() -> None:
    case = Case()
    with process(case.v4, marker=instance(2)):
        assert "belongs to" in str((await case.find())[0])


async def test_beside_a_stranger_at_the_other_address_of_localhost_our_own_is_found() -> None:
    case = Case()
    with process(case.v4, marker=None), process(case.v6):
        assert await case.find() == (None, Address("::1", case.port))
    with process(case.v6, marker=None), process(case.v4):
        assert await case.find() == (None, Address("127.0.0.1", case.port))


@pytest.mark.parametrize("name", ["docker-proxy", "rootlessport", "containerd-shim"])
async def test_who_holds_ports_for_containers_is_no_stranger(name: str) -> None:
    case = Case()
    with process(case.v4, marker=None, called=name):
        assert await case.find() == (None, Address("127.0.0.1", case.port))


async def test_our_own_process_may_go_by_the_port_that_is_written() -> None:
    case, [other] = Case(), free_ports(1)
    told = Address("localhost", other, written=case.port)
    await case.claim.begin()
    with case.registry.events.subscribe() as events:
        for where in (case.v4, case.v6):
            with process(where):
                found = await case.claim.find(told, SOON)
                assert found == (None, Address(where.rpartition(":")[0], case.port))
        with process(f"127.0.0.1:{other}"):
            found = await case.claim.find(told, SOON)
            assert found == (None, Address("127.0.0.1", other, written=case.port))
        [note] = [each for each in events.take() if isinstance(each, Note)]
    said = f"listens on {case.port}, as it is written, and not on its PORT, {other}:"
    assert note.text.startswith(said)
    assert note.label == case.backend.label


async def test_elsewhere_our_own_process_counts_where_nobody_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rpx.backend.claim.sys", SimpleNamespace(platform="darwin"))
    told = Address("localhost", free_ports(1)[0], written=free_ports(1)[0])
    there = registry(backend_spec("api", address=told, start=Start(command="x", cwd=Path("/"))))
    claim = Claim(there, process_of(there.everyone[0]), instance())
    await claim.begin()
    where = f"127.0.0.1:{told.called}"
    with process(where, marker=None):
        assert await claim.find(told, SOON) == ("connection refused", None)
    with process(where):
        assert await claim.find(told, SOON) == (None, Address("127.0.0.1", told.called))
        await claim.begin()
        assert await claim.find(told, SOON) == ("connection refused", None)


@pytest.mark.parametrize("name", ["", "docker-proxy"])
async def test_who_was_there_before_at_the_port_that_is_written_is_of_another_checkout(
    name: str,
) -> None:
    case, [other] = Case(), free_ports(1)
    told = Address("localhost", other, written=case.port)
    with process(case.v4, marker=None, called=name):
        await case.claim.begin()
        assert await case.claim.find(told, SOON) == ("connection refused", None)
        with process(case.v6):
            assert await case.claim.find(told, SOON) == (None, Address("::1", case.port))
        with process(case.v6, marker=None):
            assert await case.claim.find(told, SOON) == ("connection refused", None)


async def test_a_question_that_rpx_itself_passes_on_is_not_strange() -> None:
    case = Case()
    [listener] = await trio.open_tcp_listeners(case.port, host="127.0.0.1")
    async with listener:
        assert (await case.find())[0] is None


async def test_a_unix_socket_says_who_listens_there(tmp_path: Path) -> None:
    case, path = Case(), str(tmp_path / "s")
    file = SocketFile(path, "s")
    with process(path, marker=None) as pid:
        failure, seat = await case.claim.find(file, SOON)
        assert f"(pid {pid}), not to this service" in str(failure)
        assert seat is None
    os.unlink(path)
    with process(path):
        assert await case.claim.find(file, SOON) == (None, file)


async def test_after_an_early_exit_whoever_has_the_port_is_named() -> None:
    case = Case()
    assert await case.claim.hindrance() == ""
    with process(case.v6, marker=None) as pid:
        said = await case.claim.hindrance()
        assert said.startswith(f"[::1]:{case.port} belongs to `")
        assert said.endswith(f"(pid {pid})")


async def test_no_thread_looks_into_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()
    asked: list[threading.Thread] = []

    def specs_of(self: Registry, process: Process) -> list[ProcessSpec | EndpointSpec]:
        asked.append(threading.current_thread())
        return [process.spec]

    monkeypatch.setattr(Registry, "specs_of", specs_of)
    assert await case.claim.hindrance() == ""
    assert set(asked) == {threading.current_thread()}


async def test_connections_of_the_process_before_are_named_where_the_next_one_complains() -> None:
    case = Case()
    with socket.create_server(("127.0.0.1", case.port)) as server:
        with socket.create_connection(("127.0.0.1", case.port)) as peer:
            server.accept()[0].close()  # who closes first keeps the port
            assert peer.recv(1) == b""
    assert await case.claim.hindrance() == ""
    process_of(case.backend).lines.append(
        Printed("api", 1.0, b"OSError: [Errno 98] Address already in use\n")
    )
    said = await case.claim.hindrance()
    assert said == f"port {case.port} is in TIME_WAIT after the process before, for a minute"


@pytest.mark.parametrize(
    ("listens", "says"),
    [
        (["127.0.0.1:OTHER"], f"listens on 127.0.0.1:OTHER, not on PORT: {HINT}"),
        (["0.0.0.0:OTHER"], f"listens on 0.0.0.0:OTHER, not on PORT: {HINT}"),
        (["::1:OTHER"], f"listens on [::1]:OTHER, not on PORT: {HINT}"),
        (
            ["127.0.0.2:PORT"],
            "listens on 127.0.0.2:PORT, not on localhost:PORT: pass --host localhost",
        ),
        (
            ["FOLDER/s"],
            "listens on unix:FOLDER/s, not on PORT: "
            + HINT.replace("localhost:OTHER", "unix:FOLDER/s"),
        ),
        (["FOLDER/s", "127.0.0.1:PORT"], ""),
        (["FOLDER/tsx.pipe"], ""),
        (["127.0.0.1:INSPECTOR"], ""),
        (["127.0.0.1:OTHER", "127.0.0.1:PORT"], ""),
        ([], ""),
    ],
)
async def test_where_a_service_listens_instead_is_said(
    listens: list[str], says: str, tmp_path: Path
) -> None:
    case, [other] = Case(), free_ports(1)

    def put(text: str) -> str:
        text = text.replace("OTHER", str(other)).replace("FOLDER", str(tmp_path))
        text = text.replace("INSPECTOR", str(free_one_of(INSPECTORS)))
        return text.replace("PORT", str(case.port))

    with process(*(put(each) for each in listens)):
        found = await sockets_of(case.claim)
        assert misplaced(case.registry, case.backend, found) == put(says).replace(
            "$" + str(case.port), "$PORT"
        )


@pytest.mark.parametrize(
    ("ready", "write"),
    [
        ("{tcp: PORT}", "{tcp: OTHER}"),
        ("{http: http://localhost:PORT/up}", "{http: http://localhost:OTHER/up}"),
    ],
)
async def test_a_process_that_shows_itself_by_a_port_is_told_of_the_right_one(
    ready: str, write: str
) -> None:
    case, [other] = Case(), free_ports(1)
    here = Address("localhost", case.port)
    sign = Ready(tcp=here) if "tcp" in ready else Ready(http=Web(address=here, path="/up"))
    start = start_of(case.backend).model_copy(update={"ready": sign})
    shown = varied(case.backend.spec, address=None, start=start)
    case.registry.respec({case.backend: shown})
    with process(f"127.0.0.1:{other}"):
        found = await sockets_of(case.claim)
        told = f"listens on 127.0.0.1:{other}, not on {case.port}: write ready: {write}"
        assert misplaced(case.registry, case.backend, found) == told.replace("OTHER", str(other))


async def test_of_the_addresses_of_one_process_the_one_is_named_that_it_has_forgotten() -> None:
    first, second = free_ports(2)
    shared = varied(external(second), served_by=f"api:{first}")
    the = registry(varied(spec(first), replica=1), shared)
    owner, other = the.everyone
    assert other.process is owner.own
    claim = Claim(the, process_of(owner), instance())
    with process(f"127.0.0.1:{first}"):
        found = await sockets_of(claim)
    assert misplaced(the, owner, found) == ""
    assert misplaced(the, other, found) == (
        f"listens on 127.0.0.1:{first}, not on {second}: its one process is to listen on all of"
        " `from`"
    )


async def test_a_debuggers_port_counts_where_no_debugger_was_asked_for() -> None:
    case = Case()
    port = free_one_of(DEBUGGERS)
    with process(f"127.0.0.1:{port}", after=("-m", "debugpy", "--listen", str(port))):
        assert await sockets_of(case.claim) == []
    with process("127.0.0.1:0", after=("--inspect=127.0.0.1:0",)):
        assert await sockets_of(case.claim) == []
    with process("127.0.0.1:0", after=("--inspect=127.0.0.1:9300",)):
        assert len(await sockets_of(case.claim)) == 1
    with process(f"127.0.0.1:{port}"):
        found = await sockets_of(case.claim)
    assert "not on" in misplaced(case.registry, case.backend, found)


async def test_who_shares_a_port_with_our_own_process_is_a_stranger_still() -> None:
    case = Case()
    with process(case.v4, after=("share",)):
        assert (await case.find())[0] is None
        with process(case.v4, marker=None, after=("share",)) as pid:
            failure, _ = await case.find()
            assert f"(pid {pid}), not to this service" in str(failure)
        with process(case.v4, after=("share",)):
            assert (await case.find())[0] is None
