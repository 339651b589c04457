"""What all pages of ours are made of: a style, text that is safe to show, what `Accept` prefers.

Nothing is loaded from elsewhere, and everything that comes from outside is escaped. Without large
imports, since the door has these pages too.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # not from typing: the door does without it

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_QUALITY = re.compile(rb";[ \t]*q[ \t]*=[ \t]*([01](?:\.[0-9]{0,3})?)[ \t]*(?:;|$)")
# ANSI colours and other control sequences of a backend's output, which no page can show.
_CONTROLS = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]"
    # Marks of direction: what follows them would stand elsewhere than it is read.
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)

_TYPED = re.compile(r"`([^`]*)`")
_KINDS = {
    b"text/html": HTML,
    b"application/xhtml+xml": HTML,
    b"application/json": JSON,
    b"text/json": JSON,
    b"application/*": JSON,
    b"text/plain": TEXT,
    b"text/*": TEXT,
    b"*/*": TEXT,
}

STYLE = """
:root{color-scheme:light dark;--ink:#1d2025;--soft:#666d78;--paper:#fbfbfa;--card:#fff;\
--line:#e2e3e6;--mark:#b3261e;--link:#1a5fb4;--good:#1a7f37;--busy:#9a6700}
@media (prefers-color-scheme:dark){:root{--ink:#e7e8ea;--soft:#9aa0aa;--paper:#17181b;\
--card:#1f2125;--line:#34373d;--mark:#ff8a80;--link:#8ab4f8;--good:#57ab5a;--busy:#c69026}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:46rem;margin:clamp(2rem,9vh,6rem) auto 4rem;padding:0 1.25rem}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .6rem;overflow-wrap:anywhere}
h1 b{color:var(--mark);font-weight:600;margin-right:.4rem}
p{margin:.4rem 0;overflow-wrap:anywhere}
a{color:var(--link);text-underline-offset:.2em}
a:focus-visible{outline:2px solid var(--link);outline-offset:3px;border-radius:3px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;\
padding:.9rem 1.1rem;margin-top:1rem}
h2,h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
h2 span,h3 span{color:var(--soft);font-weight:400}
main>h2{margin-top:2.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .9rem;margin:.5rem 0 0;\
font-size:.92rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;\
margin:.7rem 0 0;overflow-x:auto;font:.84rem/1.45 ui-monospace,monospace}
pre code{font:inherit;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
ul{margin:.8rem 0;padding-left:1.2rem}
code{font:.92em ui-monospace,monospace}p.hint{margin-top:1.2rem}
.row,.names li{display:flex;justify-content:space-between;align-items:baseline;gap:1rem}
.names{list-style:none;margin:.7rem 0 0;padding:0}
.names li{border-top:1px solid var(--line);padding:.4rem 0;overflow-wrap:anywhere}
.names li:last-child{padding-bottom:0}
.place{color:var(--soft);font-size:.92rem;margin:.1rem 0 0}
.state{flex:none;color:var(--soft);font-size:.92rem;--dot:var(--soft)}
.state::before{content:"";display:inline-block;width:.5rem;height:.5rem;border-radius:50%;\
background:var(--dot);margin-right:.45rem}
.good{--dot:var(--good)}.busy{--dot:var(--busy)}.bad{--dot:var(--mark)}
article+article{border-top:1px solid var(--line);margin-top:1rem;padding-top:.9rem}
article pre{margin-top:.4rem}main>pre{background:var(--card);margin-bottom:.9rem}
footer{color:var(--soft);font-size:.85rem;margin-top:2rem}
@media (max-width:30rem){main{padding:0 .8rem}}
"""
# Only HEAD: whatever the page was asked for, it is not asked for twice before somebody is there.
# A redirect to https is an answer, too: followed, it would be another site's.
SCRIPT = """
(function look(){setTimeout(function(){fetch(location.href,{method:"HEAD",cache:"no-store",\
redirect:"manual"}).then(function(r){[502,503,504].includes(r.status)?look():location.reload()},\
look)},1000)})()
"""
LOOK_AGAIN = (
    f"<p>This page loads itself anew as soon as there is an answer.</p>\n<script>{SCRIPT}</script>"
)
# What stands in a page's head and body, and nothing else, is shown and run: these are SHA-256 of
# STYLE and SCRIPT. (To compute them the door would have to load hashlib: a megabyte.)
_POLICY = (
    "default-src 'none'; style-src 'sha256-n19wOe0Yug9pnFMRxvLXTLqrlIRZVbPNEIN3C+7WAQY=';"
    " script-src 'sha256-UdycOQ69iyr3AkYAT4RcIKN1BMiu2su8eA/TlIfn4iQ='; connect-src 'self';"
    " img-src data:; base-uri 'none'; form-action 'none'"
)


def safe_lines(more: str = "") -> bytes:
    """The lines of the head that each page of ours has; `more` of its Content-Security-Policy."""
    policy = "; ".join(filter(None, (_POLICY, more)))
    return (
        "Vary: Accept\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
        f"Content-Security-Policy: {policy}\r\n"
    ).encode()


def preferred(accept: bytes | None) -> str:
    """HTML for browsers, JSON for those who name it, else plain text (curl sends `*/*`)."""
    best, best_quality = TEXT, 0.0
    for part in (accept or b"").lower().split(b",")[:50]:
        kind = _KINDS.get(part.partition(b";")[0].strip())
        quality = _quality(part)
        if kind is not None and quality > best_quality:
            best, best_quality = kind, quality
    return best


def in_form(accept: bytes | None, forms: Mapping[str, Callable[[], str]]) -> tuple[bytes, str]:
    """The body in the form that `Accept` prefers, and its Content-Type; `forms` has each kind."""
    kind = preferred(accept)
    return forms[kind]().encode("utf-8", "replace"), kind


def clean(text: str) -> str:
    """The text without what no page can show."""
    return _CONTROLS.sub("", text)


def in_a_line(text: str) -> str:
    """The text with what would begin another line or column as it is typed."""
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def escaped(text: str) -> str:
    """The text as it stands in HTML, also between quotes. Python's `html` has 2 MB of names."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#x27;")


def words(text: str) -> str:
    """A sentence in HTML, in which what is to be typed stands between backticks."""
    return _TYPED.sub(r"<code>\1</code>", escaped(text))


def link(text: str, url: str) -> str:
    """A link in HTML; only the text where `url` is no address of the web, or of many hosts."""
    # Escaping alone does not stop `javascript:`.
    if url.startswith(("http://", "https://")) and "*" not in url:
        return f'<a href="{escaped(url)}">{escaped(text)}</a>'
    return escaped(text)


def document(title: str, parts: list[str], footer: str) -> str:
    """A whole page in HTML; `title` is escaped already."""
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            '<link rel="icon" href="data:,">',  # or each browser asks for /favicon.ico
            f"<title>{title}</title><style>{STYLE}</style></head><body><main>",
            *parts,
            f"<footer>{footer}</footer></main></body></html>\n",
        ]
    )


def _quality(part: bytes) -> float:
    match = _QUALITY.search(part)
    return float(match[1]) if match else 1.0
