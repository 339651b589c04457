"""Who is let into the dashboard, over its ASGI application and a real API behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from rpx.control.dashboard.admission import GOOD_FOR, SESSIONS, TOKENS, Admission
from rpx.control.dashboard.dashboard_site import DashboardSite
from rpx.control.dashboard.page_files import page_files

HOST = "shop.rpx.localhost"
ORIGIN = f"http://{HOST}"


@dataclass
class Api:
    """Takes what is let through."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Any, _receive: object, send: Any) -> None:  # noqa: ANN401 - ASGI's
        self.asked.append((scope["method"], scope["path"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


class Visit:
    """A browser, and what it visits."""

    def __init__(self, http: httpx.AsyncClient, api: Api, admission: Admission) -> None:
        self.http = http
        self.api = api
        self.admission = admission

    async def come(self) -> str:
        """Come with a token; return what the page says with changes."""
        await self.http.get(f"/?token={self.admission.token()}")
        page = (await self.http.get("/")).text
        return page.split('name="rpx-csrf" content="')[1].split('"')[0]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def visit(clock: Clock) -> AsyncIterator[Visit]:
    api, admission = Api(), Admission("beef", clock)
    site = DashboardSite("shop", admission, lambda: frozenset((ORIGIN, f"{ORIGIN}:8080")), api)
    transport = httpx.ASGITransport(site)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield Visit(http, api, admission)


async def test_a_token_lets_one_browser_in_once_by_a_cookie_that_no_script_reads(
    visit: Visit,
) -> None:
    token = visit.admission.token()
    first = await visit.http.get(f"/requests?token={token}")
    assert (first.status_code, first.headers["location"]) == (303, "/requests")
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("rpx_beef=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert (await visit.http.get("/requests")).status_code == 200
    visit.http.cookies.clear()
    again = await visit.http.get(f"/?token={token}")
    assert (again.status_code, "set-cookie" in again.headers) == (401, False)
    assert "This link is good no more" in again.text


async def test_who_opens_a_link_again_that_has_let_it_in_is_let_in(visit: Visit) -> None:
    token = visit.admission.token()
    await visit.http.get(f"/?token={token}")
    again = await visit.http.get(f"/?token={token}")
    assert (again.status_code, again.headers["location"]) == (303, "/")
    assert "set-cookie" not in again.headers


async def test_a_browser_that_keeps_no_cookies_is_told_so(visit: Visit) -> None:
    await visit.http.get(f"/?token={visit.admission.token()}")
    visit.http.cookies.clear()
    assert "keeps no cookies" in (await visit.http.get("/")).text


async def test_a_cookie_of_tls_is_secure(visit: Visit) -> None:
    session = visit.admission.redeem(visit.admission.token())
    assert session
    assert visit.admission.set_cookie(session, tls=True).endswith("SameSite=Strict; Secure")


async def test_a_token_is_good_for_a_minute(visit: Visit, clock: Clock) -> None:
    token = visit.admission.token()
    clock.now += GOOD_FOR + 1
    assert (await visit.http.get(f"/?token={token}")).status_code == 401


@pytest.mark.parametrize("path", ["/", "/requests", "/logs?q=x", "/?token=guessed", "/?token="])
async def test_who_has_no_cookie_is_told_which_command_to_type(visit: Visit, path: str) -> None:
    page = await visit.http.get(path)
    assert page.status_code == 401
    assert "rpx open --dashboard" in page.text
    assert "rpx-csrf" not in page.text


@pytest.mark.parametrize("cookie", ["", "rpx_beef=guessed", "rpx_other=x", 'rpx_beef="', "=;;="])
async def test_the_api_is_for_those_who_were_let_in(visit: Visit, cookie: str) -> None:
    answer = await visit.http.get("/api/v1/ps", headers={"cookie": cookie})
    assert answer.status_code == 401
    assert "rpx open --dashboard" in answer.json()["error"]["hint"]
    assert not visit.api.asked


@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1:8080", f"{HOST}:9999", f"{HOST}.evil.test", "rpx.localhost"]
)
async def test_a_name_that_leads_here_by_dns_rebinding_gets_nothing(
    visit: Visit, host: str
) -> None:
    await visit.come()
    for path in ("/", "/api/v1/ps", "/assets/style.css"):
        assert (await visit.http.get(path, headers={"host": host})).status_code == 421
    assert not visit.api.asked


@pytest.mark.parametrize(
    "origin",
    ["http://evil.test", "null", f"{ORIGIN}:3000", f"https://{HOST}", "http://api.localhost", ""],
)
async def test_a_page_of_another_origin_gets_nothing(visit: Visit, origin: str) -> None:
    headers = {"origin": origin, "x-rpx-csrf": await visit.come()}
    assert (await visit.http.get("/api/v1/ps", headers=headers)).status_code == 403
    answer = await visit.http.post("/api/v1/orders/stop", headers=headers, json={"names": ["a"]})
    assert answer.status_code == 403
    assert not visit.api.asked


async def test_a_request_that_another_site_has_begun_gets_nothing(visit: Visit) -> None:
    await visit.come()
    for site in ("cross-site", "same-site", "none"):
        answer = await visit.http.get("/api/v1/ps", headers={"sec-fetch-site": site})
        assert answer.status_code == 403
    assert not visit.api.asked


async def test_changes_and_streams_need_what_only_the_page_says(visit: Visit) -> None:
    csrf = await visit.come()
    streams = ["/api/live", "/api/v1/events", "/api/v1/logs?follow=true"]
    changes = ["/api/v1/orders/stop", "/api/v1/drills", "/api/v1/drills/stop", "/api/other"]
    asked = [("POST", path) for path in changes] + [("GET", path) for path in streams]
    for said in ({}, {"x-rpx-csrf": ""}, {"x-rpx-csrf": csrf[:-1]}, {"x-rpx-csrf": f"{csrf}é"}):
        for method, path in asked:
            headers = {name.encode(): value.encode() for name, value in said.items()}
            answer = await visit.http.request(method, path, headers=headers)
            assert answer.status_code == 403
    assert not visit.api.asked
    for method, path in asked:
        answer = await visit.http.request(method, path, headers={"x-rpx-csrf": csrf})
        assert answer.status_code == 200
    assert visit.api.asked[0] == ("POST", "/v1/orders/stop")


async def test_a_token_of_one_browser_is_none_of_another(visit: Visit) -> None:
    first = await visit.come()
    visit.http.cookies.clear()
    await visit.come()
    answer = await visit.http.post("/api/v1/reload", headers={"x-rpx-csrf": first})
    assert answer.status_code == 403


async def test_the_page_cannot_end_the_project_or_let_others_in(visit: Visit) -> None:
    csrf = await visit.come()
    for path in ("/api/v1/down", "/api/v1/dashboard"):
        assert (await visit.http.post(path, headers={"x-rpx-csrf": csrf})).status_code == 403
    assert not visit.api.asked


async def test_the_page_is_told_no_secrets(visit: Visit) -> None:
    await visit.come()
    for query in ("secrets=true", "secrets=1", "secrets", "x=y&secrets=false"):
        assert (await visit.http.get(f"/api/v1/requests/1?{query}")).status_code == 403
    assert not visit.api.asked


async def test_every_answer_keeps_other_sites_out_of_the_page(visit: Visit) -> None:
    answers = [await visit.http.get("/")]
    await visit.come()
    paths = ("/", "/assets/style.css", "/nowhere", "/api/v1/ps", "/assets/../admission.py")
    answers += [await visit.http.get(path) for path in paths]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert answers[-1].status_code == 404


def test_the_page_has_no_script_or_style_in_itself_and_nothing_from_elsewhere() -> None:
    for name, file in page_files().items():
        text = file.data.decode()
        assert "http://" not in text.replace("http://www.w3.org/", ""), name
        assert "https://" not in text.replace("https://www.w3.org/", ""), name
        if name.endswith(".html"):
            assert "<style" not in text
            assert "style=" not in text
            assert text.count("<script") == text.count('<script type="module" src=')


def test_the_whole_page_is_less_than_60_kb() -> None:
    files = page_files()
    assert sum(len(file.packed) for file in files.values()) < 60_000
    read = {name for name in files if name.endswith((".js", ".css"))}
    sources = "".join(file.data.decode() for file in files.values())
    assert {name for name in read if name not in sources} == set()  # nothing is left over


async def test_files_are_packed_and_are_not_sent_twice(visit: Visit) -> None:
    file = await visit.http.get("/assets/style.css")
    assert file.headers["content-encoding"] == "gzip"
    again = await visit.http.get(
        "/assets/style.css", headers={"if-none-match": file.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_only_so_many_tokens_and_browsers_are_remembered(visit: Visit) -> None:
    first = visit.admission.token()
    for _ in range(TOKENS):
        visit.admission.token()
    assert visit.admission.redeem(first) is None
    sessions = [visit.admission.redeem(visit.admission.token()) for _ in range(SESSIONS + 1)]
    known = [visit.admission.session(f"rpx_beef={each.secret}") for each in sessions if each]
    assert known == [None, *sessions[1:]]
