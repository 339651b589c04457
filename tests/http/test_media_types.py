"""Types of files: those of Python, and what browsers need."""

from __future__ import annotations

import mimetypes

import pytest

from rpx.http.media_types import MEDIA_TYPES, UNKNOWN, media_type

# Python has had application/javascript until 3.12 (RFC 9239: text/javascript), and changes the type
# of .wav, .rtf, .md and a few fonts with its versions.
NEWER = {".js", ".mjs", ".wav", ".rtf"}


def test_what_python_knows_has_the_type_that_python_gives_it() -> None:
    known = mimetypes.MimeTypes().types_map[True]
    complaints = [
        f"{suffix}: {kind}"
        for suffix, kind in known.items()
        if suffix not in NEWER
        and (ours := MEDIA_TYPES.get(suffix[1:].encode())) is not None
        and ours.partition(b";")[0] != kind.encode()
    ]
    assert not complaints
    missing = [suffix for suffix in known if suffix[1:].encode() not in MEDIA_TYPES]
    assert len(missing) < 10, missing  # what later versions have added


@pytest.mark.parametrize(
    ("name", "kind", "smaller"),
    [
        ("index.html", "text/html; charset=utf-8", True),
        ("a/b.c/INDEX.HTML", "text/html; charset=utf-8", True),
        ("app.js", "text/javascript; charset=utf-8", True),
        ("app.mjs", "text/javascript; charset=utf-8", True),
        ("app.js.map", "application/json", True),
        ("a.css", "text/css; charset=utf-8", True),
        ("a.json", "application/json", True),
        ("a.wasm", "application/wasm", True),
        ("site.webmanifest", "application/manifest+json", True),
        ("a.svg", "image/svg+xml", True),
        ("a.xml", "text/xml", True),
        ("a.avif", "image/avif", False),
        ("a.webp", "image/webp", False),
        ("a.woff2", "font/woff2", False),
        ("a.ttf", "font/ttf", True),
        ("a.mp4", "video/mp4", False),
        ("a.tar.gz", "application/gzip", False),
        ("a.unheard-of", UNKNOWN.decode(), True),
        ("LICENSE", UNKNOWN.decode(), True),
        ("a.js/LICENSE", UNKNOWN.decode(), True),
        ("a.", UNKNOWN.decode(), True),
    ],
)
def test_a_name_tells_the_type(name: str, kind: str, smaller: bool) -> None:
    assert media_type(name.encode()) == (kind.encode(), smaller)
