"""Variables: what is filled into a text, the `.env` and env files, what only a process knows."""
