"""`rpx trust` and `rpx untrust`, with the real tools; and who accepts the certificates then."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from rpx.certificates import policies
from rpx.certificates.authority import Authority, load_authority, open_authority
from rpx.certificates.authority_files import authority_folder, entry_prefix
from rpx.certificates.clients import variables
from rpx.certificates.leaves import Leaves
from rpx.certificates.nss import Database
from rpx.certificates.stores import SystemStore, system_store, unmanaged
from rpx.cli.helpers.steps import Steps
from rpx.programs import Step
from rpx.runs.lease import Identity, Lease
from tests.certificates.support import (
    BODY,
    Rpx,
    authority_of_an_earlier_rpx,
    https_server,
    needs,
    shakes_hands,
    tool,
)

SYSTEM_STORE_IN = (
    "rpx.cli.commands.trust",
    "rpx.cli.helpers.trust_lists",
    "rpx.certificates.trusted",
)
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may change the system's list")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.delenv("SUDO_UID", raising=False)
    return folder


@pytest.fixture
def rpx(home: Path, capsys: pytest.CaptureFixture[str]) -> Rpx:
    return Rpx(capsys)


@pytest.fixture
def system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> SystemStore:
    """A system store whose update is `cat`, as much as a bundle is.

    Browsers' lists cost time: they are looked at where a test has one.
    """
    if "firefox" not in request.fixturenames and not request.node.get_closest_marker("real"):
        for module in ("rpx.cli.helpers.trust_lists", "rpx.certificates.trusted"):
            monkeypatch.setattr(f"{module}.can_edit", lambda: False)
    anchors, bundle = tmp_path / "anchors", tmp_path / "bundle.crt"
    anchors.mkdir()
    update = ("sh", "-c", f"cat {anchors}/*.crt > {bundle} 2>/dev/null || :")
    store = SystemStore("a test", anchors, ".crt", bundle, update, update)
    for module in SYSTEM_STORE_IN:
        monkeypatch.setattr(f"{module}.system_store", lambda: store)
    return store


@pytest.fixture
def firefox(home: Path) -> Database:
    if shutil.which("certutil") is None:
        pytest.skip("certutil is not installed")
    database = Database("Firefox", home / ".mozilla/firefox/abc.default")
    database.folder.mkdir(parents=True)
    tool("certutil", "-N", "-d", f"sql:{database.folder}", "--empty-password")
    return database


def authority() -> Authority:
    found = load_authority(authority_folder())
    assert found is not None
    return found


@needs("certutil")
@as_root
def test_trust_explains_what_it_does_and_untrust_takes_it_back(
    rpx: Rpx, home: Path, system: SystemStore, firefox: Database
) -> None:
    assert rpx("trust") == 0
    assert rpx.out == ""
    ours = authority()
    assert system.trusts(ours)
    assert firefox.trusts(ours)
    lines = rpx.err.splitlines()
    assert lines[0].startswith(f"authority: {ours.name}, until ")
    assert lines[1:4] == [
        f"  certificate: {ours.path}",
        f"  may certify: {', '.join(ours.allowed)}; names with all below them",
        "system store (a test):",
    ]
    assert f"    $ install -m 644 {ours.path} {system.anchors}/{ours.label}.crt" in lines
    assert f"Firefox ({firefox.folder}):" in lines
    assert rpx("trust") == 0
    assert rpx.err.splitlines()[3:] == [
        "system store (a test): trusts it already",
        f"Chromium ({home}/.pki/nssdb): trusts it already",
        f"Firefox ({firefox.folder}): trusts it already",
    ]
    assert rpx("untrust") == 0
    assert not system.trusts(ours)
    assert not firefox.trusts(ours)
    assert list(system.anchors.iterdir()) == []
    assert not (home / ".pki").exists()
    assert authority().fingerprint == ours.fingerprint
    assert rpx("untrust") == 0
    assert "system store (a test): does not have it\n" in rpx.err


@needs("certutil")
@as_root
def test_more_names_are_another_authority_in_the_same_places(
    rpx: Rpx, system: SystemStore, firefox: Database
) -> None:
    assert rpx("trust") == 0
    before = authority()
    assert rpx("trust", "--allow", "shop.dev", "--allow", "api.localhost") == 0
    after = authority()
    assert after.allowed == (*before.allowed, "shop.dev")
    assert "it takes the place of an earlier one" in rpx.err
    for store in (system, firefox):
        assert store.trusts(after)
        assert not store.trusts(before)
    assert rpx("trust", "--allow", "www.shop.dev") == 0
    assert authority().fingerprint == after.fingerprint


def test_without_root_and_a_terminal_the_command_is_printed(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr("rpx.cli.helpers.steps.has_sudo", lambda: True)
    assert rpx("trust") == 1
    ours = authority()
    assert not system.trusts(ours)
    told = rpx.err.partition(
        "error: one step needs root, and there is no terminal to ask for the password on\n"
    )[2]
    first, command = told.rstrip().split("\n")
    assert first == "hint: run this yourself, or `rpx trust` on a terminal:"
    tool("sh", "-c", command.replace("sudo ", ""))
    assert rpx("trust") == 0
    assert "trusts it already" in rpx.err
    assert rpx("untrust") == 1
    assert f"  sudo rm -f {system.anchors}/{ours.label}.crt && sudo sh -c" in rpx.err


@pytest.fixture
def sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of sudo, for a user on a terminal."""
    program = tmp_path / "bin" / "sudo"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    program.touch(mode=0o755)
    return program


def test_on_a_terminal_sudo_takes_the_step(
    rpx: Rpx, system: SystemStore, tmp_path: Path, sudo: Path
) -> None:
    sudo.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/asked\nexec "$@"\n')
    assert rpx("trust") == 0
    assert system.trusts(authority())
    assert (tmp_path / "asked").read_text().split() == ["install", "sh"]


@pytest.mark.usefixtures("system")
def test_what_fails_under_sudo_says_why(rpx: Rpx, sudo: Path) -> None:
    sudo.write_text("#!/bin/sh\necho you are not in the sudoers file >&2; exit 1\n")
    assert rpx("trust") == 1
    assert "\n  error: you are not in the sudoers file\n" in rpx.err
    assert "error: not everything could be done: system store (a test)\n" in rpx.err


@as_root
def test_a_step_that_fails_is_said_and_the_others_are_taken(
    rpx: Rpx, system: SystemStore, firefox: Database
) -> None:
    shutil.rmtree(system.anchors)
    assert rpx("trust") == 1
    assert "install: cannot create regular file" in rpx.err
    assert "error: not everything could be done: system store (a test)\n" in rpx.err
    assert firefox.trusts(authority())


@as_root
def test_without_certutil_browsers_are_left_with_a_word(
    rpx: Rpx, system: SystemStore, firefox: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("rpx.cli.helpers.trust_lists", "rpx.certificates.trusted"):
        monkeypatch.setattr(f"{module}.can_edit", lambda: False)
    assert rpx("trust") == 0
    assert (
        f"warning: Firefox ({firefox.folder}): left as it is, since `certutil` is missing"
        in rpx.err
    )
    assert "libnss3-tools" in rpx.err


def test_a_system_without_a_known_list_is_said(rpx: Rpx, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in SYSTEM_STORE_IN:
        monkeypatch.setattr(f"{module}.system_store", lambda: None)
    assert rpx("trust") == 1
    assert "error: this system's list of authorities is in no place that rpx knows" in rpx.err


def test_the_path_of_the_certificate_is_data(rpx: Rpx, home: Path) -> None:
    assert rpx("trust", "--print-ca-path") == 0
    assert rpx.err == ""
    path = Path(rpx.out.rstrip("\n"))
    assert path == home / "data/rpx/authority/rpx-ca.pem"
    assert path.read_bytes() == authority().pem


@pytest.mark.usefixtures("system")  # not the machine's, should one be accepted
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--allow", "dev"),
            "error: an authority for all of `.dev` could pose as every site there",
        ),
        (("--allow", "a.*.shop.dev"), "error: not a host name: `a.*.shop.dev`"),
        (("--print-ca-path", "--allow", "shop.dev"), "error: `--print-ca-path` changes nothing"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    rpx: Rpx, home: Path, words: tuple[str, ...], said: str
) -> None:
    assert rpx("trust", *words) == 2
    assert rpx.err.startswith(said)
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("system")
def test_untrust_without_an_authority_has_nothing_to_do(rpx: Rpx, home: Path) -> None:
    assert rpx("untrust") == 0
    assert rpx.err.endswith("\nthere is no authority, and nothing trusts one of yours\n")
    assert list(home.iterdir()) == []


def test_services_are_told_of_the_systems_list_once_it_has_the_authority(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.certificates.clients.system_store", lambda: system)
    assert variables() == {}
    assert rpx("trust", "--print-ca-path") == 0
    more = {"NODE_EXTRA_CA_CERTS": rpx.out.strip()}
    assert variables() == more
    system.bundle.write_bytes(b"others\n" + authority().pem)
    bundle = str(system.bundle)
    assert variables() == {**more, "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
    system.bundle.write_bytes(b"others\n")
    os.utime(system.bundle, (1, 1))
    assert variables() == more


# ---- untrust goes by what is on the lists


@needs("certutil")
@as_root
@pytest.mark.parametrize("lost", ["folder", "key"])
def test_untrust_takes_away_what_has_no_key_any_more(
    rpx: Rpx, home: Path, system: SystemStore, firefox: Database, lost: str
) -> None:
    assert rpx("trust") == 0
    ours = authority()
    if lost == "folder":
        shutil.rmtree(ours.folder)
    else:
        ours.secret.write_text("no")
    assert rpx("untrust") == 0
    assert not system.trusts(ours)
    assert not firefox.trusts(ours)
    assert list(system.anchors.iterdir()) == []
    assert not (home / ".pki").exists()


def test_untrust_says_nothing_of_a_list_that_cant_be_read_but_that(
    rpx: Rpx, system: SystemStore, firefox: Database
) -> None:
    (firefox.folder / "cert9.db").write_bytes(b"no database")
    assert rpx("untrust") == 0
    assert f"warning: {firefox.name}: left as it is, since `certutil` can't read it\n" in rpx.err
    assert f"{firefox.name}: does not have it" not in rpx.err
    assert "nothing trusts one of yours" not in rpx.err


@as_root
def test_untrust_leaves_what_belongs_to_others(rpx: Rpx, system: SystemStore) -> None:
    others = [
        system.anchors / f"{entry_prefix()}dev-35d9d754.crt",
        system.anchors / "rpx-somebodyelse-35d9d754.crt",
    ]
    for path in others:
        path.write_text("somebody's\n")
    assert rpx("trust") == 0
    assert rpx("untrust") == 0
    assert sorted(system.anchors.iterdir()) == sorted(others)


@as_root
def test_untrust_says_what_is_still_there(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rpx("trust") == 0
    stuck = replace(system, afresh=("true",))
    for module in SYSTEM_STORE_IN:
        monkeypatch.setattr(f"{module}.system_store", lambda: stuck)
    assert rpx("untrust") == 1
    assert f"error: still trusted, though every step was taken: {authority().label} in" in rpx.err


def test_untrust_without_a_known_list_says_so_and_fails_where_one_has_it(
    rpx: Rpx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in SYSTEM_STORE_IN:
        monkeypatch.setattr(f"{module}.system_store", lambda: None)
    monkeypatch.setattr("rpx.cli.helpers.trust_lists.unmanaged", lambda: unmanaged(tmp_path))
    assert rpx("untrust") == 0
    assert "if you have added the certificate there by hand, take it away there" in rpx.err
    assert rpx("trust") == 1
    assert "hint: install ca-certificates; or add the file of" in rpx.err
    bundle = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(authority().pem)
    assert rpx("untrust") == 1
    assert f"but {bundle} has authorities of yours" in rpx.err


# ---- one authority in the place of another


@pytest.mark.usefixtures("system")
def test_where_root_cant_be_had_the_earlier_authority_stays(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rpx("trust", "--print-ca-path") == 0
    before = authority()
    system.bundle.write_bytes(before.pem)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setenv("PATH", "/nowhere")
    assert rpx("trust", "--allow", "shop.dev") == 1
    assert "error: the new authority could not be put on the system's list; the earlier" in rpx.err
    assert "hint: `su -c 'SUDO_UID=12345 XDG_DATA_HOME=" in rpx.err
    assert authority().fingerprint == before.fingerprint
    assert not (before.folder / "next").exists()


def test_a_password_that_is_refused_costs_nothing(
    rpx: Rpx, system: SystemStore, sudo: Path
) -> None:
    sudo.write_text('#!/bin/sh\nexec "$@"\n')
    assert rpx("trust") == 0
    before = authority()
    sudo.write_text("#!/bin/sh\necho sorry, try again >&2; exit 1\n")
    assert rpx("trust", "--allow", "shop.dev") == 1
    assert authority().fingerprint == before.fingerprint
    assert system.trusts(before)


@as_root
def test_one_of_an_earlier_rpx_is_replaced_by_the_next_trust(
    rpx: Rpx, system: SystemStore, home: Path
) -> None:
    old = authority_of_an_earlier_rpx(authority_folder(), "shop.dev")
    system.bundle.write_bytes(old.pem)
    (system.anchors / f"{old.label}.crt").write_bytes(old.pem)
    assert rpx("trust") == 0
    new = authority()
    assert new.is_limited
    assert new.permits("api.shop.dev")
    assert "could certify any site for programs that ignore a root's limits, as Java." in rpx.err
    assert "`rpx trust --allow local --allow internal` makes one that may" in rpx.err
    assert system.trusts(new)
    assert not system.trusts(old)
    assert rpx("trust") == 0
    assert authority().fingerprint == new.fingerprint


@as_root
def test_one_that_is_not_valid_yet_is_replaced_by_the_next_trust(
    rpx: Rpx, system: SystemStore
) -> None:
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    old = open_authority(authority_folder(), now=ahead)
    system.bundle.write_bytes(old.pem)
    assert rpx("trust") == 0
    assert f"no program accepts the earlier authority before {old.begins:%-d %B %Y}; a" in rpx.err
    assert system.trusts(authority())
    assert not authority().is_early()
    assert rpx("trust") == 0
    assert "trusts it already" in rpx.err


def test_a_draft_goes_when_the_password_is_not_given(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Steps, where: str, steps: Sequence[Step]) -> bool:
        raise KeyboardInterrupt

    assert rpx("trust", "--print-ca-path") == 0
    before = authority()
    system.bundle.write_bytes(before.pem)
    monkeypatch.setattr(Steps, "take", interrupted)
    assert rpx("trust", "--allow", "shop.dev") == 130
    assert authority().fingerprint == before.fingerprint
    assert not (before.folder / "next").exists()


def test_one_of_an_earlier_rpx_goes_on_where_root_cant_be_had(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = authority_of_an_earlier_rpx(authority_folder())
    system.bundle.write_bytes(old.pem)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert rpx("trust") == 0
    assert "warning: the new authority could not be put on the system's list" in rpx.err
    assert authority().fingerprint == old.fingerprint


@as_root
def test_running_projects_that_show_the_earlier_ones_certificates_are_named(
    rpx: Rpx, system: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Identity(1, 0.0)
    leases = [
        Lease(nobody, nobody, "run", name, Path(f"/home/ann/{name}/rpx.yaml"))
        for name in ("shop", "a blog", "plain")
    ]

    class Asked:
        def __init__(self, lease: Lease) -> None:
            self.scheme = "http" if lease.name == "plain" else "https"

        def ps(self, *, routes: bool) -> list[SimpleNamespace]:
            url = f"{self.scheme}://api.localhost:8443"
            return [SimpleNamespace(url=None), SimpleNamespace(url=url)]

    monkeypatch.setattr("rpx.cli.commands.trust.all_running", lambda: leases)
    monkeypatch.setattr("rpx.cli.commands.trust.ApiClient", Asked)
    assert rpx("trust") == 0
    assert "rpx reload" not in rpx.err
    assert rpx("trust", "--allow", "shop.dev") == 0
    assert "  shop: rpx reload -f /home/ann/shop/rpx.yaml\n" in rpx.err
    assert "  a blog: rpx reload -f '/home/ann/a blog/rpx.yaml'\n" in rpx.err
    assert "plain" not in rpx.err


# ---- Firefox without a profile


@pytest.fixture
def new_firefox(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Firefox is installed, and was never started; where its policies are."""
    monkeypatch.setattr("rpx.certificates.policies._PROGRAMS", ("sh",))
    return policies.FILE


def installed(file: Path) -> list[str]:
    found: list[str] = json.loads(file.read_text())["policies"]["Certificates"]["Install"]
    return found


@as_root
def test_a_firefox_without_a_profile_is_told_by_its_policies(
    rpx: Rpx, system: SystemStore, new_firefox: Path
) -> None:
    assert rpx("trust") == 0
    assert installed(new_firefox) == [str(system.file(authority().label))]
    assert f"Firefox without a profile ({new_firefox}):" in rpx.err
    assert rpx("trust") == 0
    assert f"Firefox without a profile ({new_firefox}): trusts it already" in rpx.err
    assert rpx("untrust") == 0
    assert not new_firefox.parent.exists()


def test_the_line_that_is_printed_without_root_does_it_all(
    rpx: Rpx, system: SystemStore, new_firefox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr("rpx.cli.helpers.steps.has_sudo", lambda: True)
    for word in ("trust", "untrust"):
        assert rpx(word) == 1
        *_, first, line = rpx.err.rstrip().split("\n")
        assert first.startswith("hint: run this yourself")
        tool("sh", "-c", line.replace("sudo ", ""))
        assert rpx(word) == 0
        assert system.trusts(authority()) is new_firefox.exists() is (word == "trust")


@as_root
@pytest.mark.usefixtures("system")
def test_policies_of_others_stay_as_they_are(rpx: Rpx, new_firefox: Path) -> None:
    theirs = {
        "policies": {
            "DisableTelemetry": True,
            "Certificates": {"ImportEnterpriseRoots": True, "Install": ["company.pem"]},
        }
    }
    new_firefox.parent.mkdir(parents=True)
    new_firefox.write_text(json.dumps(theirs))
    assert rpx("trust") == 0
    assert len(installed(new_firefox)) == 2
    assert rpx("untrust") == 0
    assert json.loads(new_firefox.read_text()) == theirs


@as_root
@pytest.mark.parametrize("text", ["{", "[]", '{"policies": {"Certificates": {"Install": "x"}}}'])
def test_policies_that_nobody_can_read_are_left_with_a_word(
    rpx: Rpx, system: SystemStore, new_firefox: Path, text: str
) -> None:
    new_firefox.parent.mkdir(parents=True)
    new_firefox.write_text(text)
    assert rpx("trust") == 0
    assert "Firefox has no profile yet: start it once, then `rpx trust` again\n" in rpx.err
    assert new_firefox.read_text() == text


@as_root
def test_a_firefox_with_a_profile_needs_no_policies(
    rpx: Rpx, system: SystemStore, firefox: Database, new_firefox: Path
) -> None:
    assert rpx("trust") == 0
    assert not new_firefox.exists()


# ---- the real thing


@pytest.fixture
def alone() -> Iterator[None]:
    """Nobody else tests with the system's list at the same time."""
    with open("/tmp/rpx-test-system-store.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.real
@as_root
@needs("update-ca-certificates")
@needs("openssl")
@pytest.mark.skipif("CI" not in os.environ, reason="it changes the machine for a moment: CI=1")
@pytest.mark.usefixtures("alone")
def test_the_systems_own_list_accepts_the_authority_and_forgets_it(rpx: Rpx) -> None:
    def links() -> set[str]:
        return {path.name for path in Path("/etc/ssl/certs").iterdir()}

    machines = system_store()
    if machines is None or machines.entries():
        pytest.skip("the machine's list has an authority of this user's, which untrust would take")
    tool("update-ca-certificates")
    before = links()
    leaf = Leaves(open_authority(authority_folder())).get("api.localhost").path
    with https_server(leaf) as port:
        try:
            assert rpx("trust") == 0
            tool("openssl", "verify", "-untrusted", str(leaf), str(leaf))
            shakes_hands(port, "api.localhost", ssl.create_default_context())
            page = f"https://api.localhost:{port}/"
            assert tool("curl", "-sS", "--noproxy", "*", page) == BODY.decode()
        finally:
            assert rpx("untrust") == 0
        with pytest.raises(ssl.SSLCertVerificationError):
            shakes_hands(port, "api.localhost", ssl.create_default_context())
    assert links() == before


@pytest.mark.real
@pytest.mark.programs
@needs("chromium")
@needs("certutil")
def test_chromium_opens_a_page_once_it_trusts_the_authority(
    rpx: Rpx, system: SystemStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = Leaves(open_authority(authority_folder())).get("api.localhost").path
    with https_server(leaf) as port:
        page = f"https://api.localhost:{port}/"
        assert "ERR_CERT_AUTHORITY_INVALID" in chromium(page, home)
        rpx("trust")
        assert "hello from behind the lock" in chromium(page, home)


def chromium(url: str, home: Path) -> str:
    """The page as a headless browser has it, or why it has none."""
    done = subprocess.run(
        (
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"),
            *("--disable-dev-shm-usage", f"--user-data-dir={home}/profile", "--dump-dom", url),
        ),
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr
