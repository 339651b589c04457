"""Files below a folder: which one is sent, and what is never sent."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pytest

from tests.http.test_file_path import NEVER
from tests.proxy.h2_client import client as h2_client
from tests.proxy.static_house import ask, sending, write
from tests.support.raw import Answer

SECRET = b"not for everybody"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with files, beside one with secrets."""
    write(tmp_path, secrets__key_txt=SECRET, index_html=SECRET, public2__a_html=SECRET)
    (tmp_path / ".env").write_bytes(SECRET)
    return write(
        tmp_path / "public",
        index_html=b"<h1>home</h1>",
        app_js=b"let a",
        docs__index_html=b"docs",
        docs__a_txt=b"a",
        empty__b__c_txt=b"c",
        large_bin=bytes(range(256)) * 1024,
    )


def told(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body


async def test_a_file_is_sent_with_what_is_known_of_it(site: Path) -> None:
    async with sending(site) as (house, counts):
        client = await house.client()
        answer = await ask(client, "/app.js?v=1")
        assert told(answer) == (200, b"let a")
        assert answer.field("content-type") == "text/javascript; charset=utf-8"
        assert answer.field("cache-control") == "no-cache"
        assert answer.field("vary") == "Accept-Encoding"
        assert answer.field("accept-ranges") == "bytes"
        tag, date = answer.field("etag"), answer.field("last-modified")
        assert tag is not None
        assert date is not None
        head = await ask(client, "/app.js", method="HEAD")
        assert (head.status, head.body, head.field("content-length")) == (200, b"", "5")
        assert (await ask(client, "/app.js", f"If-None-Match: {tag}")).status == 304
        assert (await ask(client, "/app.js", f"If-Modified-Since: {date}")).status == 304
        assert (await ask(client, "/app.js", 'If-Match: "x"')).status == 412
        assert told(await ask(client, "/app.js", "Range: bytes=1-2")) == (206, b"et")
        beyond = await ask(client, "/app.js", "Range: bytes=9-")
        assert (beyond.status, beyond.field("content-range")) == (416, "bytes */5")
        post = await ask(client, "/app.js", method="DELETE")
        assert (post.status, post.field("allow")) == (405, "GET, HEAD")
        assert told(await ask(client, "/")) == (200, b"<h1>home</h1>")
        below = await ask(client, "/files/app.js")
        assert (told(below), below.field("content-type")) == (
            (200, b"let a"),
            "text/javascript; charset=utf-8",
        )
        assert (below.field("cache-control"), below.field("etag")) == ("no-store", None)
        assert counts.codes == {200: 3, 206: 1, 304: 2, 405: 1, 412: 1, 416: 1}
        assert counts.traffic.received == 5 + 2 + 13


async def test_a_changed_file_is_seen_at_once(site: Path) -> None:
    async with sending(site) as (house, _):
        client = await house.client()
        before = await ask(client, "/app.js")
        status = (site / "app.js").stat()
        (site / "new").write_bytes(b"let b")  # as long, and said to be as old
        os.utime(site / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
        (site / "new").rename(site / "app.js")
        after = await ask(client, "/app.js", f"If-None-Match: {before.field('etag')}")
        assert told(after) == (200, b"let b")
        (site / "app.js").unlink()
        assert (await ask(client, "/app.js")).status == 404
        moved = site.rename(site.with_name("was"))  # noqa: ASYNC240 - nobody else waits
        assert (await ask(client, "/docs/a.txt")).status == 404
        write(site, docs__a_txt=b"built anew")
        assert told(await ask(client, "/docs/a.txt")) == (200, b"built anew")
        (site / "docs" / "a.txt").unlink()
        (site / "docs" / "a.txt").symlink_to(moved / "docs" / "a.txt")
        assert (await ask(client, "/docs/a.txt")).status == 404


async def test_a_folder_is_answered_by_its_index_and_only_with_a_slash(site: Path) -> None:
    async with sending(site) as (house, _):
        client = await house.client()
        assert told(await ask(client, "/docs/")) == (200, b"docs")
        for path, place in {
            "/docs": "/docs/",
            "/files/docs?a=b": "/files/docs/?a=b",
            "//docs": "/docs/",
            "/empty%2f..": None,
            "/%64ocs": "/%64ocs/",
            "/empty/b": "/empty/b/",
        }.items():
            answer = await ask(client, path)
            expected = (404, None) if place is None else (301, place)
            assert (answer.status, answer.field("location")) == expected, path
        for path in ("/empty/", "/docs/a.txt/", "/app.js/", "/empty/b/", "/none/", "/docs/none"):
            assert (await ask(client, path)).status == 404, path
        page = await ask(client, "/none", "Accept: application/json")
        assert "`spa: true`" in json.loads(page.body)["hint"]


async def test_a_page_of_an_application_is_answered_by_its_index(site: Path) -> None:
    async with sending(site, spa=True, max_age=3600.0) as (house, _):
        client = await house.client()
        for path in ("/users/7", "/users/", "/empty", "/empty/", "/a.b/c"):
            answer = await ask(client, path)
            assert told(answer) == (200, b"<h1>home</h1>"), path
            assert answer.field("cache-control") == "no-cache"
            assert answer.field("content-type") == "text/html; charset=utf-8"
        for path in ("/users/7.js", "/.git", "/a/../b", "/%2e%2e/x"):
            assert (await ask(client, path)).status == 404, path
        assert (await ask(client, "/docs")).status == 301
        assert (await ask(client, "/app.js")).field("cache-control") == "max-age=3600"
        (site / "index.html").unlink()
        assert (await ask(client, "/users/7")).status == 404


async def test_a_folder_without_an_index_may_be_listed(site: Path) -> None:
    (site / "empty" / ".hidden").write_bytes(SECRET)
    (site / "empty" / "out").symlink_to(site.parent / "secrets")
    (site / "empty" / "in").symlink_to(site / "docs")
    os.mkfifo(site / "empty" / "fifo")
    async with sending(site, listing=True, spa=True) as (house, _):
        client = await house.client()
        answer = await ask(client, "/empty/", "Accept: application/json")
        rows = [(row["name"], row["type"]) for row in json.loads(answer.body)]
        assert (answer.status, rows) == (200, [("b", "directory"), ("in", "directory")])
        page = await ask(client, "/empty/", "Accept: text/html")
        assert b'<a href="./b/">b/</a>' in page.body
        assert "style-src" in (page.field("content-security-policy") or "")
        head = await ask(client, "/empty/", "Accept: text/html", method="HEAD")
        assert head.field("content-length") == str(len(page.body))
        assert (await ask(client, "/empty")).field("location") == "/empty/"
        assert told(await ask(client, "/docs/")) == (200, b"docs")
        assert told(await ask(client, "/none/")) == (200, b"<h1>home</h1>")


async def test_a_smaller_copy_goes_to_who_takes_it(site: Path) -> None:
    write(site, app_js_gz=b"zipped", app_js_br=b"br", docs__index_html_gz=b"docs.gz", x_png=b"x")
    write(site, x_png_gz=b"never")
    async with sending(site) as (house, _):
        client = await house.client()
        plain = await ask(client, "/app.js", "Accept-Encoding: br;q=0")
        zipped = await ask(client, "/app.js", "Accept-Encoding: gzip")
        assert told(plain) == (200, b"let a")
        assert told(zipped) == (200, b"zipped")
        assert zipped.field("content-encoding") == "gzip"
        assert zipped.field("content-type") == plain.field("content-type")
        assert zipped.field("vary") == plain.field("vary") == "Accept-Encoding"
        assert zipped.field("etag") != plain.field("etag")
        assert told(await ask(client, "/app.js", "Accept-Encoding: gzip, br")) == (200, b"br")
        assert told(await ask(client, "/docs/", "Accept-Encoding: gzip")) == (200, b"docs.gz")
        assert told(await ask(client, "/x.png", "Accept-Encoding: gzip")) == (200, b"x")
        part = await ask(client, "/app.js", "Accept-Encoding: gzip", "Range: bytes=0-1")
        assert told(part) == (206, b"zi")
        assert part.field("content-encoding") == "gzip"
        same = (f"If-None-Match: {zipped.field('etag')}", "Accept-Encoding: gzip")
        assert (await ask(client, "/app.js", *same)).status == 304
        assert (await ask(client, "/app.js", *same[:1])).status == 200
        # One that is older than its file is of what the file was before.
        os.utime(site / "app.js.br", (1e9, 1e9))
        (site / "app.js.gz").unlink()
        (site / "app.js.gz").symlink_to(site.parent / "secrets" / "key.txt")
        old = await ask(client, "/app.js", "Accept-Encoding: gzip, br")
        assert (told(old), old.field("content-encoding")) == ((200, b"let a"), None)
        (site / "app.js").unlink()
        assert (await ask(client, "/app.js", "Accept-Encoding: gzip, br")).status == 404


async def test_no_path_leads_out_of_the_folder_by_either_protocol(site: Path) -> None:
    more = ["/../.env", "/..%c0%afsecrets/key.txt", "/%c0%ae%c0%ae/secrets/key.txt",
            "/%252e%252e/secrets/key.txt", "/..%252fsecrets%252fkey.txt", "/%uff0e%uff0e/a",
            "/../public2/a.html", "/..public2/a.html"]  # fmt: skip
    (site / ".hidden").write_bytes(SECRET)
    write(site / ".well-known" / "acme", x_txt=b"seen")
    async with sending(site) as (house, _), h2_client(house) as other:
        await other.settled()
        client = await house.client()
        for path in [*NEVER, *more, "/.hidden"]:
            answer = await ask(client, path)
            assert answer.status == 404, path
            assert SECRET not in answer.body
            got = await other.answer(await other.ask(path))
            assert (got.status, got.ended) == (404, True), path
        assert told(await ask(client, "/.well-known/acme/x.txt")) == (200, b"seen")


async def test_a_symlink_is_followed_as_long_as_it_stays_in_the_folder(site: Path) -> None:
    (site / "same.js").symlink_to("app.js")
    (site / "far.js").symlink_to(site / "app.js")  # an absolute one
    (site / "round.js").symlink_to(Path("..") / site.name / "app.js")
    (site / "d").symlink_to("docs")
    (site / "key").symlink_to("../secrets/key.txt")
    (site / "out").symlink_to(site.parent / "secrets")
    (site / "beside").symlink_to("../public2")  # whose name begins like that of the folder
    (site / "root").symlink_to("/")
    (site / "self").symlink_to("self")
    (site / "dead").symlink_to("gone")
    link = site.with_name("link")
    link.symlink_to(site)
    for folder in (site, link):
        async with sending(folder) as (house, _):
            client = await house.client()
            for path in ("/same.js", "/far.js", "/round.js"):
                assert told(await ask(client, path)) == (200, b"let a"), path
            assert told(await ask(client, "/d/")) == (200, b"docs")
            paths = ["/key", "/out/key.txt", "/out", "/out/", "/beside/a.html", "/root/etc/passwd",
                     "/self", "/dead", "/root"]  # fmt: skip
            for path in paths:
                assert (await ask(client, path)).status == 404, path


async def test_what_is_no_file_is_not_waited_for(site: Path) -> None:
    os.mkfifo(site / "fifo")
    os.mkfifo(site / "app.js.br")
    (site / "null").symlink_to("/dev/null")
    (site / "tty").symlink_to("/dev/tty")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site / "socket"))
        async with sending(site) as (house, _):
            client = await house.client()
            for path in ("/fifo", "/socket", "/null", "/tty", "/" + "x" * 300, "/x" * 3000):
                assert (await ask(client, path)).status == 404, path
            assert told(await ask(client, "/app.js", "Accept-Encoding: br")) == (200, b"let a")


async def test_what_the_system_refuses_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, site: Path
) -> None:
    async with sending(site) as (house, counts):
        client = await house.client()
        system = os.open
        for number, status in {
            errno.EACCES: 403,
            errno.EMFILE: 503,
            errno.ENFILE: 503,
            errno.EIO: 500,
            errno.ENXIO: 404,
        }.items():

            def refuse(path: bytes, flags: int, *, number: int = number) -> int:
                if isinstance(path, bytes) and path.endswith(b"/app.js"):
                    raise OSError(number, os.strerror(number))
                return system(path, flags)

            monkeypatch.setattr(os, "open", refuse)
            answer = await ask(client, "/app.js")
            assert answer.status == status
            assert (answer.field("retry-after") == "1") is (status == 503)
        monkeypatch.setattr(os, "open", system)
        assert counts.errors == 3
        # What rpx needs for itself is not for clients.
        monkeypatch.setattr(house.shared.folder(site), "_ceiling", 3)
        assert (await ask(client, "/app.js")).status == 503
