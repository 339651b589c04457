"""Shared ground: the registry, the buses, the walls and the waits."""
