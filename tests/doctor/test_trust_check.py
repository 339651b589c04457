"""Trust: what is said of the authority, and by whom it is accepted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from rpx.certificates.authority import open_authority
from rpx.certificates.authority_files import entry_prefix
from rpx.certificates.nss import Database
from rpx.certificates.stores import SystemStore
from rpx.doctor.findings import Finding, Status
from rpx.doctor.trust_check import trust
from tests.certificates.support import authority_of_an_earlier_rpx, needs, tool


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SystemStore:
    """A system's list that is a file of the test, for OpenSSL and Python, too."""
    bundle = tmp_path / "bundle.crt"
    bundle.touch()
    (tmp_path / "anchors").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    store = SystemStore("a test", tmp_path / "anchors", ".crt", bundle, ("true",), ("true",))
    for module in ("rpx.doctor.trust_check", "rpx.certificates.trusted"):
        monkeypatch.setattr(f"{module}.system_store", lambda: store)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "authority"


def problems(found: list[Finding]) -> list[str]:
    return [each.subject for each in found if each.status is Status.PROBLEM]


@pytest.mark.usefixtures("store")
def test_no_authority_is_fine_and_none_is_made(folder: Path) -> None:
    (only,) = trust(folder)
    assert only.status is Status.OK
    assert not folder.exists()


@pytest.mark.usefixtures("store")
def test_no_authority_is_a_problem_for_who_needs_one(folder: Path) -> None:
    (only,) = trust(folder, hosts=["api.localhost"])
    assert only.status is Status.PROBLEM
    assert only.detail == "none yet: no browser accepts `https`"
    assert only.hint.startswith("`rpx trust` makes one")
    assert not folder.exists()


@pytest.mark.usefixtures("store")
def test_who_needs_no_authority_has_no_problem_without_trust(folder: Path) -> None:
    open_authority(folder)
    found = list(trust(folder, hosts=[]))
    assert [(each.subject, each.status) for each in found] == [
        ("authority", Status.OK),
        ("lists", Status.OK),
    ]


@pytest.mark.usefixtures("store")
def test_hosts_that_it_may_not_certify_are_a_problem(folder: Path) -> None:
    open_authority(folder)
    *_, last = trust(folder, hosts=["api.localhost", "shop.dev", "eg.dev"])
    assert last.status is Status.PROBLEM
    assert last.detail.startswith("the local authority may not certify `shop.dev`, `eg.dev`, only")
    assert last.hint == "`rpx trust --allow shop.dev --allow eg.dev` makes one that may"


@needs("openssl")
def test_an_authority_that_nobody_knows_is_said_by_each_tool(
    store: SystemStore, folder: Path
) -> None:
    open_authority(folder)
    found = list(trust(folder))
    assert problems(found) == ["system store (a test)", "openssl verify", "this Python"]
    assert all("rpx trust" in each.hint for each in found if each.status is Status.PROBLEM)


@needs("openssl")
def test_once_it_is_on_the_list_each_tool_accepts_it(
    store: SystemStore, folder: Path, tmp_path: Path
) -> None:
    store.bundle.write_bytes(open_authority(folder).pem)
    found = list(trust(folder))
    assert {each.status for each in found} == {Status.OK}
    assert [each.subject for each in found] == [
        *("authority", "system store (a test)", "openssl verify", "this Python"),
        f"Chromium ({tmp_path}/home/.pki/nssdb)",
    ]


@needs("certutil")
def test_a_browser_that_does_not_have_it_is_a_problem(
    store: SystemStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = open_authority(folder)
    store.bundle.write_bytes(authority.pem)
    database = Database("Firefox", tmp_path / "home/.mozilla/firefox/abc.default")
    database.folder.mkdir(parents=True)
    tool("certutil", "-N", "-d", f"sql:{database.folder}", "--empty-password")
    assert problems(list(trust(folder))) == [database.name]
    for step in database.adding(authority):
        tool(*step.command)
    assert problems(list(trust(folder))) == []
    monkeypatch.setattr("rpx.doctor.trust_check.can_edit", lambda: False)
    last = list(trust(folder))[-1]
    assert last.status is Status.WARNING
    assert "libnss3-tools" in last.hint


def test_a_key_that_others_may_read_is_a_problem(store: SystemStore, folder: Path) -> None:
    open_authority(folder).secret.chmod(0o640)
    first = next(trust(folder))
    assert first.status is Status.PROBLEM
    assert first.hint.startswith(f"`chmod 600 {folder}/authority.pem`")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("days", "status", "detail"),
    [
        (-3600, Status.WARNING, "it ends on "),
        (-3660, Status.PROBLEM, "it ended on "),
        (2, Status.PROBLEM, "it is from the future"),
    ],
)
def test_an_authority_of_another_time_is_said(
    folder: Path, days: int, status: Status, detail: str
) -> None:
    open_authority(folder, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=days))
    first, *_ = trust(folder)
    assert (first.status, first.detail[: len(detail)]) == (status, detail)


@pytest.mark.usefixtures("store")
def test_a_damaged_authority_is_a_problem(folder: Path) -> None:
    open_authority(folder).secret.write_text("no")
    (only,) = trust(folder)
    assert (only.status, "is damaged" in only.detail) == (Status.PROBLEM, True)


def test_what_earlier_authorities_have_left_is_found(store: SystemStore, folder: Path) -> None:
    authority = open_authority(folder)
    left = f"{entry_prefix()}01234567"
    others = ("rpx-somebodyelse-01234567", f"{entry_prefix()}dev-01234567")
    for name in (left, authority.label, *others):
        (store.anchors / f"{name}.crt").touch()
    first = next(trust(folder))
    assert first.status is Status.WARNING
    assert first.detail == f"has {left}: of yours, and the key is no longer here"
    assert first.hint.startswith("`rpx untrust`")


def test_an_authority_of_an_earlier_rpx_is_said(store: SystemStore, folder: Path) -> None:
    store.bundle.write_bytes(authority_of_an_earlier_rpx(folder).pem)
    first, *others = trust(folder)
    assert first.status is Status.WARNING
    assert first.hint == "`rpx trust` puts a limited one in its place"
    assert all(each.status is Status.OK for each in others)


@pytest.mark.usefixtures("store")
def test_a_system_without_a_known_list_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_authority(folder)
    monkeypatch.setattr("rpx.doctor.trust_check.system_store", lambda: None)
    assert "in no place that rpx knows" in [each.detail for each in trust(folder)][1]
