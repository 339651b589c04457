"""Several projects of one machine: folders of their own, one door, one authority."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from rpx.certificates.authority import open_authority
from rpx.door.roster import Roster, read_roster
from rpx.door.starting import DoorPlace
from tests.support.project import SOON, Project, free_ports

TEXT = """
name: NAME
https: true
proxies:
  - {to: NAME.localhost, from: "localhost:ONE", start: PYTHON APPS/ok.py, https: {redirect: false}}
  - {to: ws.NAME.localhost, from: "localhost:TWO", start: PYTHON APPS/ws_echo.py}
"""


class Machine:
    """Folders of projects, one runtime directory, and the ports that all of them are to have."""

    def __init__(self, first: Project) -> None:
        self.http, self.https = free_ports(2)
        self.environment = first.environment
        self.environment |= {
            "RPX_HTTP_PORT": str(self.http),
            "RPX_HTTPS_PORT": str(self.https),
            "XDG_DATA_HOME": str(first.folder / "data"),
        }
        self.runtime = Path(self.environment["XDG_RUNTIME_DIR"], "rpx")
        self.place = DoorPlace(self.runtime / "door", Path())
        self.ports: dict[str, int] = {}
        open_authority(first.folder / "data" / "rpx" / "authority")
        self.authority = first.folder / "data" / "rpx" / "authority" / "rpx-ca.pem"
        self._folder = first.folder

    def project(self, name: str, text: str = TEXT) -> Project:
        """A project in a folder of its own."""
        (self._folder / name).mkdir()
        project = Project(self._folder / name)
        project.environment = self.environment
        one, two = free_ports(2)
        self.ports[name] = one
        project.write(text, NAME=name, ONE=str(one), TWO=str(two))
        project.http_port = self.http
        return project

    @property
    def roster(self) -> Roster | None:
        return read_roster(self.place)

    @property
    def members(self) -> list[str]:
        """Who is behind the door, by name."""
        roster = self.roster
        return sorted(member.project for member in roster.members) if roster else []

    @property
    def door(self) -> int:
        """The pid of the door; 0 while there is none."""
        roster = self.roster
        return roster.pid if roster else 0

    def answers(self, name: str) -> bool:
        """Whether a new connection for that project is answered by it, and by nobody else."""
        with self.client() as client:
            answer = self.ask(client, name)
            return answer.status_code == 200 and said_by(answer) == self.ports[name]

    @contextmanager
    def client(self, *, http2: bool = False) -> Iterator[httpx.Client]:
        """A client with connections of its own, which believes the authority."""
        context = ssl.create_default_context(cafile=str(self.authority))
        with httpx.Client(verify=context, trust_env=False, timeout=SOON, http2=http2) as client:
            yield client

    def ask(
        self, client: httpx.Client, name: str, scheme: str = "http", host: str = ""
    ) -> httpx.Response:
        """Ask for a name below `localhost`; `host`: for that, where TLS has begun for the name."""
        named = f"{name}.localhost"
        return client.get(
            f"{scheme}://127.0.0.1:{self.http if scheme == 'http' else self.https}/",
            headers={"Host": host or named},
            extensions={"sni_hostname": named},
        )


def said_by(answer: httpx.Response) -> int:
    """The port of the backend that has answered, which is ok.py."""
    port: int = answer.json()["port"]
    return port
