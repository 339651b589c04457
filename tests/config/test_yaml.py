"""YAML's traps: each is disarmed or told."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.errors import ConfigError
from tests.config.support import load, refused


@pytest.mark.parametrize("word", ["no", "No", "NO", "off", "false"])
def test_no_without_quotes_means_no_restart(tmp_path: Path, word: str) -> None:
    text = f"processes: {{w: {{command: ./w, restart: {word}}}}}"
    assert load(tmp_path, text).config.processes[0].start.restart.policy == "no"


def test_a_number_in_base_sixty_is_a_text(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "{to: a, from: 80:30}")
    assert "`80:30`" in problem.what


def test_a_number_of_five_thousand_digits_is_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, f"{{to: a, from: 3000, hold: {'9' * 5000}}}")
    assert problem.what.startswith("`hold` is not a duration: `999")
    assert len(problem.what) < 120


@pytest.mark.parametrize(
    "tagged", ["!!int x", "!!float x", "!!binary aGk=", "!mine x", "!!set {a}"]
)
def test_a_tag_builds_nothing(tmp_path: Path, tagged: str) -> None:
    assert refused(tmp_path, f"to: a\nfrom: 3000\nname: {tagged}\n")


def test_a_text_with_a_text_tag_is_a_text(tmp_path: Path) -> None:
    text = "{to: a, from: 3000, name: !!str 12}"
    assert load(tmp_path, text).config.name == "12"


def test_an_ignored_shelf_is_not_even_interpolated(tmp_path: Path) -> None:
    text = "x-notes: ['${', &a 3000, {a: 1, a: 2}]\nto: a\nfrom: *a\n"
    assert load(tmp_path, text).config.proxies[0].sources[0].address.port == 3000


def test_a_merge_of_itself_ends(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "to: a\nfrom: 3000\nhealth_check: &h {<<: *h}\n")
    assert "alias contain itself" in problem.what


def test_a_billion_merges_end(tmp_path: Path) -> None:
    lines = ["x-0: &m0 {path: /}"]
    lines += [f"x-{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 10)]
    problems = refused(tmp_path, "\n".join([*lines, "to: a", "from: 3000", "health_check: *m9"]))
    assert "through its aliases" in problems[0].what


def test_ten_thousand_brackets_end(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "[" * 10_000)
    assert "nested too deeply" in problem.what


def test_a_key_that_is_no_text_is_told(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "to: a\nfrom: 3000\n{name}: x\n")
    assert (problem.what, problem.where) == (
        "this key is not text",
        f"{tmp_path}/rpx.yaml:3:1",
    )


def test_windows_line_ends_and_a_byte_order_mark_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_bytes("\ufeffto: a\r\nfrom: nowhere\r\n".encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.problems[0].excerpt == "  |\n2 | from: nowhere\n  |       ^^^^^^^"


def test_a_mistake_in_a_very_long_line_is_cut_out_of_it(tmp_path: Path) -> None:
    (problem,) = refused(
        tmp_path, f"{{to: a, from: [{', '.join(map(str, range(3000, 3200)))}, x]}}"
    )
    _, line, carets = problem.excerpt.splitlines()
    assert len(line) < 120
    assert line[carets.index("^")] == "x"


def test_the_place_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    (problem,) = refused(folder, "{to: a, from: x}")
    assert problem.where == "a/rpx.yaml:1:15"
    monkeypatch.chdir(folder)
    (problem,) = refused(tmp_path, "{to: a, from: x}")
    assert problem.where == f"{tmp_path}/rpx.yaml:1:15"


@pytest.mark.parametrize("name", ["rpx.yaml", ".env"])
def test_a_file_that_is_not_utf8_says_where(tmp_path: Path, name: str) -> None:
    (tmp_path / "rpx.yaml").write_text("to: a\nfrom: 3000\n")
    (tmp_path / name).write_bytes(b"A=1\nB=\xff\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "rpx.yaml", {})
    (problem,) = caught.value.problems
    assert problem.what == f"{tmp_path}/{name} is not UTF-8 text (byte 0xFF)"
    assert problem.where == f"{tmp_path}/{name}:2:3"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder") as caught:
        load_config(tmp_path, {})
    assert f"{tmp_path}/rpx.yaml" in caught.value.problems[0].hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(tmp_path / "rpx.yaml", {})


def test_an_unreadable_file_says_why(tmp_path: Path) -> None:
    path = tmp_path / "rpx.yaml"
    path.symlink_to(path)  # permissions would not stop root
    with pytest.raises(ConfigError, match="cannot be read: Too many levels"):
        load_config(path, {})


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match="larger than 256 KiB"):
        load_config(Path("/dev/zero"), {})
