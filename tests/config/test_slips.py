"""Slips that are no errors, or errors that YAML itself would tell of at another place."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import find_config
from rpx.errors import RpxError
from rpx.model.file_names import OF_FRAMEWORKS, OF_OTHERS
from tests.config.support import load, refused

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("[npm, run, build, '&&', npm, start]", "&&"),
        ("[ls, '|', wc]", "|"),
        ("[ls, '>', out.txt]", ">"),
        ("[ls, '2>&1']", "2>&1"),
        ("[serve, --port=$PORT]", "--port=$PORT"),
        ("[serve, -p, '${PORT}']", "${PORT}"),
        ("[sleep, 5, '&']", "&"),
    ],
)
def test_a_word_for_a_shell_in_a_list_is_warned_of(words: str, meant: str, tmp_path: Path) -> None:
    text = f"{{from: [1, 2], to: a, start: {words}}}"
    (warning,) = load(tmp_path, text).warnings
    assert f"`{meant}` is passed on as it is" in warning
    assert "rpx.yaml:1:" in warning
    assert load(tmp_path, f"processes: {{w: {{command: {words}}}}}").warnings


@pytest.mark.parametrize(
    "words",
    [
        "[sh, -c, 'a && b $PORT']",
        "[/bin/bash, -c, $X]",
        "[grep, 'a|b', 'cost: $', x]",
        "[python, -c, 'print(1 > 2); x = \"$HOME\"']",
        "'a && b | c $PORT'",
    ],
)
def test_what_a_list_passes_on_purpose_is_not(words: str, tmp_path: Path) -> None:
    assert load(tmp_path, f"processes: {{w: {{command: {words}}}}}").warnings == []


def test_a_second_file_beside_it_is_said_to_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "rpx.yml").touch()
    (warning,) = load(tmp_path, "{from: 1, to: a}").warnings
    assert warning.startswith(f"{tmp_path}/rpx.yml is not read")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"to: a\nfrom:{NBSP}3000\n", "2:6"),
        (f"proxies:\n  -{NBSP}to: a\n", "2:4"),
        (f"proxies:\n  -{NBSP}{{to: a, from: 1}}\n", "2:4"),
        (f"to: a\n{NBSP}from: 3000\n", "2:1"),
        ("to: a\nfrom:\N{ZERO WIDTH SPACE}3000\n", "2:6"),
    ],
)
def test_what_only_looks_like_a_space_is_named(text: str, place: str, tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, text)
    assert "looks like a space" in problem.what
    assert problem.where.endswith(f"rpx.yaml:{place}")
    assert problem.excerpt


def test_such_a_character_within_a_text_is_the_users_own(tmp_path: Path) -> None:
    text = f"""\
        processes:
          w:
            command: |
              cat <<END
              key:{NBSP}value
              END
            env: {{A: "{NBSP}x", B: one{NBSP}two}}
    """
    (process,) = load(tmp_path, text).config.processes
    assert f"key:{NBSP}value" in str(process.start.command)
    assert process.start.env == {"A": f"{NBSP}x", "B": f"one{NBSP}two"}


@pytest.mark.parametrize("line", ["to: *.a.localhost", "to: [*.a.localhost]", "to: *"])
def test_a_wildcard_without_quotes_is_called_that(line: str, tmp_path: Path) -> None:
    (problem, *_) = refused(tmp_path, f"from: 3000\n{line}\n")
    assert 'a wildcard needs quotes: `to: "*.tenant.localhost"`' in problem.hint


def test_one_misspelt_setting_hides_no_conflict(tmp_path: Path) -> None:
    text = """\
        proxies:
          - {to: a.localhost, from: 3000, start: x, name: shop, colour: red}
          - {to: b.localhost, from: 3000, start: x, name: shop}
    """
    found = [problem.what for problem in refused(tmp_path, text)]
    assert any("unknown setting `colour`" in what for what in found)
    assert any("two proxies are called `shop`" in what for what in found)
    assert any("two processes would listen" in what for what in found)


def test_entries_of_a_pool_with_a_misspelt_setting_do_not_disagree(tmp_path: Path) -> None:
    text = """\
        proxies:
          - {to: a.localhost, from: 3000, health_check: {paht: /x}}
          - {to: a.localhost, from: 3001, health_check: {path: /x}}
    """
    (problem,) = refused(tmp_path, text)
    assert "paht" in problem.what


@pytest.mark.parametrize("name", [*OF_OTHERS, *OF_FRAMEWORKS])
def test_a_folder_of_another_tool_is_told_how_to_begin(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(RpxError) as caught:
        find_config(tmp_path)
    assert name in caught.value.problems[0].hint
    assert "`rpx --from 3000 --to api.localhost`" in caught.value.problems[0].hint


def test_an_empty_folder_is_told_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(RpxError) as caught:
        find_config(tmp_path)
    assert "`rpx --from 3000 --to api.localhost`" in caught.value.problems[0].hint


def test_a_folder_of_our_name_is_called_a_folder(tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").mkdir()
    with pytest.raises(RpxError, match="is a folder, not a file"):
        find_config(tmp_path)
