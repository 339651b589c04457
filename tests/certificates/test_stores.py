"""Lists of trusted authorities: real tools where they are here, on folders that are not real."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from rpx.certificates.authority import Authority, open_authority
from rpx.certificates.leaves import Leaves
from rpx.certificates.nss import Database, databases
from rpx.certificates.stores import Keychain, Step, SystemStore, holds, system_store
from tests.certificates.support import https_server, needs, shakes_hands, tool

FAMILIES = {
    "Debian, Ubuntu": ("usr/local/share/ca-certificates", "update-ca-certificates"),
    "Fedora": ("etc/pki/ca-trust/source/anchors", "update-ca-trust"),
    "Arch": ("etc/ca-certificates/trust-source/anchors", "trust"),
    "openSUSE": ("etc/pki/trust/anchors", "update-ca-certificates"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("another"))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs that come before the system's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def take(steps: list[Step]) -> None:
    for step in steps:
        tool(*step.command)


@pytest.fixture
def debian(tmp_path: Path) -> SystemStore:
    """Debian's own tool on folders of the test."""
    root = tmp_path / "debian"
    for folder in ("local", "certs", "usual", "hooks"):
        (root / folder).mkdir(parents=True)
    (root / "conf").touch()
    update = (
        *("update-ca-certificates", "--localcertsdir", f"{root}/local"),
        *("--etccertsdir", f"{root}/certs", "--certsdir", f"{root}/usual"),
        *("--certsconf", f"{root}/conf", "--hooksdir", f"{root}/hooks"),
    )
    bundle = root / "certs" / "ca-certificates.crt"
    return SystemStore("Debian", root / "local", ".crt", bundle, update, (*update, "--fresh"))


@needs("update-ca-certificates")
@needs("openssl")
def test_debian_takes_the_authority_and_gives_it_back(
    debian: SystemStore, authority: Authority, another: Authority
) -> None:
    take(debian.adding(another))
    assert not debian.trusts(authority)
    take(debian.adding(authority))
    assert debian.trusts(authority)
    assert debian.trusts(another)
    leaf = Leaves(authority).get("api.localhost").path
    folder = str(debian.bundle.parent)
    tool("openssl", "verify", "-no-CAfile", "-CApath", folder, "-untrusted", str(leaf), str(leaf))
    with https_server(leaf) as port:
        shakes_hands(port, "api.localhost", ssl.create_default_context(cafile=str(debian.bundle)))
    take(debian.removing(authority))
    assert not debian.trusts(authority)
    assert debian.trusts(another)
    links = list(debian.bundle.parent.iterdir())
    assert all(link.exists() for link in links)
    assert [link.stem for link in links if link.suffix == ".pem"] == [another.label]
    assert debian.removing(authority) == []


def test_what_nobody_remembers_is_found(
    debian: SystemStore, authority: Authority, another: Authority
) -> None:
    for each in (authority, another):
        (debian.anchors / f"{each.label}.crt").touch()
    (debian.anchors / "company.crt").touch()
    assert debian.forgotten(authority) == [debian.anchors / f"{another.label}.crt"]
    assert len(debian.forgotten(None)) == 2


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a keychain")
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_known_by_its_folder_and_its_tool(
    family: str, tmp_path: Path, path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.certificates.stores.SYSTEM_PATH", "")
    monkeypatch.setenv("PATH", str(path))
    folder, command = FAMILIES[family]
    (tmp_path / folder).mkdir(parents=True)
    assert system_store(tmp_path) is None
    program(path, command)
    store = system_store(tmp_path)
    assert isinstance(store, SystemStore)
    assert store.name == f"system store ({family})"
    copy, update = store.adding(authority)
    assert copy.command[-1].startswith(f"{tmp_path}/{folder}/rpx-")
    assert update.command[0] == command
    assert copy.root
    assert update.root
    assert not store.trusts(authority)


def test_the_keychain_is_asked_and_told_with_its_own_tool(
    tmp_path: Path, path: Path, authority: Authority, another: Authority
) -> None:
    keychain = Keychain(tmp_path / "System.keychain")
    program(
        path,
        "security",
        f"""case $1 in
        find-certificate) cat {tmp_path}/stored;;
        add-trusted-cert) test "$2$3$4$5$6" = "-d-rtrustRoot-k{keychain.path}" || exit 1
          cat $7 >> {tmp_path}/stored;;
        delete-certificate) test "$4$5" = "-t{keychain.path}" || exit 1
          test ${{#3}} = 40 || exit 1
          cp {another.path} {tmp_path}/stored;;
        esac""",
    )
    (tmp_path / "stored").write_bytes(another.pem)
    assert not keychain.trusts(authority)
    assert keychain.removing(authority) == []
    take(keychain.adding(authority))
    assert keychain.trusts(authority)
    take(keychain.removing(authority))
    assert not keychain.trusts(authority)
    assert all(step.root for step in keychain.adding(authority))


def test_a_certificate_is_found_however_its_lines_are_broken(
    authority: Authority, another: Authority
) -> None:
    text = (another.pem + authority.pem).decode()
    assert holds(text, authority)
    assert holds(text.replace("\n", "\r\n\r\n"), authority)
    assert not holds(another.pem.decode(), authority)


@needs("certutil")
def test_a_database_takes_the_authority_for_servers_only(
    tmp_path: Path, authority: Authority, another: Authority
) -> None:
    database = Database("Chromium", tmp_path / "nss db")
    assert not database.trusts(authority)
    assert database.removing(authority) == []
    take(database.adding(another))
    take(database.adding(authority))
    assert database.trusts(authority)
    place = f"sql:{database.folder}"
    assert f"{authority.label} C,," in " ".join(tool("certutil", "-L", "-d", place).split())
    take(database.adding(authority))
    assert tool("certutil", "-L", "-d", place).count(authority.label) == 1
    take(database.removing(authority))
    assert not database.trusts(authority)
    assert database.trusts(another)


@needs("certutil")
def test_a_certificate_that_is_there_but_not_trusted_is_no_trust(
    tmp_path: Path, authority: Authority
) -> None:
    database = Database("Firefox", tmp_path / "profile")
    take(database.adding(authority))
    place = f"sql:{database.folder}"
    tool("certutil", "-M", "-d", place, "-n", authority.label, "-t", ",,")
    assert not database.trusts(authority)
    take(database.adding(authority))
    assert database.trusts(authority)


@needs("certutil")
def test_a_database_with_a_password_asks_nobody(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "password").write_text("secret\n")
    place = f"sql:{tmp_path}"
    tool("certutil", "-N", "-d", place, "-f", f"{tmp_path}/password")
    step = Database("Firefox", tmp_path).adding(authority)[-1]
    done = subprocess.run(step.command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "password" in done.stderr


@needs("certutil")
def test_every_browser_in_a_home_is_found_once(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.certificates.nss._BROWSERS", ("a-browser",))
    assert databases(tmp_path) == []
    folders = (
        ".pki/nssdb",
        "snap/chromium/12/.pki/nssdb",
        ".mozilla/firefox/abc.default",
        "snap/firefox/common/.mozilla/firefox/def.default",
    )
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "cert9.db").touch()
    (tmp_path / ".mozilla/firefox/Crash Reports").mkdir()
    (tmp_path / "snap/chromium/current").symlink_to("12")
    assert [each.name for each in databases(tmp_path)] == [
        f"Chromium ({tmp_path}/.pki/nssdb)",
        f"Chromium ({tmp_path}/snap/chromium/current/.pki/nssdb)",
        f"Firefox ({tmp_path}/.mozilla/firefox/abc.default)",
        f"Firefox ({tmp_path}/snap/firefox/common/.mozilla/firefox/def.default)",
    ]


@pytest.mark.skipif(sys.platform == "darwin", reason="Chromium has the keychain there")
def test_a_browser_without_a_database_gets_one(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.certificates.nss._BROWSERS", ("a-browser",))
    program(path, "a-browser")
    (database,) = databases(tmp_path)
    assert database.folder == tmp_path / ".pki/nssdb"
    assert not database.exists
