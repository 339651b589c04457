"""`$RPX_API_URL` in `env` and in env files: left until the process starts, which knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.backend.environment import child_environment
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.model.specs import processes_of
from rpx.policy.plan import plan_backends
from tests.config.support import load, refused

TWO = """\
proxies:
  - {to: api.localhost, from: 3000, start: ./api}
  - to: web.localhost
    from: 3001
    start: {command: ./web, env: {URL: $RPX_API_URL, BASE: "${RPX_API_URL}/v1", OWN: $RPX_URL}}
processes:
  worker: {command: ./w, env: ["API=$RPX_API_URL", "WHO=$RPX_NAME", "NOT=$$RPX_API_URL"]}
"""


def found_in(config: Config, label: str, port: int = 20_001) -> dict[str, str]:
    """What a service finds in its environment, where it reaches `api` by `port`."""
    ports = Ports(8080, services={"RPX_API_URL": port, "RPX_WEB_URL": 20_002})
    there = processes_of(plan_backends(config, ports))
    process = next(process for process in there if process.label == label)
    return child_environment(process, colour=False)


def test_env_is_filled_with_the_urls_of_proxies(tmp_path: Path) -> None:
    config, warnings = load(tmp_path, TWO)
    web, worker = found_in(config, "web:3001"), found_in(config, "worker", port=20_009)
    assert web["URL"] == "http://127.0.0.1:20001"
    assert web["BASE"] == "http://127.0.0.1:20001/v1"
    assert web["OWN"] == "http://web.localhost:8080"
    assert worker["API"] == "http://127.0.0.1:20009"
    assert (worker["WHO"], worker["NOT"]) == ("worker", "$RPX_API_URL")
    assert warnings == []


def test_browsers_have_a_variable_of_their_own_in_env_and_in_files_too(tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("VITE_API=$RPX_API_PUBLIC_URL/v2\n")
    text = TWO.replace("command: ./web,", "command: ./web, env_file: web.env,")
    text = text.replace("URL: $RPX_API_URL", "URL: $RPX_API_PUBLIC_URL")
    config, warnings = load(tmp_path, text, "ALL=$RPX_WEB_PUBLIC_URL\n")
    web = found_in(config, "web:3001")
    assert web["URL"] == web["RPX_API_PUBLIC_URL"] == "http://api.localhost:8080"
    assert web["VITE_API"] == "http://api.localhost:8080/v2"
    assert web["ALL"] == web["RPX_URL"] == "http://web.localhost:8080"
    assert warnings == []


def test_two_proxies_for_one_variable_are_warned_of(tmp_path: Path) -> None:
    text = """
    proxies:
      - {to: api.localhost, from: 3000, start: ./api, name: my-api}
      - {to: web.localhost, from: 3001, name: my_api}
      - {to: shop.localhost, from: 3002, name: my-api-public}
    """
    _, warnings = load(tmp_path, text)
    public = "`RPX_MY_API_PUBLIC_URL` is the URL of `my-api-public`, not the public one of"
    other = "; give one of them another `name`"
    assert warnings == [
        f"`RPX_MY_API_URL` is the URL of `my-api`, not that of `my_api`{other}",
        f"{public} `my-api`{other}",
        f"{public} `my_api`{other}",
    ]


def test_a_url_that_changes_does_not_change_what_is_written(tmp_path: Path) -> None:
    config, _ = load(tmp_path, TWO)
    other, _ = load(tmp_path, TWO.replace("to: api.localhost", "to: api.shop.localhost"))
    assert config.processes == other.processes


def test_env_files_may_name_them_too(tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("VITE_API=$RPX_API_URL/v2\n")
    text = TWO.replace("command: ./web,", "command: ./web, env_file: web.env,")
    config, warnings = load(tmp_path, text, "ALL=$RPX_WEB_URL\n")
    web = found_in(config, "web:3001")
    assert web["VITE_API"] == "http://127.0.0.1:20001/v2"
    assert web["ALL"] == "http://127.0.0.1:20002"
    assert warnings == []


def test_a_variable_that_was_set_from_one_is_filled_as_well(tmp_path: Path) -> None:
    text = "{from: 3000, to: api.localhost, start: {command: ./a, env: {X: $API/v3}}}"
    config, _ = load(tmp_path, text, "API=$RPX_API_URL\n")
    assert found_in(config, "api:3000")["X"] == "http://127.0.0.1:20001/v3"


def test_what_the_process_itself_listens_on_is_known_too(tmp_path: Path) -> None:
    text = '{from: 3000, to: a.localhost, start: {command: ./a, env: {SELF: "$HOST:$PORT"}}}'
    config, warnings = load(tmp_path, text)
    assert found_in(config, "a:3000")["SELF"] == "localhost:3000"
    assert warnings == []
    config, _ = load(tmp_path, text, environ={"PORT": "9", "HOST": "given"})
    assert found_in(config, "a:3000")["SELF"] == "given:9"


@pytest.mark.parametrize(
    ("written", "value"),
    [("${RPX_API_URL:-x}", "http://127.0.0.1:20001"), ("${RPX_ELSE_URL:-x}", "x")],
)
def test_a_default_stands_for_a_proxy_that_is_not_there(
    written: str, value: str, tmp_path: Path
) -> None:
    text = f'{{from: 3000, to: api.localhost, start: {{command: ./a, env: {{X: "{written}"}}}}}}'
    config, warnings = load(tmp_path, text)
    assert found_in(config, "api:3000")["X"] == value
    assert warnings == []


def test_a_proxy_that_is_not_there_is_warned_of_with_the_nearest(tmp_path: Path) -> None:
    config, warnings = load(tmp_path, TWO.replace("URL: $RPX_API_URL", "URL: $RPX_APP_URL"))
    (warning,) = warnings
    assert warning == (
        f"`RPX_APP_URL` is not set; an empty text stands in its place ({tmp_path}/rpx.yaml:5:40):"
        " no proxy has that name; did you mean `RPX_API_URL`?"
    )
    assert found_in(config, "web:3001")["URL"] == ""


def test_what_another_rpx_has_said_holds_for_a_proxy_that_is_not_here(tmp_path: Path) -> None:
    text = TWO.replace("URL: $RPX_API_URL", "URL: $RPX_MAIL_URL")
    config, warnings = load(tmp_path, text, environ={"RPX_MAIL_URL": "http://mail.localhost"})
    assert found_in(config, "web:3001")["URL"] == "http://mail.localhost"
    assert warnings == []


@pytest.mark.parametrize("dotenv", ["", "X=$RPX_API_URL\n"])
def test_where_no_process_starts_it_is_not_known_and_that_is_said(
    dotenv: str, tmp_path: Path
) -> None:
    name = "X" if dotenv else "RPX_API_URL"
    text = f"{{name: 'shop${name}', from: 3000, to: api.localhost}}"
    config, warnings = load(tmp_path, text, dotenv)
    assert config.name == "shop"
    assert len(warnings) == 1
    assert "`RPX_API_URL` is not set" in warnings[0]
    assert "in `env`, in env files, or in a command" in warnings[0]


def test_a_url_that_a_file_sets_itself_holds_in_env_too(tmp_path: Path) -> None:
    config, _ = load(tmp_path, TWO, "RPX_API_URL=http://elsewhere.test\n")
    web = found_in(config, "web:3001")
    assert web["URL"] == web["RPX_API_URL"] == "http://elsewhere.test"


def test_a_nul_of_the_users_own_is_still_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, '{from: 1, to: a, start: {command: x, env: {X: "\\0A\\0"}}}')
    assert "NUL" in problem.what
