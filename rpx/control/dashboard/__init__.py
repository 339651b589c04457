"""The dashboard: who may see it, what it is told, and its files (`page/`)."""
