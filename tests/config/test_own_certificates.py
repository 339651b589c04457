"""Certificates that somebody brings along: good for their hosts, or said at start where not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from rpx.certificates.own import covers
from rpx.config import load_config
from rpx.errors import ConfigError
from tests.support.tls import Authority


def said(folder: Path, text: str) -> list[str]:
    """What is wrong with a file: its sentences, and where they point."""
    path = folder / "rpx.yaml"
    path.write_text(text)
    try:
        load_config(path, {})
    except ConfigError as error:
        return [
            f"{p.what} {p.where.rpartition('rpx.yaml')[2]}".replace(str(folder), "FOLDER")
            for p in error.problems
        ]
    return []


def test_a_certificate_with_its_key_is_used_for_its_hosts(
    tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "own.pem").write_bytes(authority.issue("*.shop.localhost").read_bytes())
    text = "https: {cert: own.pem, key: own.pem}\nproxies: [{to: a.shop.localhost, from: 3000}]"
    assert not said(tmp_path, text)
    (proxy,) = load_config(tmp_path / "rpx.yaml", {}).proxies
    assert proxy.pool.https is not None
    assert proxy.pool.https.cert == proxy.pool.https.key == tmp_path / "own.pem"


def test_it_has_to_fit_the_hosts_of_the_realm(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "own.pem").write_bytes(authority.issue("shop.localhost").read_bytes())
    path = tmp_path / "rpx.yaml"
    path.write_text(
        "https: {cert: own.pem, key: own.pem}\nproxies: [{to: shop.localhost, from: 1}]"
    )
    assert load_config(path, {}, realm="").proxies
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, realm="login")
    (problem,) = caught.value.problems
    assert problem.what == "`cert` of `https` is not for shop.login.localhost"
    assert problem.hint.endswith('leave the realm `login` out of the hosts: `realm: ""`')


def test_everything_that_is_wrong_with_it_is_said_with_its_place(
    tmp_path: Path, authority: Authority
) -> None:
    files = {
        "old.pem": authority.issue("a.localhost", days=-1).read_bytes(),
        "good.pem": authority.issue("b.localhost").read_bytes(),
        "other.pem": authority.issue("c.localhost").read_bytes(),
        "text.pem": b"hello",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = said(
        tmp_path,
        """\
https: {cert: old.pem, key: old.pem}
proxies:
  - {to: a.localhost, from: 3000}
  - {to: x.localhost, from: 3001}
  - {to: b.localhost, from: 3002, https: {cert: good.pem, key: other.pem}}
  - {to: c.localhost, from: 3003, https: {cert: text.pem, key: good.pem}}
  - {to: "*.w.localhost", from: 3004, https: {cert: good.pem, key: text.pem}}
""",
    )
    ended = next(line for line in found if "has ended" in line)
    assert ended.startswith("`cert` of `https` has ended, on ")
    assert ended.endswith(":1:15")
    assert [line for line in found if line != ended] == [
        "`cert` of `https` is not for x.localhost :1:15",
        "`key` of `https` does not belong to the certificate :5:64",
        "`cert` of `https` holds no certificate in PEM :6:49",
        "`cert` of `https` is not for *.w.localhost :7:53",
        "`key` of `https` holds no private key in PEM :7:68",
    ]


def test_a_file_that_is_not_there_and_one_that_stands_alone_are_said(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        """\
https: {cert: none.pem, key: none.pem}
proxies:
  - {to: a.localhost, from: 3000, https: {cert: rpx.yaml}}
""",
    )
    assert found == [
        "`https.cert` does not exist: `none.pem` :1:15",
        "`https.key` does not exist: `none.pem` :1:30",
        "`https` of proxy `a.localhost` has a `cert`, but no `key` :3:42",
    ]


def test_a_key_with_a_password_is_said_and_nobody_is_asked_for_it(
    tmp_path: Path, authority: Authority
) -> None:
    content = authority.issue("a.localhost").read_bytes()
    key = serialization.load_pem_private_key(content, None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "a.pem").write_bytes(content)
    (tmp_path / "a.key").write_bytes(locked)
    text = "{to: a.localhost, from: 3000, https: {cert: a.pem, key: a.key}}"
    assert said(tmp_path, text) == ["`key` of `https` has a password :1:57"]


def test_a_wildcard_that_no_client_takes_is_said_with_what_helps(
    tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "a.pem").write_bytes(authority.issue("*.localhost").read_bytes())
    path = tmp_path / "rpx.yaml"
    path.write_text("{to: a.localhost, from: 3000, https: {cert: a.pem, key: a.pem}}")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    (problem,) = caught.value.problems
    assert problem.what == "`cert` of `https` is not for a.localhost"
    assert problem.hint.startswith("clients take no wildcard right below a top-level name; `https:")


@pytest.mark.parametrize(
    "https",
    [
        "true",
        "{enabled: true}",
        "{cert: null}",
        "{cert: null, key: null}",
        "{enabled: true, redirect: true}",
    ],
)
def test_one_proxy_goes_back_to_rpxs_own_authority(
    tmp_path: Path, authority: Authority, https: str
) -> None:
    (tmp_path / "a.pem").write_bytes(authority.issue("a.localhost").read_bytes())
    path = tmp_path / "rpx.yaml"
    path.write_text(f"""\
https: {{cert: a.pem, key: a.pem, redirect: false}}
proxies:
  - {{to: a.localhost, from: 3000}}
  - {{to: d.localhost, from: 3001, https: {https}}}
""")
    config = load_config(path, {})
    assert config.issued == ("d.localhost",)
    _, other = config.proxies
    assert other.pool.https is not None
    assert other.pool.https.redirect is ("redirect" in https)


def test_a_proxy_that_says_something_else_of_https_has_the_projects_certificate(
    tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "a.pem").write_bytes(authority.issue("a.localhost").read_bytes())
    proxies = "proxies: [{to: a.localhost, from: 3000, https: {redirect: false}}]"
    text = f"https: {{cert: a.pem, key: a.pem}}\n{proxies}"
    assert not said(tmp_path, text)
    assert load_config(tmp_path / "rpx.yaml", {}).issued == ()


def test_a_certificate_without_a_value_for_all_proxies_is_said(tmp_path: Path) -> None:
    assert said(tmp_path, "https: {cert: null}\nproxies: [{to: a.localhost, from: 3000}]") == [
        "`https.cert` has no value :1:15"
    ]


@pytest.mark.parametrize(
    ("name", "host", "good"),
    [
        ("a.localhost", "a.localhost", True),
        ("*.shop.test", "a.shop.test", True),
        ("*.shop.test", "*.shop.test", True),
        ("*.shop.test", "shop.test", False),
        ("*.shop.test", "b.a.shop.test", False),
        ("*.localhost", "a.localhost", False),  # no client takes it
        ("*.localhost", "*.localhost", False),
        ("*.0.0.1", "127.0.0.1", False),
        ("a.localhost", "*.localhost", False),
        ("::1", "[::1]", True),
    ],
)
def test_a_wildcard_stands_for_one_label(name: str, host: str, good: bool) -> None:
    assert covers([name], host) is good
