"""Settings of compose that only a container has, as options of its engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rpx.moving.draft import Draft
from rpx.moving.lined import Lined
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.compose.merging import pairs

# Settings with one value, and the option of `docker run` and `podman run` that means the same.
_ONE: dict[str, str] = {
    "cpus": "--cpus", "cpuset": "--cpuset-cpus", "cpu_shares": "--cpu-shares",
    "cpu_quota": "--cpu-quota", "cpu_period": "--cpu-period", "mem_limit": "--memory",
    "cpu_rt_period": "--cpu-rt-period", "cpu_rt_runtime": "--cpu-rt-runtime",
    "mem_reservation": "--memory-reservation", "memswap_limit": "--memory-swap",
    "mem_swappiness": "--memory-swappiness", "pids_limit": "--pids-limit", "ipc": "--ipc",
    "pid": "--pid", "uts": "--uts", "userns_mode": "--userns", "hostname": "--hostname",
    "mac_address": "--mac-address", "runtime": "--runtime", "gpus": "--gpus",
    "oom_score_adj": "--oom-score-adj", "cgroup_parent": "--cgroup-parent", "cgroup": "--cgroupns",
    "umask": "--umask",
}  # fmt: skip
_FLAGS = {
    "privileged": "--privileged", "read_only": "--read-only",
    "oom_kill_disable": "--oom-kill-disable",
}  # fmt: skip
_EACH = {
    "cap_add": "--cap-add", "cap_drop": "--cap-drop", "dns": "--dns", "dns_search": "--dns-search",
    "dns_opt": "--dns-option", "security_opt": "--security-opt", "group_add": "--group-add",
    "devices": "--device", "device_cgroup_rules": "--device-cgroup-rule",
    "label_file": "--label-file", "external_links": "--link",
}  # fmt: skip
_PAIRS = {"sysctls": "--sysctl", "annotations": "--annotation", "storage_opt": "--storage-opt"}
_PULL = {"always": "always", "missing": "missing", "if_not_present": "missing", "never": "never"}


def engine_options(
    service: ComposeService, project: ComposeProject, draft: Draft
) -> tuple[list[str], set[str]]:
    """Options for the engine, and the settings that they are for."""
    options: list[str] = []
    done: set[str] = set()
    for key, value in service.written.mapping.items():
        found = list(_options(key, value, project))
        if found:
            options += found
            done.add(key)
            if key not in {"hostname", "pull_policy"}:
                why = f"`container_options: {' '.join(found)}`"
                draft.carried(service.new, key, why, service.at(key), kept=True)
    return options, done


def _options(key: str, value: Lined, project: ComposeProject) -> Iterator[str]:
    text = project.filled(value)
    if key in _ONE and text:
        yield from (_ONE[key], text)
    elif key in _FLAGS:
        yield f"{_FLAGS[key]}=false" if text.lower() == "false" else _FLAGS[key]
    elif key in _EACH:
        for each in filter(None, map(project.filled, value.items or [value])):
            yield from (_EACH[key], each)
    elif key in _PAIRS:
        for name, inner in pairs(value).mapping.items():
            yield from (_PAIRS[key], f"{name}={project.filled(inner)}")
    elif key in _OTHERS:
        yield from _OTHERS[key](value, project)


def _pulling(value: Lined, project: ComposeProject) -> Iterator[str]:
    if (text := project.filled(value)) in _PULL:
        yield from ("--pull", _PULL[text])


def _network(value: Lined, project: ComposeProject) -> Iterator[str]:
    if (text := project.filled(value)) in {"host", "none"}:
        yield from ("--network", text)


def _ulimits(value: Lined, project: ComposeProject) -> Iterator[str]:
    for name, limit in value.mapping.items():
        soft, hard = limit.get("soft"), limit.get("hard")
        if limit.mapping:
            both = f"{project.filled(soft or hard)}:{project.filled(hard or soft)}"
        else:
            both = project.filled(limit)
        yield from ("--ulimit", f"{name}={both}")


def _limits(deploy: Lined, project: ComposeProject) -> Iterator[str]:
    resources = deploy.get("resources")
    limits = resources.get("limits") if resources else None
    for word, option in (("cpus", "--cpus"), ("memory", "--memory"), ("pids", "--pids-limit")):
        if limits and (text := project.filled(limits.get(word))):
            yield from (option, text)


_OTHERS: dict[str, Callable[[Lined, ComposeProject], Iterator[str]]] = {
    "ulimits": _ulimits,
    "pull_policy": _pulling,
    "network_mode": _network,
    "deploy": _limits,
}
