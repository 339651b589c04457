"""A server that shows a certificate, and clients that may or may not like it."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rpx.certificates.authority import Authority, load_authority
from rpx.certificates.making import in_pem, signs
from rpx.certificates.scope import LOOPBACK, constraints
from rpx.cli.main import main

BODY = b"<!doctype html><p>hello from behind the lock</p>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    missing = shutil.which(program, path="/usr/sbin:/usr/bin:/bin") is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def authority_of_an_earlier_rpx(folder: Path, *more: str) -> Authority:
    """What the first versions made: a root that signs leaves itself, for more names than today."""
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "rpx"),
            x509.NameAttribute(NameOID.COMMON_NAME, "rpx authority of somebody@here"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, identifier.digest.hex()[:16]),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    allowed = ("localhost", "test", "local", "internal", *LOOPBACK, *more)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=3652.5))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs(certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(constraints(allowed), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "authority.pem").write_bytes(pem + in_pem(key))
    (folder / "authority.pem").chmod(0o600)
    (folder / "rpx-ca.pem").write_bytes(pem)
    found = load_authority(folder)
    assert found is not None
    return found


@contextmanager
def https_server(path: Path) -> Iterator[int]:
    """Answer every connection with a page, under the certificate in `path`; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(5)
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                if secured.recv(65536):
                    secured.sendall(ANSWER)
        except OSError:
            connection.close()  # it did not like us, or wanted nothing


def shakes_hands(port: int, name: str, context: ssl.SSLContext) -> None:
    """Raise ssl.SSLError where a client with this list does not accept the server."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        with context.wrap_socket(sock, server_hostname=name):
            pass


def tool(*command: str) -> str:
    """What a tool prints; it has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Rpx:
    """`rpx` in this process; `err` is what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        code = main(words)
        self.out, self.err = self._capsys.readouterr()
        return code
