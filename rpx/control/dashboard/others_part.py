"""What a dashboard is told of other projects, and its way to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import trio
from starlette.requests import Request
from starlette.responses import Response

from rpx.control.dashboard.gathering import Source
from rpx.control.dashboard.other_projects import OtherProjects
from rpx.control.json_answer import Json
from rpx.control.operations import body_of
from rpx.control.request_bodies import OtherProjectBody

OFTEN: Final = 10.0  # seconds between two looks: each asks for processes and branches of all


class OthersPart:
    """Over who knows them; None: nobody does."""

    def __init__(self, others: OtherProjects | None) -> None:
        self._neighbours = others
        self._known: Mapping[str, object] = {}
        self._looked = float("-inf")

    def sources(self) -> Mapping[str, Source]:
        """Return the part `projects`."""
        return {"projects": self._projects}

    async def _projects(self) -> Mapping[str, object]:
        now = trio.current_time()
        if self._neighbours is not None and now - self._looked >= OFTEN:
            found = await trio.to_thread.run_sync(self._neighbours.all)
            self._known = {file: asdict(each) for file, each in found.items()}
            self._looked = now
        return self._known

    async def link(self, request: Request) -> Response:
        """A URL of another one's dashboard, with a token. Raises: RpxError where there is none."""
        body = await body_of(request, OtherProjectBody)
        if self._neighbours is None or body.file not in self._known:
            return Json({"error": {"what": f"no project runs by {body.file}", "hint": ""}}, 404)
        return Json({"url": await trio.to_thread.run_sync(self._neighbours.link, body.file)})
