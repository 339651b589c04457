"""env_file: which files are read, which wins over which, what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.errors import ConfigError
from tests.config.support import load, refused


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.env").write_text(text)


def test_each_layer_lies_over_the_one_before_it(tmp_path: Path) -> None:
    write(
        tmp_path, all="B=all\nC=all\nD=all\nE=all\n", own="C=own\nD=own\nE=own\n", last="D=last\n"
    )
    text = """\
        env_file: all.env
        processes:
          a: {command: ./a, env_file: [own.env, {path: last.env}], env: {E: written, F: null}}
          b: ./b
    """
    a, b = load(tmp_path, text, "A=dot\nB=dot\n").config.processes
    assert a.start.env == {
        "A": "dot",
        "B": "all",
        "C": "own",
        "D": "last",
        "E": "written",
        "F": None,
    }
    assert b.start.env == {"A": "dot", "B": "all", "C": "all", "D": "all", "E": "all"}


def test_an_env_file_wins_over_the_environment_where_a_dotenv_does_not(tmp_path: Path) -> None:
    write(tmp_path, own="KEY=file\n")
    text = "processes: {a: {command: ./a, env_file: own.env}, b: ./b}"
    a, b = load(tmp_path, text, "KEY=dot\n", {"KEY": "shell"}).config.processes
    assert (a.start.env, b.start.env) == ({"KEY": "file"}, {})


def test_values_may_use_what_came_before(tmp_path: Path) -> None:
    write(tmp_path, own="A=a\nB=$A-$DOT-$SHELL\n")
    text = "processes: {a: {command: ./a, env_file: own.env}}"
    [a] = load(tmp_path, text, "DOT=d\n", {"SHELL": "s"}).config.processes
    assert a.start.env["B"] == "a-d-s"


def test_no_file_gives_copies_the_same_port(tmp_path: Path) -> None:
    write(tmp_path, own="PORT=1\nRPX_URL=x\nKEY=k\n")
    text = (
        "{from: [3000, 3001], to: a, env_file: own.env, start: {command: ./a, env_file: own.env}}"
    )
    [proxy] = load(tmp_path, text).config.proxies
    assert [source.start.env for source in proxy.sources if source.start] == [{"KEY": "k"}] * 2


def test_a_file_that_may_be_missing_is_nothing(tmp_path: Path) -> None:
    text = "processes: {a: {command: ./a, env_file: {path: own.env, required: false}}}"
    [a] = load(tmp_path, text).config.processes
    assert a.start.env == {}


def test_mistakes_in_env_files_are_told_with_those_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, own="no equals\n")
    text = """\
        env_file: {path: gone.env}
        processes: {a: {command: ./a, env_file: own.env}, b: {command: ./b, env_file: .}}
    """
    problems = refused(tmp_path, text)
    said = [(problem.what.replace(str(tmp_path), "X"), problem.where[-12:]) for problem in problems]
    assert said == [
        ("`env_file` does not exist: `gone.env`", "px.yaml:1:11"),
        ("`env_file` of process `b` is a folder: `.`", "px.yaml:2:79"),
        ("this line is not `KEY=value`", "/own.env:1:1"),
    ]


LATE = """\
    env_file: all.env
    proxies:
      - {to: web.localhost, name: site, start: {command: ./a, env_file: own.env}, depends_on: mid}
      - {to: b.localhost, start: {command: ./b, cwd: dist, env_file: own.env}, depends_on: [site]}
    processes:
      make: {command: "true", oneshot: true}
      mid: {command: ./c, cwd: built, env_file: own.env, depends_on: {make: completed}}
"""


def test_what_a_oneshot_may_make_is_looked_at_when_its_turn_comes(tmp_path: Path) -> None:
    write(tmp_path, all="A=all\nB=all\n")
    config = load(tmp_path, LATE).config
    site, b = (proxy.start for proxy in config.proxies)
    assert site
    assert b
    assert b.cwd == tmp_path / "dist"
    assert site.env == {"A": "all", "B": "all"}
    assert site.env_later is not None
    with pytest.raises(ConfigError, match=r"`env_file` of proxy `site` does not exist"):
        site.env_later()
    write(tmp_path, own="B=own\nC=$A\nPORT=1\n")
    assert site.env_later() == {"A": "all", "B": "own", "C": ""}
    assert load(tmp_path, LATE).config.proxies[0].start.env["B"] == "own"  # type: ignore[union-attr]


def test_what_comes_after_no_oneshot_must_be_there_at_once(tmp_path: Path) -> None:
    write(tmp_path, all="")
    text = LATE.replace("oneshot: true", "oneshot: false")
    faults = [each.what for each in refused(tmp_path, text) if "does not exist" in each.what]
    assert len(faults) == 3  # of each service the first


def test_a_certificate_may_come_from_a_oneshot_too(tmp_path: Path) -> None:
    text = """\
        https: true
        proxies:
          - {to: a.localhost, start: ./a, depends_on: certs, https: {cert: a.pem, key: a.key}}
          - to: b.localhost
            from: {url: "https://localhost:1", ca: ca.pem, start: ./b}
            depends_on: certs
        processes: {certs: {command: mkcert, oneshot: true}}
    """
    a, b = load(tmp_path, text).config.proxies
    assert a.pool.https
    assert a.pool.https.late
    assert a.pool.https.cert == tmp_path / "a.pem"
    assert b.pool.https
    assert not b.pool.https.late
