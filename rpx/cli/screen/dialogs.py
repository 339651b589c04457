"""What stands over the screen: a question before something is done, and what the keys are."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS: Final = (
    (
        "Copies",
        (
            ("↑ ↓ PgUp PgDn", "choose a copy"),
            ("Space", "mark it: what follows is for all that are marked"),
            ("r", "restart, each when the one before it is ready again"),
            ("s", "stop; start what is down"),
            ("k", "kill the process, as a crash would (asks)"),
            ("p", "pause: no requests, its process runs on; resume"),
            ("+ -", "one copy of the service more, or less"),
        ),
    ),
    (
        "Order",
        (
            ("< >", "by the column before or the next; a click on a heading"),
            ("N R L E C M", "name, requests, p99, errors, CPU, memory; again: turned"),
            ("O", "as in rpx.yaml"),
        ),
    ),
    (
        "Output",
        (
            ("Enter", "the output alone, or the table again"),
            ("Tab", "to the output, or to the table"),
            ("a", "what all print, or the chosen copy"),
            ("f End", "follow the last line"),
            ("w t", "cut long lines or break them; times"),
        ),
    ),
    (
        "All",
        (
            ("/", "filter copies, or the lines of the output; -word: without"),
            ("Esc", "back: no filter, no marks"),
            ("q", "leave; the project runs on"),
        ),
    ),
)


def _help() -> Text:
    text = Text()
    for heading, keys in KEYS:
        text.append(f"{heading}\n", "bold")
        for key, what in keys:
            text.append(f"  {key:<14}", "bold")
            text.append(f" {what}\n")
    text.rstrip()
    return text


class Keys(ModalScreen[None]):
    """The keys; any of these closes it."""

    DEFAULT_CSS = """
    Keys { align: center middle; }
    Keys VerticalScroll { width: 78; max-width: 100%; height: auto; max-height: 100%;
      border: round ansi_default; padding: 0 1; background: ansi_default; }
    Keys Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,question_mark,enter,space", "dismiss"),
        Binding("ctrl+c", "app.leave(130)", priority=True),
    ]

    def compose(self) -> ComposeResult:
        """Put it into a box that can be scrolled."""
        with VerticalScroll() as box:
            box.border_title = "keys"
            box.border_subtitle = "Esc closes"
            yield Static(_help())


class AskFirst(ModalScreen[bool]):
    """Asks, and says which command would do the same. Only `y` is yes."""

    DEFAULT_CSS = """
    AskFirst { align: center middle; }
    AskFirst Static { width: auto; max-width: 90%; height: auto; border: round ansi_yellow;
      padding: 0 2; background: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "dismiss(True)"),
        ("n,q,escape,enter,space", "dismiss(False)"),
        Binding("ctrl+c", "app.leave(130)", priority=True),
    ]

    def __init__(self, question: str, command: str) -> None:
        super().__init__()
        self._question = question
        self._command = command

    def compose(self) -> ComposeResult:
        """Put it into a box."""
        text = Text()
        text.append(f"{self._question}\n\n", "bold")
        text.append(f"{self._command}\n\n", "dim")
        text.append("y", "bold reverse")
        text.append(" yes   ")
        text.append("n", "bold reverse")
        text.append(" no")
        yield Static(text)
