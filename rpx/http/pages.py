"""Answers of our own: error pages as HTML, JSON or plain text, each with exactly one framing.

Everything that comes from outside is escaped, nothing is loaded from elsewhere, and no page is
kept by a cache: the next look may find the backend alive.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from html import escape
from http import HTTPStatus

from rpx.http.answer_head import AnswerHead

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_QUALITY = re.compile(rb";[ \t]*q[ \t]*=[ \t]*([01](?:\.[0-9]{0,3})?)[ \t]*(?:;|$)")
# ANSI colours and other control sequences of a backend's output, which no page can show.
_CONTROLS = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]"
)

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"

_TYPED = re.compile(r"`([^`]*)`")
# Only HEAD: whatever the page was asked for, it is not asked for twice before somebody is there.
_LOOK_AGAIN = """<p>This page loads itself anew as soon as there is an answer.</p>
<script>
(function look(){setTimeout(function(){fetch(location.href,{method:"HEAD",cache:"no-store"})\
.then(function(r){[502,503,504].includes(r.status)?look():location.reload()},look)},1000)})()
</script>"""

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2025;--soft:#666d78;--paper:#fbfbfa;--card:#fff;\
--line:#e2e3e6;--mark:#b3261e;--link:#1a5fb4}
@media (prefers-color-scheme:dark){:root{--ink:#e7e8ea;--soft:#9aa0aa;--paper:#17181b;\
--card:#1f2125;--line:#34373d;--mark:#ff8a80;--link:#8ab4f8}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:46rem;margin:12vh auto 4rem;padding:0 1.25rem}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .6rem}
h1 b{color:var(--mark);font-weight:600;margin-right:.4rem}
p{margin:.4rem 0}a{color:var(--link)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;\
padding:.9rem 1.1rem;margin-top:1rem}
h2{font-size:1rem;margin:0;overflow-wrap:anywhere}
h2 span{color:var(--soft);font-weight:400}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .9rem;margin:.5rem 0 0;\
font-size:.92rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;\
margin:.7rem 0 0;overflow-x:auto;font:.84rem/1.45 ui-monospace,monospace}
ul{margin:.8rem 0;padding-left:1.2rem}
code{font:.92em ui-monospace,monospace}p.hint{margin-top:1.2rem}
footer{color:var(--soft);font-size:.85rem;margin-top:2rem}
"""


@dataclass(frozen=True, slots=True)
class BackendReport:
    """What a 502 or 503 page tells about one backend; all of it words for people."""

    name: str
    address: str = ""
    state: str = ""
    since: str = ""
    last_error: str = ""
    output: tuple[str, ...] = ()  # the last lines that it printed


@dataclass(frozen=True, slots=True)
class Link:
    """A host that is known, for the 404 page."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """One error page before it has become HTML, JSON or text."""

    status: int
    title: str
    sentences: tuple[str, ...] = ()
    backends: tuple[BackendReport, ...] = ()
    links: tuple[Link, ...] = ()
    hint: str = ""
    coming: bool = False  # the backend is: a browser need only look again
    public: str = ""  # all that is said to others than who is on this machine


def reason(status: int) -> str:
    """The usual phrase of a status, or nothing."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def render(page: Page, accept: bytes | None) -> tuple[bytes, str]:
    """The body of a page in the form that `Accept` prefers, and its Content-Type."""
    kind = preferred(accept)
    if kind == _HTML:
        return _as_html(page).encode("utf-8", "replace"), kind
    if kind == _JSON:
        return _as_json(page).encode("utf-8", "replace"), kind
    return _as_text(page).encode("utf-8", "replace"), kind


def answer(
    status: int,
    body: bytes = b"",
    content_type: str = _TEXT,
    *,
    date: bytes,
    close: bool,
    head_only: bool = False,
    add: bytes = b"",
) -> tuple[AnswerHead, bytes]:
    """A whole answer of our own: head and body. `date` as for a Date line, `add` lines with CRLF.

    `head_only` is for HEAD: the Content-Length is there, the body isn't. `close` says so to the
    client; a 1.0 client that may stay needs `Connection: keep-alive` in `add`.
    """
    lines = [b"Date: %b\r\n" % date]
    if status >= 200 and status not in {204, 304}:  # RFC 9110 §8.6
        if body:
            lines.append(b"Content-Type: %b\r\n" % content_type.encode())
        lines.append(b"Content-Length: %d\r\n" % len(body))
    else:
        body = b""
    if status >= 400:
        lines.append(b"Cache-Control: no-store\r\n")
    if status == 405:  # RFC 9110 §15.5.6
        lines.append(b"Allow: %b\r\n" % _METHODS)
    if close:
        lines.append(b"Connection: close\r\n")
    lines.append(add)
    if head_only:
        body = b""
    return AnswerHead(status, reason(status).encode(), b"", b"".join(lines), len(body)), body


def error_answer(
    page: Page,
    *,
    accept: bytes | None,
    date: bytes,
    close: bool,
    head_only: bool = False,
    add: bytes = b"",
) -> tuple[AnswerHead, bytes]:
    """The whole answer that carries a page: head and body."""
    body, kind = render(page, accept)
    add = b"Vary: Accept\r\nX-Content-Type-Options: nosniff\r\n" + add
    return answer(page.status, body, kind, date=date, close=close, head_only=head_only, add=add)


def preferred(accept: bytes | None) -> str:
    """HTML for browsers, JSON for those who name it, else plain text (curl sends `*/*`)."""
    best, best_quality = _TEXT, 0.0
    for part in (accept or b"").lower().split(b",")[:50]:
        kind = _KINDS.get(part.partition(b";")[0].strip())
        quality = _quality(part)
        if kind is not None and quality > best_quality:
            best, best_quality = kind, quality
    return best


_KINDS = {
    b"text/html": _HTML,
    b"application/xhtml+xml": _HTML,
    b"application/json": _JSON,
    b"text/json": _JSON,
    b"application/*": _JSON,
    b"text/plain": _TEXT,
    b"text/*": _TEXT,
    b"*/*": _TEXT,
}


def _quality(part: bytes) -> float:
    match = _QUALITY.search(part)
    return float(match[1]) if match else 1.0


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text)


def _rows(backend: BackendReport) -> list[tuple[str, str]]:
    rows = [
        ("state", backend.state),
        ("since", backend.since),
        ("last error", backend.last_error),
    ]
    return [(name, _clean(value)) for name, value in rows if value]


def _as_text(page: Page) -> str:
    lines = [f"{page.status} {_clean(page.title)}"]
    if page.sentences:
        lines += ["", *map(_clean, page.sentences)]
    for backend in page.backends:
        lines += ["", _clean(f"{backend.name}  {backend.address}").rstrip()]
        lines += [f"  {name}: {value}" for name, value in _rows(backend)]
        if backend.output:
            lines += ["  last output:", *(f"    {_clean(line)}" for line in backend.output)]
    if page.links:
        lines += ["", *(f"  {_clean(link.url)}" for link in page.links)]
    if page.hint:
        lines += ["", f"hint: {_clean(page.hint)}"]
    return "\n".join(lines) + "\n"


def _as_json(page: Page) -> str:
    found = {
        "status": page.status,
        "title": page.title,
        "detail": " ".join(page.sentences),
        "hint": page.hint,
        "backends": [asdict(backend) for backend in page.backends],
        "hosts": [asdict(link) for link in page.links],
    }
    return json.dumps({name: value for name, value in found.items() if value}, indent=2) + "\n"


def _html(text: str) -> str:
    return escape(_clean(text), quote=True)


def _words(text: str) -> str:
    """A sentence, in which what is to be typed stands between backticks."""
    return _TYPED.sub(r"<code>\1</code>", _html(text))


def _as_html(page: Page) -> str:
    title = _html(page.title)
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{page.status} {title}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1><b>{page.status}</b>{title}</h1>",
        *(f"<p>{_words(sentence)}</p>" for sentence in page.sentences),
        *map(_section, page.backends),
    ]
    if page.links:
        parts += ["<ul>", *map(_item, page.links), "</ul>"]
    if page.hint:
        parts.append(f'<p class="hint"><strong>Hint:</strong> {_words(page.hint)}</p>')
    if page.coming:
        parts.append(_LOOK_AGAIN)
    parts.append("<footer>Answered by rpx, not by a backend.</footer></main></body></html>\n")
    return "\n".join(parts)


def _item(link: Link) -> str:
    # Only web addresses become links: escaping alone does not stop `javascript:`. A wildcard is no
    # address.
    if link.url.startswith(("http://", "https://")) and "*" not in link.url:
        return f'<li><a href="{_html(link.url)}">{_html(link.text)}</a></li>'
    return f"<li>{_html(link.text)}</li>"


def _section(backend: BackendReport) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{_words(value)}</dd>" for name, value in _rows(backend))
    lines = "\n".join(_html(line) for line in backend.output)
    return (
        f"<section><h2>{_html(backend.name)} <span>{_html(backend.address)}</span></h2>"
        f"{f'<dl>{rows}</dl>' if rows else ''}{f'<pre>{lines}</pre>' if lines else ''}</section>"
    )
