"""What a service finds in its environment."""

from __future__ import annotations

import pytest

from rpx.backend.environment import child_environment
from rpx.model.specs import ProcessSpec, processes_of
from tests.support.bench import spec

COLOURS = ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR")


def process_with(env: dict[str, str | None]) -> ProcessSpec:
    [process] = processes_of([spec(3000, env=env)])
    return process


@pytest.mark.parametrize(
    ("colour", "outer", "own", "found"),
    [
        (False, {}, {}, {}),
        (True, {}, {}, {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}),
        (True, {"NO_COLOR": "1"}, {}, {"NO_COLOR": "1"}),
        (True, {"FORCE_COLOR": "3"}, {}, {"FORCE_COLOR": "3", "CLICOLOR_FORCE": "1"}),
        (True, {}, {"FORCE_COLOR": None}, {"CLICOLOR_FORCE": "1"}),
        (True, {}, {"FORCE_COLOR": "0"}, {"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}),
    ],
)
def test_services_are_told_to_use_colours_where_rpx_does(
    colour: bool,
    outer: dict[str, str],
    own: dict[str, str | None],
    found: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in COLOURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in outer.items():
        monkeypatch.setenv(name, value)
    environment = child_environment(process_with(own), colour=colour)
    assert {name: environment[name] for name in COLOURS if name in environment} == found


USUAL = {"NODE_EXTRA_CA_CERTS": "/ca", "SSL_CERT_FILE": "/all", "REQUESTS_CA_BUNDLE": "/all"}


@pytest.mark.parametrize(
    ("outer", "own", "found"),
    [
        ({}, {}, USUAL),
        ({"NODE_EXTRA_CA_CERTS": "/mine"}, {}, {**USUAL, "NODE_EXTRA_CA_CERTS": "/mine"}),
        ({}, {"NODE_EXTRA_CA_CERTS": None}, {**USUAL, "NODE_EXTRA_CA_CERTS": None}),
        ({"SSL_CERT_DIR": "/mine"}, {}, {"NODE_EXTRA_CA_CERTS": "/ca"}),
        (
            {},
            {"REQUESTS_CA_BUNDLE": "/b"},
            {"NODE_EXTRA_CA_CERTS": "/ca", "REQUESTS_CA_BUNDLE": "/b"},
        ),
        ({"CURL_CA_BUNDLE": "/mine"}, {}, {"NODE_EXTRA_CA_CERTS": "/ca"}),
    ],
)
def test_whom_a_service_trusts_is_what_somebody_has_chosen_or_else_the_usual(
    outer: dict[str, str],
    own: dict[str, str | None],
    found: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*USUAL, "SSL_CERT_DIR", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in outer.items():
        monkeypatch.setenv(name, value)
    environment = child_environment(process_with(own), colour=False, usual=USUAL)
    for name in USUAL:
        assert environment.get(name) == found.get(name)
