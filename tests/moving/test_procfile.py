"""Procfiles: which lines are entries, who gets a host and which port, what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx.errors import RpxError
from rpx.moving.command_ports import Told, listening, variables, watches
from rpx.moving.draft import Draft
from rpx.moving.given import Given
from rpx.moving.remarks import Came
from rpx.moving.sources.procfile.procfile_lines import is_procfile
from rpx.moving.sources.procfile.procfile_reader import PROCFILE


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def draft_of(folder: Path, text: str, name: str = "Procfile", **environ: str) -> Draft:
    (folder / name).write_text(text)
    return PROCFILE.read(Given((folder / name,), folder, environ))


def said(draft: Draft, came: Came) -> Iterator[str]:
    return (f"{r.origin.line}: {r}" for r in draft.remarks if r.came is came)


def test_web_is_called_like_the_folder_and_others_with_a_port_are_below_it(shop: Path) -> None:
    draft = draft_of(
        shop,
        "web:  bin/rails server -p ${PORT:-3000}\n"
        "my_api: uvicorn app:app --port 8001\n"
        "queue_low: LOG=debug bin/work --all # low\n"
        "db: redis-server --port 6390\n"
        "hooks: stripe listen --forward-to localhost:3000/hooks\n"
        "last: bin/clock",
    )
    assert {name: service.settings for name, service in draft.services.items()} == {
        "web": {
            "to": "shop.localhost",
            "name": "web",
            "from": "localhost:3000",
            "start": "bin/rails server -p ${PORT:-3000}",
        },
        "my_api": {
            "to": "my-api.shop.localhost",
            "name": "my_api",
            "from": "localhost:8001",
            "start": "uvicorn app:app --port 8001",
        },
        "queue_low": {"command": "LOG=debug bin/work --all # low"},
        "db": {"command": "redis-server --port 6390", "ports": [6390]},
        "hooks": {"command": "stripe listen --forward-to localhost:3000/hooks"},
        "last": {"command": "bin/clock"},
    }
    assert not draft.losses


def test_lines_that_are_no_entries_and_second_ones_of_a_name_are_said_with_both_places(
    shop: Path,
) -> None:
    draft = draft_of(
        shop,
        "# for one desk\nworker: redis-server\n\nworker: bin/work\n  web: indented\nno-colon\r\n",
    )
    first, *others = draft.losses
    assert first.origin.line == 4
    assert first.why.endswith("Procfile:2")
    assert [(remark.origin.line, remark.what) for remark in others] == [
        (5, "web: indented"),
        (6, "no-colon"),
    ]
    assert draft.services["worker"].settings == {"command": "redis-server"}


def test_a_release_goes_before_the_others_and_port_of_the_dotenv_is_nobodys(shop: Path) -> None:
    (shop / ".env").write_text("A=1\nPORT=8000\n")
    draft = draft_of(
        shop,
        "release: ./migrate\nweb: gunicorn app --bind 0.0.0.0:$PORT\n"
        "worker: REMAP_SIGTERM=SIGQUIT celery --hostname=$DYNO@%h $A\n",
        DYNO="web.1",
    )
    assert draft.services["release"].settings == {"command": "./migrate", "oneshot": True}
    web = draft.services["web"].settings
    assert ("from" in web, web["depends_on"]) == (False, ["release"])
    worker = draft.services["worker"].settings
    assert (worker["stop_signal"], worker["depends_on"]) == ("SIGQUIT", ["release"])
    assert any(line.startswith("2: PORT") for line in said(draft, Came.CARRIED))
    assert [line.partition(" is")[0] for line in said(draft, Came.GUESSED)] == ["3: worker: $DYNO:"]


def test_foreman_and_overmind_say_ports_and_how_many(shop: Path) -> None:
    (shop / ".foreman").write_text("port: 4000\nconcurrency: web=2, worker=3,gone=1\ntimeout: 7\n")
    draft = draft_of(shop, "web: ./serve\nworker: ./work\napi: ./api -p $PORT\n")
    assert draft.services["web"].settings["from"] == "localhost:4000"
    assert draft.services["api"].settings["from"] == "localhost:4200"
    assert list(draft.services) == ["web", "worker", "api", "worker-2", "worker-3"]
    assert draft.services["worker-3"].settings["stop_grace_period"] == "7s"
    assert [remark.what for remark in draft.losses] == ["web=2", "gone="]
    (shop / ".foreman").unlink()
    (shop / ".overmind.env").write_text("OVERMIND_FORMATION=web=2,worker=0\nX=1\nOVERMIND_ROOT=.\n")
    draft = draft_of(shop, "web: ./serve\nworker: ./work\n")
    assert draft.services["web"].settings["replicas"] == 2
    assert draft.services["worker"].settings["autostart"] is False
    assert [remark.what for remark in draft.losses] == ["X"]


@pytest.mark.parametrize(
    ("command", "port", "told"),
    [
        ("rails s -p 3000", 3000, Told.FIXED),
        ("puma -p3001", 3001, Told.FIXED),
        ("PORT=4000 npm start", 4000, Told.FIXED),
        ("gunicorn app -b 0.0.0.0:8000", 8000, Told.FIXED),
        ("puma -b tcp://127.0.0.1:9292", 9292, Told.FIXED),
        ("uvicorn a:b --port=8001", 8001, Told.FIXED),
        ("php -S localhost:8080 -t public", 8080, Told.FIXED),
        ("python manage.py runserver 0.0.0.0:8005", 8005, Told.FIXED),
        ("java -Dserver.port=8081 -jar a.jar", 8081, Told.FIXED),
        ("python3 -m http.server 8025 --bind 127.0.0.1", 8025, Told.FIXED),
        ("vite --port ${PORT:-5180}", 5180, Told.DEFAULT),
        ("gunicorn app --bind :${PORT}", None, Told.PORT),
        ("npx vite", 5173, Told.USUAL),
        ("python manage.py runserver", 8000, Told.USUAL),
        ("cd ui && next dev", 3000, Told.USUAL),
    ],
)
def test_a_command_tells_where_it_listens(command: str, port: int | None, told: Told) -> None:
    found = listening(command)
    assert found is not None
    assert (found.port, found.told) == (port, told)


@pytest.mark.parametrize(
    "command",
    [
        "mkdir -p 1/2; ./run",
        "sidekiq -c 5",
        "celery worker --port-range",
        "vitest",
        "./next",
        "a -p 0",
    ],
)
def test_other_commands_tell_none(command: str) -> None:
    assert listening(command) is None


def test_watchers_and_variables_are_seen() -> None:
    assert all(map(watches, ["yarn build --watch", "rails tailwindcss:watch", "npm run watch"]))
    assert not any(map(watches, ["bin/watchman", "npm run dev"]))
    assert variables("A=1 x $A ${B} '$C' ${D:-1} $lower") == ["B"]


def test_what_looks_like_a_procfile_is_one() -> None:
    assert is_procfile("# x\nweb: a\nworker: b\n")
    assert not is_procfile("")
    assert not is_procfile("services:\n  web: {}\n")


@pytest.mark.parametrize("broken", [b"web: \xff\xfe", b"web: a\0b", b"web: a\n" * 400_000])
def test_what_is_no_text_is_refused(shop: Path, broken: bytes) -> None:
    (shop / "Procfile").write_bytes(broken)
    with pytest.raises(RpxError):
        PROCFILE.read(Given((shop / "Procfile",), shop, {}))
