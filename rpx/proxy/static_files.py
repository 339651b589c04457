"""Answers from files below a folder: no backend is asked.

A request is one opening of a file, and what that has found is what is answered. So nothing is ever
sent of a file that was looked at before and is another by now.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable
from functools import partial
from time import perf_counter
from typing import Final

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.file_answer import FileAnswer, file_answer
from rpx.http.file_path import looks_like_a_file, name_of, with_slash
from rpx.http.folder_page import folder_page
from rpx.http.head import RequestHead
from rpx.http.own_answers import PAGE_LINES
from rpx.http.pages import Page, reason
from rpx.hub.counts import Counts
from rpx.model.route import StaticFiles
from rpx.proxy.attempt import LINGER, NEXT, RESET, After
from rpx.proxy.chosen_file import MISSING, ChosenFile, Instead, choose_file, look_within
from rpx.proxy.client import Client
from rpx.proxy.file_body import SMALL, FileBody, Shrunk, read_whole
from rpx.proxy.refusals import keeps, send_page
from rpx.proxy.sockets import NO_MORE_FILES
from rpx.proxy.wire import Buffers


def send_file(
    client: Client,
    request: RequestHead,
    files: StaticFiles,
    path: bytes,
    *,
    counts: Counts,
    stem: bytes = b"",
) -> Awaitable[After]:
    """Answer with the file that `path` asks for: the target without its query, still encoded, once
    a route has taken its prefix off; b"" is the folder itself, without the slash that it needs.
    `request` is as the client has sent it. Counted in `counts`. `stem`: how `path` begins, which
    names below the folder need not (see look_within).

    Raises: OSError, WireCut when the client has gone.
    """
    client.shared.sweeper.stir()
    return _Asked(client, request, files, path, counts).answered(stem)


class _Asked:
    """A request under way."""

    __slots__ = ("_began", "_client", "_counts", "_files", "_folder", "_path", "_request")

    def __init__(
        self, client: Client, request: RequestHead, files: StaticFiles, path: bytes, counts: Counts
    ) -> None:
        self._began = perf_counter()
        self._client = client
        self._request = request
        self._files = files
        self._path = path
        self._counts = counts
        self._folder = client.shared.folder(files.folder)

    async def answered(self, stem: bytes) -> After:
        request = self._request
        if request.method not in (b"GET", b"HEAD"):
            return await self._refuse(_READ_ONLY, b"Allow: GET, HEAD\r\n")
        opened = None
        if stem:
            self._path, opened = look_within(self._folder, self._path, stem)
        name = name_of(self._path) if self._path else b""
        if name is None:
            return await self._missing()
        try:
            accepted = request.field(b"accept-encoding")
            chosen = choose_file(self._files, self._folder, name, accepted, opened)
        except OSError as error:
            return await self._unopened(error)
        if not self._path:
            if isinstance(chosen, ChosenFile):
                os.close(chosen.fd)
            chosen = Instead.REDIRECT
        if isinstance(chosen, Instead):
            return await (self._list(name) if chosen is Instead.LISTING else self._to_folder())
        return await self._file(chosen)

    async def _file(self, chosen: ChosenFile) -> After:
        client, request, fd = self._client, self._request, chosen.fd
        counts, body = self._counts, _NOTHING
        try:
            answer = file_answer(request.method, request.block, chosen.facts, _BOUNDARY)
            if answer.status >= 400:
                return await self._unmet(answer)
            if request.method == b"GET":
                if answer.length > SMALL:
                    return await self._large(answer, fd)
                body = read_whole(fd, answer)
        except Shrunk:  # nothing has been sent
            counts.errors += 1
            counts.abandoned += 1
            return RESET
        finally:
            os.close(fd)  # whoever is slow needs no open file for the rest
        length = answer.length if body else 0
        head, after = self._head(answer.status, answer.lines, length)
        counts.answered(answer.status, perf_counter() - self._began)
        counts.traffic.received += length
        await client.send_head(head, body)
        return after

    async def _large(self, answer: FileAnswer, fd: int) -> After:
        counts, length = self._counts, answer.length
        head, after = self._head(answer.status, answer.lines, length)
        try:
            await FileBody(fd).send(self._client, head, answer)
            counts.traffic.received += length
        except Shrunk:
            counts.errors += 1
            after = RESET
        finally:
            counts.answered(answer.status, perf_counter() - self._began)
        return after

    async def _unmet(self, answer: FileAnswer) -> After:
        if answer.status == 412:
            return await self._refuse(_PRECONDITION)
        return await self._refuse(_NO_SUCH_PART, answer.lines)

    async def _to_folder(self) -> After:
        """RFC 9110 §15.4.2, and every server does so: links of an index are relative to it."""
        place = with_slash(self._request.target)
        lines = b"Location: %b\r\nContent-Length: 0\r\nCache-Control: no-cache\r\n" % place
        head, after = self._head(301, lines, 0)
        self._counts.answered(301, perf_counter() - self._began)
        await self._client.send_head(head, [])
        return after

    async def _list(self, name: bytes) -> After:
        request, client = self._request, self._client
        try:
            async with client.shared.reactor.task():  # a folder may have a million files
                rows, more = await trio.to_thread.run_sync(partial(self._folder.entries, name))
        except OSError as error:
            return await self._unopened(error)
        page, kind = folder_page(b"/" + name, rows, more, request.field(b"accept"))
        lines = b"%bContent-Type: %b\r\nContent-Length: %d\r\nCache-Control: no-cache\r\n" % (
            PAGE_LINES, kind.encode(), len(page),
        )  # fmt: skip
        pieces = [] if request.method == b"HEAD" else [page]
        head, after = self._head(200, lines, sum(map(len, pieces)))
        self._counts.answered(200, perf_counter() - self._began)
        await client.send_head(head, pieces)
        return after

    def _head(self, status: int, lines: bytes, length: int) -> tuple[AnswerHead, After]:
        """Return the head of whatever is no refusal, and how its connection goes on."""
        client, request = self._client, self._request
        lines += b"Date: %b\r\n" % client.shared.sweeper.date
        keep = keeps(client, request)
        if not keep:
            lines += b"Connection: close\r\n"
        elif not request.minor:
            lines += b"Connection: keep-alive\r\n"
        head = AnswerHead(status, _REASONS[status], b"", lines, length)
        if client.passage is not None:
            head = client.passage.of_ours(head)
        return head, NEXT if keep else LINGER

    # ---- what is refused

    async def _unopened(self, error: OSError) -> After:
        if error.errno in MISSING:
            return await self._missing()
        if error.errno in NO_MORE_FILES:
            return await self._refuse(_STARVED, b"Retry-After: 1\r\n")
        if error.errno in (errno.EACCES, errno.EPERM):
            what = f"rpx may not read what it has for {self._shown} in {self._files.folder}."
            return await self._refuse(Page(403, "Forbidden", (what,), public="It can't be read."))
        what = f"What rpx has for {self._shown} in {self._files.folder} can't be opened:"
        what = f"{what} {error.strerror}."
        return await self._refuse(Page(500, reason(500), (what,), public="It can't be read."))

    async def _missing(self) -> After:
        files, hint = self._files, ""
        if not os.path.isdir(files.folder):  # noqa: ASYNC240 - no slower than to open a file
            what = f"{files.folder}, where the files are to be, is not there."
            hint = "it is looked for with each request: once it has been built, it is used"
        else:
            what = f"There is no file for {self._shown} in {files.folder}."
            if not self._path or self._path.endswith(b"/"):
                hint = f"a folder needs an index (`{files.index}`), or `listing: true`"
            elif not files.spa and not looks_like_a_file(self._path):
                hint = f"`spa: true` answers the paths of a single-page app with `{files.index}`"
        public = "There is no such file."
        return await self._refuse(Page(404, "Not Found", (what,), hint=hint, public=public))

    @property
    def _shown(self) -> str:
        return self._path.decode("latin-1") or "/"

    async def _refuse(self, page: Page, add: bytes = b"") -> After:
        return await send_page(
            self._client, self._request, page, self._counts, began=self._began, add=add
        )


# Drawn by lot once: no file has it in it by chance.
_BOUNDARY: Final = b"rpx-" + os.urandom(16).hex().encode()
_NOTHING: Final[Buffers] = []
_REASONS: Final = {status: reason(status).encode() for status in (200, 206, 301, 304)}
_READ_ONLY: Final = Page(405, reason(405), ("Files can only be read, by GET and HEAD.",))
_PRECONDITION: Final = Page(
    412, reason(412), ("The file is not in the state that the request is about.",)
)
_NO_SUCH_PART: Final = Page(
    416, "Range Not Satisfiable", ("The file has nothing of the part that is asked for.",)
)
_STARVED: Final = Page(
    503,
    reason(503),
    ("rpx has no file descriptor left for the file.",),
    hint="raise `ulimit -n`",
    public="There are too many requests at the moment.",
)
