"""The command line itself: help, suggestions, exit codes, and what is not imported."""

from __future__ import annotations

import gc
import platform
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import rpx
from rpx.cli.helpers.loading import loading
from rpx.cli.main import COMMANDS, command_named, group, main

HEAVY = {
    *("trio", "httpx", "pydantic", "starlette", "hypercorn", "rich"),
    *("textual", "yaml", "psutil", "asyncio"),
}


def test_help_starts_with_examples_and_names_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Examples:\n  rpx up ")
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_starts_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Examples:\n  rpx {name}")
    assert "--file FILE" in out
    assert "--color [auto|always|never]" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([name, "--help"])
    options = capsys.readouterr().out.partition("Options:\n")[2].splitlines()
    flags = [line for line in options if line.startswith("  -")]
    assert len(flags) >= 3
    for flag, following in zip(options, [*options[1:], ""], strict=True):
        if flag.startswith("  -"):
            assert "  " in flag.strip() or following.startswith("      "), flag


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_text_can_be_read_by_itself(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    texts = [getattr(param, "help", None) or "" for param in command.params]
    for text in [*texts, command.help or "", getattr(command, "examples", "")]:
        assert "likewise" not in text.lower()
        assert "as above" not in text.lower()


def test_without_a_command_there_is_help_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("Examples:")
    assert captured.err == ""


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_comes_with_those_of_python_and_the_system(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flag]) == 0
    said = capsys.readouterr().out
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    assert said == f"rpx {rpx.__version__} (Python {python}, {system})\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["pss"], "error: there is no command `pss`\nhint: did you mean `rpx ps`?\n"),
        (
            ["kill-backends", "3001"],
            "error: there is no command `kill-backends`\nhint: did you mean `rpx kill-backend`?\n",
        ),
        (
            ["frobnicate"],
            "error: there is no command `frobnicate`\nhint: `rpx --help` shows how it is used\n",
        ),
        (["ps", "--jsn"], "error: `rpx ps` has no option `--jsn`\nhint: did you mean `--json`?\n"),
        (
            ["up", "--background"],
            ("error: `rpx up` has no option `--background`\nhint: did you mean `--detach`?\n"),
        ),
        (
            ["kill-backend"],
            (
                "error: missing argument `BACKEND`\n"
                "hint: `rpx kill-backend --help` shows how it is used\n"
            ),
        ),
        (
            ["kill-backend", "3001", "--down-for", "soon"],
            "error: `--down-for` is not a duration: soon\nhint: for example 10s, 500ms or 1m30s\n",
        ),
        (
            ["kill-backend", "3001", "--down-for", "1s", "--no-restart"],
            (
                "error: `--down-for` and `--no-restart` exclude each other\n"
                "hint: leave one of them out\n"
            ),
        ),
    ],
)
def test_a_mistake_on_the_command_line_says_what_was_meant(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", error)


MEANT = {
    "kill 3001": "`rpx kill-backend`",  # the beginning of ours
    "pause": "`rpx pause-backend`",
    "resume": "`rpx resume-backend`",
    "log": "`rpx logs`",
    "proj": "`rpx projects`",
    "st": "`rpx stats`, `rpx start` or `rpx stop`",
    "PS": "`rpx ps`",
    "status": "`rpx ps`",  # not `stats`, which is only spelt like it
    "list": "`rpx ps`",
    "exec api sh": "`rpx run`",
    "validate": "`rpx check`",
    "unpause": "`rpx resume-backend`",
    "version": "`rpx --version`",
    "connect": "`rpx attach`",
    "monit": "`rpx top`",
    "tail": "`rpx logs -f`",
}


@pytest.mark.parametrize(("words", "meant"), MEANT.items(), ids=MEANT)
def test_a_word_of_another_tool_leads_to_ours(
    words: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    assert capsys.readouterr().err.endswith(f"hint: did you mean {meant}?\n")


@pytest.mark.parametrize("word", ["fmt", "build"])
def test_what_rpx_has_no_command_for_is_said(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 2
    hint = capsys.readouterr().err.splitlines()[1]
    assert "did you mean" not in hint
    assert "shows how it is used" not in hint


def test_every_command_that_a_hint_names_exists() -> None:
    from rpx.cli import meant

    texts = [f"`rpx {text}`" for text in meant._COMMANDS.values()]
    texts += meant._NONE.values()
    named = {verb for text in texts for verb in re.findall(r"`rpx ([a-z][a-z-]*)", text)}
    assert named <= set(COMMANDS)
    assert not (meant._COMMANDS.keys() | meant._NONE.keys()) & COMMANDS.keys()


@pytest.mark.parametrize("flag", ["-x", "-d", "-n", "-q", "-a"])
def test_one_letter_is_not_taken_for_another(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", flag]) == 2
    assert capsys.readouterr().err == (
        f"error: `rpx check` has no option `{flag}`\n"
        "hint: `rpx check --help` shows how it is used\n"
    )


def test_the_beginning_of_an_option_leads_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--exit", "test"]) == 2
    assert "did you mean `--exit-code-from`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["up", "--timeout"], ["hosts"], ["run"], ["hosts", "ad"], ["up", "--color", "x"]]
)
def test_a_hint_names_the_command_that_was_used_wrongly(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    _, hint = capsys.readouterr().err.splitlines()
    assert hint == f"hint: `rpx {arguments[0]} --help` shows how it is used"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_had_in_three_ways(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [name] if name else []
    texts = []
    for arguments in ([*words, "--help"], [*words, "-h"], ["help", *words]):
        assert main(arguments) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert texts[2] == texts[0] if name else texts[2].startswith(texts[0])  # pages follow
    assert "-h, --help" in texts[0]


def test_help_for_a_command_that_does_not_exist_names_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["help", "status"]) == 2
    assert "did you mean `rpx ps`?" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "rpx", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in imported
    assert not imported & HEAVY


def test_up_imports_nothing_heavy_before_it_forks() -> None:
    program = "import sys, rpx.cli.commands.up; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & HEAVY


def test_garbage_is_looked_for_only_once_a_command_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept_apart: list[bool] = []
    monkeypatch.setattr("gc.freeze", lambda: kept_apart.append(gc.isenabled()))
    with loading():
        assert not gc.isenabled()
        command_named("ps")  # loaded within: no sooner than here
        assert gc.isenabled()
    assert kept_apart == [False]


@pytest.mark.thorough  # of 30 commands; that there is no circle of imports is in test_layers.py
def test_each_command_can_be_the_first_that_is_imported() -> None:
    program = """if True:
        import gc, importlib.metadata, os, zipfile
        import cryptography.x509, httpx, psutil, trio, yaml  # not each anew
        from pydantic import *
        gc.disable()
        from rpx.cli.main import COMMANDS, command_named
        for name in COMMANDS:
            if not os.fork():
                print(command_named(name).name, flush=True)
                os._exit(0)
            os.wait()
    """
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (list(COMMANDS), "")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m rpx --help; echo $? >&2"
    done = subprocess.run(
        ["sh", "-c", f"({shell}) | head -0"], capture_output=True, text=True, check=True
    )
    assert done.stderr == "0\n"


def test_a_locale_without_the_characters_is_no_error() -> None:
    program = "import sys; from rpx.cli.main import main; main(['--version']); print('→')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("\\u2192\n")


def test_colours_follow_the_option_then_the_environment_then_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rpx.cli.command import Common

    class Terminal:
        def isatty(self) -> bool:
            return True

    def colour(option: str, *, terminal: bool = True, **environ: str) -> bool:
        for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        stream = Terminal() if terminal else sys.__stdin__
        return Common(color=option).colour(stream)  # type: ignore[arg-type]  # isatty is all it asks

    assert colour("auto")
    assert not colour("auto", TERM="dumb")
    assert not colour("auto", NO_COLOR="1")
    assert not colour("auto", FORCE_COLOR="0")
    assert not colour("never", FORCE_COLOR="1")
    with open("/dev/null") as nowhere:
        monkeypatch.setattr(sys, "__stdin__", nowhere)
        assert not colour("auto", terminal=False)
        assert colour("auto", terminal=False, FORCE_COLOR="1")
        assert not colour("auto", terminal=False, FORCE_COLOR="1", NO_COLOR="1")
        assert colour("always", terminal=False, NO_COLOR="1")
