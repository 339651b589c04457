"""What a bare folder of a known framework comes to: its command, its port, its host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from rpx.config import load_config
from rpx.errors import RpxError
from rpx.moving.draft import Draft
from rpx.moving.found import draft_of as draft_of_piles
from rpx.moving.found import found_in, sorted_out
from rpx.moving.remarks import Came
from rpx.moving.writing import text_of
from tests.moving.framework_cases import (
    FASTAPI,
    MANAGE,
    NODE,
    OTHERS,
    PYTHON,
    REPOSITORIES,
    STRICT,
    VITE,
    Entries,
    Files,
    package,
)

CASES = {**NODE, **PYTHON, **OTHERS, **REPOSITORIES}


def laid(folder: Path, files: Files) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def draft_of(folder: Path) -> Draft:
    piles = found_in(folder)
    return draft_of_piles(piles, folder, {}) if piles else Draft()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def remarks(draft: Draft, what: str) -> list[tuple[Came, str, str]]:
    return [(r.came, r.service, str(r.origin)) for r in draft.remarks if r.what == what]


@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES)
def test_a_folder_comes_to_services_that_rpx_takes(
    shop: Path, files: Files, expected: Entries
) -> None:
    draft = draft_of(laid(shop, files))
    assert {name: each.settings for name, each in draft.services.items()} == expected
    if expected:
        (shop / "rpx.yaml").write_text(text_of(draft))
        assert yaml.safe_load(text_of(draft))
        load_config(shop / "rpx.yaml", {"PATH": os.environ["PATH"]})


@pytest.mark.parametrize("files", [files for files, _ in CASES.values()], ids=CASES)
def test_a_service_says_which_line_it_was_read_from(shop: Path, files: Files) -> None:
    draft = draft_of(laid(shop, files))
    places = [service.origin for service in draft.services.values()]
    for origin in [*places, *(remark.origin for remark in draft.remarks)]:
        lines = (shop / origin.file).read_text().splitlines()
        assert 0 <= origin.line <= len(lines)


def test_a_port_that_was_found_in_a_source_is_said_with_its_line(shop: Path) -> None:
    server = "const app = express()\n\napp.listen(3000)\n"
    files = {"package.json": package({"dev": "node server.js"}, "express"), "server.js": server}
    draft = draft_of(laid(shop, files))
    assert (Came.GUESSED, "web", "server.js:3") in remarks(draft, "port")


def test_a_port_in_a_configuration_is_said_with_its_line(shop: Path) -> None:
    config = "export default {\n  server: { port: 3005 },\n}\n"
    draft = draft_of(laid(shop, {"package.json": VITE, "vite.config.js": config}))
    assert remarks(draft, "port") == [(Came.CARRIED, "web", "vite.config.js:2")]


def test_a_port_that_nothing_tells_is_a_guess(shop: Path) -> None:
    files = {"package.json": package({"dev": "node a.js"}, "express"), "a.js": "start()"}
    assert (Came.GUESSED, "web", "package.json") in remarks(draft_of(laid(shop, files)), "port")


def test_packages_that_are_missing_are_said_with_what_installs_them(shop: Path) -> None:
    laid(shop, {"package.json": VITE, "yarn.lock": ""})
    [said] = draft_of(shop).remarks
    assert (said.what, said.hint) == ("node_modules", "run `yarn install` first")
    laid(shop, {"node_modules/vite/x": ""})
    assert not draft_of(shop).remarks


def test_a_python_without_an_environment_is_said(shop: Path) -> None:
    laid(shop, {"main.py": FASTAPI, "requirements.txt": "fastapi\nuvicorn\n"})
    [said] = draft_of(shop).remarks
    assert said.what == "python3"
    assert "pip install -r requirements.txt" in said.hint


def test_a_server_that_no_file_names_among_the_packages_is_a_guess(shop: Path) -> None:
    files = {"main.py": FASTAPI, "requirements.txt": "fastapi\n", ".venv/bin/python": ""}
    assert remarks(draft_of(laid(shop, files)), "uvicorn") == [
        (Came.GUESSED, "api", "requirements.txt")
    ]


def test_hosts_that_django_would_refuse_are_said_with_their_line(shop: Path) -> None:
    settings = "DEBUG = False\nALLOWED_HOSTS = ['shop.example']\n"
    files = {"manage.py": MANAGE, "uv.lock": "", "shop/settings.py": settings}
    assert remarks(draft_of(laid(shop, files)), "ALLOWED_HOSTS") == [
        (Came.GUESSED, "web", "shop/settings.py:2")
    ]


def test_a_part_that_others_look_for_at_a_port_stays_there(shop: Path) -> None:
    files, _ = REPOSITORIES["a frontend that looks for its backend at 8000"]
    draft = draft_of(laid(shop, files))
    assert remarks(draft, "port") == [(Came.CARRIED, "backend", "frontend/vite.config.ts:2")]


def test_a_backend_that_lets_only_localhost_read_its_answers_is_said(shop: Path) -> None:
    cors = f'{FASTAPI}allow_origins=["http://localhost:5173"]\n'
    files = {"frontend/package.json": VITE, "backend/main.py": cors, "backend/uv.lock": ""}
    draft = draft_of(laid(shop, files))
    assert remarks(draft, "CORS") == [(Came.GUESSED, "backend", "backend/main.py:4")]


def test_two_parts_with_one_port_are_said_and_the_file_loads(shop: Path) -> None:
    server = {"package.json": package({"start": "node a.js"}), "a.js": "x.listen(3000)"}
    files = {f"{part}/{name}": text for part in ("one", "two") for name, text in server.items()}
    draft = draft_of(laid(shop, files))
    assert draft.services["one"].settings["from"] == "localhost:3000"
    assert "from" not in draft.services["two"].settings
    assert any(service == "two" for _, service, _ in remarks(draft, "port"))
    (shop / "rpx.yaml").write_text(text_of(draft))
    load_config(shop / "rpx.yaml", {})


def test_sources_join_the_databases_of_a_compose_file(shop: Path) -> None:
    laid(shop, {"package.json": VITE, "compose.yaml": "services: {db: {image: 'postgres:16'}}"})
    assert sorted(draft_of(shop).services) == ["db", "web"]


def test_nothing_is_guessed_where_somebody_has_written_down_what_runs(shop: Path) -> None:
    compose = "services: {site: {build: ., command: npm start}}"
    draft = draft_of(laid(shop, {"package.json": VITE, "compose.yaml": compose}))
    assert list(draft.services) == ["site"]
    assert not remarks(draft, "the whole service")


def test_a_named_file_is_read_with_its_folder(shop: Path) -> None:
    laid(shop, {"web/package.json": VITE, "api/main.py": FASTAPI, "api/uv.lock": ""})
    files = [shop / "web/package.json"]
    assert list(draft_of_piles(sorted_out(files), shop, {}).services) == ["web"]
    other = draft_of_piles(sorted_out(files), shop / "api", {})
    assert other.services["web"].settings["start"]["cwd"] == "../web"


@pytest.mark.parametrize("text", ["", "[]", '{"scripts": []}', '{"scripts": {"dev": 3}}', "null"])
def test_a_package_that_says_nothing_is_not_there(shop: Path, text: str) -> None:
    assert not draft_of(laid(shop, {"package.json": text})).services


@pytest.mark.parametrize("name", ["pyproject.toml", "Cargo.toml", "main.py", "package.json"])
def test_a_manifest_that_cannot_be_read_stops_nobody(shop: Path, name: str) -> None:
    (shop / name).mkdir()
    laid(shop, {"index.php": "<?php"})
    assert list(draft_of(shop).services) == ["web"]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("package.json", '{"scripts":\n  {"dev": "vite"', 2),
        ("package.json", "\0", 1),
        ("package.json", "[" * 100_000, 0),
        ("pyproject.toml", "[project]\nname = shop\n", 2),
        ("Cargo.toml", "[package]\n\nname = \n", 3),
    ],
)
def test_a_manifest_that_is_broken_is_named_with_its_line(
    shop: Path, name: str, text: str, line: int
) -> None:
    program = {"Cargo.toml": "src/main.rs", "pyproject.toml": "main.py"}.get(name, "README")
    laid(shop, {name: text, program: FASTAPI})
    with pytest.raises(RpxError) as caught:
        draft_of(shop)
    [problem] = caught.value.problems
    assert problem.what.startswith(f"{name} is no ")
    assert problem.where == (f"{name}:{line}" if line else name)


def test_workspaces_that_lead_out_of_the_folder_are_not_followed(shop: Path) -> None:
    laid(shop.parent, {"elsewhere/package.json": VITE})
    (shop / "linked").symlink_to(shop.parent / "elsewhere")
    laid(shop, {"package.json": package(workspaces=["../elsewhere", "/etc", "linked"])})
    assert not draft_of(shop).services


def test_a_name_of_a_folder_becomes_a_host(tmp_path: Path) -> None:
    folder = tmp_path / "My_Shop 2"
    draft = draft_of(laid(folder, {"package.json": VITE}))
    assert draft.services["web"].settings == {
        "to": "my-shop-2.localhost",
        "name": "web",
        "start": STRICT,
    }


def test_a_service_of_compose_without_a_command_has_that_of_its_framework(shop: Path) -> None:
    compose = "services: {api: {build: ./api, ports: ['8000:8000']}}"
    files = {"compose.yaml": compose, "api/main.py": FASTAPI, "api/.venv/bin/python": ""}
    start = draft_of(laid(shop, files)).services["api"].settings["start"]
    assert start["command"] == ".venv/bin/python -m uvicorn main:app --port $PORT"
    assert start["cwd"] == "./api"
