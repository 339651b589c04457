"""What shells complete: commands, options, and the names of the project that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rpx
from rpx.__main__ import main
from rpx.cli.at_tab import command_table as table_file
from rpx.cli.at_tab import known
from rpx.cli.at_tab.answering_shells import offers
from rpx.cli.at_tab.command_table import command_table, made_anew
from rpx.cli.at_tab.known import KINDS
from rpx.cli.main import COMMANDS
from rpx.config import load_config
from rpx.config.glance import Glance, glance
from tests.config.test_files import GOOD, VARIABLES
from tests.support.terminal import terminal
from tests.test_docs import EXAMPLE

FILE = """\
proxies:
  - {to: api.localhost, from: [3000, 3001], start: ./api}
  - to: shop.example
    profiles: [full]
    start: ./shop
    routes:
      - {path: /img/*, respond: ok}
      - {path: /v2/*, from: 4100, name: two}
processes:
  worker: ./worker
  db: {command: ./db, ports: [5432], profiles: debug}
"""
TABLE = made_anew()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rpx.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    return tmp_path


def words(line: str) -> list[str]:
    """What may stand at the end of a line."""
    *before, incomplete = line.split(" ")[1:]
    return [word for _, word, _ in offers(TABLE, before, incomplete)]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("rpx proj", ["projects"]),
        ("rpx down --al", ["--all"]),
        ("rpx restart ", ["api", "shop", "two", "shop-img", "worker", "db"]),
        ("rpx restart a", ["api"]),
        ("rpx restart api w", ["worker"]),
        ("rpx restart api a", []),
        ("rpx restart api:", ["api:3000", "api:3001"]),
        ("rpx restart 3", ["3000", "3001"]),
        ("rpx kill-backend api", ["api:3000", "api:3001"]),
        ("rpx kill-backend api:3000 ", []),
        ("rpx up --profile ", ["full", "debug"]),
        ("rpx up --profile=f", ["--profile=full"]),
        ("rpx up --profile full --pro", ["--profile"]),  # there may be several
        ("rpx up -d --deta", []),
        ("rpx up w", ["worker"]),
        ("rpx up --exit-code-from d", ["db"]),
        ("rpx up --scale ", ["shop="]),
        ("rpx scale s", ["shop="]),
        ("rpx why ht", ["http://api.localhost/", "http://shop.example/"]),
        ("rpx open ", ["api", "shop"]),
        ("rpx open api.", ["api.localhost"]),
        ("rpx hosts a", ["add"]),
        ("rpx hosts add ", ["shop.example"]),
        ("rpx drill --kill api:3", ["api:3000", "api:3001"]),
        ("rpx completion ", ["bash", "zsh", "fish"]),
        ("rpx help sche", ["schema"]),
        ("rpx help trouble", ["troubleshooting"]),
        ("rpx --color ", ["auto", "always", "never"]),
        ("rpx --color never restart w", ["worker"]),
        ("rpx restart -- w", ["worker"]),
        ("rpx run worker ", []),
        ("rpx nonsense a", []),
    ],
)
def test_what_begins_so_and_may_stand_there_is_offered(
    line: str, offered: list[str], here: Path
) -> None:
    found = words(line)
    assert sorted(found) == sorted(offered)


def test_the_file_that_is_named_is_the_one_that_counts(here: Path) -> None:
    (here / "other.yaml").write_text("processes: {clock: ./clock}")
    assert words(f"rpx -f {here}/other.yaml restart ") == ["clock"]
    assert words("rpx restart --file=other.yaml ") == ["clock"]
    assert words("rpx restart -f other.yaml ") == ["clock"]


def test_for_files_the_shell_looks_itself(here: Path) -> None:
    assert [*offers(TABLE, ["check", "-f"], "conf")] == [("file", "conf", "")]


@pytest.mark.parametrize("path", [*GOOD, EXAMPLE], ids=lambda path: path.stem)
def test_a_glance_finds_the_names_that_rpx_gives(path: Path) -> None:
    config = load_config(path, VARIABLES, realm="")
    seen = glance(path)
    if "$" not in path.read_text():
        names = {each.name for each in config.proxies} | {each.name for each in config.processes}
        assert names - {"on"} <= {*seen.names}
        assert set(config.hosts) <= {*seen.hosts}


@pytest.mark.parametrize(
    "text",
    ["", "[", "a: &a [*a]", "proxies: 3", "proxies: [3, {to: }, {}]", "processes: [a]", "\0", "- 1",
     "to: $A.localhost\nfrom: $B", "proxies: [{to: a, from: {x: y}, routes: 3, profiles: {a: b}}]"],
)  # fmt: skip
def test_a_glance_at_what_is_wrong_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").write_text(text)
    seen = glance(tmp_path / "rpx.yaml")
    assert set(seen.names) <= {"a"}
    assert glance(tmp_path / "nowhere") == glance(tmp_path) == Glance()


ROWS: list[dict[str, Any]] = [
    {"name": "api", "label": "api:20001", "port": 20001, "state": "ready", "command": "./api",
     "url": "http://api.localhost", "other_urls": [], "ports": [{"port": 9229}], "does": None},
    {"name": "api", "label": "api:20002", "port": 20002, "state": "starting", "command": "./api",
     "url": "http://api.localhost", "other_urls": [], "ports": [], "does": None},
    {"name": "shop-img", "label": "shop-img", "port": None, "state": "", "command": None,
     "url": "http://shop.localhost/img", "other_urls": [], "ports": [], "does": "answers 200"},
]  # fmt: skip


def test_what_runs_is_offered_as_it_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "quick_rows", lambda _: ROWS)
    assert [*offers(TABLE, ["restart"], "")] == [("plain", "api", "2 copies")]
    assert words("rpx restart api:") == ["api:20001", "api:20002"]
    assert words("rpx stop 2") == ["20001", "20002"]
    assert words("rpx stop 9") == ["9229"]
    assert [*offers(TABLE, ["kill-backend"], "a")] == [
        ("plain", "api:20001", "ready"),
        ("plain", "api:20002", "starting"),
    ]
    assert words("rpx stats ") == ["api", "shop-img"]
    assert [*dict.fromkeys(words("rpx why ht"))] == [
        "http://api.localhost",
        "http://shop.localhost/img",
    ]
    assert "worker" in words("rpx up ")  # not running, but it can be


def test_every_kind_of_name_is_known() -> None:
    kinds = {
        each["takes"]
        for command in TABLE.values()
        for each in [*command["options"], *command["arguments"]]
        if isinstance(each["takes"], str)
    }
    assert kinds <= {"", "file", "folder", *KINDS}
    assert set(KINDS) <= kinds
    assert set(TABLE) == {"", *COMMANDS}


def test_the_table_is_kept_until_rpx_is_another_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def make() -> Any:  # noqa: ANN401 - a table
        made.append(1)
        return TABLE

    monkeypatch.setattr(table_file, "made_anew", make)
    assert command_table() == command_table() == TABLE
    assert len(made) == 1
    monkeypatch.setattr(rpx, "__version__", "99")
    assert command_table() == TABLE
    assert len(made) == 2
    (here / "state" / "rpx" / table_file.NAME).write_text("{")
    assert command_table() == TABLE
    assert len(made) == 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nothing_that_goes_wrong_comes_into_the_line(
    shell: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_RPX_COMPLETE", f"{shell}_complete")
    for line, at in (("", "7"), ("rpx restart 'a", "x"), ("", ""), ('rpx "', "1")):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", at)
        assert main() == 0
    assert capfd.readouterr().err == ""
    monkeypatch.delenv("COMP_WORDS")
    assert main() == 0
    (here / "rpx.yaml").write_text("{")
    monkeypatch.setenv("COMP_WORDS", "rpx restart ")
    monkeypatch.setenv("COMP_CWORD", "" if shell == "fish" else "2")
    assert main() == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.real
def test_an_answer_loads_neither_click_nor_pydantic(here: Path) -> None:
    heavy = ("click", "pydantic", "trio", "psutil", "http.client", "asyncio")
    code = (
        "import sys; from rpx.__main__ import main; main(); main();"
        f" print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    environment = {
        **os.environ,
        "_RPX_COMPLETE": "bash_complete",
        "COMP_WORDS": "rpx restart wo",
        "COMP_CWORD": "2",
    }
    command_table()  # it is there
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "plain,worker\n" * 2
    assert done.stderr == "[]\n"


SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
BEGIN = {
    "bash": 'PS1="> "; eval "$(rpx completion bash)"',
    "zsh": 'PS1="> "; autoload -Uz compinit; compinit -D -u; eval "$(rpx completion zsh)"',
    "fish": "function fish_prompt; echo -n '> '; end; rpx completion fish | source",
}


@pytest.mark.programs
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_at_tab(shell: str, here: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(here),
    }
    command_table()
    (here / "some folder").mkdir()
    with terminal(SHELLS[shell], (100, 40), folder=here, environment=environment) as it:
        it.type(f"{BEGIN[shell]}; echo begun\n")
        it.until(lambda: "begun" in [each.strip() for each in it.lines()], "the shell has begun")

        def completed(typed: str, line: str) -> None:
            it.type(typed)
            it.until(
                lambda: any(each.rstrip().endswith(line) for each in it.lines()), f"it has {line}"
            )
            it.type("\x15")  # Ctrl-U: away with it

        completed("rpx resta\t", "rpx restart")
        completed("rpx restart wor\t", "rpx restart worker")
        completed("rpx kill-backend api:300\t1", "rpx kill-backend api:3001")
        completed("rpx up --profile=fu\t", "rpx up --profile=full")
        completed("rpx check -f ot\tx", "rpx check -f otx")
        shown = "\n".join([*it.scrolled(), *it.lines()])
        for bad in ("Traceback", "error", "command not found", "no matches"):
            assert bad not in shown
