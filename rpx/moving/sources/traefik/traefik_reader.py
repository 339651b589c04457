"""Files of Traefik's file provider as proxies with routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft, Written
from rpx.moving.given import ForeignSource, Given
from rpx.moving.lined import Lined, read_lined
from rpx.moving.sites.assembling import Assembling
from rpx.moving.sites.web_sites import BackendPool, Rule, WebSite
from rpx.moving.sources.traefik.traefik_rules import NoSuchRule, RuleParts, parts_of
from rpx.moving.sources.traefik.traefik_services import (
    Middled,
    low,
    pool_of_service,
    treatment_of,
)

_LIKE = re.compile(r"^\s+routers:", re.MULTILINE)
_NO_MEANING = {"entrypoints", "priority", "service", "rule", "middlewares", "tls", "rulesyntax"}


def read(given: Given) -> Draft:
    """The draft of one file, or of those that a traefik.yml names. Raises: RpxError."""
    draft = Draft()
    sites: dict[str, WebSite] = {}
    for path in _dynamic(given.files[0], draft):
        tree = read_lined(path)
        for key in tree.mapping:
            if key not in {"http", "tls"}:
                why = "rpx proxies HTTP" if key in {"tcp", "udp"} else "is about Traefik itself"
                draft.lost("", key, why, tree.at(key))
        _routers(low(tree.get("http")), sites, draft)
    if not sites:
        raise RpxError(
            f"{given.files[0].name} has no routers",
            where=str(given.files[0]),
            hint="import the file of the dynamic configuration, with `http: routers:`",
            exit_code=Exit.USAGE,
        )
    Assembling(draft).add(list(sites.values()))
    return draft


def _dynamic(path: Path, draft: Draft) -> Iterator[Path]:
    """The files with routers: this one, or those that its `providers` name."""
    tree = read_lined(path)
    if tree.get("http") is not None:
        yield path
        return
    for key in tree.mapping:
        if key != "providers":
            draft.carried("", key, "is about how Traefik itself works", tree.at(key))
    file = low(low(tree.get("providers")).get("file"))
    for key, said in file.items():
        there = path.parent / said.text.rpartition("/")[2]
        if key == "filename" and there.is_file():
            yield there
        elif key == "directory" and there.is_dir():
            yield from sorted([*there.glob("*.y*ml")])
        elif key in {"filename", "directory"}:
            draft.lost("", said.text, "isn't here", said.origin, "import it by its name")


def _routers(http: dict[str, Lined], sites: dict[str, WebSite], draft: Draft) -> None:
    services, middlewares = low(http.get("services")), low(http.get("middlewares"))
    routers = http["routers"].mapping if "routers" in http else {}
    # The one with the longest rule is asked first, but for what `priority` says.
    ordered = sorted(routers.items(), key=lambda item: -_priority(low(item[1])))
    for name, router in ordered:
        _router(name, router, services, middlewares, sites, draft=draft)


def _router(
    name: str,
    router: Lined,
    services: dict[str, Lined],
    middlewares: dict[str, Lined],
    sites: dict[str, WebSite],
    *,
    draft: Draft,
) -> None:
    said = low(router)
    for key, value in said.items():
        if key not in _NO_MEANING:
            draft.lost("", f"{name}: {key}", "rpx has nothing for it", value.origin)
    if (rule := said.get("rule")) is None:
        draft.lost("", name, "has no rule", router.origin)
        return
    try:
        found = parts_of(rule.text)
    except NoSuchRule as error:
        hint = "`path`, `method`, `headers` and `query` of a route"
        draft.lost("", f"{name}: rule", str(error), rule.origin, hint)
        return
    names = [item.text for item in said["middlewares"].items] if "middlewares" in said else []
    treatment = treatment_of(names, middlewares, draft, router)
    if treatment.to_https and "tls" not in said:
        why = "`https` sends clients there by itself"
        draft.carried("", f"{name}: redirectScheme", why, router.origin)
        return
    pool = pool_of_service(_text(said, "service"), services, draft, router)
    if pool is not None:
        _add(found, rule, pool, treatment, sites, https="tls" in said)


def _text(said: dict[str, Lined], key: str) -> str:
    return said[key].text if key in said else ""


def _priority(router: dict[str, Lined]) -> int:
    priority, rule = router.get("priority"), router.get("rule")
    if priority is not None and priority.text.isdigit() and int(priority.text):
        return int(priority.text)
    return len(rule.text) if rule is not None else 0


def _add(
    found: list[RuleParts],
    rule: Lined,
    pool: BackendPool,
    treatment: Middled,
    sites: dict[str, WebSite],
    *,
    https: bool,
) -> None:
    """Put a rule into the sites of its hosts."""
    for parts in found:
        hosts = parts.hosts or ["*"]
        site = sites.setdefault(" ".join(hosts), WebSite(rule.origin, hosts))
        if https:
            site.https = True
        made = Rule(rule.origin, pool, tuple(parts.paths), dict(parts.conditions))
        made.request, made.response = treatment.request, treatment.response
        made.cors, made.auth = treatment.cors, treatment.auth
        made.change = dict(treatment.change)
        site.rules += _changed(made, treatment)


def _changed(rule: Rule, treatment: Middled) -> list[Rule]:
    """A rule, with what becomes of its path; one for each prefix that is cut off."""
    if rule.change and not rule.paths:
        return [replace(rule, paths=("/*",))]
    found: list[Rule] = []
    for prefix in treatment.prefixes:
        change: Written = {"strip_prefix": prefix}
        paths = tuple(p for p in rule.paths if p == prefix or p.startswith(f"{prefix}/"))
        if not rule.paths:
            found.append(replace(rule, paths=(f"{prefix}/*",), change=change))
        elif paths:
            found.append(replace(rule, paths=paths, change=change))
    rest = tuple(p for p in rule.paths if not any(p in each.paths for each in found))
    if rest or not rule.paths or not found:
        found.append(replace(rule, paths=rest))
    return found


TRAEFIK = ForeignSource(
    "a file of Traefik",
    ("traefik.yml", "traefik.yaml", "dynamic.yml", "dynamic.yaml", "dynamic_conf.yml"),
    read,
    lambda text: bool(_LIKE.search(text) and re.search(r"rule:\s", text)),
    found=lambda folder: tuple(
        path for name in ("traefik.yml", "traefik.yaml") if (path := folder / name).is_file()
    )[:1],
)
