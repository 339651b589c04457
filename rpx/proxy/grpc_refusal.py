"""Clients of gRPC read no pages: what rpx has to say to them is a status in the head."""

from __future__ import annotations

from rpx.http.answer_head import AnswerHead
from rpx.http.framing import CHUNKED
from rpx.http.grpc import is_grpc, status_fields
from rpx.http.head import RequestHead
from rpx.http.pages import Page
from rpx.http.response import ResponseHead
from rpx.proxy.client import Client


def speaks_grpc(message: RequestHead | ResponseHead) -> bool:
    """Whether the body behind a head is gRPC's."""
    return is_grpc(message.field(b"content-type"))


async def refuse_grpc(client: Client, page: Page, *, close: bool) -> None:
    """Say what a page does. Raises: OSError, WireCut when the client has gone."""
    text = " ".join(page.sentences)
    lines = [b"Date: ", client.shared.sweeper.date, b"\r\nTransfer-Encoding: chunked\r\n"]
    lines += [b"Content-Type: application/grpc\r\n", status_fields(page.status, text)]
    if close:
        lines.append(b"Connection: close\r\n")
    head = AnswerHead(200, b"OK", b"", b"".join(lines), CHUNKED)
    if client.passage is not None:
        head = client.passage.of_ours(head)
    await client.send_head(head, [], b"")
