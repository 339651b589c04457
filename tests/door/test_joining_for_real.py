"""A real door with small members: who gets which client, through all that comes and goes."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from rpx.door.asked import PREFACE
from rpx.door.asked_http2 import SETTINGS
from rpx.door.door_frames import ALONE, HALT, OTHERS, STATE, TAKE, json_frame
from rpx.door.roster import read_known, read_roster
from tests.support.doors import (
    PATIENCE,
    DoorOfTest,
    FakeMember,
    ask,
    free_port,
    members,
    raw,
    retire,
    until,
)
from tests.support.hellos import hello, http2, in_records

pytestmark = pytest.mark.real
BOTH = ({"tls": False, "port": None}, {"tls": True, "port": None})


def test_each_name_leads_to_its_project_over_both_families(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", "*.ten.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost", "x.ten.localhost").joined()
    with members(shop, blog):
        for address in ("127.0.0.1", "::1"):
            for host, whose in (
                ("api.localhost", "shop"),
                ("API.localhost.:80", "shop"),
                ("any.ten.localhost", "shop"),
                ("blog.localhost", "blog"),
                ("x.ten.localhost", "blog"),  # the whole name goes before the wildcard
            ):
                assert ask(door.http, host, address=address).text == whose
        roster = door.roster()
        assert [each.project for each in roster.members] == ["shop", "blog"]
        assert (roster.http, roster.https) == (door.http, 0)
        assert roster.members[0].hosts == ("api.localhost", "*.ten.localhost")


def test_a_name_that_somebody_holds_is_refused_with_whose_it_is(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", "*.x.test").joined()
    blog = FakeMember(door, "blog", "blog.localhost", "api.localhost")
    wild = FakeMember(door, "wild", "*.x.test")
    with members(shop, blog, wild):
        until(lambda: blog.refused and wild.refused)
        assert blog.refused is not None
        assert blog.refused["kind"] == "host"
        assert blog.refused["name"] == "api.localhost"
        holder = blog.refused["holder"]
        assert (holder["project"], holder["pid"]) == ("shop", os.getpid())
        assert holder["folder"] == shop.about["folder"]
        assert holder["since"] > 0
        assert wild.refused is not None
        assert wild.refused["name"] == "*.x.test"
        assert ask(door.http, "api.localhost").text == "shop"
        assert ask(door.http, "blog.localhost").status == 404  # all or nothing
        shop.kill()
        blog.hello()
        assert blog.joined().welcomes == 1
        assert ask(door.http, "api.localhost").text == "blog"


def test_a_reload_changes_the_names_at_once_or_none(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(shop, blog):
        blog.hello(hosts=["new.localhost", "api.localhost"])
        until(lambda: blog.refused)
        blog.about["hosts"] = ["blog.localhost", "new.localhost"]  # by what it serves itself
        assert ask(door.http, "blog.localhost").text == "blog"
        assert ask(door.http, "new.localhost").status == 404
        blog.hello(hosts=["new.localhost"])
        blog.joined()
        assert ask(door.http, "new.localhost").text == "blog"
        assert ask(door.http, "blog.localhost").status == 404


def test_a_member_with_a_wildcard_hears_which_names_below_it_are_of_others(
    door: DoorOfTest,
) -> None:
    door.start()
    shop = FakeMember(door, "shop", "*.localhost").joined()

    def told() -> list[list[str]]:
        return [json.loads(payload)["hosts"] for kind, payload in shop.heard if kind == OTHERS]

    blog = FakeMember(door, "blog", "blog.localhost", "blog.test").joined()
    with members(shop, blog):
        until(lambda: told() == [["blog.localhost"]])
        blog.hello(hosts=["news.localhost"])
        until(lambda: told()[1:] == [["news.localhost"]])
        blog.kill()
        until(lambda: told()[2:] == [[]])
        assert OTHERS not in blog.kinds()


def test_who_takes_any_gets_whom_nobody_else_is_to_have(door: DoorOfTest) -> None:
    door.start()
    blog = FakeMember(door, "blog", "blog.localhost", entrances=BOTH).joined()
    shop = FakeMember(door, "shop", "*", entrances=BOTH).joined()
    with members(shop, blog):
        for host in ("x.test", "127.0.0.1", "localhost", "example.com", "a.b.c.localhost"):
            assert ask(door.http, host).text == "shop", host
        assert ask(door.http, "blog.localhost").text == "blog"
        assert raw(door.http, b"GET / HTTP/1.0\r\nConnection: close\r\n\r\n").text == "shop"
        for name, member in (("x.test", shop), (None, shop), ("blog.localhost", blog)):
            with socket.create_connection(("127.0.0.1", door.https), PATIENCE) as sock:
                before = member.kinds().count(TAKE)
                sock.sendall(hello(name))
                assert sock.recv(99).endswith(b"TLS")
                assert member.kinds().count(TAKE) == before + 1
        with socket.create_connection(("127.0.0.1", door.http), PATIENCE) as sock:
            before = shop.kinds().count(TAKE)
            sock.sendall(http2((":method", "GET"), (":authority", "x.test"), huffman=True))
            until(lambda: shop.kinds().count(TAKE) == before + 1)

        # The door's own page stays its own, and no web site can read it by its name.
        page = ask(door.http, "rpx.localhost")
        assert page.status == 200
        assert "blog.localhost" in page.text
        assert not shop.astray
        thief = FakeMember(door, "thief", "thief.localhost", "*")
        until(lambda: thief.refused)
        assert thief.refused is not None
        assert (thief.refused["name"], thief.refused["holder"]["project"]) == ("*", "shop")
        thief.kill()

        # A name that somebody takes leaves it at once, and comes back.
        news = FakeMember(door, "news", "x.test", "*.c.localhost").joined()
        with members(news):
            assert ask(door.http, "x.test").text == "news"
            assert ask(door.http, "a.c.localhost").text == "news"
            assert ask(door.http, "b.a.c.localhost").text == "shop"
        until(lambda: ask(door.http, "x.test").text == "shop")
        shop.leave()
        until(lambda: ask(door.http, "y.test").status == 404)
        assert "blog" not in ask(door.http, "example.com").text


def test_a_connection_that_asks_for_another_project_changes_hands(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    one, other = (
        f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
        for name in ("api.localhost", "blog.localhost")
    )
    with members(shop, blog), socket.create_connection(("127.0.0.1", door.http)) as sock:
        sock.settimeout(PATIENCE)
        sock.sendall((one + other) * 20 + b"GET / HTTP/1.0\r\nHost: nobody.localhost\r\n\r\n")
        data = b""
        while more := sock.recv(65536):
            data += more
        bodies = [each[:4] for each in data.split(b"\r\n\r\n")[1:41]]
        assert bodies == [b"shop", b"blog"] * 20
        assert b"404 Unknown host" in data  # what nobody has is answered by the door


def test_who_is_alone_accepts_for_itself_until_somebody_comes(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", accepts=True).joined()
    with members(shop):
        until(lambda: ALONE in shop.kinds())
        assert ask(door.http, "api.localhost").text == "shop"
        assert TAKE not in shop.kinds()
        assert ask(door.http, "localhost").status == 200  # given back, and answered by the door
        blog = FakeMember(door, "blog", "blog.localhost", accepts=True).joined()
        with members(blog):
            until(lambda: HALT in shop.kinds())
            assert ask(door.http, "blog.localhost").text == "blog"
            assert ask(door.http, "api.localhost").text == "shop"
            assert TAKE in shop.kinds()
        until(lambda: shop.kinds().count(ALONE) == 2)
        assert ask(door.http, "api.localhost").text == "shop"
        assert ask(door.http, "blog.localhost").status == 503


def test_who_is_alone_and_does_not_stop_holds_nobody_up(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", accepts=True).joined()
    with members(shop):
        until(lambda: ALONE in shop.kinds())
        shop.do(lambda: shop._selector.unregister(shop.listeners[0][0]))
        shop.hung.set()
        blog = FakeMember(door, "blog", "blog.localhost").joined()
        with members(blog):
            assert ask(door.http, "blog.localhost").text == "blog"
        shop.hung.clear()


def test_a_port_of_ones_own_is_shared_by_those_who_name_it(door: DoorOfTest) -> None:
    door.start()
    port = free_port()
    own = ({"tls": False, "port": port},)
    shop = FakeMember(door, "shop", "api.localhost", entrances=own).joined()
    blog = FakeMember(door, "blog", "blog.localhost", entrances=own).joined()
    plain = FakeMember(door, "plain", "plain.localhost").joined()
    with members(shop, blog, plain):
        assert ask(port, "api.localhost").text == "shop"
        assert ask(port, "blog.localhost").text == "blog"
        assert ask(port, "plain.localhost").status == 404
        assert ask(door.http, "api.localhost").status == 404
        assert f"http://api.localhost:{port}" in ask(door.http, "api.localhost").text
        shop.kill()
        blog.kill()
        until(lambda: len(door.roster().members) == 1)
        with pytest.raises(ConnectionRefusedError):
            ask(port, "blog.localhost")


def test_a_port_of_somebody_else_is_refused_and_nothing_stays_open(door: DoorOfTest) -> None:
    door.start()
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        entrances = {"tls": False, "port": port}, {"tls": False, "port": taken}
        shop = FakeMember(door, "shop", "api.localhost", entrances=entrances)
        with members(shop):
            until(lambda: shop.refused)
            assert shop.refused == {"kind": "port", "port": taken, "errno": 98}
            with pytest.raises(ConnectionRefusedError):
                ask(port, "api.localhost")


def test_usual_ports_that_are_taken_give_way_and_the_place_is_remembered(tmp_path: Path) -> None:
    """Only with ports nobody chose; which these are depends on the machine."""
    door = DoorOfTest(tmp_path)
    try:
        door.start()
        shop = FakeMember(door, "shop", "api.localhost", prefer={}).joined()
        with members(shop):
            assert shop.welcome is not None
            (given,) = shop.welcome["entrances"]
            assert given["usual"] == 80
            assert bool(given["errno"]) == (given["port"] != 80)
            assert ask(given["port"], "api.localhost").text == "shop"
            kept = json.loads((door.place.state / "ports.json").read_text())
            assert kept == {"http": given["port"]}
    finally:
        door.close()


def test_a_name_whose_project_has_ended_says_how_to_start_it(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", realm="login", start="rpx up -f x.yaml")
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(shop.joined(), blog):
        shop.leave()
        until(lambda: [each.project for each in door.roster().members] == ["blog"])
        answer = ask(door.http, "api.localhost")
        assert answer.status == 503
        assert "Retry-After: 1" in answer.head
        assert f"cd {shop.about['folder']} && rpx up -f x.yaml" in answer.text
        page = ask(door.http, "localhost").text
        assert "shop (login): cd " in page
        until(lambda: [each.project for each in read_known(door.place)] == ["shop", "blog"])
        again = FakeMember(door, "shop", "api.localhost", realm="login").joined()
        with members(again):
            assert ask(door.http, "api.localhost").text == "shop"
        until(lambda: ask(door.http, "api.localhost").status == 503)
        wild = FakeMember(door, "wild", "*.localhost").joined()
        wild.leave()
        until(lambda: "wild isn't running" in ask(door.http, "any.localhost").text)
        assert "shop isn't running" in ask(door.http, "api.localhost").text  # its own goes first


def test_a_known_project_whose_folder_has_gone_is_forgotten(
    door: DoorOfTest, tmp_path: Path
) -> None:
    door.start()
    (tmp_path / "old").mkdir()
    old = FakeMember(door, "old", "old.localhost", folder=str(tmp_path / "old")).joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(old, blog):
        old.kill()
        until(lambda: ask(door.http, "old.localhost").status == 503)
        (tmp_path / "old").rmdir()
        assert ask(door.http, "old.localhost").status == 404
        until(lambda: [each.project for each in read_known(door.place)] == ["blog"])


def test_what_a_member_says_of_itself_is_on_the_page_and_in_the_roster(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", branch="main").joined()
    state = {
        "state": "ready",
        "services": [{"name": "api", "url": "https://api.localhost", "state": "ready"}],
    }
    with members(shop):
        shop.say(json_frame(STATE, state))
        until(lambda: door.roster().members[0].state == "ready")
        assert door.roster().members[0].services[0].url == "https://api.localhost"
        said = json.loads(ask(door.http, "localhost", "Accept: application/json").text)
        assert said["projects"][0]["services"] == state["services"]
        html = ask(door.http, "rpx.localhost", "Accept: text/html")
        assert '<a href="https://api.localhost">' in html.text
        head = ask(door.http, "localhost", "Accept: text/html", method="HEAD")
        assert head.status == 200
        assert not head.body
        assert "Content-Length: " in head.head


def test_a_foreign_host_or_one_who_comes_through_a_tunnel_sees_no_name(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    with members(shop):
        for answer in (
            ask(door.http, "evil.example"),
            ask(door.http, "evil.example", "Accept: application/json"),
            ask(door.http, "localhost", "X-Forwarded-For: 203.0.113.7"),
        ):
            assert answer.status == 404
            assert "shop" not in answer.text
            assert "localhost" not in answer.text


def test_retiring_loses_nobody_and_everybody_moves(door: DoorOfTest) -> None:
    first = door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(shop, blog), socket.create_connection(("127.0.0.1", door.http)) as early:
        early.sendall(b"GET / HTTP/1.1\r\nHost: blog")
        early.settimeout(PATIENCE)
        until(lambda: b"rpx" in (door.place.lock.read_bytes()))
        retire(shop, starts=True)
        until(lambda: shop.welcomes == 2 and blog.welcomes == 2, "the move")
        assert door.pid() != first
        assert ask(door.http, "blog.localhost").text == "blog"
        early.sendall(b".localhost\r\nConnection: close\r\n\r\n")  # which the first one still has
        assert early.recv(999).endswith(b"blog")
        second = door.pid()
        retire(blog, starts=False)
        until(lambda: shop.welcomes == 3 and blog.welcomes == 3, "the second move")
        assert door.pid() != second
        assert ask(door.http, "api.localhost").text == "shop"


def test_sigterm_hands_over_and_sighup_does_no_harm(door: DoorOfTest) -> None:
    first = door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    with members(shop):
        os.kill(first, 1)
        assert ask(door.http, "api.localhost").text == "shop"
        os.kill(first, 15)
        until(lambda: shop.welcomes == 2)
        assert door.pid() != first
        assert ask(door.http, "api.localhost").text == "shop"


def test_a_runtime_folder_that_vanishes_is_made_again(door: DoorOfTest) -> None:
    pid = door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    with members(shop):
        door.place.socket.unlink()
        door.place.lock.unlink()
        door.place.folder.rmdir()
        assert ask(door.http, "api.localhost").text == "shop"
        os.kill(pid, 1)
        until(lambda: read_roster(door.place))
        assert door.pid() == pid
        blog = FakeMember(door, "blog", "blog.localhost").joined()
        with members(blog):
            assert ask(door.http, "blog.localhost").text == "blog"
            assert ask(door.http, "api.localhost").text == "shop"


def test_tls_goes_to_whom_the_hello_names_and_else_astray_to_the_eldest(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", entrances=BOTH).joined()
    blog = FakeMember(door, "blog", "blog.localhost", entrances=BOTH).joined()
    with members(shop, blog):
        for data in (
            [hello("blog.localhost")],
            [in_records(hello("blog.localhost", protocols=14), 64)],
            [bytes([byte]) for byte in hello("blog.localhost")],
        ):
            with socket.create_connection(("127.0.0.1", door.https), PATIENCE) as sock:
                before = blog.kinds().count(TAKE)
                for piece in data:
                    sock.sendall(piece)
                assert sock.recv(99).endswith(b"TLS")
                assert blog.kinds().count(TAKE) == before + 1
        assert not shop.astray
        for name in ("nobody.localhost", None):
            with socket.create_connection(("127.0.0.1", door.https), PATIENCE) as sock:
                sock.sendall(hello(name))
                assert sock.recv(99).endswith(b"TLS")
        until(lambda: shop.astray == 2)
        assert not blog.astray
        # HTTP at the port for TLS is its owner's to redirect; TLS at the port for HTTP, too.
        assert ask(door.https, "blog.localhost").text == "blog"
        assert raw(door.http, hello("nobody.localhost")).data == b"\x15\x03\x01\x00\x02\x02\x70"
        shop.kill()
        blog.kill()
        until(lambda: not door.roster().members)


def test_tls_without_anybody_who_speaks_it_is_an_alert(door: DoorOfTest) -> None:
    door.options = ("--stay", "30")
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", entrances=BOTH).joined()
    with members(shop):
        shop.leave()
        until(lambda: not door.roster().members)
        assert raw(door.https, hello("api.localhost")).data == b"\x15\x03\x01\x00\x02\x02\x70"
        assert ask(door.http, "api.localhost").status == 503


def test_http2_with_prior_knowledge_goes_to_its_authority(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()

    def came(member: FakeMember, data: bytes) -> None:
        before = member.kinds().count(TAKE)
        with socket.create_connection(("127.0.0.1", door.http), PATIENCE) as sock:
            sock.sendall(data)
            until(lambda: member.kinds().count(TAKE) == before + 1)
        assert member.heard[-1][1].endswith(data)

    with members(shop, blog):
        came(blog, http2((":method", "GET"), (":authority", "blog.localhost"), huffman=True))
        whole = http2((":method", "GET"), (":authority", "blog.localhost"), huffman=True)
        with socket.create_connection(("127.0.0.1", door.http), PATIENCE) as sock:
            before = blog.kinds().count(TAKE)
            sock.sendall(PREFACE)
            assert sock.recv(99) == SETTINGS  # for which some wait
            sock.sendall(whole[len(PREFACE) :])
            until(lambda: blog.kinds().count(TAKE) == before + 1)
        assert blog.heard[-1][1].endswith(whole)
        came(shop, PREFACE)  # of one that says nothing more: somebody has to answer
        blog.kill()
        until(lambda: len(door.roster().members) == 1)
        came(shop, http2((":method", "GET"), (":authority", "x.test"), huffman=True))


def test_nobody_gets_a_client_back_that_it_has_given_back_as_its_own(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(shop, blog):
        blog.about["hosts"] = []  # it means something else than the door by its names
        blog.gives_back_http2 = True
        assert ask(door.http, "blog.localhost").status == 404
        data = http2((":method", "GET"), (":authority", "blog.localhost"), huffman=True)
        with socket.create_connection(("127.0.0.1", door.http), PATIENCE) as sock:
            sock.sendall(data)
            until(lambda: shop.kinds().count(TAKE) == 1)  # somebody has to say so
        assert blog.kinds().count(TAKE) == 2
