"""Pages of our own: in the form that is asked for, complete, and with everything escaped."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import h11
import pytest

from rpx.http.answer_head import AnswerHead
from rpx.http.own_answers import answer, error_answer
from rpx.http.page_parts import preferred
from rpx.http.pages import BackendReport, Link, Page, reason, render

EVIL = "<script>alert('x')</script>\"&\x1b[31m\x07\ud800"
BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE = Page(
    502,
    EVIL,
    (EVIL, "Second."),
    (
        BackendReport(EVIL, EVIL, EVIL, EVIL, EVIL, (EVIL, "ModuleNotFoundError: flask")),
        BackendReport("bare"),
    ),
    (Link(EVIL, "http://a.test/?" + EVIL), Link("bad", "javascript:alert(1)")),
    EVIL,
)


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain"),
        (b"", "text/plain"),
        (b"*/*", "text/plain"),
        (BROWSER, "text/html"),
        (b"text/html;q=0.5, application/json", "application/json"),
        (b"application/json;q=0, text/html;q=0.1", "text/html"),
        (b"application/json", "application/json"),
        (b"APPLICATION/JSON ; charset=x", "application/json"),
        (b"application/json, */*", "application/json"),
        (b"text/plain, */*;q=0.5", "text/plain"),
        (b"image/avif,image/webp,*/*;q=0.8", "text/plain"),
        (b";;q=,,;q=9,\xff", "text/plain"),
    ],
)
def test_the_form_is_the_one_that_accept_prefers(accept: bytes | None, kind: str) -> None:
    """RFC 9110 §12.5.1."""
    assert preferred(accept).startswith(kind)
    assert render(PAGE, accept)[1].startswith(kind)


@pytest.mark.parametrize("accept", [BROWSER, b"application/json", None])
def test_a_page_says_which_request_it_answers_if_that_has_an_id(accept: bytes | None) -> None:
    assert b"beef-0012" in render(Page(502, "Bad Gateway", request_id="beef-0012"), accept)[0]
    assert b"equest" not in render(Page(502, "Bad Gateway"), accept)[0]


def test_html_escapes_everything_and_loads_nothing() -> None:
    body = render(PAGE, BROWSER)[0].decode("utf-8")
    assert "<script" not in body
    assert "\x1b" not in body
    assert "url(" not in body
    seen = Seen()
    seen.feed(body)
    assert set(seen.tags) <= {
        "html", "head", "meta", "link", "title", "style", "body", "main", "h1", "h2", "b", "p",
        "section", "span", "dl", "dt", "dd", "pre", "ul", "li", "a", "strong", "footer",
    }  # fmt: skip
    assert seen.links[0] == "data:,"  # no icon is asked for
    assert len(seen.links) == 2
    assert str(seen.links[1]).startswith("http://a.test/?<script>")
    assert "ModuleNotFoundError: flask" in seen.text
    assert "Second." in seen.text


def test_a_small_page_has_no_empty_parts() -> None:
    body = render(Page(404, "Not found"), BROWSER)[0].decode()
    for tag in ("<ul>", "<section>", "<dl>", "<pre>", "Hint"):
        assert tag not in body
    assert json.loads(render(Page(404, "Not found"), b"application/json")[0]) == {
        "status": 404,
        "title": "Not found",
    }
    assert render(Page(404, "Not found"), None)[0] == b"404 Not found\n"


def test_json_says_the_same() -> None:
    found = json.loads(render(PAGE, b"application/json")[0])
    assert found["status"] == 502
    assert found["detail"].endswith("Second.")
    assert found["backends"][0]["output"][1] == "ModuleNotFoundError: flask"
    assert found["hosts"][1]["text"] == "bad"


def test_text_says_the_same_without_control_bytes() -> None:
    page = Page(
        503, "No backend", ("It is starting.",),
        (BackendReport("web:1", "127.0.0.1:3001", "starting", "2 s ago", "refused",
                       ("a", "b\x1b[1m")),),
        (Link("a", "http://a.test/"),), "wait",
    )  # fmt: skip
    assert render(page, b"*/*")[0].decode() == (
        "503 No backend\n\nIt is starting.\n\nweb:1  127.0.0.1:3001\n  state: starting\n"
        "  since: 2 s ago\n  last error: refused\n  last output:\n    a\n    b\n\n"
        "  http://a.test/\n\nhint: wait\n"
    )
    assert b"\x1b" not in render(PAGE, None)[0]


def client(sent: tuple[AnswerHead, bytes], method: str = "GET") -> tuple[h11.Response, bytes, bool]:
    """Read an answer as h11 does: head, body, and whether the connection may be used again."""
    conn = h11.Connection(h11.CLIENT)
    conn.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    conn.send(h11.EndOfMessage())
    assert sent[0].length == len(sent[1])
    conn.receive_data(sent[0].lines() + sent[1])
    head = conn.next_event()
    assert isinstance(head, h11.Response)
    body = b""
    while isinstance(event := conn.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    return head, body, conn.their_state is h11.DONE


@pytest.mark.parametrize("status", [400, 404, 405, 408, 413, 431, 502, 503, 504, 508])
def test_an_error_answer_is_complete(status: int) -> None:
    sent = error_answer(Page(status, "t"), accept=None, date=b"now", close=False, add=b"A: b\r\n")
    head, body, kept = client(sent)
    fields = dict(head.headers)
    assert (head.status_code, kept, body) == (status, True, b"%d t\n" % status)
    assert fields[b"content-type"] == b"text/plain; charset=utf-8"
    assert fields[b"cache-control"] == b"no-store"
    assert fields[b"date"] == b"now"
    assert fields[b"a"] == b"b"
    assert (b"allow" in fields) is (status == 405)


def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    sent = answer(200, b"12345", date=b"now", close=True, head_only=True)
    head, body, kept = client(sent, "HEAD")
    assert dict(head.headers)[b"content-length"] == b"5"
    assert (body, kept) == (b"", False)


def test_answers_without_a_body() -> None:
    head, body, kept = client(answer(204, b"x", date=b"now", close=False))
    assert (b"content-length" in dict(head.headers), body, kept) == (False, b"", True)
    head, body, _ = client(answer(200, date=b"now", close=False))
    assert (dict(head.headers)[b"content-length"], body) == (b"0", b"")


def test_the_phrase_of_an_unknown_status_is_empty() -> None:
    assert reason(599) == ""
    assert reason(502) == "Bad Gateway"


def test_what_is_to_be_typed_stands_as_code_in_html_and_stays_escaped() -> None:
    page = Page(
        503, "x", ("Say `a < b`.",), (BackendReport("api", last_error="`c`"),), (), "`rpx why api`"
    )
    html = render(page, b"text/html")[0].decode()
    for code in ("a &lt; b", "c", "rpx why api"):
        assert f"<code>{code}</code>" in html
    assert "`" not in html
    assert "`rpx why api`" in render(page, b"text/plain")[0].decode()


@pytest.mark.parametrize("coming", [False, True])
def test_a_page_looks_again_while_its_backend_is_coming(coming: bool) -> None:
    page = Page(503, "x", coming=coming)
    html = render(page, b"text/html")[0].decode()
    assert ("location.reload()" in html) is coming
    assert "coming" not in render(page, b"application/json")[0].decode()
