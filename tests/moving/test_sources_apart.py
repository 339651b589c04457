"""Several sources of one folder: who keeps a name or a host that two of them have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rpx.config import load_config
from rpx.errors import RpxError
from rpx.moving.found import draft_of, found_in
from rpx.moving.writing import text_of

NGINX = """\
server {
  server_name shop.localhost;
  location / { proxy_pass http://localhost:3000; }
  location /ui/ { proxy_pass http://localhost:4001/; }
  location /again/ { proxy_pass http://localhost:4001/; }
}
server { server_name web.localhost; location / { proxy_pass http://localhost:4002; } }
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX)
    (folder / "Procfile").write_text("web: serve -p 3000\nui: serve -p 4000\n")
    return folder


def test_sites_of_a_web_server_stand_beside_what_a_procfile_runs(shop: Path) -> None:
    text = text_of(draft_of(found_in(shop), shop, {}))
    load_config(shop / "rpx.yaml", {}, text=text)
    entries = {entry["to"]: entry for entry in yaml.safe_load(text)["proxies"]}
    # FOLDER.localhost was made up for `web` of the Procfile; nginx's was written.
    assert {host: entry.get("name") for host, entry in entries.items()} == {
        "web.shop.localhost": "web",
        "ui.shop.localhost": None,
        "shop.localhost": None,
        "web.localhost": "web-site",
    }
    routes = entries["shop.localhost"]["routes"]
    names = [route.get("name", route.get("proxy")) for route in routes]
    assert names == [None, "ui-route", None, "ui-route"]


def test_two_that_listen_at_one_port_are_not_both_there(shop: Path) -> None:
    (shop / "nginx.conf").unlink()
    (shop / "Procfile").write_text("web: serve -p 3000\napi: other -p 3000\n")
    draft = draft_of(found_in(shop), shop, {})
    load_config(shop / "rpx.yaml", {}, text=text_of(draft))
    assert "from" not in draft.services["api"].settings
    (lost,) = draft.losses
    assert (lost.service, lost.origin.line) == ("api", 2)


def test_a_circle_is_refused_by_the_line_that_it_begins_in(shop: Path) -> None:
    (shop / "Procfile").unlink()
    (shop / "process-compose.yaml").write_text(
        "processes:\n  a: {command: x, depends_on: {b: {condition: process_started}}}\n"
        "  b: {command: x, depends_on: {a: {condition: process_started}}}\n"
    )
    with pytest.raises(RpxError, match="waits for itself") as refused:
        draft_of(found_in(shop), shop, {})
    assert "process-compose.yaml:" in refused.value.problems[0].where
