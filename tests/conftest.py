"""What holds for every test."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.tls import Authority

# An installed rpx has its bytecode; without, each run in a test compiles 250 modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says something about the machine, not about rpx.
settings.register_profile("rpx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rpx")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of tests."""
    return Authority(tmp_path_factory.mktemp("authority"))
