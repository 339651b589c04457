"""What may stand for an argument or an option: beside click's own types, names of a project."""

from __future__ import annotations

from typing import Final

from click.types import StringParamType


class Offered(StringParamType):
    """A text, for which a shell offers names of one kind; known.py has the kinds."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


SERVICES: Final = Offered("services")  # what runs, also a single copy: api, api:3000, 3000
BACKENDS: Final = Offered("backends")  # one alone
ROWS: Final = Offered("rows")  # what has figures: services, and routes without backends
PLACES: Final = Offered("places")  # rows, and URLs
STARTED: Final = Offered("started")  # what a run may have, by name
SCALED: Final = Offered("scaled")  # NAME=
PROXIES: Final = Offered("proxies")  # by name or host
PROFILES: Final = Offered("profiles")
HOSTS: Final = Offered("hosts")  # of proxies, outside of .localhost
TOPICS: Final = Offered("topics")  # commands, and pages of the documents
