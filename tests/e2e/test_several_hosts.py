"""One proxy with several hosts: all that knows of one knows of each, with real clients."""

from __future__ import annotations

import json

import pytest

from tests.e2e.test_any_host import curl, everywhere
from tests.support.machine import TEXT, Machine
from tests.support.project import Project

pytestmark = pytest.mark.real

SEVERAL = """
name: NAME
https: {redirect: false}
proxies:
  - to: [NAME.localhost, www.NAME.localhost, my_app.localhost/deep, "bücher.test"]
    from: "localhost:ONE"
    sticky: true
    start: PYTHON APPS/ok.py
  - {to: my_app.localhost, from: "localhost:TWO", start: PYTHON APPS/ok.py}
"""
HOSTS = ("shop.localhost", "www.shop.localhost", "bücher.test")
ASCII = ("shop.localhost", "www.shop.localhost", "my_app.localhost", "xn--bcher-kva.test")


def test_a_proxy_is_served_at_each_of_its_hosts_and_known_by_all(machine: Machine) -> None:
    shop, blog = machine.project("shop", SEVERAL), machine.project("blog")
    with shop.up(), blog.up():
        port, end = machine.ports["shop"], f":{machine.https}"
        for host in HOSTS:
            for text in everywhere(machine, host):
                assert json.loads(text)["port"] == port
        for path, there in (("/deep/x", True), ("/", False)):
            for text in everywhere(machine, "my_app.localhost", path):
                assert (json.loads(text)["port"] == port) is there
        for host, path in (("www.shop.localhost", "/"), ("my_app.localhost", "/deep")):
            head = curl(machine, "http", host, f"{path}?x", "-i").stdout
            assert f"; Path={path};" in head

        (row, _) = shop.ps()
        urls = [f"https://{host}{end}" for host in ASCII]
        urls[2] += "/deep"
        assert [row["url"], *row["other_urls"]] == urls
        (member,) = [each for each in machine.roster.members if each.project == "shop"]  # type: ignore[union-attr]
        assert sorted(member.hosts) == sorted((*ASCII, "shop.rpx.localhost"))
        shop.until_said("this system does not know xn--bcher-kva.test")
        for text in (
            curl(machine, "http", "rpx.localhost").stdout,
            curl(machine, "http", "my_app.localhost", "/", "-H", "Host: x.localhost").stdout,
        ):
            assert all(url in text for url in urls)
        assert set(json.loads(shop.rpx("stats", "--json").stdout)) == {
            "shop.localhost",
            "my_app.localhost",
        }
        _all_are_checked_and_can_be_added(shop)
        _the_list_changes_while_it_runs(machine, shop, blog)


def _all_are_checked_and_can_be_added(shop: Project) -> None:
    rows = json.loads(shop.rpx("check", "--json").stdout)
    assert rows[0]["also"] == ["www.shop.localhost", "my_app.localhost/deep", "xn--bcher-kva.test"]
    assert "www.shop.localhost" in shop.rpx("check").stdout
    file = shop.folder / "hosts"
    file.write_text("127.0.0.1 localhost\n")
    assert shop.rpx("hosts", "add", "--hosts-file", str(file)).returncode == 0
    assert "xn--bcher-kva.test" in file.read_text()
    names = json.loads(shop.rpx("doctor", "--json").stdout)
    assert set(ASCII) <= {each["subject"] for each in names if each["check"] == "names"}


def _the_list_changes_while_it_runs(machine: Machine, shop: Project, blog: Project) -> None:
    file = shop.folder / "rpx.yaml"
    before, pid = file.read_text(), shop.ps()[0]["pid"]
    file.write_text(before.replace("www.shop.localhost", "ws.blog.localhost"))
    done = shop.rpx("reload")
    assert done.returncode == 1
    assert "`ws.blog.localhost` is the name of the project `blog`" in done.stderr
    file.write_text(before.replace("www.shop.localhost", "new.shop.localhost"))
    done = shop.rpx("reload")
    assert done.returncode == 0, done.stderr
    assert "change shop.localhost: to" in done.stdout + done.stderr
    for text in everywhere(machine, "new.shop.localhost"):
        assert json.loads(text)["port"] == machine.ports["shop"]
    assert "www.shop.localhost" in curl(machine, "http", "www.shop.localhost").stdout
    assert shop.ps()[0]["pid"] == pid
    third = machine.project("third", TEXT.replace("ws.NAME.localhost", "new.shop.localhost"))
    assert "`new.shop.localhost` is the name of the project `shop`" in third.rpx("up").stderr
    assert machine.answers("blog")
    assert blog.ps()
