"""What a running project shows its clients: whether they would accept it is asked of its port."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rpx.certificates.authority import CERTIFICATE
from rpx.certificates.authority_files import authority_folder
from rpx.doctor.findings import Finding, Status
from rpx.errors import RpxError
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import Lease

PATIENCE = 3.0  # seconds for each host


def shown(
    lease: Lease | None, hosts: Collection[str], folder: Path | None = None
) -> Iterator[Finding]:
    """Ask for each of these hosts that the running project has, as a client does.

    They are those whose certificates the user's authority has made.
    """
    path = (folder or authority_folder()) / CERTIFICATE
    if lease is None or not os.path.isfile(path):
        return
    try:
        urls = {row.url for row in ApiClient(lease).ps(routes=True) if row.url}
        trusting = ssl.create_default_context(cafile=str(path))
    except (RpxError, OSError):
        return
    for host, port in sorted({_place(url) for url in urls if url.startswith("https:")}):
        if host not in hosts:
            continue
        fault = _fault(host, port, trusting)
        if fault is None:
            yield Finding("trust", host, Status.OK, "the running project shows a good certificate")
        elif fault:
            what = "programs that trust the authority refuse the certificate of the running"
            what += f" project: {fault}"
            hint = "`rpx reload` gives it certificates of the authority of now"
            yield Finding("trust", host, Status.PROBLEM, what, hint)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443


def _fault(host: str, port: int, trusting: ssl.SSLContext) -> str | None:
    """Why a client would refuse it, "" if nobody could be asked."""
    try:
        with (
            socket.create_connection(("localhost", port), timeout=PATIENCE) as sock,
            trusting.wrap_socket(sock, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return error.verify_message.rstrip(".") or "it is not good"
    except (OSError, ValueError):
        return ""  # listen.host is another address, or it goes down
