"""The types of rpx.python.keys beside the schema: whoever adds a key to one, adds it to both."""

from __future__ import annotations

import pytest

from rpx.config import schema, settings, start_schema, values
from rpx.python import keys

KEYS: list[tuple[type, type]] = [
    (keys.ProjectKeys, schema.TopWritten),
    (keys.ProxyKeys, schema.ProxyWritten),
    (keys.ProcessKeys, start_schema.ProcessWritten),
    (keys.SourceKeys, schema.SourceWritten),
    (keys.StartKeys, start_schema.StartWritten),
    (keys.EnvFileKeys, start_schema.EnvFileWritten),
    (keys.ReadyKeys, start_schema.ReadyWritten),
    (keys.RestartKeys, start_schema.RestartWritten),
    (keys.BackoffKeys, start_schema.BackoffWritten),
    (keys.HealthCheckKeys, schema.HealthCheckWritten),
    (keys.StickyKeys, schema.StickyWritten),
    (keys.HttpsKeys, schema.HttpsWritten),
    (keys.ListenKeys, schema.ListenWritten),
    (keys.TimeoutsKeys, schema.TimeoutsWritten),
    (keys.LimitsKeys, schema.LimitsWritten),
    (keys.MetricsKeys, schema.MetricsWritten),
    (keys.LogsKeys, schema.LogsWritten),
    (keys.DefaultsKeys, schema.DefaultsWritten),
    (keys.DependencyKeys, start_schema.DependencyWritten),
]


@pytest.mark.parametrize(("typed", "written"), KEYS)
def test_the_types_know_every_key_of_the_configuration(
    typed: type, written: type[values.Written]
) -> None:
    known = {key.removesuffix("_") for key in typed.__annotations__}
    assert known == set(settings.settings_of(written))


def test_no_part_of_the_configuration_is_without_a_type() -> None:
    typed = {written for _, written in KEYS}
    assert set(settings.MODELS.values()) <= typed
