"""From compose files to a draft: the straight line."""

from __future__ import annotations

from rpx.moving.draft import Draft, DraftService
from rpx.moving.given import Given
from rpx.moving.lined import read_lined


def read_compose(given: Given) -> Draft:
    """The services of compose files. Raises: RpxError where they can't be understood."""
    draft = Draft()
    for file in given.files:
        services = read_lined(file).get("services")
        for name, service in services.mapping.items() if services else ():
            settings: dict[str, object] = {}
            for word in ("image", "command"):
                if written := service.get(word):
                    settings[word] = written.plain()
            if context := service.get("build"):
                settings["cwd"] = given.below_root(file.parent / context.text)
                settings.setdefault("command", f"echo '{name} has no command' >&2; exit 1")
            draft.add(DraftService(name, settings, service.origin))
    return draft
