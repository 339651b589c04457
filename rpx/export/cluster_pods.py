"""One service as a Deployment or a Job: its container, and what it waits for."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping

from rpx.export.block_yaml import Noted
from rpx.export.cluster_env import ClusterEnv
from rpx.export.cluster_names import escaped, quantity, safe_name, whole
from rpx.export.cluster_probes import probes_of
from rpx.export.cluster_volumes import Volumes
from rpx.export.compose_container import placeholder
from rpx.export.compose_services import left_out
from rpx.export.engine_options import options_of
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.export.service_env import relative

# The long names of options of `docker run` → a container's words in a cluster.
_LIMITS = {"memory": "memory", "cpus": "cpu"}
_SWITCHES = {"privileged": "privileged", "read-only": "readOnlyRootFilesystem"}
_CAPABILITIES = {"cap-add": "add", "cap-drop": "drop"}
WAITING_IMAGE = "busybox:1.37"
KUBECTL_IMAGE = "registry.k8s.io/kubectl:v1.34.1"


class Pods:
    """Writes workloads. `waits_for_jobs`: one of them asks the cluster whether a Job is done."""

    def __init__(
        self, parts: Parts, env: ClusterEnv, names: Mapping[str, str], said: Remarked
    ) -> None:
        """`names` are those of services in the cluster."""
        self.volumes = Volumes(parts, said)
        self.waits_for_jobs = False
        self._parts = parts
        self._env = env
        self._names = names
        self._said = said
        self._account = safe_name(f"{parts.config.name}-waits")

    def labels(self, name: str) -> dict[str, str]:
        """Those of one service's objects."""
        part_of = safe_name(self._parts.config.name)
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": part_of}

    def workload(self, service: ExportService, others: list[ExportService]) -> dict[str, object]:
        """A Job for what is to end, a Deployment for all else; `others` it may wait for."""
        name = self._names[service.name]
        labels = self.labels(name)
        spec, claims = self._pod(service, name, others)
        template = {"metadata": {"labels": labels}, "spec": spec}
        metadata = {"name": name, "labels": labels}
        idle = left_out(service)
        if idle:
            how = "suspend: true" if service.start.oneshot else "replicas: 0"
            why = f"it is there and not begun: {how}"
            what = "profiles" if service.profiles else "autostart"
            self._said.carried(service.family, what, why, (*service.entry, what))
        if service.start.oneshot:
            restart = service.start.restart
            tries = 0 if restart.policy == "no" else restart.max_restarts
            job: dict[str, object] = {"backoffLimit": tries}
            if idle:
                job["suspend"] = True
            return {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": metadata,
                "spec": {**job, "template": template},
            }
        if service.start.restart.policy == "no":
            why = "a Deployment starts again whatever ends"
            self._said.lost(service.family, "restart", why, (*service.at, "restart"))
        deployment: dict[str, object] = {
            "replicas": 0 if idle else service.copies,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        }
        if claims:  # the next one can have the volume only when the one before has gone
            deployment["strategy"] = {"type": "Recreate"}
        ready = service.start.ready
        if ready is not None and ready.timeout is not None:
            deployment["progressDeadlineSeconds"] = whole(ready.timeout)
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {**deployment, "template": template},
        }

    def _pod(
        self, service: ExportService, name: str, others: list[ExportService]
    ) -> tuple[dict[str, object], list[str]]:
        start = service.start
        mounted = self.volumes.of(service)
        container: dict[str, object] = {
            "name": name,
            **self._image(service),
            **_command(service),
            **self._env.of(service, name),
            "ports": [{"containerPort": inside} for _, inside in service.ports],
            **probes_of(service, self._parts, self._said),
            "lifecycle": self._before_stop(service),
            "stdin": start.stdin == "open" and not service.ports and not service.is_image,
            "tty": start.tty,
            "volumeMounts": mounted.mounts,
            **self._options(service),
        }
        pod: dict[str, object] = {}
        waits = self._waits(service, others)
        if self.waits_for_jobs and any(each["image"] == KUBECTL_IMAGE for each in waits):
            pod["serviceAccountName"] = self._account
        pod |= {
            "initContainers": waits,
            "containers": [{key: value for key, value in container.items() if value}],
            "volumes": mounted.volumes,
            "hostAliases": self._aliases(service),
            "nodeSelector": _selector(service),
        }
        pod = {key: value for key, value in pod.items() if value}
        pod["terminationGracePeriodSeconds"] = whole(start.stop_grace_period)
        if start.oneshot:
            pod["restartPolicy"] = "Never"
        return pod, mounted.claims

    # ---- the container

    def _image(self, service: ExportService) -> dict[str, object]:
        container = service.start.container
        if container is not None and container.image and container.build is None:
            return {"image": container.image}
        context = (
            service.start.cwd
            if container is None or container.build is None
            else container.build.context
        )
        shown = relative(context, self._parts.root)
        name = placeholder(self._parts.config.name, service.family)
        there = container is not None or os.path.isfile(context / "Dockerfile")
        if there:
            todo = f"TODO: docker build -t {name} {shown}, and push it where the cluster finds it"
        else:
            todo = f"TODO: no Dockerfile in {shown}: write one, or name an image"
        why = f"{name} is an image that nobody has"
        hint = todo.removeprefix("TODO: ")
        at = (*service.at, "build" if container is not None else "command")
        self._said.guessed(service.family, "image", why, at, hint)
        return {"image": Noted(name, todo), "imagePullPolicy": "IfNotPresent"}

    def _before_stop(self, service: ExportService) -> dict[str, object]:
        start = service.start
        own = start.container is None or start.container.stop_signal is not None
        if own and start.stop_signal != signal.SIGTERM:
            name = signal.Signals(start.stop_signal).name
            why = "a cluster sends SIGTERM, or what the image says"
            hint = f"write `STOPSIGNAL {name}` into its Dockerfile"
            self._said.lost(service.family, "stop_signal", why, (*service.at, "stop_signal"), hint)
        if start.stop_command is None:
            return {}
        command = start.stop_command
        words = ["sh", "-c", f"RPX_PID=1; {command}"] if isinstance(command, str) else list(command)
        why = "run in the container before SIGTERM, which is sent all the same"
        self._said.carried(service.family, "stop_command", why, (*service.at, "stop_command"))
        return {"preStop": {"exec": {"command": [escaped(each) for each in words]}}}

    def _options(self, service: ExportService) -> dict[str, object]:
        """What a container has of `container_options` and `user`."""
        container = service.start.container
        words = container.container_options if container is not None else ()
        options, others = options_of(words)
        limits: dict[str, object] = {}
        context: dict[str, object] = {}
        for flag, values in options.items():
            if flag in _LIMITS:
                limits[_LIMITS[flag]] = quantity(values[-1])
            elif flag in _SWITCHES:
                context[_SWITCHES[flag]] = values[-1] != "false"
            elif flag not in _CAPABILITIES:
                others.append(f"--{flag}")
        at = (*service.at, "container_options")
        for each in others:
            self._said.lost(service.family, each, "rpx knows no word of a pod's for it", at)
        found = {_CAPABILITIES[flag]: options[flag] for flag in _CAPABILITIES if flag in options}
        context |= {"capabilities": found} if found else {}
        context |= self._user(service)
        return {"resources": {"limits": limits} if limits else None, "securityContext": context}

    def _user(self, service: ExportService) -> dict[str, object]:
        user, _, group = (service.start.user or "").partition(":")
        if not user:
            return {}
        if not user.isdecimal() or not (group or "0").isdecimal():
            why = f"a pod knows users by their numbers, and not `{service.start.user}`"
            at = (*service.at, "user")
            self._said.lost(service.family, "user", why, at, "write USER into its Dockerfile")
            return {}
        more = {"runAsGroup": int(group)} if group else {}
        return {"runAsUser": int(user), **more}

    def _aliases(self, service: ExportService) -> list[dict[str, object]]:
        container = service.start.container
        found: list[dict[str, object]] = []
        for each in container.extra_hosts if container is not None else ():
            name, _, address = each.replace("=", ":", 1).partition(":")
            if re.fullmatch(r"[0-9a-fA-F.:]+", address):
                found.append({"ip": address, "hostnames": [name]})
            else:
                why = f"{address} is no address that a pod could know"
                self._said.lost(service.family, "extra_hosts", why, (*service.at, "extra_hosts"))
        return found

    # ---- order

    def _waits(
        self, service: ExportService, others: list[ExportService]
    ) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        at = (*service.entry, "depends_on")
        for dependency in service.depends_on:
            family = [each for each in others if each.family == dependency.name]
            if not dependency.required:
                why = f"it doesn't wait for {dependency.name}, which it can do without"
                self._said.carried(service.family, "depends_on", why, at)
                continue
            if not family:
                why = f"{dependency.name} is not in the cluster"
                self._said.lost(service.family, "depends_on", why, at)
            waits = (self._wait(service, other, dependency.condition, at) for other in family)
            found += [each for each in waits if each is not None]
        return found

    def _wait(
        self,
        service: ExportService,
        other: ExportService,
        condition: str,
        at: tuple[str | int, ...],
    ) -> dict[str, object] | None:
        name = self._names[other.name]
        if condition == "completed" or other.start.oneshot:
            self.waits_for_jobs = True
            words = ["kubectl", "wait", "--for=condition=complete", f"job/{name}", "--timeout=-1s"]
            return {"name": f"wait-for-{name}"[:63], "image": KUBECTL_IMAGE, "command": words}
        if not other.ports:
            why = f"{other.family} has no port that could be waited at"
            self._said.lost(service.family, "depends_on", why, at)
            return None
        line = f"until nc -z -w 1 {name} {other.ports[0][1]}; do sleep 1; done"
        words = ["sh", "-c", line]
        return {"name": f"wait-for-{name}"[:63], "image": WAITING_IMAGE, "command": words}

    def account(self) -> list[Mapping[str, object]]:
        """What lets a pod ask whether a Job is done."""
        labels = {"app.kubernetes.io/part-of": safe_name(self._parts.config.name)}
        metadata = {"name": self._account, "labels": labels}
        group = "rbac.authorization.k8s.io"
        rules = [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]}]
        subject = {"kind": "ServiceAccount", "name": self._account}
        return [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": self._account},
                "subjects": [subject],
            },
        ]


def _command(service: ExportService) -> dict[str, object]:
    """A process of this machine is run as it is; of a container it is words for its entrypoint."""
    start = service.start
    container = start.container
    if container is None:
        words = ["sh", "-c", start.command] if isinstance(start.command, str) else start.command
        return {"command": [escaped(each) for each in words]}
    found: dict[str, object] = {}
    if container.entrypoint is not None:
        found["command"] = [escaped(each) for each in container.entrypoint]
    if start.command:
        found["args"] = [escaped(each) for each in start.command]
    if container.workdir is not None:
        found["workingDir"] = container.workdir
    return found


def _selector(service: ExportService) -> dict[str, str]:
    container = service.start.container
    if container is None or container.platform is None:
        return {}
    system, _, machine = container.platform.partition("/")
    return {"kubernetes.io/os": system, "kubernetes.io/arch": machine.partition("/")[0]}
