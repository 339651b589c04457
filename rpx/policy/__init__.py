"""Decisions: pure functions of what they are told. Time and chance are arguments."""
