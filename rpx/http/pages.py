"""Error pages as HTML, JSON or plain text: what is wrong, with which backend, and what to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus

from rpx.http.page_parts import (
    HTML,
    JSON,
    LOOK_AGAIN,
    TEXT,
    clean,
    document,
    escaped,
    in_form,
    link,
    words,
)


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
    """A host that is known, for the 404 page, or paths of one. `leads`: what a route does."""

    text: str
    url: str
    leads: str = ""


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
    request_id: str = ""  # as `rpx request` takes it


def reason(status: int) -> str:
    """The usual phrase of a status, or nothing."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def render(page: Page, accept: bytes | None) -> tuple[bytes, str]:
    """The body of a page in the form that `Accept` prefers, and its Content-Type."""
    forms = {HTML: _as_html, JSON: _as_json, TEXT: _as_text}
    return in_form(accept, {kind: partial(form, page) for kind, form in forms.items()})


def _rows(backend: BackendReport) -> list[tuple[str, str]]:
    rows = [
        ("state", backend.state),
        ("since", backend.since),
        ("last error", backend.last_error),
    ]
    return [(name, clean(value)) for name, value in rows if value]


def _as_text(page: Page) -> str:
    lines = [f"{page.status} {clean(page.title)}"]
    if page.sentences:
        lines += ["", *map(clean, page.sentences)]
    for backend in page.backends:
        lines += ["", clean(f"{backend.name}  {backend.address}").rstrip()]
        lines += [f"  {name}: {value}" for name, value in _rows(backend)]
        if backend.output:
            lines += ["  last output:", *(f"    {clean(line)}" for line in backend.output)]
    if page.links:
        lines += ["", *(f"  {clean(_led(each))}" for each in page.links)]
    if page.hint:
        lines += ["", f"hint: {clean(page.hint)}"]
    if page.request_id:
        lines += ["", f"request: {page.request_id}"]
    return "\n".join(lines) + "\n"


def _led(each: Link) -> str:
    return f"{each.text}  {each.leads}" if each.leads else each.url


def _led_html(each: Link) -> str:
    return f'<p class="place">{escaped(each.leads)}</p>' if each.leads else ""


def _plain(each: Link) -> dict[str, str]:
    return {name: value for name, value in asdict(each).items() if value or name != "leads"}


def _as_json(page: Page) -> str:
    found = {
        "status": page.status,
        "title": page.title,
        "detail": " ".join(page.sentences),
        "hint": page.hint,
        "backends": [asdict(backend) for backend in page.backends],
        "hosts": [_plain(each) for each in page.links],
        "request_id": page.request_id,
    }
    return json.dumps({name: value for name, value in found.items() if value}, indent=2) + "\n"


def _as_html(page: Page) -> str:
    title = escaped(page.title)
    parts = [
        f"<h1><b>{page.status}</b>{title}</h1>",
        *(f"<p>{words(sentence)}</p>" for sentence in page.sentences),
        *map(_section, page.backends),
    ]
    if page.links:
        parts += [
            "<ul>",
            *(f"<li>{link(each.text, each.url)}{_led_html(each)}</li>" for each in page.links),
            "</ul>",
        ]
    if page.hint:
        parts.append(f'<p class="hint"><strong>Hint:</strong> {words(page.hint)}</p>')
    if page.coming:
        parts.append(LOOK_AGAIN)
    footer = "Answered by rpx, not by a backend."
    if page.request_id:
        footer += f" Request <code>{escaped(page.request_id)}</code>"
    return document(f"{page.status} {title}", parts, footer)


def _section(backend: BackendReport) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{words(value)}</dd>" for name, value in _rows(backend))
    lines = "\n".join(escaped(line) for line in backend.output)
    return (
        f"<section><h2>{escaped(backend.name)} <span>{escaped(backend.address)}</span></h2>"
        f"{f'<dl>{rows}</dl>' if rows else ''}{f'<pre>{lines}</pre>' if lines else ''}</section>"
    )
