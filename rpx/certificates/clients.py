"""What lets programs that ask neither the system nor a browser accept what is certified here."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from rpx.certificates.authority import CERTIFICATE
from rpx.certificates.authority_files import authority_folder
from rpx.certificates.stores import SystemStore, holds, system_store


def variables() -> dict[str, str]:
    """Variables for their environment: whom to trust, too, and whom to trust instead of all others.

    The latter name the system's list, which has the others, and only once it has the authority.
    """
    path = authority_folder() / CERTIFICATE
    if not os.path.isfile(path):
        return {}
    found = {"NODE_EXTRA_CA_CERTS": str(path)}
    store = system_store()
    if isinstance(store, SystemStore) and _has(store.bundle, path):
        found |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(store.bundle))
    return found


def _has(bundle: Path, path: Path) -> bool:
    try:
        states = [each.stat() for each in (bundle, path)]
        return _holds(bundle, path, *(state.st_mtime_ns for state in states))
    except OSError:
        return False


@lru_cache(4)
def _holds(bundle: Path, path: Path, *_times: int) -> bool:
    return holds(bundle.read_text("ascii", "replace"), path.read_text("ascii"))
