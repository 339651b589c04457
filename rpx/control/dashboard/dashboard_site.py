"""The dashboard as a site: who is let in, the page and its files, and the API beneath `/api`.

Whoever may open it can restart and kill what runs here. So each request is asked for the own Host
of the dashboard (a name that leads here by DNS rebinding is another one), for no other Origin, and
for the cookie; each change and each stream also for a header that no page of another site can send.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rpx.control.dashboard.admission import Admission, Session, same
from rpx.control.dashboard.page_files import PageFile, page_files

API: Final = "/api"
ASSETS: Final = "/assets/"
SCREENS: Final = frozenset(("/", "/requests", "/logs", "/drills"))
CSRF: Final = "x-rpx-csrf"
NEVER_BY_PAGE: Final = frozenset(("/v1/down", "/v1/dashboard"))
# Nothing from elsewhere, no script or style in the page itself, and in nobody's frame.
POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " object-src 'none'"
)
SAFE: Final = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class DashboardSite:
    """An ASGI application. `origins`: those it is reached at now. `api` answers below `/api`."""

    def __init__(
        self,
        project: str,
        admission: Admission,
        origins: Callable[[], frozenset[str]],
        api: ASGIApp,
    ) -> None:
        self._project = escape(project).encode()
        self._admission = admission
        self._origins = origins
        self._api = api
        self._files = page_files()
        # All modules are asked for at once, not each when another one has been read.
        modules = (name for name in self._files if name.endswith(".js") and name != "main.js")
        links = "\n".join(f'<link rel="modulepreload" href="{ASSETS}{name}">' for name in modules)
        self._index = self._files["index.html"].data.replace(b"{modules}", links.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SAFE)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        response = self._refusal(request) or self._page(request)
        if response is not None:
            await response(scope, receive, send_safely)
            return
        path = scope["path"].removeprefix(API)
        below = {**scope, "path": path, "raw_path": path.encode()}
        await self._api(below, receive, send_safely)

    def _refusal(self, request: Request) -> Response | None:
        """Refuse who asks from elsewhere, before anything else is looked at."""
        here = f"{request.url.scheme}://{request.headers.get('host', '')}"
        if here not in self._origins():
            return PlainTextResponse("This is no address of the dashboard.\n", 421)
        origin = request.headers.get("origin", here)
        if origin != here:
            return _forbidden(f"a page of {origin} may not ask this")
        if request.url.path.startswith(f"{API}/"):
            return self._refused_by_api(request)
        return None

    def _refused_by_api(self, request: Request) -> Response | None:
        session = self._session(request)
        if session is None:
            return JSONResponse(_refused(NO_SESSION, "type `rpx open --dashboard`"), 401)
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _forbidden("a page of another site may not ask this")
        changes = request.method not in {"GET", "HEAD"} or _is_stream(request)
        if changes and not same(request.headers.get(CSRF, ""), session.csrf):
            return _forbidden(f"the header {CSRF} is missing or wrong")
        if request.url.path.removeprefix(API) in NEVER_BY_PAGE:
            return _forbidden("the dashboard doesn't do this: type the command")
        if "secrets" in request.query_params:
            return _forbidden("the dashboard shows no secrets: type `rpx request ID --secrets`")
        return None

    def _page(self, request: Request) -> Response | None:
        """Answer with the page or one of its files; None: it is for the API."""
        path = request.url.path
        if path.startswith(f"{API}/"):
            return None
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("Method Not Allowed\n", 405, headers={"allow": "GET, HEAD"})
        if path.startswith(ASSETS) and (file := self._files.get(path.removeprefix(ASSETS))):
            return _sent(request, file)
        if path not in SCREENS:
            return PlainTextResponse("The dashboard has no such page.\n", 404)
        if (token := request.query_params.get("token")) is not None:
            return self._let_in(request, token)
        session = self._session(request)
        if session is None:
            return self._unknown(NOT_LET_IN)
        html = self._index.replace(b"{csrf}", session.csrf.encode())
        return _html(html.replace(b"{project}", self._project), 200)

    def _let_in(self, request: Request, token: str) -> Response:
        session = self._admission.redeem(token)
        if session is None and self._session(request) is not None:
            return RedirectResponse(request.url.path, 303)  # the link was opened here before
        if session is None:
            return self._unknown(NO_GOOD_LINK)
        cookie = self._admission.set_cookie(session, tls=request.url.scheme == "https")
        return RedirectResponse(request.url.path, 303, headers={"set-cookie": cookie})

    def _unknown(self, words: Mapping[str, str]) -> Response:
        html = self._files["unknown.html"].data
        for place, text in words.items():
            html = html.replace(f"{{{place}}}".encode(), text.encode())
        return _html(html, 401)

    def _session(self, request: Request) -> Session | None:
        return self._admission.session(request.headers.get("cookie", ""))


NOT_LET_IN: Final = {
    "title": "This browser has not been let in",
    "why": "The dashboard can restart and kill what runs here: it is for who can type a command.",
    "hint": "You have just opened such a link? Then this browser keeps no cookies of this address:"
    " allow them.",
}
NO_GOOD_LINK: Final = {
    "title": "This link is good no more",
    "why": "It has been used, it is older than a minute, or the project was started anew.",
    "hint": "",
}
NO_SESSION: Final = "this browser has not been let in, or the project was started anew"


def _is_stream(request: Request) -> bool:
    path = request.url.path.removeprefix(API)
    return path in {"/live", "/v1/events"} or request.query_params.get("follow") is not None


def _html(data: bytes, status: int) -> Response:
    return Response(data, status, media_type="text/html")


def _forbidden(what: str) -> Response:
    return JSONResponse(_refused(what, ""), 403)


def _refused(what: str, hint: str) -> dict[str, object]:
    return {"error": {"what": what, "hint": hint, "exit_code": 1, "problems": []}}


def _sent(request: Request, file: PageFile) -> Response:
    headers = {"etag": file.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.packed, headers=headers, media_type=file.kind)
    return Response(file.data, headers=headers, media_type=file.kind)
