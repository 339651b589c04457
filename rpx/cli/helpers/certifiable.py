"""Whether this machine can certify the hosts of a project: known before anything is begun."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.model.config import ANY, Config


def check_certified(config: Config) -> None:
    """Raise RpxError if there are hosts that the user's authority may not certify.

    Nothing is written, and no authority is made.
    """
    if not config.issued:
        return
    # What isn't used costs nothing: this takes longer to load than the rest of rpx.
    from rpx.certificates.authority import allowed_in  # noqa: PLC0415
    from rpx.certificates.authority_files import authority_folder  # noqa: PLC0415
    from rpx.certificates.leaves import check_hosts  # noqa: PLC0415

    check_hosts(config.issued, allowed_in(authority_folder()))


def about_any(config: Config) -> Iterator[str]:
    """A sentence for each `*` with https: which names have certificates, and what others get."""
    for proxy in config.proxies:
        if ANY in proxy.hosts and proxy.pool.https and not proxy.pool.https.cert:
            from rpx.certificates.authority import allowed_in  # noqa: PLC0415 - as above
            from rpx.certificates.authority_files import authority_folder  # noqa: PLC0415

            yield (
                f"certificates for `{ANY}` ({proxy.where}) are made for names as they come, within"
                f" {', '.join(allowed_in(authority_folder()))}; others get the TLS alert"
                " unrecognized_name. `rpx trust --allow NAME` allows a name and all below it"
            )


def accepting(config: Config) -> dict[str, str]:
    """Return the variables by which services accept the certificates of that authority."""
    if not config.issued:
        return {}
    from rpx.certificates.clients import variables  # noqa: PLC0415 - as above

    return variables()
