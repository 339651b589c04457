"""What holds for a draft whatever it was read from: nobody waits for what isn't there."""

from __future__ import annotations

from rpx.moving.draft import Draft


def finish(draft: Draft) -> Draft:
    """The draft, with nothing in it that rpx.yaml would refuse for what another source has said."""
    for service in draft.services.values():
        waits = service.settings.get("depends_on")
        gone = [name for name in waits or () if name not in draft.services]
        for name in gone:
            why = f"there is no service `{name}` in rpx.yaml"
            draft.lost(service.name, "depends_on", why, service.origin)
        if isinstance(waits, dict):
            kept: object = {name: how for name, how in waits.items() if name not in gone}
        else:
            kept = [name for name in waits or () if name not in gone]
        if kept:
            service.settings["depends_on"] = kept
        else:
            service.settings.pop("depends_on", None)
    return draft
