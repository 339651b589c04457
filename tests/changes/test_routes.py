"""Routes change while each of them is asked all the time: no request fails, nothing restarts."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.support.live import clients, live
from tests.support.project import free_ports

pytestmark = pytest.mark.real

PATHS: Final = ("/api/x", "/web", "/file", "/fixed", "/rest")
API: Final = "{path: /api/*, name: api, strip_prefix: /api, from: API, start: RUN}"
WEB: Final = "{path: /web, proxy: web}"
FILE: Final = "{path: /file, static: public, name: file}"
FIXED: Final = '{path: /fixed, respond: {body: "7"}, name: fixed}'


def written(*routes: str, ports: list[int], shop: str = "", more: str = "") -> str:
    """The shop with these routes. `shop`: what answers all the rest, unless it is a process."""
    first, second, third, fourth = ports
    text = "proxies:\n"
    text += f"  - to: shop.localhost\n    {shop or f'from: {first}'}\n"
    text += "" if shop else "    start: RUN\n"
    text += "    routes:\n" + "".join(f"      - {route}\n" for route in routes)
    text += more + f"  - {{to: web.localhost, name: web, from: {second}, start: RUN}}\n"
    return text.replace("API", f"[{third}, {fourth}]" if "TWO" in text else f"{third}").replace(
        "TWO, ", ""
    )


async def test_no_route_loses_a_request_while_all_of_them_change(tmp_path: Path) -> None:
    ports = free_ports(4)
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "file").write_text("5")
    (tmp_path / "public" / "index.html").write_text("6")
    whole = written(API, WEB, FILE, FIXED, ports=ports)
    rules = "    headers: {response: {set: {X-A: a}}}\n    cors: true\n"
    first, third, fourth = f"shop:{ports[0]}", f"api:{ports[2]}", f"api:{ports[3]}"
    two = API.replace("from", "TWO, from")
    files = "static: {dir: public, spa: true}"
    by_id = API.replace("/api/*", "/api/:id")
    changes = [
        (
            written(API, WEB, ports=ports),
            "routes (route file removed; route fixed removed)",
        ),
        (
            written(FIXED, WEB, API, FILE, ports=ports),
            "routes (route fixed added; route file added; another order)",
        ),
        (
            written(API, WEB, FILE, FIXED, ports=ports, more=rules),
            "headers, cors, routes (another order)",
        ),
        (whole, "headers, cors"),
        (written(two, WEB, FILE, FIXED, ports=ports), ""),
        (written(by_id, WEB, FILE, FIXED, ports=ports), "routes (route api: path)"),
        (
            written(API, WEB, FILE, FIXED, ports=ports, shop=files),
            "from, static, routes (route api: path)",
        ),
        (whole, "static, from"),
    ]
    async with live(tmp_path, whole) as it:
        before = it.pids
        async with AsyncExitStack() as stack:
            asking = [
                await stack.enter_async_context(clients(it, "shop.localhost", count=2, path=path))
                for path in PATHS
            ]
            for text, said in changes:
                sentences = await it.reload(text)
                changed = [each for each in sentences if each.startswith("change shop.localhost")]
                assert changed == ([f"change shop.localhost: {said}"] if said else [])
                for each in asking:
                    await each.answered(5)
        assert before[third] in asking[0].answers
        assert {5, 6} <= set(asking[2].answers) | set(asking[4].answers)
        assert 7 in asking[3].answers
        assert it.pids[third] == before[third]
        assert it.pids[first] != before[first]  # it was gone while the shop was files
        assert fourth not in it.pids
