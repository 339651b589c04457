"""`listen.trusted_proxies`: which forms it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.support import load, refused

HEAD = "from: 3000\nto: a.localhost\n"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[127.0.0.1, '::1']", ("127.0.0.1", "::1")),
        ("[127.0.0.1, ::1, ::2/127]", ("127.0.0.1", "::1", "::2/127")),
        ("::1", ("::1",)),
        ("127.0.0.1", ("127.0.0.1",)),
        ("[10.1.2.3/8, 'FD00::/8', '[::1]', localhost]",
         ("10.0.0.0/8", "fd00::/8", "::1", "localhost")),
        ("[]", ()),
    ],
)  # fmt: skip
def test_addresses_networks_and_localhost(
    tmp_path: Path, written: str, meant: tuple[str, ...]
) -> None:
    config = load(tmp_path, HEAD + f"listen: {{trusted_proxies: {written}}}").config
    assert config.listen.trusted_proxies == meant


@pytest.mark.parametrize("written", ["[api.localhost]", "[127.0.0.1/33]", "['*']", "7"])
def test_anything_else_is_refused(tmp_path: Path, written: str) -> None:
    (problem,) = refused(tmp_path, HEAD + f"listen: {{trusted_proxies: {written}}}")
    assert problem.what.startswith("`listen.trusted_proxies")
    assert "is neither an address nor a network" in problem.what or written == "7"
