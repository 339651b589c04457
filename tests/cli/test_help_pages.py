"""`rpx help TOPIC`: which page or section words lead to, and how it looks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import pytest

from rpx.cli.at_tab.answering_shells import answered
from rpx.cli.helpers import documents
from rpx.cli.main import COMMANDS, main
from rpx.cli.terminal.layout import laid_out
from rpx.model.breadth import breadth
from tests.support.project import RPX
from tests.support.terminal import terminal

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTS = sorted([*DOCS.glob("*.md"), *DOCS.glob("guides/*.md")])

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.stem)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["help", *words]) == 0
    return capsys.readouterr().out


def test_help_without_a_topic_lists_every_document(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    for name in documents.all_pages():
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE), f"`rpx help` has no line of {name}"


@every_document
def test_a_page_fits_and_no_word_of_it_is_lost(document: Path) -> None:
    source = document.read_text()
    words = set(re.findall(r"[^\W_]{4,}", re.sub(r"\]\([^)\s]+\)|```\w+", "", source)))
    code = "".join(found[0] for found in re.finditer(r"(`+).+?\1", source, re.DOTALL))
    for width in (40, 80, 200):
        plain = laid_out(source, width, colour=False)
        painted = [click.unstyle(line) for line in laid_out(source, width, colour=True)]
        for lines in (plain, painted):
            wide = [line for line in lines if breadth(line) > width and not line.startswith("    ")]
            assert not [line for line in wide if len(line.split()) > 1 + line.startswith("- ")]
            text = "\n".join(lines)
            assert text.count("**") == code.count("**")
            assert words <= set(re.findall(r"[^\W_]{4,}", text))


def test_a_table_keeps_columns_where_there_is_room_and_else_has_a_paragraph_for_each_row() -> None:
    table = "| key | |\n| --- | --- |\n| `a\\|b` | one two three |\n"
    table += "| `long_name_of_it` | [four](x.md) |\n"
    assert laid_out(table, 60, colour=False) == [
        "key",
        "─────────────────  ─────────────",
        "`a|b`              one two three",
        "`long_name_of_it`  four",
    ]
    assert laid_out(table, 26, colour=False)[2:] == [
        "`a|b`              one two",
        "                   three",
        "",
        "`long_name_of_it`  four",
    ]
    assert laid_out(table, 20, colour=False) == [
        "key",
        "",
        "`a|b`",
        "    one two three",
        "",
        "`long_name_of_it`",
        "    four",
    ]


def test_blocks_keep_their_shape_and_colour_takes_the_place_of_marks() -> None:
    page = "# A `b`\n\nSee **it** now.\n\n- one\n  two three\n- x\n\n"
    page += "```sh\n# a | b\n\nrpx up\n```\n\n    as is\n"
    assert laid_out(page, 8, colour=False) == [
        "# A `b`", "", "See it", "now.", "", "- one", "  two", "  three", "- x", "",
        "    # a | b", "", "    rpx up", "", "    as is",
    ]  # fmt: skip
    painted = laid_out(page, 80, colour=True)
    assert painted[0] == f"{click.style('A', bold=True)} {click.style('b', fg='cyan', bold=True)}"
    assert painted[2] == f"See {click.style('it', bold=True)} now."


@pytest.mark.parametrize(
    ("words", "begin"),
    [
        ("configuration", "# Configuration"),
        ("https.md", "# HTTPS"),
        ("docs/guides/from-nginx.md", "# From nginx"),
        ("health_check", "### health_check"),
        ("health check", "### health_check"),
        ("Durations", "## Durations"),
        ("configuration#timeouts", "## timeouts"),
        ("commands exit codes", "## Exit codes"),
        ("reload auto", "### reload: auto"),
        ("hosts add", "Examples:"),
        ("setup ports", "Examples:"),
    ],
)
def test_words_lead_to_a_page_a_heading_or_a_command(
    words: str, begin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, *words.split()).splitlines()[0].startswith(begin)


def test_a_section_ends_where_the_next_one_begins_and_names_where_there_is_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(capsys, "configuration", "listen")
    assert "\n## " not in text
    assert "\n\nMore: `rpx help configuration`, " in text
    assert "`rpx help setup.md`" in text  # where `setup` alone is the command


def test_words_of_several_headings_list_them_each_with_what_prints_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, "what").splitlines()
    assert len(lines) > 1
    for line in lines:
        assert line.startswith("rpx help ")
        words = line.partition("  #")[0].split()[2:]
        assert len(printed(capsys, *words).splitlines()) > 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("stiky", "did you mean `rpx help sticky`?"),
        ("confguration", "did you mean `rpx help configuration`?"),
        ("hosts ad", "`rpx help hosts` shows how it is used"),
        ("zzz", "there are install, "),
    ],
)
def test_an_unknown_topic_names_the_nearest_or_all(
    words: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", *words.split()]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: there is no command and no topic `{words}`\nhint: ")
    assert hint in said


def test_the_help_of_a_command_says_which_pages_have_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["help", "setup"])
    assert capsys.readouterr().err == "\nmore: `rpx help setup.md`, `rpx help commands rpx setup`\n"
    for name in COMMANDS:
        main(["help", name])
        assert f"`rpx help commands rpx {name}`" in capsys.readouterr().err


def test_where_the_documents_were_taken_away_commands_still_have_their_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    documents.topics.cache_clear()
    monkeypatch.setattr(documents, "folder", lambda: tmp_path)
    try:
        assert "Usage: rpx ps" in printed(capsys, "ps")
        assert "Usage: rpx" in printed(capsys)
        assert main(["help", "configuration"]) == 2
    finally:
        documents.topics.cache_clear()


def test_tab_completes_commands_and_pages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_RPX_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "rpx help s")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert answered()
    found = [line.partition(",")[2] for line in capsys.readouterr().out.splitlines()]
    assert {"setup", "stats", "statistics", "supervision"} <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("sed"), reason="sed is not here")
def test_a_page_that_is_longer_than_the_screen_goes_to_the_pager(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PAGER": "sed s/^/paged:/"}
    with terminal(
        (*RPX, "help", "durations"), (90, 40), folder=tmp_path, environment=environment
    ) as short:
        assert short.ended() == 0
        assert short.lines()[0] == "Durations"  # bold, and so without its mark
    with terminal(
        (*RPX, "help", "timeouts"), (90, 8), folder=tmp_path, environment=environment
    ) as there:
        assert there.ended() == 0
        assert there.scrolled()[0] == "paged:timeouts"
