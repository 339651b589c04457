"""Certificates that a user brings along, and renews while rpx runs."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trio

from rpx.certificates.authority import open_authority, replace_authority
from rpx.errors import ConfigError
from rpx.proxy.certified import ANOTHER
from tests.support.live import Live, live
from tests.support.project import free_ports
from tests.support.tls import Authority

pytestmark = pytest.mark.real

HTTPS = "https: {cert: own.pem, key: own.pem}\n"
LISTEN = "{http_port: 0, https_port: 0}"


def renew(folder: Path, authority: Authority, name: str = "api.localhost") -> int:
    """Put another certificate in the place of the last; return its serial number."""
    new = authority.issue(name)
    new.replace(folder / "own.pem")
    return int(new.stem)


async def shown(it: Live, authority: Authority | Path) -> int:
    """The serial number of the certificate that a new client gets."""
    stream = trio.SSLStream(
        await trio.open_tcp_stream("127.0.0.1", it.registry.ports.https),
        ssl.create_default_context(
            cafile=authority if isinstance(authority, Path) else authority.file
        ),
        server_hostname="api.localhost",
    )
    await stream.do_handshake()
    serial = int(stream.getpeercert()["serialNumber"], 16)
    await trio.aclose_forcefully(stream)
    return serial


async def test_another_certificate_in_the_same_file_is_a_change(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    text = f"{HTTPS}to: api.localhost\nfrom: {free_ports(1)[0]}\nstart: RUN"
    first = renew(tmp_path, authority)
    async with live(tmp_path, text, listen=LISTEN) as it:
        assert await it.reload(text) == ["nothing to change"]
        assert await shown(it, authority) == first
        second = renew(tmp_path, authority)
        assert await it.reload(text) == ["change api.localhost: https", "leave 1 backend alone"]
        assert await shown(it, authority) == second
        renew(tmp_path, authority, "other.localhost")
        with pytest.raises(ConfigError, match=r"is not for api\.localhost"):
            await it.reload(text)
        assert await shown(it, authority) == second


async def test_with_auto_nobody_has_to_say_so(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    port = free_ports(1)[0]
    text = f"{HTTPS}reload: auto\nto: api.localhost\nfrom: {port}\nstart: RUN"
    renew(tmp_path, authority)
    async with live(tmp_path, text, listen=LISTEN) as it:
        await it.watching()
        second = renew(tmp_path, authority)
        await it.until_noted("own.pem has changed")
        await it.until_noted("change api.localhost: https")
        assert await shown(it, authority) == second


def link(path: Path, target: str) -> None:
    """Let a link lead elsewhere, in one step as `ln -sfn` does."""
    new = path.with_name(f".{path.name}.new")
    new.symlink_to(target)
    new.replace(path)


async def test_with_auto_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    port = free_ports(1)[0]
    for folder in ("live", "releases/1", "releases/2"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "app.py").symlink_to("../../app.py")
    one, two = (authority.issue("api.localhost") for _ in range(2))
    link(tmp_path / "live/own.pem", f"../{one.name}")
    link(tmp_path / "current", "releases/1")
    text = (
        "https: {cert: live/own.pem, key: live/own.pem}\nreload: auto\nto: api.localhost\n"
        f"from: {port}\nstart: {{command: 'RUN', cwd: current}}"
    )
    async with live(tmp_path, text, listen=LISTEN) as it:
        await it.watching("live")
        link(tmp_path / "live/own.pem", f"../{two.name}")
        await it.until_noted("live/own.pem has changed")
        await it.until_noted("change api.localhost: https")
        assert await shown(it, authority) == int(two.stem)
        link(tmp_path / "current", "releases/2")
        await it.until_noted("current has changed")
        await it.until_noted(f"restart api:{port}: cwd")


async def test_another_authority_is_said_by_the_reload_that_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "data/rpx/authority"
    text = f"https: true\nto: api.localhost\nfrom: {free_ports(1)[0]}\nstart: RUN"
    async with live(tmp_path, text, listen=LISTEN) as it:
        old = open_authority(folder)
        assert await it.reload(text) == ["nothing to change"]
        new = replace_authority(old, old.allowed)
        assert await it.reload(text) == [ANOTHER]
        await shown(it, new.path)
        assert await it.reload(text) == ["nothing to change"]
