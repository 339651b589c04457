"""What Prometheus scrapes, read by its own parser; and the door where it does so."""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import h11
import httpx
import pytest
import trio
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

import rpx
from rpx.control.api import Control
from rpx.control.metrics import CONTENT_TYPE, prometheus
from rpx.control.server import Connections
from rpx.http.head import parse_request
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.address import SocketFile
from rpx.model.specs import BackendSpec
from rpx.model.status import Note
from rpx.policy.lifecycle import Move
from tests.support.bench import external, process_of, registry, spec
from tests.support.project import free_ports
from tests.support.routed import routed, ways_of
from tests.support.specs import varied

API, RPX = {"host": "api.localhost"}, {"host": "api.localhost", "backend": "rpx"}
FIRST = {**API, "backend": "localhost:3000"}


def worker() -> BackendSpec:
    return varied(spec(3000), name="worker", address=None)


def busy() -> Registry:
    """Two backends, one of them up, and a process; four answers, one of rpx's own."""
    the = registry(spec(3000), external(3001), worker(), clock=lambda: 0.0)
    backend = the.endpoint("api:3000")
    the.move(process_of(backend), Move.LAUNCH)
    the.judge(backend, Move.PROBE_UP)
    the.enter(backend)
    for status, seconds in ((200, 0.0005), (200, 0.3), (404, 70.0)):
        backend.counts.answered(status, seconds)
    backend.counts.errors, backend.counts.retries, backend.counts.held = 5, 6, 7
    backend.counts.traffic.sent, backend.counts.traffic.received = 8, 9
    process_of(backend).restarts = 10
    the.pools["api.localhost"].counts.answered(503, 10.0)
    the.unrouted.answered(404, 0.0)
    return the


class Scrape:
    """What the parser found."""

    def __init__(self, text: str) -> None:
        self.families: list[Metric] = list(text_string_to_metric_families(text))
        self._values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families
            for sample in family.samples
        }

    def value(self, name: str, labels: Mapping[str, str]) -> float:
        return self._values[name, tuple(sorted(labels.items()))]

    def all(self, name: str) -> Iterator[float]:
        return (value for (each, _), value in self._values.items() if each == name)


def test_every_family_has_a_type_and_a_help_and_each_sample_stands_once() -> None:
    scrape = Scrape(prometheus(busy()))
    assert {family.type for family in scrape.families} == {"counter", "gauge", "histogram"}
    assert all(family.documentation for family in scrape.families)
    assert len({family.name for family in scrape.families}) == len(scrape.families)
    samples = sum(len(family.samples) for family in scrape.families)
    assert samples == len(scrape._values)
    for family in scrape.families:
        for sample in family.samples:
            assert sample.name.startswith("rpx_")
            assert sample.name.endswith("_total") == (family.type == "counter")


def test_the_figures_are_those_of_the_registry() -> None:
    scrape = Scrape(prometheus(busy()))
    assert scrape.value("rpx_requests_total", {**FIRST, "code": "200"}) == 2
    assert scrape.value("rpx_requests_total", {**FIRST, "code": "404"}) == 1
    assert scrape.value("rpx_requests_total", {**RPX, "code": "503"}) == 1
    assert scrape.value("rpx_requests_total", {"host": "", "backend": "rpx", "code": "404"}) == 1
    assert sum(scrape.all("rpx_requests_total")) == 5
    assert scrape.value("rpx_requests_in_flight", FIRST) == 1
    names = ("request_errors", "request_retries", "requests_held")
    assert [scrape.value(f"rpx_{name}_total", FIRST) for name in names] == [5, 6, 7]
    assert scrape.value("rpx_request_bytes_total", FIRST) == 8
    assert scrape.value("rpx_response_bytes_total", FIRST) == 9
    assert scrape.value("rpx_backend_up", FIRST) == 1
    assert scrape.value("rpx_backend_up", {**API, "backend": "localhost:3001"}) == 0
    assert scrape.value("rpx_backend_restarts_total", FIRST) == 10
    assert scrape.value("rpx_process_up", {"process": "worker"}) == 0


def test_the_histogram_is_cumulative_and_exact_at_its_edges() -> None:
    scrape = Scrape(prometheus(busy()))
    name = "rpx_request_duration_seconds"
    found = {le: scrape.value(f"{name}_bucket", {**FIRST, "le": le}) for le in EDGES}
    assert found == {"0.0009765625": 1, "0.25": 1, "0.5": 2, "64.0": 2, "+Inf": 3}
    assert scrape.value(f"{name}_count", FIRST) == 3
    assert scrape.value(f"{name}_sum", FIRST) == pytest.approx(70.3005)


EDGES = ["0.0009765625", "0.25", "0.5", "64.0", "+Inf"]


def test_each_route_has_its_answers_beside_those_of_the_backends() -> None:
    the = routed(Path("/nowhere"))
    for way, status in (("old", 308), ("old", 308), ("api", 200)):
        ways_of(the)[way].counts.answered(status, 0.2)
    scrape = Scrape(prometheus(the))
    shop = {"host": "shop.localhost"}
    assert scrape.value("rpx_route_requests_total", {**shop, "route": "old", "code": "308"}) == 2
    assert sum(scrape.all("rpx_route_requests_total")) == 3
    name = "rpx_route_request_duration_seconds"
    assert scrape.value(f"{name}_count", {**shop, "route": "api"}) == 1
    assert scrape.value(f"{name}_bucket", {**shop, "route": "api", "le": "0.25"}) == 1
    assert sum(scrape.all("rpx_requests_total")) == 0  # what backends answer is counted there


def test_whatever_stands_in_a_label_comes_out_as_it_went_in() -> None:
    odd = SocketFile("/x", 'a "b" \\ c\nd\\n')
    the = registry(varied(spec(3000), address=odd), clock=lambda: 0.0)
    labels = {**API, "backend": str(odd)}
    assert Scrape(prometheus(the)).value("rpx_backend_up", labels) == 0


async def test_the_control_api_has_them(nursery: trio.Nursery, tmp_path: Path) -> None:
    await nursery.start(Control(tmp_path / "s"), busy(), Shutdown())
    transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "s"), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx") as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert Scrape(answer.text).value("rpx_requests_in_flight", FIRST) == 1


async def test_a_port_of_their_own_has_them_and_nothing_else() -> None:
    [port] = free_ports(1)
    async with rpx.start_proxy(
        from_=1, to="api.localhost", listen={"http_port": 0}, metrics={"port": port}
    ) as proxy:
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            for host in ("127.0.0.1", "[::1]"):
                answer = await http.get(f"http://{host}:{port}/metrics")
                assert answer.headers["content-type"] == CONTENT_TYPE
                up = Scrape(answer.text).value("rpx_backend_up", {**API, "backend": "localhost:1"})
                assert up == 0
            for host, status in (
                ("localhost", 200), ("API.localhost:1", 200), ("evil.example.com", 421),
                ("192.168.1.7:9180", 421),
            ):  # fmt: skip
                answer = await http.get(f"http://127.0.0.1:{port}/metrics", headers={"host": host})
                assert answer.status_code == status
                assert ("rpx_" in answer.text) == (status == 200)
            assert (await http.get(f"http://127.0.0.1:{port}/v1/ps")).status_code == 404
            assert (await http.post(f"http://127.0.0.1:{port}/v1/down")).status_code == 404
        assert proxy.url
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream("127.0.0.1", port)


def test_what_our_own_server_can_not_read_is_nobody_s_concern_but_a_bug_is_told() -> None:
    the = busy()
    connections = Connections(Starlette(), the)

    def ends(broken: Callable[[], object]) -> list[str]:
        with the.events.subscribe() as news:
            try:
                broken()
            except Exception as error:  # noqa: BLE001 - whatever it is
                connections._report(ExceptionGroup("", [ExceptionGroup("", [error])]))
            return [each.text for each in news.take() if isinstance(each, Note)]

    assert ends(lambda: b64decode("x")) == []
    assert ends(lambda: h11.Connection(h11.SERVER).send(h11.EndOfMessage())) == []
    assert "BadMessage" in ends(lambda: parse_request(b"GET / HTTP/1.1\r\n\r\n"))[0]


async def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sign = tmp_path / "started"
        with pytest.raises(rpx.RpxError, match=rf"`metrics\.port`.*{port}"):
            async with rpx.start_proxy(
                processes={"w": f"touch {sign}"}, listen={"http_port": 0}, metrics={"port": port}
            ):
                pytest.fail("it must not start")
    assert not sign.exists()
