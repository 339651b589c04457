"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about rpx.
settings.register_profile("rpx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rpx")
