"""The same requests to nginx and to rpx, which serve the same folder: the same answers.

Where they differ it is said why, and both sides are held to it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx.http.dates import http_date
from tests.proxy.house import get
from tests.proxy.static_house import sending, write
from tests.support.raw import Answer, Raw, connect

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx"),
]

CONTENT = b"".join(b"X%03dXXXXXX" % number for number in range(100))
MODIFIED = 1_700_000_000
NOW, EARLIER, LATER = (http_date(MODIFIED + by).decode() for by in (0, -1, 1))
# `{tag}` is the ETag that each of them has given.
REQUESTS: list[tuple[str, tuple[str, ...]]] = [
    *(
        ("/t.html", (f"Range: bytes={value}",))
        for value in (
            "0-8",
            "-10",
            "990-",
            "990-1990",
            "0-9, -10, 10-19",
            "0-9, -10, 100000-, 10-19",
            "100000-",
            "alpha",
            "10-alpha",
            "10",
            "10-11 12-",
            "0-10001",
            "0-10001, 0-0",
            "-0",
            "-1000",
            "-1001",
            "0-0",
            "999-",
            "1000-",
            "9-8",
            "",
            "0-999",
            "-",
            " 0-9",
        )
    ),
    ("/t.html", ("Range: lines=0-8",)),
    ("/t.html", ("Range: bytes=0-8", "If-Range: {tag}")),
    ("/t.html", ("Range: bytes=0-8", 'If-Range: "other"')),
    ("/t.html", ("Range: bytes=0-8", f"If-Range: {NOW}")),
    ("/t.html", ("Range: bytes=0-8", f"If-Range: {EARLIER}")),
    ("/t.html", ("Range: bytes=0-8", f"If-Range: {LATER}")),
    ("/t.html", ("Range: bytes=5000-", 'If-Range: "other"')),
    ("/t.html", ("If-None-Match: {tag}",)),
    ("/t.html", ("If-None-Match: W/{tag}",)),
    ("/t.html", ("If-None-Match: *",)),
    ("/t.html", ('If-None-Match: "foo", "bar", {tag} , "baz"',)),
    ("/t.html", ('If-None-Match: "foo"',)),
    ("/t.html", (f"If-Modified-Since: {NOW}",)),
    ("/t.html", (f"If-Modified-Since: {EARLIER}",)),
    ("/t.html", (f"If-Modified-Since: {LATER}",)),
    ("/t.html", ("If-Match: {tag}",)),
    ("/t.html", ("If-Match: *",)),
    ("/t.html", ('If-Match: "foo"',)),
    ("/t.html", ("If-Match: W/{tag}",)),
    ("/t.html", ('If-Match: "foo", \t{tag} , "baz"',)),
    ("/t.html", (f"If-Unmodified-Since: {NOW}",)),
    ("/t.html", (f"If-Unmodified-Since: {EARLIER}",)),
    ("/t.html", (f"If-Unmodified-Since: {LATER}",)),
    ("/t.html", ("If-None-Match: {tag}", "Range: bytes=0-8")),
    ("/t.html", ('If-Match: "foo"', "Range: bytes=5000-")),
    ("/none", ('If-Match: "foo"',)),
    ("/t.html", ()),
    ("/t.html?a=b", ()),
    ("//t.html", ()),
    ("/%74.html", ()),
    ("/docs", ()),
    ("/docs?a=b", ()),
    ("/docs/", ()),
    ("/docs//a.txt", ()),
    ("/none", ()),
    ("/t.html/", ()),
    ("/a%20b.txt", ()),
    ("/empty.txt", ()),
    ("/empty.txt", ("Range: bytes=0-",)),
    ("/%252e%252e/t.html", ()),
    ("/locked.txt", ()),
    ("/docs/a.txt", ("Accept-Encoding: gzip",)),
]
# What is asked → what nginx and rpx answer.
OTHERWISE = {
    ("/t.html", ("Range: bytes=0-9,",)): (416, 206),  # RFC 9110 §5.6.1.2: nothing is no member
    ("/docs/%2e%2e/t.html", ()): (200, 404),  # a path is not tidied: `..` is nobody's name
    ("/docs/../t.html", ()): (200, 404),
    ("/..%2fsecret", ()): (400, 404),
    ("/none%00.html", ()): (400, 404),
    ("/.hidden", ()): (200, 404),
    ("/out", ()): (200, 404),  # a symlink that leads elsewhere
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("like-nginx")
    (root / "secret").write_bytes(b"secret")
    public = write(
        root / "public", t_html=CONTENT, docs__index_html=b"docs", docs__a_txt=b"a", empty_txt=b""
    )
    (public / "docs" / "a.txt.gz").write_bytes(b"zipped")
    (public / "a b.txt").write_bytes(b"a b")
    (public / ".hidden").write_bytes(b"hidden")
    (public / "out").symlink_to(root / "secret")
    for path in public.rglob("*"):
        os.utime(path, (MODIFIED, MODIFIED), follow_symlinks=False)
    return public


@pytest.fixture(scope="module")
def nginx(site: Path) -> Iterator[int]:
    """The port of an nginx that serves the folder."""
    folder = site.parent
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""
      {user} daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
      events {{}}
      http {{
        access_log off; {temporary} types {{ text/html html; text/plain txt; }}
        if_modified_since before;  # as RFC 9110 has it
        absolute_redirect off; gzip_static on;
        server {{ listen 127.0.0.1:{port}; root {site}; }}
      }}""")
    command = ["nginx", "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf"]
    with subprocess.Popen(command) as process:
        try:
            until = time.monotonic() + 30
            while process.poll() is None and time.monotonic() < until:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            yield port
        finally:
            process.terminate()


async def answered(
    client: Raw, path: str, fields: tuple[str, ...], tag: str, method: str
) -> Answer:
    await client.send(get(path, *(field.format(tag=tag) for field in fields), method=method))
    return await client.answer(method)


def comparable(answer: Answer) -> tuple[object, ...]:
    """What must be the same. Of errors each has its own page."""
    kind = answer.field("content-type") or ""
    body = answer.body if answer.status < 300 else b""
    if boundary := re.search("boundary=(.*)", kind):
        body = body.replace(boundary[1].encode(), b"boundary").replace(b"; charset=utf-8", b"")
        kind = "multipart/byteranges"
    names = ("content-range", "location", "last-modified", "content-encoding")
    told = tuple(answer.field(name) for name in names)
    if answer.status < 300:
        told += (kind.removesuffix("; charset=utf-8"),)
    return answer.status, *told, body, answer.whole


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nginx_and_rpx_answer_alike(site: Path, nginx: int, method: str) -> None:
    async with sending(site) as (house, _):
        tags = []
        for port in (nginx, house.port):
            client = await connect(port)
            tags.append((await answered(client, "/t.html", (), "", "GET")).field("etag") or "")
            client.close()
        for path, fields in (*REQUESTS, *OTHERWISE):
            if method == "HEAD" and any(field.startswith("Range:") for field in fields):
                continue  # RFC 9110 §14.2: it means something for GET only
            got = []
            for port, tag in zip((nginx, house.port), tags, strict=True):
                client = await connect(port)
                got.append(await answered(client, path, fields, tag, method))
                client.close()
            what = f"{method} {path} {fields}"
            theirs, ours = got
            if (path, fields) in OTHERWISE:
                assert (theirs.status, ours.status) == OTHERWISE[path, fields], what
            else:
                assert comparable(theirs) == comparable(ours), what
