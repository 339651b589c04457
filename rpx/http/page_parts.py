"""What all pages of ours are made of: a style, text that is safe to show, what `Accept` prefers.

Nothing is loaded from elsewhere, and everything that comes from outside is escaped. Without large
imports, since the door has these pages too.
"""

from __future__ import annotations

import re

HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_QUALITY = re.compile(rb";[ \t]*q[ \t]*=[ \t]*([01](?:\.[0-9]{0,3})?)[ \t]*(?:;|$)")
# ANSI colours and other control sequences of a backend's output, which no page can show.
_CONTROLS = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]"
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
h2 span,li span{color:var(--soft);font-weight:400}
main>h2{margin-top:1.6rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .9rem;margin:.5rem 0 0;\
font-size:.92rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;\
margin:.7rem 0 0;overflow-x:auto;font:.84rem/1.45 ui-monospace,monospace}
ul{margin:.8rem 0;padding-left:1.2rem}
code{font:.92em ui-monospace,monospace}p.hint{margin-top:1.2rem}
footer{color:var(--soft);font-size:.85rem;margin-top:2rem}
"""


def preferred(accept: bytes | None) -> str:
    """HTML for browsers, JSON for those who name it, else plain text (curl sends `*/*`)."""
    best, best_quality = TEXT, 0.0
    for part in (accept or b"").lower().split(b",")[:50]:
        kind = _KINDS.get(part.partition(b";")[0].strip())
        quality = _quality(part)
        if kind is not None and quality > best_quality:
            best, best_quality = kind, quality
    return best


def clean(text: str) -> str:
    """The text without what no page can show."""
    return _CONTROLS.sub("", text)


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
            f"<title>{title}</title><style>{STYLE}</style></head><body><main>",
            *parts,
            f"<footer>{footer}</footer></main></body></html>\n",
        ]
    )


def _quality(part: bytes) -> float:
    match = _QUALITY.search(part)
    return float(match[1]) if match else 1.0
