"""Procfiles, as foreman, honcho, overmind and hivemind read them, and the files beside them."""
