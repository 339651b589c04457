"""Whom rpx believes when it speaks TLS to backends: the file that `ca` names, as it is now."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trio

from rpx.hub.backend_tls import client_context
from rpx.model.address import Tls
from tests.support.tls import Authority


async def test_a_file_of_authorities_counts_as_it_is_now(tmp_path: Path) -> None:
    pems = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        pems.append(Authority(tmp_path / name).file.read_text("ascii"))
    file, tls = tmp_path / "ca.pem", Tls(ca=str(tmp_path / "ca.pem"))

    async def believed() -> list[bytes]:
        context = await client_context(tls)
        assert context is await client_context(tls)  # it is made once for each state of the file
        return context.get_ca_certs(binary_form=True)

    with pytest.raises(ssl.SSLError, match=r"ca\.pem can't be read: No such file"):
        await believed()
    file.write_text(pems[0])
    assert await believed() == [ssl.PEM_cert_to_DER_cert(pems[0])]
    for half in ("", pems[1][:200]):
        file.write_text(half)
        assert await believed() == [ssl.PEM_cert_to_DER_cert(pems[0])]
    file.unlink()
    assert await believed() == [ssl.PEM_cert_to_DER_cert(pems[0])]
    file.write_text(pems[1])
    assert await believed() == [ssl.PEM_cert_to_DER_cert(pems[1])]


async def test_all_who_ask_at_once_get_the_same_whose_sessions_they_can_share(
    authority: Authority,
) -> None:
    got: list[ssl.SSLContext] = []

    async def ask() -> None:
        got.append(await client_context(Tls(ca=str(authority.file))))

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(ask)
    assert len({id(each) for each in got}) == 1
