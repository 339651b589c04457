"""What containers, their volumes and images of a project are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Naming:
    """Of one project. `name` is that, with its realm; `identity` is nobody else's: its file."""

    name: str
    identity: str

    @property
    def mark(self) -> str:
        """Tells it from another project of the same name."""
        return sha256(self.identity.encode()).hexdigest()[:6]

    def containers(self, service: str, replica: int, instance: str) -> Iterator[str]:
        """Return how a container may be called: the first that nobody else has."""
        plain = f"rpx-{self.name}-{service}-{replica}"
        yield plain
        yield f"{plain}-{self.mark}"
        yield f"{plain}-{instance.replace('.', '-')}"

    def volumes(self, name: str) -> tuple[str, str]:
        """Return how a volume is called, as compose calls it; and how, where another project of
        the same name has that.
        """
        project = re.sub(r"[^a-z0-9_-]", "", self.name.lower()).lstrip("_-") or "project"
        return f"{project}_{name}", f"{project}-{self.mark}_{name}"

    @property
    def network(self) -> str:
        """Return how the network of its containers is called."""
        return f"rpx-{self.name}-{self.mark}"

    def image(self, service: str) -> str:
        """Return how what is built for a service is called."""
        return f"rpx-{self.name}-{self.mark}-{service}".lower()
