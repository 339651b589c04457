"""Words of compose for what only a container has, and the options of `docker run` and `podman run`
that mean the same.
"""

from __future__ import annotations

# With one value; there or not; with several values; with names and values.
ONE_VALUE: dict[str, str] = {
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
SWITCHES = {
    "privileged": "--privileged", "read_only": "--read-only",
    "oom_kill_disable": "--oom-kill-disable",
}  # fmt: skip
MANY_VALUES = {
    "cap_add": "--cap-add", "cap_drop": "--cap-drop", "dns": "--dns", "dns_search": "--dns-search",
    "dns_opt": "--dns-option", "security_opt": "--security-opt", "group_add": "--group-add",
    "devices": "--device", "device_cgroup_rules": "--device-cgroup-rule",
    "label_file": "--label-file", "external_links": "--link",
}  # fmt: skip
PAIRS = {"sysctls": "--sysctl", "annotations": "--annotation", "storage_opt": "--storage-opt"}
