"""What is compiled before it is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.compiled import compile_one


def test_a_module_of_tests_is_compiled_and_nothing_in_it_is_run(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    path, run = tmp_path / "test_new.py", tmp_path / "run"
    path.write_text(
        f'"""New."""\n\nopen({str(run)!r}, "w")\n\n\ndef test_new():\n    assert 1 < 2\n'
    )
    execute = getattr(pytestconfig.pluginmanager.rewrite_hook, "exec_module", None)
    if execute is None:
        pytest.skip("assertions are plain")
    compile_one(execute, path)
    [compiled] = tmp_path.glob("__pycache__/*.pyc")
    assert b"@pytest_ar" in compiled.read_bytes()  # and its assertions are rewritten
    assert not run.exists()
