"""Certificates for hosts: right for every verifier, kept, renewed, and never beyond the limits."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
import socket
import ssl
import stat
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from rpx.certificates import leaves as module
from rpx.certificates.authority import Authority, open_authority, replace_authority
from rpx.certificates.leaves import Leaf, Leaves, certify
from rpx.certificates.making import in_pem
from rpx.errors import RpxError

THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"), now=NOW)


@pytest.fixture
def fresh(tmp_path: Path) -> Authority:
    return open_authority(tmp_path, now=NOW)


def clock(days: float = 0) -> Callable[[], dt.datetime]:
    return lambda: NOW + dt.timedelta(days=days)


def certificate(leaf: Leaf) -> x509.Certificate:
    return x509.load_pem_x509_certificate(leaf.path.read_bytes())


def forged(authority: Authority, folder: Path, *names: str) -> Path:
    """What a thief of the key could sign: the authority's own code, without asking it first."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = certify(authority, key, names, NOW)
    path = folder / "forged.pem"
    pem = made.public_bytes(serialization.Encoding.PEM) + authority.between
    path.write_bytes(pem + in_pem(key))
    return path


def openssl(authority: Authority, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-no-CApath")
    return subprocess.run(
        (*command, *options, "-CAfile", str(authority.path), "-untrusted", str(path), str(path)),
        capture_output=True,
        text=True,
        check=False,
    )


def cryptographys(authority: Authority, path: Path, name: x509.DNSName | x509.IPAddress) -> None:
    verifier = PolicyBuilder().store(Store([authority.certificate])).time(NOW)
    leaf, *between = x509.load_pem_x509_certificates(path.read_bytes())
    verifier.build_server_verifier(name).verify(leaf, between)


def shakes_hands(authority: Authority, path: Path, name: str) -> None:
    """A real server and a real client that knows the authority. Raises ssl.SSLError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cafile=str(authority.path))
    one, two = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(one, server_side=True):
                pass
        except OSError:
            pass  # the client did not like it

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(two, server_hostname=name) as secured:
            assert secured.version() == "TLSv1.3"
    finally:
        two.close()
        thread.join()
        one.close()


def test_a_leaf_has_what_verifiers_ask_for(authority: Authority) -> None:
    made = certificate(Leaves(authority, clock=clock()).get("api.localhost"))
    extensions = made.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["api.localhost"]
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    own = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    above = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    theirs = authority.issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert own.digest != above.key_identifier == theirs.value.digest
    assert made.not_valid_after_utc - NOW == dt.timedelta(days=90)
    assert isinstance(made.signature_hash_algorithm, hashes.SHA256)


def test_a_leaf_may_be_for_more_than_its_host(authority: Authority) -> None:
    leaf = Leaves(authority, clock=clock()).get("web.localhost", beside=THIS_MACHINE)
    assert leaf.names == {"web.localhost", "localhost", "127.0.0.1", "::1"}
    for name in leaf.names:
        shakes_hands(authority, leaf.path, name)


@needs_openssl
@pytest.mark.parametrize("host", ["localhost", "a.b.test", "127.0.0.1", "[::1]", "x.test"])
def test_every_verifier_accepts_it(authority: Authority, host: str) -> None:
    leaf = Leaves(authority, clock=clock()).get(host)
    plain = host.strip("[]")
    address = plain[0] in "1:"
    option = "-verify_ip" if address else "-verify_hostname"
    done = openssl(authority, leaf.path, option, plain)
    assert done.returncode == 0, done.stdout + done.stderr
    name = x509.IPAddress(ipaddress.ip_address(plain)) if address else x509.DNSName(plain)
    cryptographys(authority, leaf.path, name)
    shakes_hands(authority, leaf.path, plain)


@needs_openssl
@pytest.mark.parametrize("name", ["example.com", "localhost.evil.com", "10.0.0.1", "::2"])
def test_no_verifier_accepts_what_a_thief_of_the_key_signs_for_others(
    authority: Authority, tmp_path: Path, name: str
) -> None:
    path = forged(authority, tmp_path, name, "api.localhost")
    assert "permitted subtree violation" in openssl(authority, path).stderr
    with pytest.raises(VerificationError):
        cryptographys(authority, path, x509.DNSName("api.localhost"))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shakes_hands(authority, path, "api.localhost")


def test_the_same_forgery_for_permitted_names_would_be_accepted(
    authority: Authority, tmp_path: Path
) -> None:
    shakes_hands(authority, forged(authority, tmp_path, "a.test", "api.localhost"), "a.test")


@pytest.mark.parametrize("host", ["shop.dev", "10.0.0.1", "[fd00::1]", "notlocalhost"])
def test_a_host_outside_is_refused_with_what_to_do(authority: Authority, host: str) -> None:
    with pytest.raises(RpxError) as caught:
        Leaves(authority).get(host)
    said = str(caught.value)
    assert said.startswith(f"error: the local authority may not certify `{host}`, only localhost,")
    assert f"hint: `rpx trust --allow {host.strip('[]')}` makes one that may" in said


def test_all_that_are_refused_are_said_at_once(authority: Authority) -> None:
    with pytest.raises(RpxError) as caught:
        Leaves(authority).check("shop.dev", "api.test", "10.0.0.1")
    (problem,) = caught.value.problems
    assert problem.what.startswith("the local authority may not certify `shop.dev`, `10.0.0.1`,")
    assert problem.hint == "`rpx trust --allow shop.dev --allow 10.0.0.1` makes one that may"


@pytest.mark.parametrize(
    "host",
    ["*.localhost", "../x.localhost", "/etc/x.localhost", "a/b.test", "", ".test", "a..test"],
)
def test_what_is_no_single_host_gets_none(authority: Authority, host: str) -> None:
    with pytest.raises(RpxError, match="it is no single host"):
        Leaves(authority).get(host)


def test_an_authority_that_allows_more_issues_more(fresh: Authority) -> None:
    more = replace_authority(fresh, [*fresh.allowed, "shop.dev"], now=NOW)
    leaf = Leaves(more, clock=clock()).get("api.shop.dev")
    shakes_hands(more, leaf.path, "api.shop.dev")


def test_it_is_issued_once_and_then_at_hand(fresh: Authority) -> None:
    leaves = Leaves(fresh, clock=clock())
    assert leaves.known("api.test") is None
    leaf = leaves.get("api.test")
    assert leaves.get("api.test") is leaf is leaves.known("api.test")
    content = leaf.path.read_bytes()
    assert Leaves(fresh, clock=clock(59)).get("api.test") == leaf
    assert leaf.path.read_bytes() == content
    assert stat.S_IMODE(leaf.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(leaf.path.parent.stat().st_mode) == 0o700


def test_it_is_renewed_in_its_place_a_month_before_it_ends(fresh: Authority) -> None:
    day = 0.0
    leaves = Leaves(fresh, clock=lambda: NOW + dt.timedelta(days=day))
    first = leaves.get("api.test")
    day = 61
    assert leaves.known("api.test") is None
    second = leaves.get("api.test")
    assert (second.path, second.ends - first.ends) == (first.path, dt.timedelta(days=61))
    day = 122
    assert Leaves(fresh, clock=clock(day)).get("api.test").ends > second.ends


def test_no_leaf_outlives_the_authority(fresh: Authority) -> None:
    leaf = Leaves(fresh, clock=clock(3600)).get("api.test")
    assert leaf.ends == fresh.ends


def test_a_leaf_that_ends_with_the_authority_is_good_until_then(fresh: Authority) -> None:
    leaves = Leaves(fresh, clock=clock(3650))  # two days and a half before that
    leaf = leaves.get("api.test")
    assert leaves.known("api.test") is leaf is leaves.get("api.test")
    assert Leaves(fresh, clock=clock(3650)).get("api.test") == leaf


def test_an_authority_that_has_ended_issues_nothing(fresh: Authority) -> None:
    with pytest.raises(RpxError, match="the local authority has ended, on "):
        Leaves(fresh, clock=clock(3653)).get("api.test")


@pytest.mark.parametrize("damage", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\xff\x00"])
def test_a_damaged_file_is_replaced(fresh: Authority, damage: bytes) -> None:
    leaf = Leaves(fresh, clock=clock()).get("api.test")
    leaf.path.write_bytes(damage)
    shakes_hands(fresh, Leaves(fresh, clock=clock()).get("api.test").path, "api.test")


def test_a_key_of_another_certificate_is_replaced(fresh: Authority) -> None:
    leaves = Leaves(fresh, clock=clock())
    one, two = (leaves.get(f"{name}.test").path for name in ("one", "two"))
    cut = b"-----BEGIN PRIVATE"
    one.write_bytes(one.read_bytes().partition(cut)[0] + cut + two.read_bytes().partition(cut)[2])
    shakes_hands(fresh, Leaves(fresh, clock=clock()).get("one.test").path, "one.test")


def test_what_an_earlier_authority_has_issued_is_replaced(fresh: Authority) -> None:
    Leaves(fresh, clock=clock()).get("api.test")
    new = replace_authority(fresh, fresh.allowed, now=NOW)
    shakes_hands(new, Leaves(new, clock=clock()).get("api.test").path, "api.test")


def test_one_has_exactly_the_names_that_are_asked_for(fresh: Authority) -> None:
    leaves = Leaves(fresh, clock=clock())
    alone = leaves.get("api.test")
    more = leaves.get("api.test", beside=THIS_MACHINE)
    assert more.names == {"api.test", "localhost", "127.0.0.1", "::1"}
    assert leaves.get("api.test") == alone  # each has a file of its own
    assert Leaves(fresh, clock=clock()).get("api.test", beside=THIS_MACHINE) == more


def test_one_from_the_future_is_issued_anew(fresh: Authority) -> None:
    day = 5.0
    leaves = Leaves(fresh, clock=lambda: NOW + dt.timedelta(days=day))
    early = leaves.get("api.test")
    day = 0  # the clock is set right
    assert leaves.known("api.test") is None
    again = leaves.get("api.test")
    assert early.begins > NOW > again.begins
    shakes_hands(fresh, again.path, "api.test")
    Leaves(fresh, clock=clock(5)).get("web.test")
    assert Leaves(fresh, clock=clock()).get("web.test").begins < NOW


def test_a_clock_that_was_hours_ahead_does_no_harm(fresh: Authority) -> None:
    early = Leaves(fresh, clock=clock(0.9)).get("api.test")
    assert Leaves(fresh, clock=clock()).get("api.test") == early
    shakes_hands(fresh, early.path, "api.test")


def test_a_long_name_has_a_file_and_no_common_name(fresh: Authority) -> None:
    host = ".".join(["a" * 60] * 4) + ".test"
    leaf = Leaves(fresh, clock=clock()).get(host)
    assert "CN=" not in certificate(leaf).subject.rfc4514_string()
    shakes_hands(fresh, leaf.path, host)


def test_threads_that_ask_for_the_same_host_get_the_same(fresh: Authority) -> None:
    leaves = Leaves(fresh, clock=clock())
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(leaves.get, ["api.test"] * 16))
    assert all(leaf is got[0] for leaf in got)


def test_the_number_of_files_is_bounded(fresh: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    leaves = Leaves(fresh, clock=clock())
    paths = [leaves.get(f"t{number}.test").path for number in range(6)]
    assert sum(path.exists() for path in paths) == 3
    assert paths[-1].exists()
    assert leaves.known("t0.test") is None
    assert leaves.known("t5.test") is not None


def test_a_folder_that_cannot_be_written_is_said(fresh: Authority) -> None:
    (fresh.folder / "leaves").touch()
    with pytest.raises(RpxError, match="can't be used"):
        Leaves(fresh).get("api.test")
