"""What is looked at before anything is started: each place once, and only by who comes there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rpx.backend.preflight import preflight
from rpx.errors import ConfigError, RpxError
from tests.support.bench import external, spec
from tests.support.places import listening
from tests.support.specs import varied


def test_an_address_is_looked_at_for_its_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(_family: int, _host: str, port: int) -> bool:
        looked.append(port)
        return False

    monkeypatch.setattr("rpx.backend.preflight.is_taken", look)
    served = varied(external(3000), name="apex", served_by="api:3000")
    preflight([served, spec(3000), varied(external(3001), served_by="api:3000"), external(3002)])
    assert sorted(set(looked)) == [3000, 3001]
    assert looked.count(3000) == looked.count(3001)
    looked.clear()
    preflight([served])  # its process is none of these: it runs
    assert not looked


def test_a_port_of_one_process_that_somebody_has_is_an_error() -> None:
    worker = varied(spec(), name="worker", address=None)
    with listening("127.0.0.1") as taken:
        served = varied(external(taken), served_by="worker")
        with pytest.raises(RpxError, match=f"the port of `api:{taken}`, {taken}, is taken by"):
            preflight([worker, served])


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("./run.sh",), "may not be executed: `./run.sh`"),
        (("./folder",), "is a folder: `./folder`"),
        ("source venv/bin/activate && ./a", "is `source`, which /bin/sh doesn't know here"),
        (("./nothing",), "does not exist: `./nothing`"),
    ],
)
def test_what_is_wrong_with_a_command_is_said(
    command: str | tuple[str, ...], what: str, tmp_path: Path
) -> None:
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "folder").mkdir()
    if "source" in command and shutil.which("sh") == shutil.which("bash"):
        pytest.skip("sh is bash")
    with pytest.raises(ConfigError) as caught:
        preflight([spec(cwd=tmp_path, command=command)])
    assert what in caught.value.problems[0].what
    assert caught.value.problems[0].hint
