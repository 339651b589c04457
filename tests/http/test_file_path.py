"""Which file a path asks for, and which ones nobody can ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.file_path import looks_like_a_file, name_of, with_slash


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", b""),
        ("//", b""),
        ("/a.html", b"a.html"),
        ("/docs/a.html", b"docs/a.html"),
        ("/docs/", b"docs/"),
        ("/docs//a.html", b"docs/a.html"),
        ("//docs///", b"docs/"),
        ("/a%20b%C3%BC.txt", b"a b\xc3\xbc.txt"),
        ("/%61", b"a"),
        ("/100%", b"100%"),
        ("/100%.txt", b"100%.txt"),
        ("/%zz", b"%zz"),
        ("/%252e%252e/a", b"%2e%2e/a"),  # decoded once
        ("/a..b", b"a..b"),
        ("/a.", b"a."),
        ("/%FF", b"\xff"),
        ("/a%3Fb%23c", b"a?b#c"),
        ("/.well-known/acme-challenge/x", b".well-known/acme-challenge/x"),
    ],
)
def test_a_path_is_decoded_once(path: str, name: bytes) -> None:
    assert name_of(path.encode()) == name
    assert name_of(path.encode() + b"/" + b"x" * 300) is not None  # one too long to be remembered


# Each of these has been a hole in some server.
NEVER = r"""
/..  /../  /../etc/passwd  /a/..  /a/../b  /a/../../b  /.  /./a  /a/.  /a/./b  /...  /..../a
/%2e%2e/a  /%2E%2E/a  /.%2e/a  /%2e./a  /%2e  /a/%2e%2e  /a/%2e%2e%2fb
/..%2fetc  /a%2fb  /a%2Fb  /%2fetc/passwd  /%2f  /..%2f..%2fetc%2fpasswd
/..%5c..%5cwindows  /..\a  /a\b  /%5c  /%5C%5Cevil  /a%5cb  /..\\..\a
/%00  /a%00.html  /a.html%00.png  /..%00/  /%2e%2e%00
/.env  /%2eenv  /.git/config  /a/.git/HEAD  /a/%2Egit/HEAD  /.htaccess  /.ssh/  /.well-known/.env
/.well-known2  /.Well-Known/x  /..;/a  /.;/a  /..%3b/a  /..%20/a  /.%09./a
""".split()  # noqa: SIM905 - it is a table


@pytest.mark.parametrize("path", NEVER)
def test_no_path_leads_out_of_the_folder_or_to_what_is_hidden(path: str) -> None:
    assert name_of(path.encode()) is None
    assert name_of(b"/" + b"x" * 300 + path.encode()) is None


@pytest.mark.parametrize("path", ["", "a", "*", "../a", "http://a/b"])
def test_what_does_not_begin_with_a_slash_is_no_path(path: str) -> None:
    assert name_of(path.encode()) is None


# Overlong UTF-8, full-width dots: bytes like any other, which mean nothing to a file system.
@pytest.mark.parametrize(
    "path", ["/%c0%ae%c0%ae/a", "/%e0%80%ae%e0%80%ae/a", "/%c0%af..", "/%ef%bc%8e%ef%bc%8e/a"]
)
def test_an_overlong_dot_is_not_a_dot(path: str) -> None:
    name = name_of(path.encode())
    assert name is not None
    assert not any(each in {b"..", b"."} for each in name.split(b"/"))


PARTS = ["/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", "%00", "%", "%25", "a", ";", "%c0%ae"]


@given(st.lists(st.sampled_from(PARTS)))
def test_whatever_is_joined_a_name_stays_below_its_folder(parts: list[str]) -> None:
    name = name_of(("/" + "".join(parts)).encode())
    if name is not None:
        assert not name.startswith(b"/")
        assert b"\0" not in name
        assert b"\\" not in name
        for each in name.split(b"/"):
            assert not each.startswith(b".")


def test_only_the_last_segment_tells_what_looks_like_a_file() -> None:
    assert looks_like_a_file(b"a/b.js")
    assert looks_like_a_file(b"b.")
    assert not looks_like_a_file(b"a.b/c")
    assert not looks_like_a_file(b"")


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (b"/docs", b"/docs/"),
        (b"/api/docs?a=/b?c", b"/api/docs/?a=/b?c"),
        (b"//evil.example", b"/evil.example/"),
        (b"///evil.example/%2e%2e", b"/evil.example/%2e%2e/"),
        (b"/\\evil.example", b"/evil.example/"),
        (b"/\\/evil.example", b"/evil.example/"),
    ],
)
def test_a_slash_is_added_and_never_another_host(target: bytes, location: bytes) -> None:
    assert with_slash(target) == location
