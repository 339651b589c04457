"""Certificates of tests, and one end of a TLS connection in a test's hand."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)


class Authority:
    """Signs certificates. `file` is what those who believe it have."""

    def __init__(self, folder: Path, *, sloppy: bool = False) -> None:
        """`sloppy`: as tools of old make them, without what says whose key is whose."""
        self._folder = folder
        self._sloppy = sloppy
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of tests")])
        self._cert = self._sign(self._name, self._key, "", NOW + dt.timedelta(days=2))
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._cert.public_bytes(serialization.Encoding.PEM))

    def server(
        self, name: str = "localhost", *, days: int = 1, alone: bool = False, h2: bool = False
    ) -> ssl.SSLContext:
        """The context of a server with a certificate for `name`; `alone`: signed by itself.
        `h2`: HTTP/2 is offered, too.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(name, days=days, alone=alone))
        context.set_alpn_protocols(["h2", "http/1.1"] if h2 else ["http/1.1"])
        return context

    def issue(self, name: str = "localhost", *, days: int = 1, alone: bool = False) -> Path:
        """A file with such a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert = self._sign(subject, key, name, NOW + dt.timedelta(days=days), alone=alone)
        path = self._folder / f"{cert.serial_number}.pem"
        path.write_bytes(
            cert.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        name: str,
        until: dt.datetime,
        *,
        alone: bool = False,
    ) -> x509.Certificate:
        draft = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if alone else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=3))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=not name, path_length=None), critical=True)
        )
        if not self._sloppy:
            ours = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            whose = key if alone else self._key
            theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(whose.public_key())
            draft = draft.add_extension(ours, critical=False).add_extension(theirs, critical=False)
            draft = draft.add_extension(_usage(signs=not name), critical=True)
        if name:
            draft = draft.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
            )
        return draft.sign(key if alone else self._key, hashes.SHA256())


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


class Sealed:
    """One end, with what a test does with a socket. `close` cuts the connection off."""

    def __init__(
        self,
        sock: trio.socket.SocketType,
        context: ssl.SSLContext,
        *,
        server_side: bool = True,
        host: str | None = None,
    ) -> None:
        """`host` is the name that a client asks for."""
        self.stream = trio.SSLStream(
            trio.SocketStream(sock), context, server_side=server_side, server_hostname=host
        )

    async def recv(self, size: int) -> bytes:
        """Return what has come; b"" after a close_notify."""
        try:
            return bytes(await self.stream.receive_some(size))
        except trio.BrokenResourceError:
            raise ConnectionResetError from None

    async def send(self, data: memoryview) -> int:
        """Send all."""
        await self.stream.send_all(data)
        return len(data)

    async def finish(self) -> None:
        """Send a close_notify, then a FIN."""
        await self.stream.aclose()

    def setsockopt(self, *option: Any) -> None:  # noqa: ANN401 - as the socket has it
        """Set an option of the socket below."""
        self.stream.transport_stream.socket.setsockopt(*option)

    def close(self) -> None:
        """Send a FIN without a close_notify."""
        self.stream.transport_stream.socket.close()
