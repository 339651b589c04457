"""Shared ground: the registry, the buses, the error boundary and the waits."""
