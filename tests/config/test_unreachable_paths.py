"""Paths at which nobody can look: circles of links, names that are too long, folders of others.

The last need another user; the system refuses the others to root, too, by the same calls.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config.find import file_of
from tests.config.support import load, refused

LONG = "x" * 300


@pytest.fixture(autouse=True)
def circle(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("elcric")
    (tmp_path / "elcric").symlink_to("circle")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            f"start: {{command: ./a, cwd: {LONG}}}",
            "`start.cwd` cannot be looked at (file name too long)",
        ),
        (
            "start: {command: ./a, cwd: circle}",
            "`start.cwd` cannot be looked at (too many levels of symbolic links",
        ),
        (
            f"start: {{command: ./a, env_file: {LONG}}}",
            "`start.env_file` cannot be looked at (file na",
        ),
        (
            "start: {command: ./a, env_file: circle}",
            "`start.env_file` cannot be looked at (too many",
        ),
        (f"from: 1, https: {{cert: {LONG}, key: b}}", "`https.cert` cannot be read"),
        ("from: 1, https: {cert: circle, key: b}", "`https.cert` cannot be read"),
        ("from: {url: 'https://b', ca: circle}", "`from.ca` cannot be read: `circle`"),
    ],
)
def test_a_path_that_nobody_can_look_at_is_a_mistake_like_others(
    tmp_path: Path, settings: str, fault: str
) -> None:
    found = refused(tmp_path, f"{{to: a.localhost, {settings}}}")
    assert any(problem.what.startswith(fault) for problem in found), found


@pytest.mark.parametrize("name", ["circle", LONG])
def test_an_env_file_that_may_be_missing_may_be_out_of_reach(tmp_path: Path, name: str) -> None:
    text = f"processes: {{a: {{command: ./a, env_file: {{path: {name}, required: false}}}}}}"
    [a] = load(tmp_path, text).config.processes
    assert a.start.env == {}


def test_a_folder_that_nobody_can_look_into_has_no_file(tmp_path: Path) -> None:
    assert file_of(tmp_path / LONG) == tmp_path / LONG / "rpx.yaml"
