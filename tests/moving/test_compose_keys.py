"""Every key of the Compose Specification is carried over or said: none is dropped in silence."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.moving.support import moved

# Values for each key, as compose takes them; others are `x`.
VALUES: dict[str, object] = {
    "annotations": {"a": "b"},
    "blkio_config": {"weight": 300},
    "build": "./app",
    "cap_add": ["NET_ADMIN"],
    "cap_drop": ["ALL"],
    "command": "run it",
    "configs": ["settings"],
    "cpu_count": 2,
    "cpu_percent": 50,
    "cpu_period": 10,
    "cpu_quota": 10,
    "cpu_rt_period": 10,
    "cpu_rt_runtime": 10,
    "cpu_shares": 10,
    "cpus": 1.5,
    "credential_spec": {"file": "c.json"},
    "depends_on": ["other"],
    "deploy": {"resources": {"limits": {"cpus": "1"}}},
    "develop": {"watch": [{"path": ".", "action": "restart"}]},
    "device_cgroup_rules": ["c 1:3 mr"],
    "devices": ["/dev/null:/dev/null"],
    "dns": ["1.1.1.1"],
    "dns_opt": ["ndots:1"],
    "dns_search": "example.test",
    "entrypoint": ["/bin/it"],
    "env_file": "it.env",
    "environment": {"A": "b"},
    "expose": ["3000"],
    "extends": "other",
    "external_links": ["redis"],
    "extra_hosts": ["a:1.2.3.4"],
    "gpus": "all",
    "group_add": ["mail"],
    "healthcheck": {"test": "true"},
    "init": True,
    "label_file": "labels",
    "labels": {"a": "b"},
    "links": ["other"],
    "logging": {"driver": "none"},
    "mem_limit": "1g",
    "mem_reservation": "1g",
    "mem_swappiness": 10,
    "memswap_limit": "1g",
    "models": ["m"],
    "networks": ["back"],
    "oom_kill_disable": True,
    "oom_score_adj": 10,
    "pids_limit": 10,
    "ports": ["8123:8123"],
    "post_start": [{"command": "x"}],
    "pre_start": [{"command": "x"}],
    "pre_stop": [{"command": "x"}],
    "privileged": True,
    "profiles": ["p"],
    "provider": {"type": "x"},
    "pull_policy": "always",
    "read_only": True,
    "restart": "always",
    "scale": 2,
    "secrets": ["key"],
    "security_opt": ["no-new-privileges"],
    "shm_size": "64M",
    "stdin_open": True,
    "stop_grace_period": "1m30s",
    "stop_signal": "SIGINT",
    "storage_opt": {"size": "1G"},
    "sysctls": {"net.core.somaxconn": 1024},
    "tmpfs": ["/run"],
    "tty": True,
    "ulimits": {"nofile": 1024},
    "use_api_socket": True,
    "volumes": ["data:/data"],
    "volumes_from": ["other"],
}
# What each says without a word: it is so in any case, or only helped to find out something.
SILENT = {"image", "stdin_open", "extends", "expose"}


@cache
def keys() -> list[str]:
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(vendored.read_text())
    found: set[str] = set()

    def walk(part: dict[str, Any]) -> None:
        if ref := part.get("$ref"):
            walk(schema["$defs"][ref.rpartition("/")[2]])
        found.update(part.get("properties", {}))
        for each in part.get("allOf", []):
            walk(each)

    walk(schema["$defs"]["service"])
    return sorted(found)


def test_the_schema_is_the_whole_one() -> None:
    assert {"image", "ports", "healthcheck", "develop", "ulimits"} <= set(keys())
    assert set(VALUES) <= set(keys())


@pytest.mark.parametrize("kind", ["container", "process"])
def test_each_key_of_a_service_is_carried_over_or_said(tmp_path: Path, kind: str) -> None:
    base = {"image": "busybox"} if kind == "container" else {"build": "./app", "command": "run"}
    for key in keys():
        if key == "build":
            continue
        service = {**base, key: VALUES.get(key, "x")}
        text = json.dumps(
            {
                "services": {"it": service, "other": {"image": "busybox"}},
                "secrets": {"key": {"file": "./key"}},
                "configs": {"settings": {"file": "./settings"}},
            },
            indent=1,
        )
        files = {"compose.yaml": text, "app/x": "", "it.env": "A=b", "key": "", "settings": ""}
        found = moved(tmp_path, files)
        plain = {"services": {"it": base, "other": {"image": "busybox"}}}
        without = moved(tmp_path, {"compose.yaml": json.dumps(plain)})
        its = {str(remark) for remark in found.draft.remarks}
        said = its - {str(remark) for remark in without.draft.remarks}
        changed = found.draft.services["it"].settings != without.draft.services["it"].settings
        assert changed or said or key in SILENT, f"{key} of a {kind} is dropped in silence"


def test_a_key_that_nobody_knows_is_said(tmp_path: Path) -> None:
    text = "services:\n  it:\n    image: busybox\n    enviroment: {A: b}\nservces: {}\n"
    found = moved(tmp_path, {"compose.yaml": text})
    lost = {(remark.what, remark.origin.line) for remark in found.draft.losses}
    assert lost == {("enviroment", 4), ("servces", 5)}
