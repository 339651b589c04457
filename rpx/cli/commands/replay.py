"""`rpx replay`."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.request_forms import body_again, bytes_of, headers_again
from rpx.cli.terminal.output import json_option, print_json
from rpx.cli.terminal.request_line import took
from rpx.errors import RpxError, UsageError, visible
from rpx.model.request_answers import RequestTold
from rpx.policy.naming import select
from rpx.runs.api_client import ApiClient
from rpx.runs.request_client import passed_request

EXAMPLES = """\
rpx replay 12                   # the same again, through the proxy: what is different?
rpx replay 12 --to 3001         # to one copy, past the proxy
rpx replay 12 --times 5
rpx replay 12 --yes             # a POST, too, without being asked
"""

WITHIN = 60.0  # seconds for an answer
SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))  # RFC 9110 §9.2.1
ITS_OWN = frozenset(("x-request-id", "traceparent", "tracestate"))  # a repetition is another one
EACH_ANOTHER = frozenset(("date", "age", "set-cookie", "connection", "keep-alive"))


@dataclass(frozen=True, slots=True)
class AnsweredAgain:
    """What came of one repetition: `differs` says in words what is other than it was."""

    status: int
    ms: float
    bytes: int
    differs: tuple[str, ...]


@click.command("replay", cls=Command, examples=EXAMPLES)
@click.argument("id_", metavar="ID")
@click.option("--to", "backend", metavar="BACKEND", help="Ask this copy, past the proxy")
@click.option("--times", type=click.IntRange(1, 1000), default=1, help="How often  [default: 1]")
@click.option("--yes", is_flag=True, help="Also what may change something, as a POST")
@json_option
@click.pass_obj
def replay(
    common: Common, id_: str, *, backend: str | None, times: int, yes: bool, as_json: bool
) -> None:
    """Send a request again, with the fields and the body that it had, and show what is different
    in status, fields and body of the answer.
    """
    client = common.client()
    told = passed_request(client, id_, secrets=True)
    if not told.url:
        raise UsageError(f"{told.row.id} was no request that could be sent again")
    if told.row.upgrade is not None:
        raise UsageError(f"{told.row.id} became a {told.row.upgrade}, which can't be sent again")
    body = body_again(told)
    if told.row.method not in SAFE and not yes:
        _ask(told)
    place = _place(client, backend)
    answers = [_again(told, body, place) for _ in range(times)]
    if as_json:
        print_json([asdict(each) for each in answers])
        return
    for each in answers:
        same = "; ".join(each.differs) or "the same"
        print(visible(f"{each.status} in {took(each.ms)}: {same}"))


def _ask(told: RequestTold) -> None:
    what = f"a {told.row.method} may change something"
    if not sys.stdin.isatty():
        raise UsageError(f"{what}, and nobody can be asked", hint="`--yes` sends it again")
    if not click.confirm(f"{what}. Send it again?", err=True):
        raise RpxError("nothing was sent")


def _place(client: ApiClient, backend: str | None) -> tuple[str, int] | None:
    """Where a copy listens. Raises: UsageError: there is none of that name, or without a port."""
    if backend is None:
        return None
    (row, *others) = select(client.ps(), backend)
    if row.backend is None or row.port is None:
        raise UsageError(f"{row.label} has no address")
    if others:
        raise UsageError(
            f"`{backend}` means several", hint=f"for example `--to {others[0].port or row.port}`"
        )
    return row.backend.rpartition(":")[0], row.port


def _again(told: RequestTold, body: bytes, place: tuple[str, int] | None) -> AnsweredAgain:
    url, row = urlsplit(told.url), told.row
    tls = url.scheme == "https" and place is None
    host, port = place or ("127.0.0.1", url.port or (443 if tls else 80))
    http = HTTPConnection(host, port, timeout=WITHIN)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it's our own port
        http = HTTPSConnection(host, port, timeout=WITHIN, context=context)
    began = time.perf_counter()
    try:
        target = f"{row.path}?{row.query}" if row.query else row.path
        http.putrequest(row.method, target, skip_host=True, skip_accept_encoding=True)
        http.putheader("Host", url.netloc)
        for name, value in headers_again(told):
            if name.lower() not in ITS_OWN:
                http.putheader(name, value.encode("latin-1"))
        if body or row.method in {"POST", "PUT", "PATCH"}:
            http.putheader("Content-Length", str(len(body)))
        http.endheaders(body or None)
        answer = http.getresponse()
        content = answer.read()
    except (OSError, HTTPException) as error:
        raise RpxError(f"{host}:{port} gave no answer: {error}") from None
    finally:
        http.close()
    ms = round((time.perf_counter() - began) * 1000, 3)
    headers = [(name, value) for name, value in answer.getheaders()]
    differs = tuple(_differences(told, answer.status, headers, content))
    return AnsweredAgain(answer.status, ms, len(content), differs)


def _differences(
    told: RequestTold, status: int, headers: list[tuple[str, str]], content: bytes
) -> Iterator[str]:
    """What is other than it was, in words."""
    if status != told.row.status:
        yield f"status {told.row.status} → {status}"
    before, now = _comparable(told.response.headers), _comparable(headers)
    for name in sorted(before.keys() | now.keys()):
        was, is_ = before.get(name), now.get(name)
        if was != is_:
            yield f"{name}: {was or 'none'} → {is_ or 'none'}"
    kept = told.response
    if kept.body is not None and kept.kept == kept.size:
        if bytes_of(kept) != content:
            yield f"another body ({kept.size} → {len(content)} bytes)"
    elif kept.size != len(content):
        yield f"a body of {len(content)} bytes instead of {kept.size}"


def _comparable(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        if low not in EACH_ANOTHER:
            found[low] = f"{found[low]}, {value}" if low in found else value
    return found
