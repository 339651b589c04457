"""The three files that every program has."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Let those that whoever started us has closed be /dev/null.

    What is opened next would get their numbers, and be read and written in their stead.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 - for good
