"""The local authority: made once, whole, for this machine's names, and its key for nobody else."""

from __future__ import annotations

import datetime as dt
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from rpx.certificates.authority import (
    Authority,
    allowed_in,
    draft_authority,
    keep,
    kept,
    load_authority,
    open_authority,
    replace_authority,
)
from rpx.certificates.authority_files import authority_folder, caller
from rpx.certificates.leaves import Leaves
from rpx.certificates.scope import DEFAULT, LOOPBACK, check_allowed
from rpx.errors import RpxError
from tests.certificates.support import authority_of_an_earlier_rpx

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("home") / "data" / "authority")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_once_and_then_found(tmp_path: Path) -> None:
    assert load_authority(tmp_path) is None
    first = open_authority(tmp_path)
    again = open_authority(tmp_path)
    assert again.fingerprint == first.fingerprint
    assert again.path.read_bytes() == first.pem


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_only_its_owner_may_read_the_key(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = open_authority(tmp_path / "authority")
    finally:
        os.umask(before)
    assert b"PRIVATE KEY" in made.secret.read_bytes()
    assert mode(made.secret) == 0o600
    assert b"PRIVATE KEY" not in made.path.read_bytes()
    assert mode(made.path) == 0o644
    assert sorted(path.name for path in made.folder.iterdir()) == ["authority.pem", "rpx-ca.pem"]


def test_its_name_says_whose_it_is(authority: Authority) -> None:
    assert authority.name == f"rpx authority of {caller().pw_name}@{os.uname().nodename}"[:64]


def test_it_lasts_ten_years_and_begins_a_little_before_now(tmp_path: Path) -> None:
    made = open_authority(tmp_path, now=NOW)
    assert made.ends - NOW == dt.timedelta(days=3652.5)
    assert NOW - made.certificate.not_valid_before_utc == dt.timedelta(hours=24)


def test_what_it_may_certify_is_in_its_certificate(authority: Authority) -> None:
    for certificate in (authority.certificate, authority.issuer):
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert found.critical
    assert authority.allowed == (*DEFAULT, *LOOPBACK)


def test_the_key_of_the_root_is_nowhere(authority: Authority) -> None:
    depths = [
        each.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        for each in (authority.certificate, authority.issuer)
    ]
    assert depths == [1, 0]
    authority.issuer.verify_directly_issued_by(authority.certificate)
    assert authority.is_limited
    assert authority.key.public_key() == authority.issuer.public_key()
    files = [path.read_bytes() for path in authority.folder.iterdir() if path.is_file()]
    assert sum(content.count(b"PRIVATE KEY-----") for content in files) == 2  # one, begin and end
    assert authority.issuer.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_one_of_an_earlier_rpx_goes_on_as_it_is(tmp_path: Path) -> None:
    old = authority_of_an_earlier_rpx(tmp_path, "shop.dev")
    found = open_authority(tmp_path)
    assert found.fingerprint == old.fingerprint
    assert not found.is_limited
    assert found.permits("printer.local")
    assert found.between == b""


def test_the_successor_of_an_earlier_rpxs_may_certify_what_was_asked_for_or_used(
    tmp_path: Path,
) -> None:
    old = authority_of_an_earlier_rpx(tmp_path, "shop.dev")
    Leaves(old).get("db.corp.internal")
    Leaves(old).get("api.localhost")
    new = replace_authority(old, kept(old))
    assert new.is_limited
    assert new.allowed == (*DEFAULT, *LOOPBACK, "shop.dev", "db.corp.internal")
    assert kept(new) == new.allowed


def test_a_draft_changes_nothing_until_it_is_kept(tmp_path: Path) -> None:
    old = open_authority(tmp_path)
    with draft_authority(old, [*old.allowed, "shop.dev"]) as draft:
        assert draft.path.read_bytes() == draft.pem
        assert mode(draft.secret) == 0o600
        assert open_authority(tmp_path).fingerprint == old.fingerprint
    assert not draft.folder.exists()
    with draft_authority(old, [*old.allowed, "shop.dev"]) as draft:
        new = keep(draft, old)
    assert open_authority(tmp_path).fingerprint == new.fingerprint == draft.fingerprint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["authority.pem", "rpx-ca.pem"]


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("localhost", True),
        ("api.localhost", True),
        ("a.b.c.test", True),
        ("printer.local", False),
        ("db.internal", False),
        ("127.0.0.1", True),
        ("127.200.0.9", True),
        ("::1", True),
        ("example.com", False),
        ("notlocalhost", False),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("::2", False),
    ],
)
def test_it_permits_names_of_this_machine(authority: Authority, host: str, may: bool) -> None:
    assert authority.permits(host) is may


def test_many_at_the_same_time_make_one(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from rpx.certificates.authority import open_authority;"
        "print(open_authority(pathlib.Path(sys.argv[1])).fingerprint)"
    )
    command = (sys.executable, "-c", script, str(tmp_path / "new" / "authority"))
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    said = {process.communicate()[0] for process in processes}
    assert len(said) == 1
    assert len(said.pop().strip()) == 64


def test_threads_at_the_same_time_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(open_authority, [tmp_path / "authority"] * 8))
    assert len({each.fingerprint for each in made}) == 1
    assert sorted(p.name for p in made[0].folder.iterdir()) == ["authority.pem", "rpx-ca.pem"]


def test_one_that_has_ended_is_made_anew_with_the_same_names(tmp_path: Path) -> None:
    old = open_authority(tmp_path, now=NOW - dt.timedelta(days=3653))
    old = replace_authority(old, [*old.allowed, "shop.dev"], now=NOW - dt.timedelta(days=3653))
    new = open_authority(tmp_path, now=NOW)
    assert new.fingerprint != old.fingerprint
    assert new.allowed == old.allowed
    assert new.ends > NOW


def test_another_one_may_be_allowed_more(tmp_path: Path) -> None:
    old = open_authority(tmp_path)
    new = replace_authority(old, [*old.allowed, "shop.dev", "192.168.1.5/32"])
    found = load_authority(tmp_path)
    assert found is not None
    assert found.fingerprint == new.fingerprint != old.fingerprint
    assert new.permits("api.shop.dev")
    assert new.permits("192.168.1.5")
    assert not new.permits("shop2.dev")
    assert new.path.read_bytes() == new.pem
    assert mode(new.secret) == 0o600


def test_a_key_that_others_may_read_is_its_owners_alone_once_it_is_used(tmp_path: Path) -> None:
    made = open_authority(tmp_path)
    made.secret.chmod(0o644)
    looked = load_authority(tmp_path)
    assert looked is not None
    assert looked.exposed
    assert mode(made.secret) == 0o644
    found = open_authority(tmp_path)
    assert (found.exposed, mode(found.secret)) == (True, 0o600)
    assert found.fingerprint == made.fingerprint
    assert not open_authority(tmp_path).exposed


def test_what_may_be_certified_is_known_before_there_is_an_authority(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    assert allowed_in(folder) == (*DEFAULT, *LOOPBACK)
    assert not folder.exists()
    old = open_authority(folder)
    replace_authority(old, [*old.allowed, "shop.dev"])
    assert allowed_in(folder) == (*DEFAULT, *LOOPBACK, "shop.dev")


def test_a_certificate_that_was_lost_or_belongs_to_the_old_one_comes_back(tmp_path: Path) -> None:
    made = open_authority(tmp_path)
    made.path.unlink()
    open_authority(tmp_path)
    assert made.path.read_bytes() == made.pem
    made.path.write_text("something else")
    open_authority(tmp_path)
    assert made.path.read_bytes() == made.pem


@pytest.mark.parametrize("damage", ["empty", "half", "other key", "no authority"])
def test_a_damaged_one_is_said_and_kept(tmp_path: Path, authority: Authority, damage: str) -> None:
    made = open_authority(tmp_path)
    content = made.secret.read_bytes()
    key = content[content.index(b"-----BEGIN PRIVATE") :]
    match damage:
        case "empty":
            bad = b""
        case "half":
            bad = content[: len(content) // 2]
        case "other key":
            bad = authority.pem + key
        case _:
            bad = b"hello"
    made.secret.write_bytes(bad)
    with pytest.raises(RpxError) as caught:
        open_authority(tmp_path)
    assert "is damaged" in str(caught.value)
    assert "remove that file" in str(caught.value)
    assert made.secret.read_bytes() == bad


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RpxError, match="can't be used: Not a directory"):
        open_authority(tmp_path / "file" / "authority")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop.dev", "shop.dev"),
        ("Shop.Dev.", "shop.dev"),
        ("my_app.dev", "my_app.dev"),
        ("*.shop.dev", "shop.dev"),
        ("1.1.1.1", "1.1.1.1/32"),
        ("lan", "lan"),
        ("local", "local"),
        ("internal", "internal"),
        ("shop.co.uk", "shop.co.uk"),
        ("co.localhost", "co.localhost"),
        ("me.github.io", "me.github.io"),
        ("192.168.1.5", "192.168.1.5/32"),
        ("[fd00::1]", "fd00::1/128"),
        ("10.0.0.0/8", "10.0.0.0/8"),
    ],
)
def test_what_may_be_allowed_has_one_form(text: str, name: str) -> None:
    assert check_allowed(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "dev",
        "com",
        "*.dev",
        "co.uk",
        "*.com.au",
        "github.io",
        "pages.dev",
        "a.*.dev",
        "shop dev",
        "",
        "https://shop.dev",
        "0.0.0.0/0",
        "2000::/3",
    ],
)
def test_what_may_not_be_allowed_is_said(text: str) -> None:
    with pytest.raises(RpxError) as caught:
        check_allowed(text)
    assert caught.value.exit_code == 2
    assert "hint: " in str(caught.value)


def test_it_lies_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert authority_folder() == tmp_path / "rpx" / "authority"


@pytest.mark.skipif(os.getuid() != 0, reason="sudo makes us root")
def test_under_sudo_it_is_that_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    nobody = caller().pw_uid + 1  # daemon, on every system
    monkeypatch.setenv("SUDO_UID", str(nobody))
    assert caller().pw_uid == nobody
    assert authority_folder().is_relative_to(caller().pw_dir)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    made = open_authority(tmp_path / "share" / "authority")
    for path in (made.folder.parent, made.folder, made.secret, made.path):
        assert path.stat().st_uid == 12345
