"""What axe-core has against a page, as it is shown now."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from tests.support.browser import Tab

Scheme = Literal["light", "dark"]
RUN = """axe.run(document, OPTIONS).then((r) => JSON.stringify(r.violations.map((v) => [
  v.id, v.help, v.nodes.map((n) => n.html + n.failureSummary)])))"""


def violations(tab: Tab, *rules: str) -> list[Any]:
    """What it finds wrong, by all rules or these."""
    if not tab.run("!!window.axe"):
        tab.run(f"{_script()}; true")
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found: list[Any] = json.loads(tab.run(RUN.replace("OPTIONS", json.dumps(options))))
    return found


def prefer(tab: Tab, scheme: Scheme) -> None:
    """Have a tab in a colour scheme."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.ask("Emulation.setEmulatedMedia", features=features)


@cache
def _script() -> str:
    spec = find_spec("axe_core_python")  # to import it would import a browser's driver
    assert spec
    assert spec.origin
    return Path(spec.origin).with_name("axe.min.js").read_text()
