"""What an agent asks of a drill, as the command takes it."""

from __future__ import annotations

from typing import Any

import click
import pytest

from rpx.agents.tool_inputs import DrillInput
from rpx.agents.waiting_for import drill_flags
from rpx.cli.commands.drill import drill


@pytest.mark.parametrize(
    ("asked", "parsed"),
    [
        ({}, {"kill": "", "rate": 200, "duration": "10.0s", "path": "/", "grpc": None}),
        ({"damage": "hang", "backend": "api:2"}, {"kill": None, "hang": "api:2"}),
        ({"at": 1, "down_for": 0.5, "allow_errors": 3}, {"at": "1.0s", "down_for": "0.5s"}),
        ({"grpc": ""}, {"grpc": "", "path": "/"}),
        ({"grpc": "shop.Orders"}, {"grpc": "shop.Orders"}),
    ],
)
def test_each_argument_is_an_option_of_the_command(
    asked: dict[str, Any], parsed: dict[str, Any]
) -> None:
    flags = drill_flags(DrillInput(name="api", **asked))
    with drill.make_context("drill", ["api", *flags]) as context:
        assert isinstance(context, click.Context)
        assert {**context.params, **parsed} == context.params
