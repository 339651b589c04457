"""The other projects of a user, as a dashboard is told of them and leads to them."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from starlette.applications import Starlette
from starlette.routing import Route
from trio.testing import MockClock

from rpx.control.dashboard.other_projects import OtherProject
from rpx.control.dashboard.others_part import OthersPart


class Known:
    """A project that runs beside this one."""

    def all(self) -> Mapping[str, OtherProject]:
        return {"/blog/rpx.yaml": OtherProject("blog", None, "failing", here=False)}

    def link(self, file: str) -> str:
        return f"http://blog.rpx.localhost/?token={file}"


async def test_a_tab_leads_to_a_project_that_runs_and_to_nothing_else(
    autojump_clock: MockClock,
) -> None:
    part = OthersPart(Known())
    app = Starlette(routes=[Route("/other", part.link, methods=["POST"])])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx") as http:
        early = await http.post("/other", json={"file": "/blog/rpx.yaml"})
        assert early.status_code == 404  # it is not known yet
        told = await part.sources()["projects"]()
        known = {"name": "blog", "realm": None, "state": "failing", "here": False}
        assert told == {"/blog/rpx.yaml": known}
        found = await http.post("/other", json={"file": "/blog/rpx.yaml"})
        assert found.json() == {"url": "http://blog.rpx.localhost/?token=/blog/rpx.yaml"}
        assert (await http.post("/other", json={"file": "/etc/passwd"})).status_code == 404


async def test_who_knows_of_no_others_tells_of_none() -> None:
    assert await OthersPart(None).sources()["projects"]() == {}
