"""What becomes of each setting of rpx.yaml in the files of other tools.

Whoever adds a setting to rpx.yaml adds it here: a test holds both together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from rpx.config.settings.places import model_at
from rpx.config.settings.written import Written
from rpx.config.yaml.document import Document, Steps, names_are_free

Target = Literal["compose", "kubernetes", "systemd"]
TARGETS: Final = ("compose", "kubernetes", "systemd")

_OK: Final = ""  # it is written; what isn't as it was is said by who writes it
_RPX: Final = "only rpx has that"
_CLUSTER: Final = "that is up to whoever leads clients into the cluster"
_NO_PROXY: Final = "systemd runs processes, and leads no requests to them"
_ALL: Final = (_OK, _OK, _OK)
_BALANCED: Final = (_OK, _CLUSTER, _NO_PROXY)  # the compose file has a balancer
_NOBODY: Final = (_RPX, _RPX, _RPX)


def _of(section: str, names: str, fate: tuple[str, str, str]) -> dict[str, tuple[str, str, str]]:
    return {f"{section}.{name}": fate for name in names.split()}


# By the model that a setting belongs to and its name, for each of TARGETS: "" if it is written,
# else why it isn't.
FATES: Final[Mapping[str, tuple[str, str, str]]] = {
    **_of("Top", "name realm env env_file defaults proxies processes", _ALL),
    **_of("Top", "listen timeouts limits", _ALL),  # each of theirs has a fate of its own
    **_of("Top", "https", (_OK, _OK, _NO_PROXY)),
    **_of("Top", "verbose", _BALANCED),
    **_of("Top", "reload dashboard requests", _NOBODY),
    **_of("Requests", "keep bodies redact", _NOBODY),  # below `requests`
    **_of("Top", "containers", ("whoever runs it chooses the engine", "the cluster has one", _OK)),
    **_of("Top", "metrics", ("the balancer has other figures", _CLUSTER, _NO_PROXY)),
    **_of("Top", "logs", _ALL),
    **_of("Metrics", "port", _ALL),  # below `metrics`
    **_of("Logs", "max_size keep", (_OK, "the cluster keeps output", "the journal keeps output")),
    **_of("Listen", "host http_port https_port trusted_proxies", _BALANCED),
    **_of("Listen", "door", ("other projects need other ports", _CLUSTER, _NO_PROXY)),
    **_of("Https", "enabled", (_OK, _OK, _NO_PROXY)),
    **_of("Https", "cert key", (_OK, _OK, _NO_PROXY)),
    **_of("Https", "redirect", _BALANCED),
    **_of("Timeouts", "head idle connect answer upstream_idle", _BALANCED),
    **_of("Timeouts", "body", ("Caddy bounds the whole body, not a silence", _CLUSTER, _NO_PROXY)),
    **_of(
        "Timeouts", "send", ("Caddy bounds the whole answer, not a silence", _CLUSTER, _NO_PROXY)
    ),
    **_of("Limits", "head body requests_per_backend", _BALANCED),
    **_of(
        "Limits",
        "head_lines target connections held",
        ("Caddy has no such limit", _CLUSTER, _NO_PROXY),
    ),
    # an entry of `proxies`, a route, and what holds for all
    **_of("Proxy", "from name start replicas instances health_check depends_on", _ALL),
    **_of("Proxy", "profiles autostart", _ALL),
    **_of("Proxy", "to https routes", (_OK, _OK, _NO_PROXY)),
    **_of("Proxy", "sticky", (_OK, _OK, _NO_PROXY)),
    **_of(
        "Proxy", "strategy hold static redirect respond headers cors auth change_origin", _BALANCED
    ),
    **_of("Proxy", "protocol", _BALANCED),
    **_of("Route", "from name start replicas instances health_check depends_on", _ALL),
    **_of("Route", "path proxy", (_OK, _OK, _NO_PROXY)),
    **_of("Route", "method query headers strip_prefix rewrite", _BALANCED),
    **_of("Route", "sticky", (_OK, _OK, _NO_PROXY)),
    **_of("Route", "strategy hold static redirect respond cors auth change_origin", _BALANCED),
    **_of("Route", "protocol", _BALANCED),
    **_of("Defaults", "health_check restart", _ALL),
    **_of("Defaults", "sticky", (_OK, _OK, _NO_PROXY)),
    **_of("Defaults", "strategy hold headers cors auth", _BALANCED),
    **_of("Source", "address url start", _ALL),
    **_of("Source", "weight verify ca", _BALANCED),
    **_of("Sticky", "enabled ttl", (_OK, _OK, _NO_PROXY)),
    **_of("Sticky", "cookie", (_OK, "a Service knows clients by their address", _NO_PROXY)),
    **_of("Static", "dir index spa max_age listing", _BALANCED),
    **_of("Redirect", "to status", _BALANCED),
    **_of("Respond", "status body json headers", _BALANCED),
    **_of("Headers", "request response", _BALANCED),
    **_of("FieldRules", "set add remove", _BALANCED),
    **_of("Cors", "enabled origins methods headers credentials max_age", _BALANCED),
    **_of("Auth", "enabled basic", _BALANCED),
    # what runs
    **_of("Start", "command instances env env_file ports image build port volumes", _ALL),
    **_of("Start", "entrypoint workdir shm_size platform tmpfs extra_hosts restart ready", _ALL),
    **_of("Start", "container_options stop_command stop_signal stop_grace_period cwd", _ALL),
    **_of("Start", "tty", (_OK, _OK, "a unit has no terminal")),
    **_of("Start", "user", (_OK, _OK, "units of a user run as that user")),
    **_of("Start", "stdin", (_OK, _OK, "a unit reads /dev/null")),
    **_of(
        "Start",
        "restart_on_unhealthy",
        ("compose restarts nobody for a health check", _OK, "systemd has no health checks"),
    ),
    **_of(
        "Start",
        "success_exit_codes",
        ("every exit code but 0 is a failure", "every exit code but 0 is a failure", _OK),
    ),
    **_of(
        "Start", "stop_signal_to", ("the first process gets it", "the first process gets it", _OK)
    ),
    **_of("Start", "watch", (_OK, "an image doesn't change with files", "units watch no files")),
    **_of("Process", "oneshot health_check depends_on profiles autostart", _ALL),
    **_of("EnvFile", "path required", _ALL),
    **_of("Restart", "policy", _ALL),
    **_of("Restart", "max_restarts", (_OK, "the cluster tries for ever", _OK)),
    **_of("Restart", "window", ("compose counts for ever", "the cluster tries for ever", _OK)),
    **_of(
        "Restart",
        "backoff",
        ("the engine has rests of its own", "the cluster has rests of its own", _OK),
    ),
    **_of(
        "Backoff",
        "initial",
        ("the engine has rests of its own", "the cluster has rests of its own", _OK),
    ),
    **_of(
        "Backoff",
        "factor max",
        ("the engine has rests of its own", "the cluster has rests of its own", _OK),
    ),
    **_of("Ready", "tcp http command", _ALL),
    **_of(
        "Ready",
        "log",
        ("no check reads output", "no probe reads output", "systemd reads no output"),
    ),
    **_of("Ready", "delay", ("compose waits for checks alone", _OK, _OK)),
    **_of("Ready", "timeout", ("compose waits for ever", _OK, _OK)),
    **_of("Build", "context dockerfile target args", (_OK, _OK, _OK)),
    **_of("HealthCheck", "enabled path tcp command grpc", (_OK, _OK, _OK)),
    **_of("HealthCheck", "host headers", (_OK, _OK, "systemd has no health checks")),
    **_of("HealthCheck", "interval timeout", (_OK, _OK, "systemd has no health checks")),
    **_of(
        "HealthCheck",
        "unhealthy_threshold start_period",
        (_OK, _OK, "systemd has no health checks"),
    ),
    **_of("HealthCheck", "healthy_threshold", (_OK, _OK, "systemd has no health checks")),
    **_of("HealthCheck", "expect", (_OK, "probes take 200 to 399", "systemd has no health checks")),
    **_of("Dependency", "condition required", _ALL),
}


def section_of(model: type[Written], name: str) -> str:
    """The key of FATES for a setting: some models have settings of others beside their own."""
    own = model.__name__.removesuffix("Written")
    if f"{own}.{name}" in FATES:
        return f"{own}.{name}"
    below = {"Process": "Start", "Top": "Proxy"}
    return f"{below.get(own, own)}.{name}"


def lost_settings(document: Document, target: Target) -> Iterator[tuple[Steps, str, str]]:
    """Each setting that is written and has no place in the files of `target`: where it stands, its
    name, and why. What stands below one of them is not named beside.
    """
    index = TARGETS.index(target)

    def walk(value: object, at: Steps) -> Iterator[tuple[Steps, str, str]]:
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from walk(item, (*at, number))
        elif isinstance(value, dict):
            model = None if names_are_free(at) else model_at(at)
            for name, item in value.items():
                fate = FATES[section_of(model, name)][index] if model is not None else ""
                if fate:
                    yield (*at, name), _shown(at, name), fate
                else:
                    yield from walk(item, (*at, name))

    yield from walk(document.values, ())


def _shown(at: Steps, name: str) -> str:
    """A setting with the one that it belongs to, where that says more: `ready.log`."""
    section = next((step for step in reversed(at) if isinstance(step, str)), "")
    plain = at[:1] == ("processes",) and len(at) == 2
    return name if plain or section in {"", "proxies", "start"} else f"{section}.{name}"
