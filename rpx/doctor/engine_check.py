"""Which container engine answers, for projects that have containers."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.doctor.findings import Finding, Status
from rpx.engine.which_engine import ABSENT, ASKED, WITHOUT_INIT, try_engine
from rpx.model.config import Config
from rpx.policy.plan import container_services

CHECK = "containers"


def engines(config: Config | None) -> Iterator[Finding]:
    """Each engine that is installed, and whether the project has one."""
    services = container_services(config) if config is not None else []
    wanted = config.containers if config is not None else None
    chosen = ""
    for name in [wanted] if wanted else ASKED:
        engine, words = try_engine(name)
        if engine is None:
            if words != ABSENT:
                yield Finding(CHECK, name, Status.OK, f"is installed, and does not answer: {words}")
            continue
        used = "" if chosen else "; it is the one that rpx uses"
        chosen = chosen or name
        detail = f"{engine.name} {words} answers, {engine.program}{used}"
        yield Finding(CHECK, name, Status.OK, detail)
        if not engine.init:
            what, _, hint = WITHOUT_INIT.partition("; to mend it, ")
            yield Finding(CHECK, "podman", Status.WARNING, what.removeprefix("podman "), hint)
    if chosen:
        return
    if services:
        who = ", ".join(f"`{service}`" for service in services)
        detail = f"none answers{f', {wanted} is wanted' if wanted else ''}, and {who} can't start"
        yield Finding(CHECK, "engine", Status.PROBLEM, detail, "start docker or podman")
    else:
        yield Finding(CHECK, "engine", Status.OK, "none answers, and no service here needs one")
