"""The part of the local authority in a project: the TLS contexts, and who may have to know it.

Its rooms are loaded where they are needed, since that takes longer than the rest of rpx.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import trio

from rpx.model.config import Config, Https
from rpx.proxy.contexts import Contexts

ANOTHER: Final = "show certificates of another authority, which has taken the place of the last"


async def tls_contexts(
    hosts: Mapping[str, Https], say: Callable[[str], None]
) -> tuple[Contexts | None, str, str]:
    """Return what TLS needs, with the certificates of all hosts; None if none has any.

    Also what is to be said of the authority's key, and of who trusts it; `say` is for later.
    Raises: RpxError, for example for a host that the local authority may not certify.
    """
    if not hosts:
        return None, "", ""

    def made() -> tuple[Contexts, str, str]:
        from rpx.certificates.authority import EXPOSED, open_authority  # noqa: PLC0415
        from rpx.certificates.authority_files import authority_folder  # noqa: PLC0415
        from rpx.certificates.leaves import Leaves  # noqa: PLC0415
        from rpx.certificates.trusted import is_trusted  # noqa: PLC0415

        own = all(https.cert for https in hosts.values())
        authority = None if own else open_authority(authority_folder())
        contexts = Contexts(hosts, Leaves(authority) if authority else None, say)
        contexts.prepare()
        if authority is None:
            return contexts, "", ""
        untrusted = "no browser accepts the certificates of rpx yet: `rpx trust` tells them to"
        exposed = EXPOSED if authority.exposed else ""
        if authority.is_early():
            exposed = "no program accepts your certificate authority before"
            exposed += f" {authority.begins:%-d %B %Y}:"
            exposed += " is this machine's clock right? If it is, `rpx trust` makes a new one"
        return contexts, exposed, "" if is_trusted(authority) else untrusted

    return await trio.to_thread.run_sync(made)


async def besides(contexts: Contexts | None, config: Config) -> list[str]:
    """Say what a reload to `config` changes though it isn't written there."""
    signer = contexts.signer if contexts else ""
    if not (signer and config.issued):
        return []
    from rpx.certificates.authority import load_authority  # noqa: PLC0415
    from rpx.certificates.authority_files import authority_folder  # noqa: PLC0415

    found = await trio.to_thread.run_sync(load_authority, authority_folder())
    return [ANOTHER] if found is None or found.fingerprint != signer else []


def accepting(contexts: Contexts | None) -> Mapping[str, str]:
    """Return the variables by which services accept what the authority certifies, if it does."""
    if contexts is None or not contexts.signer:
        return {}
    from rpx.certificates.clients import variables  # noqa: PLC0415

    return variables()
