"""Lists of folders."""

from __future__ import annotations

import json

from rpx.http.folder_page import FolderEntry, folder_page

ENTRIES = [
    FolderEntry(b"b.txt", False, 1_234_567, 784111777),
    FolderEntry(b"sub", True, 4096, 784111777),
    FolderEntry(b"a<b>&\"'.html", False, 12, 784111777),
    FolderEntry(b"100% #1?.txt", False, 0, 784111777),
    FolderEntry(b"javascript:x", False, 0, 784111777),
    FolderEntry(b"\xff\x1b[31m", False, 0, 784111777),
]


def shown(accept: str | None, path: bytes = b"/docs/", more: int = 0) -> str:
    body, kind = folder_page(path, ENTRIES, more, accept.encode() if accept else None)
    assert (kind.partition(";")[0] in (accept or "text/plain")) or accept == "*/*"
    return body.decode()


def test_folders_stand_first_each_by_its_name() -> None:
    lines = shown(None).splitlines()
    assert lines[0] == "sub/"
    assert lines[1:] == sorted(lines[1:])


def test_a_name_is_safe_in_html_and_its_link_leads_to_it() -> None:
    page = shown("text/html")
    assert '<a href="./a%3Cb%3E%26%22%27.html">a&lt;b&gt;&amp;&quot;&#x27;.html</a>' in page
    assert 'href="./100%25%20%231%3F.txt"' in page
    assert 'href="./javascript%3Ax"' in page
    assert 'href="./%FF%1B%5B31m"' in page
    assert 'href="./sub/">sub/</a>' in page
    assert "1.2 MB, Sun, 06 Nov 1994" in page
    assert "\x1b" not in page
    assert '<a href="../">' in page


def test_the_uppermost_folder_has_none_above_it() -> None:
    assert "../" not in shown("text/html", b"/")


def test_json_is_that_of_nginx() -> None:
    first, *_, last = json.loads(shown("application/json", more=3))
    assert first == {"name": "sub", "type": "directory", "mtime": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert last == {"type": "more", "size": 3}


def test_what_is_left_out_is_told() -> None:
    assert "5 more are not shown" in shown("text/html", more=5)
    assert "(5 more)" in shown("*/*", more=5)
