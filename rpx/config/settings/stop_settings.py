"""How a process is stopped: the values of `stop_signal` and `stop_signal_to`.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import signal
from typing import Annotated, Final, get_args

from pydantic import BeforeValidator

from rpx.config.settings.forms import number
from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong
from rpx.model.config import Whom
from rpx.model.suggest import choices


def stop_signal(value: object) -> object:
    """`SIGTERM`, `TERM` or 15, as a number."""
    try:
        if isinstance(value, str) and not value.isdigit():
            return int(signal.Signals["SIG" + value.upper().removeprefix("SIG")])
        if isinstance(value, str | int) and not isinstance(value, bool):
            return int(signal.Signals(int(value)))
    except (KeyError, ValueError):
        pass
    raise wrong(f"is not a signal: {shown(value)}", "write SIGTERM, TERM or 15")


def stop_signal_to(value: object) -> object:
    """Who is asked to stop."""
    if value not in get_args(Whom):
        raise wrong(f"can't be signalled: {shown(value)}", f"write {choices(get_args(Whom))}")
    return value


def written_signal(number: int) -> str | int:
    """What may be written for a signal."""
    return signal.Signals(number).name


_KNOWN = "|".join(each.name.removeprefix("SIG") for each in signal.Signals)
SIGNALS: Final = number(
    pattern=f"^([Ss][Ii][Gg])?({_KNOWN}|{_KNOWN.lower()})$|^[0-9]+$", minimum=1, maximum=64
)
Signal = Annotated[
    int, BeforeValidator(stop_signal), Kind("`SIGTERM`, `TERM`, 15", SIGNALS, written_signal)
]
Addressee = Annotated[Whom, BeforeValidator(stop_signal_to), Kind("`group`, `leader`")]
