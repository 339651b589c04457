"""What somebody speaks who doesn't answer as he is asked, told by the first bytes."""

from __future__ import annotations

import re

OTHER = "something else"
# RFC 8446 §5.1: a record is an alert or a handshake. RFC 9113 §4.1: frames of stream 0, SETTINGS or
# GOAWAY, which a server begins with. The others greet, or complain in their own way.
_BEGINNINGS = (
    ("TLS", re.compile(rb"[\x15\x16]\x03[\x00-\x04]")),
    ("HTTP/2", re.compile(rb"\x00[\x00-\x40][\x00-\xff][\x04\x07].\x00{4}", re.DOTALL)),
    ("HTTP/1.1", re.compile(rb"HTTP/1\.")),
    ("SSH", re.compile(rb"SSH-")),
    ("MySQL", re.compile(rb"[\x00-\xff]{2}\x00\x00(?:\x0a[0-9]|\xff)")),
    ("PostgreSQL", re.compile(rb"E\x00\x00")),
    ("Redis", re.compile(rb"-(?:ERR|DENIED|NOAUTH) ")),
    ("memcached", re.compile(rb"(?:CLIENT_)?ERROR(?: |\r\n)")),
    ("SMTP or FTP", re.compile(rb"[2-5][0-9]{2}[ -]")),
    ("IMAP", re.compile(rb"\* (?:OK|BYE)")),
    ("POP3", re.compile(rb"\+OK ")),
    ("VNC", re.compile(rb"RFB ")),
)


def spoken(beginning: bytes) -> str:
    """The name of the protocol."""
    return next((name for name, pattern in _BEGINNINGS if pattern.match(beginning)), OTHER)
