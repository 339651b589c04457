"""The life of one backend: its process, output, health and restarts."""
