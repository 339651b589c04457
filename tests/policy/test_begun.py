"""Whom a run begins: who is named, who begins by itself, and what they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec
from rpx.policy.depend import begun_unasked, with_dependencies
from rpx.policy.plan import plan_backends
from rpx.policy.reload_plan import compare
from rpx.policy.reload_report import report
from tests.config.support import load

SHOP = """\
processes:
  db: x
  seed: {command: x, oneshot: true, autostart: false, depends_on: db}
  mail: {command: x, ports: 8025, autostart: false}
  cache: {command: x, autostart: false}
  worker: {command: x, depends_on: {cache: {}, seed: {required: false}, db: {required: false}}}
proxies:
  - {to: api.localhost, from: 3000, start: x, depends_on: {mail: {required: false}}}
  - {to: mail.localhost, name: inbox, from: 8025}
  - {to: far.localhost, from: 9000}
  - {to: docs.localhost, start: x, replicas: 1, from: [3001, 3002], autostart: false}
""".replace("replicas: 1, ", "")


def planned(folder: Path, text: str = SHOP) -> tuple[Config, Sequence[BackendSpec]]:
    config, _ = load(folder, text)
    return config, plan_backends(config, Ports(80))


def test_a_run_begins_all_but_what_starts_only_when_asked_and_what_they_need(
    tmp_path: Path,
) -> None:
    _, specs = planned(tmp_path)
    begun = with_dependencies(specs, begun_unasked(specs))
    assert begun == {"db", "cache", "worker", "api:3000", "far:9000"}


@pytest.mark.parametrize(
    ("named", "begun"),
    [
        ("seed", {"seed", "db"}),
        ("inbox:8025", {"inbox:8025", "mail"}),
        ("docs:3001", {"docs:3001"}),
        ("worker", {"worker", "cache", "db"}),
    ],
)
def test_who_is_named_is_begun_with_what_it_needs(
    tmp_path: Path, named: str, begun: set[str]
) -> None:
    _, specs = planned(tmp_path)
    assert with_dependencies(specs, {named}) == begun


def test_another_autostart_touches_nothing_that_runs(tmp_path: Path) -> None:
    before, there = planned(tmp_path)
    after, wanted = planned(
        tmp_path, SHOP.replace("oneshot: true, autostart: false", "oneshot: true")
    )
    plan = compare(there, wanted, before, after, tls=False)
    assert report(plan).sentences == (
        "change seed: autostart (from the next run)",
        "leave 9 backends alone",
    )
