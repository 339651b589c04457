"""Tests of trust find no browser but their own, and no policies of this machine's Firefox."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has none."""
    for name in ("nss._BROWSERS", "policies._PROGRAMS", "policies._PLACES"):
        monkeypatch.setattr(f"rpx.certificates.{name}", ())
    monkeypatch.setattr("rpx.certificates.policies.FILE", tmp_path / "etc/policies/policies.json")
