"""Nouns: frozen descriptions that every room may know."""
