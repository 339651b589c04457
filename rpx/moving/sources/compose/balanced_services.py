"""Sites of a balancer that lead to one service alone: they are the proxy of that service."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from rpx.model.late import address_variable, url_variable
from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.service_names import name_of
from rpx.moving.sources.compose.compose_service import ComposeService

# What belongs to backends, beside their addresses.
_OF_A_POOL = ("strategy", "sticky", "hold", "health_check", "change_origin")


def copies_address(service: ComposeService) -> str:
    """What stands in a site for the copies of a service, which have no address of their own yet."""
    return f"{service.new}.copies:{service.page}"


class BalancedServices:
    """Gives services the hosts under which a balancer has sent requests to them, with all that its
    site says: one entry for both, in the place of a proxy beside the service.
    """

    def __init__(
        self, draft: Draft, services: Iterable[ComposeService], own_names: Collection[str]
    ) -> None:
        """`own_names` are those that the balancer itself has in compose's network."""
        self.renamed: dict[str, str] = {}  # names of sites and routes: what they are called now
        self._draft = draft
        self._own_names = own_names
        self._called: dict[str, list[str]] = {}  # names in compose's network, by site
        self._taken: dict[str, Written] = {}  # what sites have said of backends, by service
        self._by_address: dict[object, str] = {}
        for each in services:
            self._by_address[each.address or copies_address(each)] = each.new

    def only_for_browsers(self, site: DraftService) -> None:
        """Take the names of compose's network out of the hosts of a site: nobody is in it now."""
        hosts = site.settings["to"]
        if isinstance(hosts, list):
            self._called[site.name] = [host for host in hosts if host in self._own_names]
            left = [host for host in hosts if host not in self._own_names] or hosts
            site.settings["to"] = left if len(left) > 1 else left[0]

    def take(self, site: DraftService) -> bool:
        """Whether a service has the site now: it is the only one that the site leads to, and has no
        other host.
        """
        settings = site.settings
        service = self._service(settings)
        hosts = settings["to"]
        if service is None or "*" in hosts or service.settings.get("to") != "":
            return False
        first = hosts if isinstance(hosts, str) else hosts[0]
        found: Written = {"to": hosts}
        if name_of(first.partition("/")[0].partition(".")[0]) != service.name:
            found["name"] = service.name
        found |= {key: said for key, said in service.settings.items() if key != "to"}
        rest = {key: said for key, said in settings.items() if key not in {"name", "from"}}
        found |= {key: said for key, said in rest.items() if key not in found}
        if routes := found.pop("routes", None):  # the longest stands last
            found["routes"] = routes
        service.settings = found
        self._taken[service.name] = _of_a_pool(settings)
        self.renamed[site.name] = service.name
        return True

    def lead(self, found: Draft) -> None:
        """Let routes lead to services, where they would have the same backends once more."""
        sites = [*found.services.values(), *(self._draft.services[each] for each in self._taken)]
        routes = [route for site in sites for route in site.settings.get("routes", ())]
        for route in routes:
            self._lead(route)
        for route in routes:
            if "proxy" in route:
                route["proxy"] = self.renamed.get(route["proxy"], route["proxy"])
        for site in sites:
            for written in (site.settings, *site.settings.get("routes", ())):
                self._without_copies(written)

    def tell(self) -> None:
        """Let services that have asked the balancer by a name of compose's network ask rpx."""
        for site, names in self._called.items():
            proxy = self.renamed.get(site, site)
            for name in names:
                for service in self._draft.services.values():
                    start = service.settings.get("start") if service.is_proxy else service.settings
                    if isinstance(start, dict) and isinstance(env := start.get("env"), dict):
                        start["env"] = {
                            key: _asking(said, name, proxy) for key, said in env.items()
                        }

    def _lead(self, route: Written) -> None:
        service = self._service(route)
        said = _of_a_pool(route)
        if service is None or said != self._taken.get(service.name, {}):
            return
        if "name" in route:
            self.renamed[route["name"]] = service.name
        left = {word: value for word, value in route.items() if word not in {"name", *said}}
        route.clear()
        for word, value in left.items():
            new = word == "from"
            route["proxy" if new else word] = service.name if new else value

    def _service(self, written: Written) -> DraftService | None:
        """The service that is all the backends of a site or route."""
        said = written.get("from")
        address = said.get("address") if isinstance(said, dict) else said
        name = self._by_address.get(address) if isinstance(address, str) else None
        return self._draft.services.get(name or "")

    def _without_copies(self, written: Written) -> None:
        """Copies among other backends, or treated in another way: one of them, with an address."""
        said = written.get("from")
        for each in said if isinstance(said, list) else [said]:
            address = each.get("address") if isinstance(each, dict) else each
            host, _, port = str(address).rpartition(":")
            name = host.removesuffix(".copies")
            if name == host or name not in self._draft.services:
                continue
            service, here = self._draft.services[name], f"localhost:{port}"
            if service.settings.pop("replicas", None) is not None:
                why = "only what no other entry has among its backends can have copies"
                self._draft.lost(name, "replicas", why, service.origin, "write an entry for each")
                first = {"to": service.settings["to"], "from": here}
                service.settings = {**first, **service.settings}
            if isinstance(each, dict):
                each["address"] = here
            elif isinstance(said, list):
                said[said.index(each)] = here
            else:
                written["from"] = here


def _asking(said: object, name: str, proxy: str) -> object:
    """A value of `env` in which the balancer's name becomes the address of a proxy."""
    if not isinstance(said, str):
        return said
    called = re.escape(name)
    said = re.sub(rf"http://{called}(?::\d+)?(?![\w.:@-])", f"${url_variable(proxy)}", said)
    return re.sub(rf"(?<![\w.-]){called}:\d+(?!\d)", f"${address_variable(proxy)}", said)


def _of_a_pool(written: Written) -> Written:
    return {key: written[key] for key in _OF_A_POOL if key in written}
