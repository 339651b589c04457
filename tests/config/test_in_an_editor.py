"""What an editor makes of the schema: by yaml-language-server, as npm has it. `make editors`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx.config.schema_file import schema_line
from tests.config.test_json_schema import STRUCTURAL
from tests.support.language_server import Editor, editor
from tests.test_docs import EXAMPLE

# What is none of settings: nothing, several documents, what other readers of YAML pass over.
NOT_ITS_BUSINESS = {"empty", "merge_of_text", "nul_character", "two_documents"}

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a folder of ann")


@pytest.fixture(scope="module")
def at_work(folder: Path) -> Iterator[Editor]:
    with editor(folder) as it:
        yield it


@pytest.fixture(autouse=True)
def _data_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data #1"))


def written(folder: Path, name: str, text: str) -> Path:
    """A file that begins with the line that `rpx init` writes."""
    (folder / name).write_text(f"{schema_line()}\n{text}")
    return folder / name


def test_nothing_is_underlined_in_what_is_right(at_work: Editor, folder: Path) -> None:
    assert at_work.open(written(folder, "example.yaml", EXAMPLE.read_text())) == []
    text = "processes: {web: [npm, start]}\nx-mine: 1\nhealthCheck: false\nto: a.localhost\nfrom: 1"
    assert at_work.open(written(folder, "short.yaml", text)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to: a.localhost\nfrom: 3000\nhelth_check: true\n", "helth_check is not allowed"),
        ("to: a.localhost\nfrom: 3000\nhold: soon\n", "does not match the pattern"),
        ("to: a.localhost\n", 'Missing property "from"'),
        ("proxies: []\nto: a.localhost\nfrom: 1\n", "Property to is not allowed"),
        ("processes: {db: {command: x, restart: sometimes}}\n", "on-failure"),
        ("processes: {db: {command: x, ready: {}}}\n", "Missing property"),
    ],
)
def test_what_is_wrong_is_underlined(
    text: str, said: str, at_work: Editor, folder: Path, request: pytest.FixtureRequest
) -> None:
    name = f"wrong{abs(hash(request.node.name))}.yaml"
    found = at_work.open(written(folder, name, text))
    assert found
    assert any(said in each for each in found), found


def test_every_file_of_another_structure_is_underlined(at_work: Editor, folder: Path) -> None:
    quiet = [
        path.stem
        for path in STRUCTURAL
        if not at_work.open(written(folder, path.name, path.read_text()))
    ]
    assert set(quiet) == NOT_ITS_BUSINESS


def test_settings_and_their_values_are_offered(at_work: Editor, folder: Path) -> None:
    text = """\
to: api.localhost
from: 3000
str
restart_me: x
start:
  command: ./api
  restart: \n\
  st
routes:
  - path: /x
    st
"""
    file = written(folder, "typing.yaml", text)
    at_work.open(file)
    assert {"strategy", "static", "sticky"} <= set(at_work.completed(file, 3, 3))
    assert {'"no"', "on-failure", "always"} <= set(at_work.completed(file, 7, 11))
    inner = at_work.completed(file, 8, 4)
    assert {"stop_signal", "stdin", "stop_grace_period"} <= set(inner)
    assert "sticky" not in inner
    assert "strip_prefix" in at_work.completed(file, 11, 6)
    assert not any("healthCheck" in each for each in at_work.completed(file, 3, 0))


def test_what_a_setting_is_for_is_shown_on_hover(at_work: Editor, folder: Path) -> None:
    text = "proxies:\n  - to: a.localhost\n    from: 1\n    hold: 3s\n    health_check: {path: /}\n"
    file = written(folder, "hover.yaml", text)
    at_work.open(file)
    assert "how long a request waits" in at_work.told(file, 4, 5)
    assert "an active check" in at_work.told(file, 5, 6)
    assert "asked for, with GET" in at_work.told(file, 5, 20)
    assert "hosts and their backends" in at_work.told(file, 1, 2)
