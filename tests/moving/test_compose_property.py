"""Whatever compose file there is: what comes of it loads, and nothing of it is lost in silence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.moving.support import moved
from tests.support.examples import times

NAMES = ["web", "api", "db", "Big_Name", "a.b", "x-1", "0"]
_names = st.sampled_from(NAMES)
_port = st.sampled_from([80, 443, 3000, 5432, 6379, 8000, 8080, 9229])
_ports = st.lists(
    st.one_of(
        st.builds("{}:{}".format, _port, _port),
        st.builds("127.0.0.1:{}:{}".format, _port, _port),
        st.builds("${{P:-{}}}:{}".format, _port, _port),
        st.builds("{}/udp".format, _port),
        _port,
        st.just("3000-3002:3000-3002"),
        st.builds(lambda a, b: {"target": a, "published": str(b), "mode": "host"}, _port, _port),
    ),
    max_size=3,
)
_values = st.sampled_from(
    ["", "1", "yes", "db", "postgres://db:5432/x", "http://api:8000", "$$HOME", "${A:-b}", "a b: c",
     "redis://web", "é\n#", "{}", "*x"]
)  # fmt: skip
_env = st.one_of(
    st.dictionaries(st.sampled_from(["A", "PORT", "DB_HOST", "x.y"]), _values | st.none()),
    st.lists(st.builds("{}={}".format, st.sampled_from(["A", "URL"]), _values) | st.just("Q")),
)
_command = st.sampled_from(
    ["run it", ["run", "it now", "$$X"], "sh -c 'a && b'", "x $${A} ${B:-c}", "a\nb", "",
     "serve -p 8000", ["serve", "db:5432"], 'echo "a']
)  # fmt: skip
_volume = st.sampled_from(
    [
        "data:/data",
        ".:/app",
        "/cache",
        "./gone:/x:ro",
        "/run/d.sock:/s",
        "~/x:/y:delegated",
    ]
)
_test = st.sampled_from(
    ["curl -f http://localhost:8000/up", ["CMD", "true"], ["CMD-SHELL", "a || exit 1"], ["NONE"]]
)


def _service(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    others = st.sampled_from(names)
    conditions = ["service_started", "service_healthy", "service_completed_successfully"]
    return st.fixed_dictionaries(
        {},
        optional={
            "image": st.sampled_from(
                ["postgres:16", "redis", "nginx", "node:20", "traefik", "me/it", "adminer", "caddy"]
            ),
            "build": st.sampled_from([".", {"context": ".", "args": {"A": 1}}, "./gone"]),
            "command": _command,
            "entrypoint": _command,
            "ports": _ports,
            "expose": st.lists(_port.map(str), max_size=2),
            "environment": _env,
            "env_file": st.sampled_from([".env", ["x.env", {"path": "y.env", "required": False}]]),
            "volumes": st.lists(_volume, max_size=3, unique=True),
            "depends_on": st.dictionaries(
                others,
                st.builds(lambda c: {"condition": c}, st.sampled_from(conditions)),
                max_size=2,
            ),
            "restart": st.sampled_from(["no", "always", "on-failure:3", "unless-stopped"]),
            "healthcheck": st.builds(
                lambda t, i: {"test": t, "interval": i},
                _test,
                st.sampled_from(["1s", "1m30s", "0s"]),
            ),
            "profiles": st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True),
            "deploy": st.builds(lambda n: {"replicas": n}, st.integers(0, 3)),
            "tty": st.booleans(),
            "working_dir": st.just("/app"),
            "stop_grace_period": st.sampled_from(["1s", "1m"]),
            "labels": st.just({"traefik.http.routers.a.rule": "Host(`a.localhost`)"}),
            "container_name": _names,
        },
    )


def _always_with(needed: dict[str, Any], service: dict[str, Any]) -> bool:
    """Whether a run of the one has the other: else Compose refuses the file, too."""
    theirs, ours = needed.get("profiles"), service.get("profiles")
    return not theirs or (bool(ours) and set(ours or ()) <= set(theirs))


@st.composite
def _projects(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(_names, min_size=1, max_size=4, unique=True))
    services = {name: draw(_service(names)) for name in names}
    for at, name in enumerate(names):  # nobody waits for who comes later: no circles
        waits = services[name].get("depends_on", {})
        services[name]["depends_on"] = {
            key: how
            for key, how in waits.items()
            if key in names[:at] and _always_with(services[key], services[name])
        }
    always = {"build": ".", "command": "run it"}  # also where no other service has the profile
    return {"services": {**services, "always": always}}


@times(0.4)  # each takes a tenth of a second
@given(_projects(), st.sampled_from(["a", "b"]))
def test_whatever_compose_file_there_is_what_comes_of_it_loads(
    project: dict[str, Any], profile: str
) -> None:
    """With one profile: services that no run has both of may have one port."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environ = {"RPX_PROFILES": profile}
        found = moved(root, {"compose.yaml": json.dumps(project)}, environ=environ, profiles=())
        remarks = {(remark.service, remark.what) for remark in found.draft.remarks}
        told = {service for service, _ in remarks}
        for name, service in project["services"].items():
            new = name.replace(".", "-")
            assert new in found.draft.services or new in told
            if service.get("container_name"):
                gone = new not in found.draft.services
                assert gone or (new, "container_name") in remarks
