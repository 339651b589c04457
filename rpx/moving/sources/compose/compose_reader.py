"""From compose files to a draft: the straight line, from top to bottom."""

from __future__ import annotations

from rpx.config.variables.env_files import label_of
from rpx.moving.draft import Draft
from rpx.moving.given import Given, origin
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, give_hosts, name_of
from rpx.moving.sources.compose.balancers import Balancer
from rpx.moving.sources.compose.compose_files import ComposeProject, project_name, read_project
from rpx.moving.sources.compose.compose_service import (
    Becomes,
    ComposeService,
    copies_of,
    service_from,
)
from rpx.moving.sources.compose.environment_of import texts_of
from rpx.moving.sources.compose.named_services import ServiceNames
from rpx.moving.sources.compose.order_of import oneshots
from rpx.moving.sources.compose.port_plan import plan_ports
from rpx.moving.sources.compose.service_draft import Drafting
from rpx.moving.sources.compose.traefik_labels import TraefikSaid, add_ways, read_labels
from rpx.moving.starter import host_label

# What people call the file that is laid over compose.yaml when they develop.
DEVELOPERS = (
    "compose.dev.yaml",
    "compose.dev.yml",
    "docker-compose.dev.yaml",
    "docker-compose.dev.yml",
    "compose.local.yaml",
    "compose.local.yml",
    "docker-compose.local.yml",
    "docker-compose.local.yaml",
)


def read_compose(given: Given) -> Draft:
    """The services of compose files. Raises: RpxError, ConfigError for what can't be understood."""
    draft = Draft()
    project = read_project(given.files, given.environ)
    services = _services(project, draft)
    ending = oneshots(services.values(), project, draft)
    names = ServiceNames(services)
    balancers = [
        Balancer(each, project, names, given)
        for each in services.values()
        if each.becomes is Becomes.ROUTES
    ]
    if not _has_more(services, balancers):
        for balancer in balancers:
            balancer.service.becomes = Becomes.CONTAINER
        balancers = []
    for service in services.values():
        texts = list(texts_of(service, project))
        for key, text in texts:
            names.note(key, text, service)
        names.note_bare(dict(texts), service)
    labels = _labels(services, project, draft)
    for balancer in balancers:
        balancer.look()
    plan_ports(services.values(), ending, draft)
    _copies_have_free_ports(services, project)
    drafting = Drafting(project, services, ending, names, labels, given, draft)
    drafting.add_all()
    for balancer in balancers:
        balancer.add(draft)
    add_ways((way for said in labels.values() for way in said.ways), draft)
    _about_containers(services, draft)
    _top(project, given, draft)
    _give_hosts(draft, project_name(project, given))
    return draft


def _has_more(services: dict[str, ComposeService], balancers: list[Balancer]) -> bool:
    """Whether anything is left if balancers aren't run: without it they are images like others."""
    return len(balancers) < len(services) or any(each.leaves_something for each in balancers)


def _services(project: ComposeProject, draft: Draft) -> dict[str, ComposeService]:
    found: dict[str, ComposeService] = {}
    taken: set[str] = set()
    for name, written in project.services.items():
        new = fresh(name_of(name), taken)
        taken.add(new)
        if new != name:
            why = f"`{new}` in rpx.yaml: a name has letters, digits, - and _"
            draft.carried(new, f"the name `{name}`", why, written.origin)
        found[name] = service_from(name, new, written, project)
    return found


def _labels(
    services: dict[str, ComposeService], project: ComposeProject, draft: Draft
) -> dict[str, TraefikSaid]:
    """What Traefik's labels say. Who has some is for browsers."""
    labels = {name: read_labels(each, project, draft) for name, each in services.items()}
    taken: dict[str, str] = {}
    for name, said in labels.items():
        for host in list(said.hosts):
            if (other := taken.setdefault(host, name)) != name:
                said.hosts.remove(host)
                why = f"`{other}` has the host {host} already"
                draft.lost(services[name].new, "labels: rule", why, services[name].at("labels"))
        if said.hosts or said.ways:
            services[name].referenced.setdefault(said.port or _only(services[name]), True)
    return labels


def _only(service: ComposeService) -> int:
    """The port that a balancer takes if no label says which."""
    known = [*service.exposed, *(port.inside for port in service.published)]
    known += service.dockerfile.ports if service.dockerfile else ()
    return known[0] if known else 80


def _copies_have_free_ports(services: dict[str, ComposeService], project: ComposeProject) -> None:
    for service in services.values():
        if copies_of(service, project) > 1 and not (service.behind or service.ports):
            service.address = ""


def _about_containers(services: dict[str, ComposeService], draft: Draft) -> None:
    found = [each for each in services.values() if each.becomes is Becomes.CONTAINER]
    if found:
        names = ", ".join(each.new for each in found)
        how = "run as containers" if found[1:] else "runs as a container"
        why = f"{names} {how}, by docker or podman"
        where = found[0].at("image")
        draft.carried("", "image", why, where, kept=True)
    if len(found) == len(services) > 0:
        why = (
            "all services are images: rpx starts and watches the containers, and names their pages"
        )
        draft.carried("", "services", why, found[0].origin)


def _top(project: ComposeProject, given: Given, draft: Draft) -> None:
    """What stands at the top level."""
    _about_others(given, draft)
    _about_variables(project, given, draft)
    for key, where in project.unknown:
        draft.lost("", key, "rpx doesn't know this setting of compose", where)
    for key in ("networks", "models", "jobs"):
        for name, written in project.top[key].items():
            if key != "networks" or written.mapping:
                why = "rpx has one network for a project" if key == "networks" else "rpx has none"
                draft.lost("", f"{key}: {name}", why, written.origin)
    name = project_name(project, given)
    if name != given.root.name:
        draft.top["name"] = name
        if project.name is None:
            why = f"`{name}`, as compose calls it, so that its volumes are found again"
            draft.carried(
                "", "the name", why, Origin(next(iter(project.services.values())).origin.file)
            )


def _about_variables(project: ComposeProject, given: Given, draft: Draft) -> None:
    dotenv = project.folder / ".env"
    if project.folder != given.root and dotenv.is_file():
        why = "the .env beside rpx.yaml is read, not this one: its variables aren't set there"
        hint = f"write rpx.yaml beside it: `-o {label_of(project.folder / 'rpx.yaml')}`"
        draft.lost("", ".env", why, origin(dotenv), hint)
    for variable, where in project.needed.items():
        why = "it has to be set, in the environment or in the .env beside rpx.yaml"
        draft.carried("", f"${variable}", why, where, kept=True)


def _about_others(given: Given, draft: Draft) -> None:
    """Files that may belong to it, and that compose reads only when they are named."""
    first = given.files[0]
    for name in DEVELOPERS:
        if (first.parent / name).is_file() and first.parent / name not in given.files:
            names = " ".join(label_of(file) for file in (*given.files, first.parent / name))
            why = "is here, too, and was not read: compose reads it only when it is named"
            hint = f"to have both, `rpx import --force {names}`"
            draft.guessed("", name, why, origin(first), hint)


def _give_hosts(draft: Draft, project: str) -> None:
    """Each has one below the project's, which is that of `web`, unless a balancer has it."""
    host = f"{host_label(project)}.localhost"
    if any(
        host in str(service.settings.get("to")).split("'") for service in draft.services.values()
    ):
        for service in draft.services.values():
            if service.settings.get("to") == "":
                label = host_label(service.name)
                name = {"name": service.name} if label != service.name else {}
                service.settings = {**service.settings, "to": f"{label}.{host}", **name}
    give_hosts(draft, project)
