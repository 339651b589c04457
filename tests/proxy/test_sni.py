"""Which certificate a client gets by the name that it asks for, or by none."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import pytest

from rpx.certificates.authority import Authority, open_authority
from rpx.certificates.leaves import Leaves
from rpx.model.config import Https
from rpx.proxy import contexts
from tests.proxy.house import HOST, get
from tests.proxy.lock import Lock, hello, names
from tests.support import tls
from tests.support.origin import OK, answers, origin

ALERT = b"\x15\x03\x03\x00\x02\x02"  # a fatal one; its number follows


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def lock(authority: Authority) -> Lock:
    return Lock(authority)


def unnamed(lock: Lock) -> ssl.SSLContext:
    """A client that doesn't care whom the certificate is for."""
    context = lock.client()
    context.check_hostname = False
    return context


def test_what_another_project_puts_in_its_place_while_it_is_read_is_read_again(lock: Lock) -> None:
    path = lock.leaves.get(HOST).path
    contents = [path.read_bytes()]
    path.unlink()
    contents.append(Lock(lock.authority).leaves.get(HOST).path.read_bytes())
    over = threading.Event()

    def replace() -> None:
        new = path.with_suffix(".new")
        while not over.is_set():
            for content in contents:
                new.write_bytes(content)
                new.replace(path)

    other = threading.Thread(target=replace)
    other.start()
    try:
        for _ in range(40):
            lock.contexts.prepare()
    finally:
        over.set()
        other.join()


async def test_who_names_nobody_gets_a_certificate_for_this_machine(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(unnamed(lock), None)
        assert names(client) == {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"}
        await client.send(get())  # its Host is what counts
        assert (await client.answer()).status == 200


async def test_localhost_has_a_certificate_of_its_own_and_names_nobody(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(lock.client(), "localhost")
        assert names(client) == {"localhost"}
        await client.send(get())
        assert (await client.answer()).status == 200


async def test_no_certificate_for_a_name_has_an_address_the_first_hosts_neither(
    authority: Authority,
) -> None:
    hosts = {HOST: Https(), "web.localhost": Https(), "*.shop.localhost": Https()}
    lock = Lock(authority, {**hosts, "127.0.0.7": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for host in (HOST, "web.localhost", "a.shop.localhost", "localhost"):
            for _ in range(2):
                assert names(await house.tls_client(lock.client(), host)) == {host}


async def test_a_certificate_with_more_names_than_its_host_is_not_taken_from_disk(
    authority: Authority,
) -> None:
    leaf = Leaves(authority).get("old.localhost", beside=("127.0.0.1",))
    leaf.path.rename(leaf.path.with_name("old.localhost.pem"))
    lock = Lock(authority, {"old.localhost": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        assert names(await house.tls_client(lock.client(), "old.localhost")) == {"old.localhost"}


async def test_a_host_that_is_an_address_is_in_the_certificate_of_who_names_nobody(
    tmp_path: Path,
) -> None:
    lock = Lock(open_authority(tmp_path), {HOST: Https(), "127.0.0.7": Https(), "[::1]": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(unnamed(lock), None)
        assert names(client) == {"localhost", "127.0.0.1", "127.0.0.7", "0:0:0:0:0:0:0:1"}


async def test_an_address_with_a_certificate_of_its_own_shows_that_to_who_names_nobody(
    authority: Authority, tmp_path: Path
) -> None:
    file = tls.Authority(tmp_path).issue("127.0.0.1")
    lock = Lock(authority, {HOST: Https(), "127.0.0.1": Https(cert=file, key=file)})
    trusting = unnamed(lock)
    trusting.load_verify_locations(tmp_path / "ca.pem")
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        assert names(await house.tls_client(trusting, None)) == {"127.0.0.1"}


async def test_a_certificate_that_was_brought_along_is_not_for_who_names_nobody(
    authority: Authority, tmp_path: Path
) -> None:
    file = tls.Authority(tmp_path).issue("web.localhost")
    lock = Lock(authority, {"web.localhost": Https(cert=file, key=file), HOST: Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        assert "127.0.0.1" in names(await house.tls_client(unnamed(lock), None))


async def test_an_unknown_name_gets_an_alert_and_one_line_says_so(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for _ in range(2):
            with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
                await house.tls_client(lock.client(), "other.localhost")
    assert lock.said == [
        "a client asked for other.localhost with TLS: no proxy with `https` has that host"
    ]


async def test_of_many_unknown_names_only_some_are_told(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "NAMED", 3)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for number in range(6):
            with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
                await house.tls_client(lock.client(), f"other{number}.localhost")
    assert len(lock.said) == 3 + 1
    assert lock.said[-1] == "clients ask with TLS for many unknown names: rpx names no more of them"


@pytest.mark.parametrize("name", ["-x.shop.localhost", "*.shop.localhost", "a b.shop.localhost"])
async def test_what_can_be_no_host_gets_an_alert_below_a_wildcard_too(
    authority: Authority, name: str
) -> None:
    lock = Lock(authority, {HOST: Https(), "*.shop.localhost": Https()})
    said = hello(lock.client(), "x" * len(name)).replace(b"x" * len(name), name.encode())
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for _ in range(2):
            client = await house.tls_port_client()
            await client.send(said)
            assert await client.take(7) == ALERT + b"\x70"  # unrecognized_name
    assert lock.said == [f"a client asked for {name} with TLS: no host can have that name"]


async def test_who_takes_any_has_a_certificate_for_each_name_that_the_authority_may_certify(
    authority: Authority,
) -> None:
    lock = Lock(authority, {"*": Https(), HOST: Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for host in ("x.test", "a.b.localhost", "my_app.localhost", "localhost", HOST):
            assert names(await house.tls_client(lock.client(), host)) == {host}
        assert "127.0.0.1" in names(await house.tls_client(unnamed(lock), None))
        for _ in range(2):
            with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
                await house.tls_client(unnamed(lock), "example.com")
    assert lock.said == [
        (
            "a client asked for example.com with TLS: the local authority may not certify"
            " `example.com`, only localhost, test, 127.0.0.0/8, ::1/128;"
            " `rpx trust --allow example.com` makes one that may"
        )
    ]


async def test_who_takes_any_with_a_certificate_of_its_own_shows_that_to_all(
    authority: Authority, tmp_path: Path
) -> None:
    file = tls.Authority(tmp_path).issue("example.com")
    lock = Lock(authority, {"*": Https(cert=file, key=file)})
    trusting = unnamed(lock)
    trusting.load_verify_locations(tmp_path / "ca.pem")
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for host in ("example.com", "x.test", None):
            assert names(await house.tls_client(trusting, host)) == {"example.com"}


async def test_only_so_many_new_names_have_a_certificate_in_a_minute(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "A_MINUTE", 2)
    lock = Lock(authority, {"*": Https(), HOST: Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for host in ("a.test", "b.test"):
            await house.tls_client(lock.client(), host)
        with pytest.raises(ssl.SSLError, match=r"(?i)internal.error"):
            await house.tls_client(lock.client(), "c.test")
        for host in ("a.test", "b.test", HOST):  # these have theirs
            assert names(await house.tls_client(lock.client(), host)) == {host}
    assert lock.said == [
        (
            "clients have asked with TLS for 2 new names within a minute:"
            " others get no certificate before it is over"
        )
    ]


async def test_a_name_that_is_not_ascii_gets_an_alert_and_no_traceback(lock: Lock) -> None:
    said = hello(lock.client(), "x" * 9).replace(b"x" * 9, b"\xff\x1b[31mred")
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_port_client()
        await client.send(said)
        assert await client.take(6) == ALERT
    assert lock.said == [
        r"a client asked for \ufffd\x1b[31mred with TLS: no host can have that name"
    ]


@pytest.mark.parametrize("name", ["Web.LocalHost", "web.localhost.", "a_b.shop.localhost"])
async def test_a_name_is_known_however_it_is_written(authority: Authority, name: str) -> None:
    lock = Lock(authority, {HOST: Https(), "web.localhost": Https(), "*.shop.localhost": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(unnamed(lock), name)
        assert names(client) == {name.lower().rstrip(".")}
    assert not lock.said


async def test_an_address_in_the_place_of_a_name_names_nobody(lock: Lock) -> None:
    said = hello(lock.client(), "aaaaaaaaa").replace(b"aaaaaaaaa", b"127.0.0.1")
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_port_client()
        await client.send(said)
        assert await client.take(1) == b"\x16"  # a handshake, no alert
    assert not lock.said
