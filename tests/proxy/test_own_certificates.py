"""Certificates that a user brings along, as clients see them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trio

from rpx.certificates.authority import Authority, open_authority
from rpx.model.config import Https
from rpx.proxy.contexts import Contexts
from tests.proxy.house import HOST, get, running
from tests.proxy.lock import Lock, names
from tests.support import tls
from tests.support.origin import OK, answers, origin


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return open_authority(tmp_path / "authority")


@pytest.fixture
def own(tmp_path: Path) -> tls.Authority:
    """An authority that isn't rpx's."""
    return tls.Authority(tmp_path)


async def test_an_own_certificate_is_used_and_no_authority_needed(own: tls.Authority) -> None:
    file = own.issue("*.localhost")
    https = Https(cert=file, key=file)
    said: list[str] = []
    contexts = Contexts({"*.localhost": https, HOST: https}, None, said.append)
    contexts.prepare()
    trusting = ssl.create_default_context(cafile=str(own.file))
    trusting.check_hostname = False  # `*.localhost` is too wide for OpenSSL's taste
    async with (
        origin(answers(OK)) as backend,
        running(backend, https=https, contexts=contexts) as house,
    ):
        for host in (None, "a.localhost", HOST):
            client = await house.tls_client(trusting, host)
            assert names(client) == {"*.localhost"}
            await client.send(get())  # the certificate is good for this host in any case
            assert (await client.answer()).status == 200
        with pytest.raises(ssl.SSLError):
            await house.tls_client(trusting, "x.a.localhost")
    assert len(said) == 1


async def test_an_own_certificate_is_beside_those_of_the_authority(
    authority: Authority, own: tls.Authority
) -> None:
    file = own.issue("web.localhost")
    lock = Lock(authority, {HOST: Https(), "web.localhost": Https(cert=file, key=file)})
    trusting = lock.client()
    trusting.load_verify_locations(own.file)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        assert names(await house.tls_client(trusting, "web.localhost")) == {"web.localhost"}
        client = await house.tls_client(trusting)
        assert HOST in names(client)
        client = await house.tls_client(trusting, "web.localhost")
        await client.send(get())
        assert (await client.answer()).status == 421


async def test_files_that_are_not_there_yet_are_taken_when_they_are(
    own: tls.Authority, tmp_path: Path
) -> None:
    file = tmp_path / "late.pem"
    https = Https(cert=file, key=file, late=True)
    said: list[str] = []
    contexts = Contexts({HOST: https}, None, said.append)
    contexts.prepare()
    trusting = ssl.create_default_context(cafile=str(own.file))
    async with (
        origin(answers(OK)) as backend,
        running(backend, https=https, contexts=contexts) as house,
    ):
        for _ in range(2):
            with pytest.raises((ssl.SSLError, trio.BrokenResourceError)):
                await house.tls_client(trusting, HOST)
        assert len(said) == 1
        assert "No such file" in said[0]
        for days in (1, 2):  # the first, and another one in its place
            made = own.issue(HOST, days=days)
            expected = ssl.PEM_cert_to_DER_cert(made.read_text().partition("-----BEGIN PRIV")[0])
            made.rename(file)
            client = await house.tls_client(trusting, HOST)
            assert client.sock.stream.getpeercert(binary_form=True) == expected
