"""The key of sticky cookies: made once, private, and whole."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rpx.runs.secret import SIZE, kept_key, key_file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def test_a_key_is_made_at_random_and_kept() -> None:
    key = kept_key()
    assert len(key) == SIZE
    assert kept_key() == key
    key_file().unlink()
    assert kept_key() != key


def test_nobody_else_may_read_it(home: Path) -> None:
    kept_key()
    assert key_file().is_relative_to(home)
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file().parent.stat().st_mode) == 0o700
    key_file().chmod(0o644)
    kept_key()
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600


@pytest.mark.parametrize("torn", [b"", b"short", b"x" * 1000])
def test_a_torn_key_is_replaced(torn: bytes) -> None:
    kept_key()
    key_file().write_bytes(torn)
    key = kept_key()
    assert len(key) == SIZE
    assert key not in (torn, torn[:SIZE])
    assert key_file().read_bytes() == key


def test_all_who_ask_at_once_get_the_same() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: kept_key(), range(32)))) == 1


def test_a_key_that_cannot_be_kept_is_an_error(home: Path) -> None:
    (home / "state").write_text("a file stands here")
    with pytest.raises(OSError, match="state"):
        kept_key()
    (home / "state").unlink()
    key_file().parent.mkdir(parents=True)
    key_file().symlink_to(home / "elsewhere")
    with pytest.raises(OSError, match=r"sticky\.key"):
        kept_key()
    assert not (home / "elsewhere").exists()
