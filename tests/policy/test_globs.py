"""Which files a pattern means."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.policy.globs import Globs

HOME = "/srv/shop"


def meant(patterns: str | list[str], path: str) -> bool:
    each = [patterns] if isinstance(patterns, str) else patterns
    return Globs(each, HOME).match(path if path.startswith("/") else f"{HOME}/{path}")


@pytest.mark.parametrize(
    ("pattern", "path", "yes"),
    [
        ("app.py", "app.py", True),
        ("app.py", "sub/app.py", False),
        ("./app.py", "app.py", True),
        ("*.py", "app.py", True),
        ("*.py", "sub/app.py", False),
        ("*.py", "app.pyi", False),
        ("*.py", ".app.py", False),
        (".*.py", ".app.py", True),
        ("**/*.py", "app.py", True),
        ("**/*.py", "a/b/app.py", True),
        ("src/**/*.py", "src/app.py", True),
        ("src/**/*.py", "src/a/b.py", True),
        ("src/**/*.py", "other/a/b.py", False),
        ("src/**/*.py", "src/a/b.js", False),
        ("src/**", "src/a/b.js", True),
        ("src/**", "source/b.js", False),
        ("src", "src/a/b.js", True),
        ("src", "src", True),
        ("src/", "src/a", True),
        (".", "a/b", True),
        ("..", "/srv/other/file", True),
        ("../lib/*.py", "/srv/lib/x.py", True),
        ("/etc/hosts", "/etc/hosts", True),
        ("/", "/etc/hosts", True),
        ("src/*/views.py", "src/a/views.py", True),
        ("src/*/views.py", "src/a/b/views.py", False),
        ("a?.py", "ab.py", True),
        ("a?.py", "a/.py", False),
        ("[ab].py", "a.py", True),
        ("[!ab].py", "a.py", False),
        ("[!ab].py", "c.py", True),
        ("[z-a].py", "[z-a].py", True),
        ("a[.py", "a[.py", True),
        ("*.{py,html}", "x.html", True),
        ("*.{py,html}", "x.js", False),
        ("{src,lib}/**/*.{c,h}", "lib/a/b.h", True),
        ("{src,lib}/**/*.{c,h}", "bin/a/b.h", False),
        ("ein*aus.py", "ein und aus.py", True),
        ("a.c", "abc", False),
        ("**/*.py", "node_modules/x/y.py", False),
        ("**/*.py", ".venv/lib/y.py", False),
        ("src", "src/__pycache__/app.cpython-311.pyc", False),
        ("src", "src/.app.py.swp", False),
        ("src", "src/app.py~", False),
        ("src", "src/.git/index", False),
        (".git/HEAD", ".git/HEAD", True),
    ],
)
def test_a_pattern_means_what_shells_and_gitignore_have_taught(
    pattern: str, path: str, yes: bool
) -> None:
    assert meant(pattern, path) is yes


def test_a_pattern_with_a_bang_takes_out_what_others_mean() -> None:
    patterns = ["src/**", "!src/generated/**", "!**/*.md"]
    assert meant(patterns, "src/app.py")
    assert not meant(patterns, "src/generated/app.py")
    assert not meant(patterns, "src/README.md")


def test_below_a_folder_that_is_ignored_everything_else_is_as_elsewhere() -> None:
    assert Globs(["**/*.py"], "/home/me/.venv/project").match("/home/me/.venv/project/a.py")


def test_only_folders_are_walked_where_such_a_file_can_be() -> None:
    globs = Globs(["*.py", "src/**/*.py", "conf/app.toml"], HOME)
    assert globs.roots() == [(HOME, False), (f"{HOME}/src", True), (f"{HOME}/conf/app.toml", True)]


names = some.text(some.sampled_from("ab."), min_size=1, max_size=3).filter(
    lambda name: name not in {".", ".."}
)
parts = some.text(some.sampled_from("ab.*?"), min_size=1, max_size=4).filter(
    lambda part: part not in {".", ".."} and "**" not in part
)


@given(some.lists(parts, min_size=1, max_size=3), some.lists(names, min_size=1, max_size=3))
def test_without_two_stars_it_is_what_python_says(pattern: list[str], path: list[str]) -> None:
    hidden = any(n[0] == "." and p[0] in "*?" for n, p in zip(path, pattern, strict=False))
    wild = any(set(part) & set("*?") for part in pattern)
    same = len(pattern) == len(path) and PurePosixPath(*path).match("/".join(pattern))
    if wild and not hidden:
        assert meant("/".join(pattern), "/".join(path)) is same
