"""Settings of compose that have no place in an rpx.yaml, each with what to say about it.

Together with those that are carried over these are all keys of the Compose Specification; a test
walks through its schema.
"""

from __future__ import annotations

from typing import Final

# Settings that other files of this folder carry over, or say what is lost of them.
TAKEN: Final = frozenset({
    "image", "build", "command", "entrypoint", "environment", "env_file", "depends_on", "links",
    "deploy", "healthcheck", "ports", "expose", "profiles", "restart", "volumes", "configs",
    "secrets", "scale", "stop_signal", "stop_grace_period", "tty", "user", "working_dir", "develop",
    "shm_size", "platform", "tmpfs", "extra_hosts", "labels",
})  # fmt: skip
# For a process of this machine: these say how its container would have been.
_MACHINE = "it runs on this machine, not in a container"
OF_CONTAINERS: Final = {
    **dict.fromkeys(
        ("cap_add", "cap_drop", "cgroup", "cgroup_parent", "device_cgroup_rules", "devices", "gpus",
         "group_add", "ipc", "mac_address", "oom_kill_disable", "oom_score_adj", "pid",
         "privileged", "read_only", "runtime", "security_opt", "storage_opt", "sysctls", "ulimits",
         "umask", "userns_mode", "uts", "hostname", "dns", "dns_opt", "dns_search", "annotations",
         "label_file", "external_links", "network_mode", "shm_size", "platform", "tmpfs",
         "extra_hosts", "pull_policy"),
        _MACHINE,
    ),
    **dict.fromkeys(
        ("cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime",
         "cpu_shares", "cpus", "cpuset", "mem_limit", "mem_reservation", "mem_swappiness",
         "memswap_limit", "pids_limit", "blkio_config"),
        "rpx limits no process of this machine",
    ),
}  # fmt: skip
# For both.
MEANINGLESS: Final = {
    "attach": ("rpx shows the output of all services", "`rpx up NAME` shows fewer"),
    "blkio_config": ("rpx has no words for it", "see `container_options`"),
    "container_name": ("rpx names containers itself", "commands take the service's name"),
    "cpu_count": ("for Windows", ""),
    "cpu_percent": ("for Windows", ""),
    "credential_spec": ("for Windows", ""),
    "domainname": ("rpx has no words for it", "see `container_options`"),
    "init": ("a container of rpx always has an init", ""),
    "isolation": ("for Windows", ""),
    "logging": ("rpx keeps what services print", "see `logs` in the documents"),
    "models": ("rpx runs no models", ""),
    "network_mode": ("rpx has a network for each project", "see `container_options`"),
    "networks": ("all services of a project reach each other", ""),
    "post_start": ("rpx runs nothing in a container that has started", "a oneshot may do it"),
    "pre_start": ("rpx runs nothing before a start", "a oneshot in `depends_on` may do it"),
    "pre_stop": ("rpx runs nothing before a stop", "see `stop_command`"),
    "provider": ("rpx runs no plug-ins of compose", "write what starts it as a `command`"),
    "pull_policy": ("rpx pulls an image when it isn't there", ""),
    "pull_refresh_after": ("rpx pulls an image when it isn't there", ""),
    "runtime": ("rpx has no words for it", ""),
    "use_api_socket": ("rpx gives nobody the engine's socket", "mount it: `/var/run/docker.sock`"),
    "volumes_from": ("rpx has no words for it", "write its `volumes` here, too"),
    "cgroup": ("rpx has no words for it", ""),
    "storage_opt": ("rpx has no words for it", ""),
}  # fmt: skip
SILENT: Final = frozenset({"stdin_open", "extends", "expose"})  # as it is in any case
OF_BUILD: Final = {"context", "dockerfile", "target", "args"}
OF_DEPLOY: Final = {"replicas", "restart_policy", "resources"}
