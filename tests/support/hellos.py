"""How clients begin: the hello that OpenSSL makes, and HTTP/2 with prior knowledge."""

from __future__ import annotations

import contextlib
import ssl

from hpack import Encoder

from rpx.door.asked import PREFACE


def hello(name: str | None, *, protocols: int = 1) -> bytes:
    """The ClientHello that OpenSSL makes; with many protocols it is as large as one wants."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([f"{'x' * 200}{number}" for number in range(protocols)])
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def in_records(data: bytes, size: int) -> bytes:
    """The same hello in records of at most `size` bytes."""
    body = data[5:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"\x16\x03\x01" + len(x).to_bytes(2, "big") + x for x in pieces)


def http2(*fields: tuple[str, str], huffman: bool, settings: bool = True) -> bytes:
    """What a client with prior knowledge begins with."""
    block = Encoder().encode(fields, huffman=huffman)
    frames = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + bytes(6) if settings else b""
    return PREFACE + frames + len(block).to_bytes(3, "big") + b"\x01\x05\x00\x00\x00\x01" + block
