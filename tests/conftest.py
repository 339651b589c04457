"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.support.tls import Authority

# How long an example takes says something about the machine, not about rpx.
settings.register_profile("rpx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rpx")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of tests."""
    return Authority(tmp_path_factory.mktemp("authority"))
