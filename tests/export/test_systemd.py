"""A project as systemd's user units."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rpx.export.unit_words import argument, assignment
from rpx.export.writing_files import write_files
from rpx.moving.remarks import Came
from tests.export.support import SHOP, exported, said, shop

NASTY = """\
name: nasty
env: {PCT: "100%", Q: 'say "hi" \\ back', NL: "a\\nb", D: "5$$ $$HOME"}
processes:
  w:
    command: [sh, -c, 'echo "$PCT" %h']
    depends_on: {db: {condition: healthy}, m: {condition: completed}}
    stop_command: 'kill $RPX_PID'
    success_exit_codes: [0, 143]
    restart: always
  db: {command: "sleep 5", ready: {command: [test, -e, "it's"], timeout: 5s}, stop_signal: SIGINT}
  m: {command: "true", oneshot: true}
"""


def settings(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


def test_each_copy_is_a_unit_and_a_target_begins_them_all(tmp_path: Path) -> None:
    files = exported(shop(tmp_path), SHOP, "systemd").files
    assert [name for name in files if "api" in name or "many" in name] == [
        "shop-api-1.service",
        "shop-api-2.service",
        "shop-many-1.service",
        "shop-many-2.service",
        "shop-many-3.service",
    ]
    wanted = settings(files["shop.target"], "Wants")
    assert "shop-api-1.service" in wanted
    assert not {"shop-css.service", "shop-mail.service"} & set(wanted)


def test_a_service_has_its_port_once_its_folder_and_its_files(tmp_path: Path) -> None:
    unit = exported(shop(tmp_path), SHOP, "systemd").files["shop-api-1.service"]
    assert [each for each in settings(unit, "Environment") if each.startswith("PORT")] == [
        "PORT=3000"
    ]
    assert settings(unit, "WorkingDirectory") == [f"{tmp_path}/api"]
    assert settings(unit, "EnvironmentFile") == [f"-{tmp_path}/.env"]
    assert settings(unit, "ExecStart") == ['/bin/sh -c "exec python app.py --port $$PORT"']
    assert "DATABASE_URL=postgres://app:secret@127.0.0.1:5432/app" in settings(unit, "Environment")
    assert settings(unit, "Requires") == ["shop-migrate.service"]
    assert settings(unit, "After") == ["shop-db.service", "shop-migrate.service"]


def test_texts_are_quoted_so_that_they_arrive(tmp_path: Path) -> None:
    files = exported(tmp_path, NASTY, "systemd").files
    unit = files["nasty-w.service"]
    assert settings(unit, "Environment")[-4:] == [
        "PCT=100%%",
        r'"Q=say \"hi\" \\ back"',
        r'"NL=a\nb"',
        '"D=5$ $HOME"',
    ]
    assert settings(unit, "ExecStart") == [r'/usr/bin/env sh -c "echo \"$$PCT\" %%h"']
    assert settings(unit, "ExecStop") == ['/bin/sh -c "kill $$MAINPID"']
    assert settings(unit, "SuccessExitStatus") == ["0 143"]
    assert (settings(unit, "Restart"), settings(unit, "StartLimitBurst")) == (["always"], ["6"])
    database = files["nasty-db.service"]
    assert settings(database, "TimeoutStartSec") == ["5s"]
    assert settings(database, "KillSignal") == ["SIGINT"]
    assert settings(files["nasty-m.service"], "Type") == ["oneshot"]


def test_words_of_a_command_keep_their_dollars_and_percents() -> None:
    assert argument("$HOME/%i") == '"$$HOME/%%i"'
    assert argument("--flag=x") == "--flag=x"
    assert assignment("A", "") == "A="


def test_who_is_asked_how_it_is_and_who_is_led_to_is_said(tmp_path: Path) -> None:
    found = exported(shop(tmp_path), SHOP, "systemd")
    lost = said(found, Came.LOST)
    assert {("api", "to"), ("api", "health_check"), ("api", "watch"), ("api", "sticky")} <= set(
        lost
    )
    assert ("api", "DATABASE_URL") in said(found, Came.GUESSED)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("text", [SHOP, NASTY], ids=["shop", "nasty"])
def test_systemd_has_nothing_to_say_of_the_units(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    found = write_files(
        exported(shop(tmp_path), text, "systemd").files, f"{tmp_path}/units/", force=False
    )
    units = [str(path) for path in found if path.suffix in {".service", ".target"}]
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "SYSTEMD_UNIT_PATH": f"{tmp_path}/units:",
    }
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", *units],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
