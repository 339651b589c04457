"""`rpx hosts`, on a file of the test."""

from __future__ import annotations

import errno
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rpx.cli.commands import hosts as module
from rpx.cli.main import main
from rpx.policy.hosts_file import BEGIN, END, our_names

USUAL = "127.0.0.1\tlocalhost\n10.0.0.7 db.lan\n127.0.1.1 mine.test\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "etc" / "hosts"
    path.parent.mkdir()
    path.write_text(USUAL)
    return path


def hosts(file: Path, *words: str) -> int:
    return main(["hosts", *words, "--hosts-file", str(file)])


def test_a_name_in_letters_is_added_as_browsers_ask_for_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hosts(file, "add", "Bücher.test", "my_app.test") == 0
    assert "127.0.0.1 xn--bcher-kva.test\n" in file.read_text()
    assert hosts(file, "remove", "bücher.test") == 0
    assert hosts(file, "list") == 0
    assert capsys.readouterr().out == "my_app.test\n"


def test_names_are_added_listed_and_removed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hosts(file, "add", "shop.test", "API.shop.test.") == 0
    assert capsys.readouterr() == ("", f"{file}: added: shop.test, api.shop.test\n")
    assert file.read_text() == (
        f"{USUAL}{BEGIN}\n127.0.0.1 shop.test\n::1 shop.test\n"
        f"127.0.0.1 api.shop.test\n::1 api.shop.test\n{END}\n"
    )
    assert hosts(file, "list") == 0
    assert capsys.readouterr() == ("shop.test\napi.shop.test\n", "")
    assert hosts(file, "remove", "shop.test", "nobody.test") == 0
    assert capsys.readouterr().err == f"{file}: removed: shop.test\n"
    assert hosts(file, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "api.shop.test", "addresses": ["127.0.0.1", "::1"]}
    ]
    assert hosts(file, "remove", "api.shop.test") == 0
    assert file.read_text() == USUAL


def test_what_is_there_is_not_added_again(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hosts(file, "add", "shop.test")
    before = file.stat()
    assert hosts(file, "add", "shop.test", "mine.test") == 0
    assert capsys.readouterr().err.splitlines()[1:] == [
        "mine.test: there already, by hand (line 3)",
        f"{file}: nothing to add",
    ]
    assert file.stat().st_ino == before.st_ino


def test_mode_and_owner_stay_and_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    file.chmod(0o604)
    if os.getuid() == 0:
        os.chown(file, 12345, 12345)
    before = file.stat()
    link = tmp_path / "link"
    link.symlink_to(file)
    assert hosts(link, "add", "shop.test") == 0
    assert link.is_symlink()
    after = file.stat()
    assert stat.S_IMODE(after.st_mode) == 0o604
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert [path.name for path in file.parent.iterdir()] == ["hosts"]


def test_the_hosts_of_the_project_are_meant_without_names(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    routes = ("shop.test", "shop.test/api", "a.localhost", "*.x.test", "127.0.0.1", "b.internal")
    proxies = [{"to": to, "from": 3000 + n, "name": f"n{n}"} for n, to in enumerate(routes)]
    (tmp_path / "rpx.yaml").write_text(json.dumps({"proxies": proxies}))
    assert hosts(file, "add") == 0
    assert capsys.readouterr().err == f"{file}: added: shop.test, b.internal\n"
    assert hosts(file, "remove") == 0
    assert file.read_text() == USUAL


def test_a_project_whose_hosts_need_nothing_is_said(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rpx.yaml").write_text("{to: a.localhost, from: 3000}")
    assert hosts(file, "add") == 2
    assert "rpx.yaml has no host that needs an entry" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "*.shop.test"), "a hosts file has no wildcards"),
        (("add", "shop test"), "not a host name to add: `shop test`"),
        (("add", "10.0.0.1"), "not a host name to add: `10.0.0.1`"),
        (("add", "localhost"), "not a host name to add: `localhost`"),
        (("add", "db.lan"), "line 2 of the file leads `db.lan` to 10.0.0.7 already"),
        (("list", "shop.test"), "`rpx hosts list` takes no names"),
        (("ad", "shop.test"), "`ad` is not one of"),
        ((), "missing argument"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    file: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hosts(file, *words) in (1, 2)
    assert said in capsys.readouterr().err
    assert file.read_text() == USUAL


def test_without_root_the_command_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(module, "_replace", refuse)
    monkeypatch.setattr("sys.argv", ["/nowhere/pytest"])
    assert hosts(file, "add", "shop.test") == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: to change {file} needs root\nhint: `sudo ")
    assert said.endswith(f" -m rpx hosts add shop.test --hosts-file {file}`\n")


def test_a_file_that_is_mounted_is_written_in_its_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(self: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", busy)
    before = file.stat()
    assert hosts(file, "add", "shop.test") == 0
    assert "::1 shop.test\n" in file.read_text()
    assert file.stat().st_ino == before.st_ino
    assert [path.name for path in file.parent.iterdir()] == ["hosts"]


def test_a_file_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hosts(tmp_path / "none", "list") == 1
    assert "can't be read: No such file" in capsys.readouterr().err


def test_many_at_the_same_time_lose_nothing(file: Path) -> None:
    names = [f"n{number}.test" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda name: hosts(file, "add", name), names))
    assert codes == [0] * 8
    assert sorted(our_names(file.read_text())) == names
