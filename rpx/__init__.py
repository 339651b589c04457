"""rpx: a process supervisor and a load-balancing reverse proxy in one, for local development."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rpx.errors import RpxError
    from rpx.python import Proxy, start_proxy

__version__ = "0.1.0"
__all__ = ["Proxy", "RpxError", "__version__", "start_proxy"]


def __getattr__(name: str) -> object:
    # Lazy, so that `rpx --help` doesn't pay for trio and pydantic, and the guardian stays small.
    if name in ("Proxy", "start_proxy"):
        from rpx import python  # noqa: PLC0415 - see above

        return getattr(python, name)
    if name == "RpxError":
        from rpx.errors import RpxError  # noqa: PLC0415 - see above

        return RpxError
    raise AttributeError(f"module 'rpx' has no attribute {name!r}")
