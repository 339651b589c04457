"""The container engine, by its command line: which one answers, what it is told, what it says.

Nothing but the standard library: the guardian, which asks it when the supervisor is gone, keeps
what it imports in memory for the whole run.
"""
