"""Whether this machine can certify the hosts of a project: known before anything is begun."""

from __future__ import annotations

from rpx.model.config import Config


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


def accepting(config: Config) -> dict[str, str]:
    """Return the variables by which services accept the certificates of that authority."""
    if not config.issued:
        return {}
    from rpx.certificates.clients import variables  # noqa: PLC0415 - as above

    return variables()
