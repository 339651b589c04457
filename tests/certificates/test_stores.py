"""Lists of trusted authorities: real tools where they are here, on folders that are not real."""

from __future__ import annotations

import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rpx.certificates.authority import Authority, open_authority
from rpx.certificates.authority_files import entry_prefix
from rpx.certificates.leaves import Leaves
from rpx.certificates.nss import Database, databases
from rpx.certificates.stores import Keychain, StoreEntry, SystemStore, holds, system_store
from rpx.programs import Step
from tests.certificates.support import (
    authority_of_an_earlier_rpx,
    https_server,
    needs,
    shakes_hands,
    tool,
)

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
    take(debian.removing([StoreEntry.of(authority)]))
    assert not debian.trusts(authority)
    assert debian.trusts(another)
    links = list(debian.bundle.parent.iterdir())
    assert all(link.exists() for link in links)
    assert [link.stem for link in links if link.suffix == ".pem"] == [another.label]
    assert [entry.label for entry in debian.entries()] == [another.label]


def test_what_a_user_has_on_the_list_is_known_by_its_name(
    debian: SystemStore, authority: Authority, another: Authority
) -> None:
    for each in (authority, another):
        (debian.anchors / f"{each.label}.crt").touch()
    for name in ("company", f"{entry_prefix()}dev-35d9d754", f"{entry_prefix()}notes"):
        (debian.anchors / f"{name}.crt").touch()  # also of a user whose name begins like this one's
    found = {entry.label for entry in debian.entries()}
    assert found == {authority.label, another.label}


def test_what_is_in_the_bundle_alone_is_known_by_what_stands_in_it(
    debian: SystemStore, authority: Authority
) -> None:
    somebodys = authority_of_an_earlier_rpx(debian.anchors.parent / "somebodys")
    debian.bundle.write_bytes(somebodys.pem + authority.pem)
    (entry,) = debian.entries()
    assert entry.label == authority.label
    assert holds(entry.pem, authority.pem.decode())


def test_who_makes_another_list_of_the_bundle_is_told_what_has_gone(
    debian: SystemStore, authority: Authority, tmp_path: Path
) -> None:
    hooks, java = tmp_path / "hooks", tmp_path / "cacerts"
    hooks.mkdir()
    program(hooks, "a-list", f"cat >> {tmp_path}/told; : > {java}")
    java.write_bytes(b"\xfe\xed\0\x1cdebian:%b.pem\0" % authority.label.encode())
    store = replace(debian, java=java, hooks=hooks)
    assert store.entries() == [StoreEntry(authority.label)]
    update, *told = store.removing(store.entries())[1:]
    assert update.command == store.afresh
    for step in told:
        subprocess.run(step.command, input=step.text.encode(), check=True)
    links = store.bundle.parent
    assert (tmp_path / "told").read_text() == f"-{links}/{authority.label}.pem\n"
    assert store.entries() == []


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a keychain")
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_known_by_its_folder_and_its_tool(
    family: str, tmp_path: Path, path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.programs.SYSTEM_PATH", "")
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
    assert StoreEntry.of(authority) not in keychain.entries()
    take(keychain.adding(authority))
    assert keychain.trusts(authority)
    take(keychain.removing([StoreEntry.of(authority)]))
    assert not keychain.trusts(authority)
    assert all(step.root for step in keychain.adding(authority))


def test_a_certificate_is_found_however_its_lines_are_broken(
    authority: Authority, another: Authority
) -> None:
    text = (another.pem + authority.pem).decode()
    assert holds(text, authority.pem.decode())
    assert holds(text.replace("\n", "\r\n\r\n"), authority.pem.decode())
    assert not holds(another.pem.decode(), authority.pem.decode())
    assert not holds(text, "")


@needs("certutil")
def test_a_database_takes_the_authority_for_servers_only(
    tmp_path: Path, authority: Authority, another: Authority
) -> None:
    database = Database("Chromium", tmp_path / "nss db")
    assert not database.trusts(authority)
    assert database.entries() == []
    take(database.adding(another))
    take(database.adding(authority))
    assert database.trusts(authority)
    place = f"sql:{database.folder}"
    assert f"{authority.label} C,," in " ".join(tool("certutil", "-L", "-d", place).split())
    take(database.adding(authority))
    assert tool("certutil", "-L", "-d", place).count(authority.label) == 1
    take(database.removing([StoreEntry.of(authority)]))
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
def test_a_database_knows_the_users_own_under_any_name(
    tmp_path: Path, authority: Authority, another: Authority
) -> None:
    database = Database("Firefox", tmp_path / "profile")
    take(database.adding(another))
    place = ("-d", f"sql:{database.folder}")
    for name, path in (("a policy's", authority.path), ("Company", _somebodys(tmp_path).path)):
        tool("certutil", "-A", *place, "-t", "CT,CT,", "-n", name, "-i", str(path))
    assert database.trusts(authority)
    assert {entry.label for entry in database.entries()} == {another.label, "a policy's"}
    take(database.removing(database.entries()))
    assert not database.trusts(authority)
    assert "Company" in tool("certutil", "-L", *place)


def _somebodys(folder: Path) -> Authority:
    return authority_of_an_earlier_rpx(folder / "somebodys")


@needs("certutil")
def test_a_list_that_rpx_has_made_goes_when_it_is_empty(
    tmp_path: Path, authority: Authority, another: Authority
) -> None:
    database = Database("Chromium", tmp_path / ".pki/nssdb")
    take(database.adding(authority))
    take(database.adding(another))
    take(database.removing([StoreEntry.of(another)]))
    assert database.trusts(authority)
    take(database.removing(database.entries()))
    assert list(tmp_path.iterdir()) == []


@needs("certutil")
def test_a_list_that_somebody_else_has_made_stays_when_it_is_empty(
    tmp_path: Path, authority: Authority
) -> None:
    database = Database("Chromium", tmp_path / ".pki/nssdb")
    database.folder.mkdir(parents=True)
    tool("certutil", "-N", "-d", f"sql:{database.folder}", "--empty-password")
    take(database.adding(authority))
    take(database.removing(database.entries()))
    assert database.exists


def lists(home: Path, *folders: str) -> None:
    for folder in folders:
        (home / folder).mkdir(parents=True)
        (home / folder / "cert9.db").touch()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("bare")
def test_every_browser_in_a_home_is_found_once(tmp_path: Path) -> None:
    lists(
        tmp_path,
        ".pki/nssdb",
        "snap/chromium/12/.pki/nssdb",
        ".var/app/org.chromium.Chromium/data/pki/nssdb",
        ".mozilla/firefox/abc.default",
        ".config/mozilla/firefox/new.default",
        "snap/firefox/common/.mozilla/firefox/def.default",
        ".var/app/org.mozilla.firefox/config/mozilla/firefox/flat.default",
    )
    (tmp_path / ".mozilla/firefox/Crash Reports").mkdir()
    (tmp_path / "snap/chromium/current").symlink_to("12")
    assert [each.name for each in databases(tmp_path)] == [
        f"Chromium ({tmp_path}/.pki/nssdb)",
        f"Chromium ({tmp_path}/snap/chromium/current/.pki/nssdb)",
        f"Chromium ({tmp_path}/.var/app/org.chromium.Chromium/data/pki/nssdb)",
        f"Firefox ({tmp_path}/.mozilla/firefox/abc.default)",
        f"Firefox ({tmp_path}/snap/firefox/common/.mozilla/firefox/def.default)",
        f"Firefox ({tmp_path}/.var/app/org.mozilla.firefox/config/mozilla/firefox/flat.default)",
        f"Firefox ({tmp_path}/.config/mozilla/firefox/new.default)",
    ]


def test_profiles_are_found_where_the_environment_and_profiles_ini_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "conf"))
    lists(tmp_path, "conf/mozilla/firefox/one", "elsewhere/two")
    (tmp_path / "conf/mozilla/firefox/profiles.ini").write_text(
        f"[General]\nVersion=2\n[Profile1]\nIsRelative=0\nPath={tmp_path}/elsewhere/two\n"
        "[Profile0]\nName=100%\nIsRelative=1\nPath=one\n[Profile0]\nPath=gone\n"
    )
    found = {str(each.folder) for each in databases(tmp_path / "home") if each.exists}
    assert found == {f"{tmp_path}/elsewhere/two", f"{tmp_path}/conf/mozilla/firefox/one"}
    (tmp_path / "conf/mozilla/firefox/profiles.ini").write_bytes(b"\xff no [ini")
    assert any("one" in each.name for each in databases(tmp_path / "home"))


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("path", ["circle", "x" * 300, "a\0b"])
def test_a_profile_that_nobody_can_look_at_is_none(tmp_path: Path, path: str) -> None:
    lists(tmp_path, ".mozilla/firefox/one")
    (tmp_path / ".mozilla/firefox/circle").symlink_to("circle")
    (tmp_path / ".mozilla/firefox/profiles.ini").write_text(f"[Profile0]\nPath={path}\n")
    assert [each.folder.name for each in databases(tmp_path) if each.exists] == ["one"]


@pytest.mark.skipif(sys.platform == "darwin", reason="Chromium has the keychain there")
@pytest.mark.parametrize("caller", ["", "65534"])
def test_chromiums_list_is_the_one_that_chromium_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caller: str
) -> None:
    monkeypatch.setenv("SUDO_UID", caller)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (only,) = databases(tmp_path)  # made whether a browser is found or not: it may be a tool's own
    assert (only.folder, only.exists) == (tmp_path / ".pki/nssdb", False)
    lists(tmp_path, "data/pki/nssdb")
    (only,) = databases(tmp_path)
    assert only.folder == tmp_path / "data/pki/nssdb"  # the other one would hide it
    lists(tmp_path, ".pki/nssdb")
    assert len(databases(tmp_path)) == 2


@pytest.mark.usefixtures("bare")
@pytest.mark.skipif(sys.platform == "darwin", reason="Chromium has the keychain there")
def test_the_list_of_a_snap_is_not_chromiums_own(tmp_path: Path) -> None:
    lists(tmp_path, "snap/chromium/current/.pki/nssdb")
    assert databases(tmp_path)[0].folder == tmp_path / ".pki/nssdb"
