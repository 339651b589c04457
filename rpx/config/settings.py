"""Which settings there are, and where each may stand: the schema seen from its names."""

from __future__ import annotations

from rpx.config.schema import (
    DefaultsWritten,
    HealthCheckWritten,
    HttpsWritten,
    LimitsWritten,
    ListenWritten,
    LogsWritten,
    MetricsWritten,
    ProxyWritten,
    SourceWritten,
    StickyWritten,
    TimeoutsWritten,
    TopWritten,
)
from rpx.config.start_schema import (
    BackoffWritten,
    DependencyWritten,
    EnvFileWritten,
    ProcessWritten,
    ReadyWritten,
    RestartWritten,
    StartWritten,
)
from rpx.config.values import (
    Written,
)
from rpx.config.yaml.document import Steps

MODELS: dict[str, type[Written]] = {
    "from": SourceWritten,
    "health_check": HealthCheckWritten,
    "sticky": StickyWritten,
    "https": HttpsWritten,
    "start": StartWritten,
    "env_file": EnvFileWritten,
    "ready": ReadyWritten,
    "restart": RestartWritten,
    "backoff": BackoffWritten,
    "listen": ListenWritten,
    "timeouts": TimeoutsWritten,
    "limits": LimitsWritten,
    "logs": LogsWritten,
    "metrics": MetricsWritten,
    "defaults": DefaultsWritten,
}


def settings_at(steps: Steps) -> tuple[str, ...]:
    """The settings that the mapping at `steps` may have."""
    match steps:
        case ():
            return settings_of(TopWritten)
        case ("processes", _):
            return settings_of(ProcessWritten)
        case ("proxies", int()):
            return settings_of(ProxyWritten)
        case (*_, "depends_on", str()):
            return settings_of(DependencyWritten)
        case (*_, str(key)) | (*_, str(key), int()):
            return settings_of(MODELS[key]) if key in MODELS else ()
        case _:
            return ()


def settings_of(model: type[Written]) -> tuple[str, ...]:
    """The names of a model's settings as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def all_settings() -> set[str]:
    """Every setting of every model."""
    models: list[type[Written]] = [
        *MODELS.values(),
        TopWritten,
        ProxyWritten,
        ProcessWritten,
        DependencyWritten,
    ]
    return {name for model in models for name in settings_of(model)}
