"""How a running project is found and asked from outside: its lease, its socket, its output."""
