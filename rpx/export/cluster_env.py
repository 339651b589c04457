"""The variables of a container in a cluster: ConfigMaps, and Secrets that are made by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rpx.export.cluster_names import escaped, name_of_file, safe_name
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.export.service_env import Environment, Variable

_NAMED = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\})")


class ClusterEnv:
    """`maps` are the texts of each ConfigMap, by its name."""

    def __init__(self, parts: Parts, env: Environment, said: Remarked) -> None:
        self.maps: dict[str, dict[str, str]] = {}
        self._parts = parts
        self._env = env
        self._said = said
        self._told = safe_name(f"{parts.config.name}-told")

    def of(self, service: ExportService, name: str) -> dict[str, object]:
        """`envFrom` and `env` of a container."""
        texts: dict[str, str] = {}
        if self._env.told and not service.is_image:
            texts |= self._env.own(service)
            self.maps.setdefault(self._told, dict(self._env.told))
        env: list[dict[str, object]] = []
        for variable in self._env.variables(service):
            if variable.taken:
                texts.pop(variable.name, None)
                why = "a container has nothing that could be taken away"
                self._said.carried(service.family, variable.name, why, variable.at)
            elif variable.outside:
                texts.pop(variable.name, None)
                env += self._secret(service, variable, {str(each["name"]) for each in env})
            else:
                texts[variable.name] = variable.text
        sources: list[dict[str, object]] = []
        if self._told in self.maps and not service.is_image:
            sources.append({"configMapRef": {"name": self._told}})
        sources += self._files(service)
        if texts:
            own = safe_name(f"{name}-env")
            self.maps[own] = texts
            sources.append({"configMapRef": {"name": own}})
        found: dict[str, object] = {"envFrom": sources} if sources else {}
        return {**found, "env": env} if env else found

    def _files(self, service: ExportService) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for file in self._env.files(service):
            name = name_of_file(self._parts.config.name, file.path)
            optional = {} if file.required else {"optional": True}
            found.append({"secretRef": {"name": name, **optional}})
            hint = f"kubectl create secret generic {name} --from-env-file={file.path}"
            why = f"what is in {file.path} is expected in the Secret {name}, and is not written"
            self._said.carried("", "env_file", why, hint=hint)
        return found

    def _secret(
        self, service: ExportService, variable: Variable, there: set[str]
    ) -> list[dict[str, object]]:
        """A variable with texts from outside: these are asked from a Secret, and put together."""
        secret = safe_name(f"{self._parts.config.name}-env")
        found: list[dict[str, object]] = [
            {
                "name": outer,
                "valueFrom": {"secretKeyRef": {"name": secret, "key": outer}},
            }
            for outer in variable.outside
            if outer not in there and outer != variable.name
        ]
        named = variable.outside == (variable.name,) or variable.passed
        if named:
            key = {"name": secret, "key": variable.name}
            found.append({"name": variable.name, "valueFrom": {"secretKeyRef": key}})
        else:
            found.append({"name": variable.name, "value": _put_together(variable.raw)})
        why = (
            f"{', '.join(variable.outside)} is expected in the Secret {secret}, and is not written"
        )
        hint = f"kubectl create secret generic {secret} --from-literal={variable.outside[0]}=…"
        self._said.carried(service.family, variable.name, why, variable.at, hint)
        return found


def _put_together(raw: str) -> str:
    """A text with `$(NAME)` for the variables of others."""
    pieces: list[str] = []
    end = 0
    for found in _NAMED.finditer(raw):
        name = found[1] or found[2]
        pieces += [escaped(raw[end : found.start()]), f"$({name})" if name else "$"]
        end = found.end()
    return "".join([*pieces, escaped(raw[end:])])


def config_map(name: str, texts: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, object]:
    """Return the object of a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels},
        "data": dict(texts),
    }
