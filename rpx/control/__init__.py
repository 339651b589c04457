"""The control API of a running project, on a unix socket."""
