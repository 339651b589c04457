"""`requests`: how many are kept, how much of their bodies, and what is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.errors import ConfigError
from rpx.model.own_settings import KeptRequests

PROJECT = "requests: {}\nfrom: localhost:3000\nto: api.localhost\n"


def kept(folder: Path, written: str) -> KeptRequests:
    file = folder / "rpx.yaml"
    file.write_text(PROJECT.format(written))
    return load_config(file, {}, print).requests


def test_it_is_a_switch_or_numbers(tmp_path: Path) -> None:
    assert kept(tmp_path, "true") == KeptRequests(keep=2000, bodies=0)
    assert kept(tmp_path, "false").keep == 0
    written = "{keep: 50, bodies: 64kb, redact: [X-Api-Key]}"
    assert kept(tmp_path, written) == KeptRequests(keep=50, bodies=65536, redact=("x-api-key",))


@pytest.mark.parametrize("written", ["{redact: a b}", "{keep: -1}", "{bodies: 2mb}", "{kep: 1}"])
def test_what_it_can_not_be_is_an_error(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError):
        kept(tmp_path, written)
