"""The rpx.yaml for a folder in which nothing was found: it works as it stands."""

from __future__ import annotations

import re

_STARTER = """\
# Nothing that says what to run was found in this folder. This works as it stands: `rpx up`, then
# http://{name}.localhost in a browser. Change it to what you run, and `rpx check` it.

proxies:
  - to: {name}.localhost            # what you type in the browser
    respond: "<h1>{name}</h1><p>rpx works. The next step is in rpx.yaml."

    # In place of `respond`: a command that listens at $PORT,
    # start: npm run dev -- --port $PORT
    #
    # or one that has its own port,
    # from: localhost:3000
    # start: python3 app.py
    #
    # or a folder of files.
    # static: ./public

# What runs beside it, and takes no requests:
#
# processes:
#   worker: python3 worker.py
#   db:
#     image: postgres:16            # a container, with docker or podman
#     ports: [5432]                 # others find it at $RPX_DB_ADDRESS
#     env: {{POSTGRES_PASSWORD: dev}}
#     volumes: ["data:/var/lib/postgresql/data"]
"""


def starter(folder: str) -> str:
    """The text, with a host that is called like the folder."""
    return _STARTER.format(name=host_label(folder))


def host_label(name: str) -> str:
    """A name as the label of a host: `My_App` is `my-app`; "app" where nothing is left of it."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return label or "app"
