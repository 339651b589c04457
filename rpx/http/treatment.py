"""What is done to the requests and answers of one route, compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rpx.http.answer_head import AnswerHead
from rpx.http.basic_auth import Credentials
from rpx.http.cors import CrossOrigin, is_preflight
from rpx.http.edits import FieldEdits, before, behind
from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead

if TYPE_CHECKING:  # pydantic takes as long to load as all the rest of a command
    from rpx.model.route import Treatment
from rpx.http.variables import RequestVariables


class Treating:
    """A Treatment as it is applied. `auth` and `cors` are there where the route has them.

    Of a request come first `cors.preflight`, then `auth.allow`, for a browser sends no password
    with a preflight. All answers to a client are treated, also those of our own: without CORS a
    page could not see their status.
    """

    __slots__ = ("_answers", "_requests", "auth", "cors")

    def __init__(
        self, treatment: Treatment, *, realm: str, hosts: Iterable[str], project: Mapping[str, str]
    ) -> None:
        """`realm`: what browsers call it when they ask for a password. `hosts` are those of the
        project. `project` are variables that are the same for all requests, as RPX_API_URL.
        """
        rules = treatment.headers
        self._requests = FieldEdits([each.request for each in rules], project, asked=True)
        self._answers = FieldEdits([each.response for each in rules], project, asked=False)
        self.cors = CrossOrigin(treatment.cors, hosts) if treatment.cors is not None else None
        self.auth = Credentials(treatment.auth, realm) if treatment.auth is not None else None

    def to_backend(self, head: bytes, variables: RequestVariables) -> bytes:
        """Return a whole head as it is to be sent to a backend, which has ours in it already."""
        return self._requests.edited_head(head, variables) if self._requests else head

    def of_backend(
        self, response: ResponseHead, request: RequestHead, variables: RequestVariables
    ) -> ResponseHead:
        """Return an answer of a backend (but an interim one) for who sent `request`."""
        block = self._block(response.block, request, variables)
        if self._answers.dates and not response.has_date:
            return replace(response, block=block, has_date=True)  # or it would get one more
        return response if block is response.block else response.altered(block)

    def of_ours(
        self, head: AnswerHead, request: RequestHead, variables: RequestVariables
    ) -> AnswerHead:
        """Return an answer of our own for who sent `request`."""
        lines = behind(self._block(before(head.ours), request, variables))
        return head._replace(ours=lines)

    def _block(self, block: bytes, request: RequestHead, variables: RequestVariables) -> bytes:
        if self.cors is not None and not is_preflight(request):  # which it has answered itself
            block = self.cors.allowing(block, request.field(b"origin"))
        return self._answers.edited(block, variables) if self._answers else block
