"""`rpx doctor`: what it prints, and with which exit code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rpx.cli.commands import doctor as module
from rpx.cli.main import main
from rpx.doctor.findings import Finding, Status
from tests.support import tls
from tests.support.project import free_ports

FINE = Finding("ports", "port 80", Status.OK, "free, and permitted")
ODD = Finding("names", "a.localhost", Status.WARNING, "libc does not", "two\n  lines")
BAD = Finding("names", "a.test", Status.PROBLEM, "libc does not know it", "`sudo …`")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in (("HOME", "home"), ("XDG_STATE_HOME", "s"), ("XDG_DATA_HOME", "d")):
        monkeypatch.setenv(name, str(tmp_path / value))
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr("rpx.folders.SHARED", tmp_path)
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.mark.parametrize(
    ("findings", "code", "summary"),
    [
        ([FINE], 0, "all is well"),
        ([FINE, ODD], 0, "1 warning"),
        ([BAD, FINE, ODD, BAD], 1, "2 problems, 1 warning"),
    ],
)
def test_only_a_problem_is_a_failure(
    findings: list[Finding],
    code: int,
    summary: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "_examine", lambda _: iter(findings))
    assert main(["doctor"]) == code
    assert capsys.readouterr().err == f"{summary}\n"


def test_findings_stand_below_what_was_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_examine", lambda _: iter([FINE, ODD, BAD]))
    main(["doctor"])
    assert capsys.readouterr().out == (
        "ports\n"
        "  ok       port 80: free, and permitted\n"
        "names\n"
        "  warning  a.localhost: libc does not\n"
        "           hint: two\n"
        "             lines\n"
        "  problem  a.test: libc does not know it\n"
        "           hint: `sudo …`\n"
    )
    main(["doctor", "--color", "always"])
    assert "\x1b[31mproblem\x1b[0m" in capsys.readouterr().out


def test_it_looks_at_everything_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rpx.yaml").write_text(
        f"{{listen: {{http_port: {free_ports(1)[0]}}}, to: localhost, from: 3000}}"
    )
    assert main(["doctor", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert list(dict.fromkeys(row["check"] for row in rows if row["check"] != "setup")) == [
        *(
            "versions",
            "project",
            "ports",
            "door",
            "containers",
            "names",
            "trust",
            "clock",
            "leftovers",
        ),
    ]
    assert {"check", "subject", "status", "detail", "hint"} == rows[0].keys()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["run", "shop"]


def test_a_file_with_mistakes_is_a_problem_and_the_rest_is_looked_at(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rpx.yaml").write_text("{to: a.localhost, from: nobody}")
    assert main(["doctor", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    (project,) = [row for row in rows if row["check"] == "project"]
    assert project["status"] == "problem"
    assert project["detail"].startswith("1 mistake: ")
    assert [row["subject"] for row in rows if row["check"] == "names"] == ["localhost"]


def test_without_a_project_it_looks_at_the_machine(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor", "--json"])
    checks = {row["check"] for row in json.loads(capsys.readouterr().out)}
    assert "project" not in checks
    assert {"ports", "names", "trust"} <= checks


@pytest.mark.parametrize(
    ("https", "needed"),
    [("false", False), ("true", True), ("{cert: own.pem, key: own.pem}", False)],
)
def test_trust_is_asked_for_where_the_authority_has_certified_a_host(
    folder: Path, https: str, needed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tls.Authority(folder).issue("localhost").rename(folder / "own.pem")
    (folder / "rpx.yaml").write_text(f"{{https: {https}, to: localhost, from: 3000}}")
    main(["doctor", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert "problem" not in {row["status"] for row in rows if row["check"] == "project"}
    (authority,) = [row for row in rows if row["subject"] == "authority"]
    assert authority["status"] == ("problem" if needed else "ok")
