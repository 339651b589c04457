"""Where a program listens, as far as its command line tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Told(StrEnum):
    """How a command tells its port."""

    FIXED = "fixed"  # a number stands in it
    DEFAULT = "default"  # ${PORT:-3000}
    PORT = "$PORT"  # wherever PORT says
    USUAL = "usual"  # nothing is said; the program is known for that number


@dataclass(frozen=True, slots=True)
class ToldPort:
    """A port, or None where the variable PORT has it, and the words that tell it."""

    port: int | None
    told: Told
    words: str


_NUMBER = r"([1-9]\d{1,4})(?![\d.\w])"
_DEFAULT = re.compile(r"\$\{PORT:?-(\d+)\}")
_PORT = re.compile(r"\$(?:PORT\b|\{PORT\})")
_HOST = r"(?:[a-z+]+://)?(?:\[[\da-fA-F:]*\]|[\w.*-]*)"
_FIXED = tuple(
    re.compile(rf"(?:^|(?<=[\s;&|])){words}{_NUMBER}")
    for words in (
        r"(?:export\s+)?PORT=[\"']?",
        r"(?:-p|-P|--port|--http-port|--http\.port|--server\.port|--web-port|-l|--listen)(?:\s+|=)?[\"']?",
        r"-D(?:server|http|quarkus\.http)\.port=",
        rf"(?:-b|-l|-S|-a|--bind|--listen|--address|--addr|--http|--urls)(?:\s+|=)[\"']?{_HOST}:",
        rf"runserver(?:_plus)?\s+(?:{_HOST}:)?",
        r"http\.server\s+(?:-\S+\s+\S+\s+)*",
    )
)
# Programs and what they listen at when nobody says otherwise. The first that is found counts.
_USUAL = tuple(
    (re.compile(rf"(?:^|(?<=[\s/;&|])){words}(?=\s|$)"), port)
    for words, port in (
        (r"vite(?:\s+(?:dev|serve))?(?=$|\s+(?:-|&|\||;))", 5173),
        (r"vite preview", 4173),
        (r"(?:next|nuxt|nuxi|remix|react-router|react-scripts|rails) (?:dev|s|server|start)", 3000),
        (r"(?:webpack-dev-server|webpack serve|vue-cli-service serve)", 8080),
        (r"astro dev", 4321),
        (r"(?:ng serve|ng s)", 4200),
        (r"(?:gatsby develop|artisan serve|fastapi (?:dev|run)|manage\.py runserver)", 8000),
        (r"(?:http\.server|gunicorn|daphne|hypercorn|uvicorn)", 8000),
        (r"(?:flask run|(?:flask) (?:--\S+ \S+ )+run)", 5000),
        (r"(?:mix phx\.server|jekyll serve|jekyll s)", 4000),
        (r"hugo (?:server|serve)", 1313),
        (r"parcel(?: serve)?", 1234),
        (r"(?:puma|rackup)", 9292),
        (r"storybook dev", 6006),
    )
)  # fmt: skip
# They listen, but not for HTTP; or they only name the port of somebody else.
_NO_HTTP = re.compile(
    r"(?:^|[\s/;&|])(?:redis-server|valkey-server|postgres|pg_ctl|mysqld|mariadbd|mongod|memcached"
    r"|beanstalkd|rabbitmq-server|nats-server|temporal|etcd|mosquitto|elasticmq|minio|stripe|ngrok"
    r"|cloudflared|ssh|docker|docker-compose|podman|wait-on|nc|lt|redis-cli|psql)(?=\s|$)"
)
_DATABASES = re.compile(
    r"(?:^|[\s/;&|])(?:redis-server|valkey-server|postgres|mysqld|mariadbd|mongod|memcached"
    r"|beanstalkd|nats-server|etcd|mosquitto)(?=\s|$)"
)
_WATCHING = re.compile(
    r"(?:^|[\s:-])(?:watch|--watch(?:=\S+)?|watch:\S+)(?=\s|$)|tailwindcss|esbuild"
)
_UNQUOTED_DOLLAR = re.compile(r"\$(?:([A-Z_][A-Z0-9_]*)|\{([A-Z_][A-Z0-9_]*)\})")


def listening(command: str) -> ToldPort | None:
    """Return where a shell's command listens; None if it doesn't tell, or has no HTTP."""
    if found := _DEFAULT.search(command):
        return ToldPort(int(found[1]), Told.DEFAULT, found[0])
    for pattern in _FIXED:
        if (found := pattern.search(command)) and 0 < int(found[1]) < 65536:
            return ToldPort(int(found[1]), Told.FIXED, found[0].strip())
    if found := _PORT.search(command):
        return ToldPort(None, Told.PORT, found[0])
    for pattern, port in _USUAL:
        if found := pattern.search(command):
            return ToldPort(port, Told.USUAL, found[0])
    return None


def speaks_http(command: str) -> bool:
    """Whether it may: a database or a tunnel does not."""
    return not _NO_HTTP.search(command)


def own_port(command: str) -> int | None:
    """Return the port that a database is told to listen at."""
    if not _DATABASES.search(command):
        return None
    told = listening(command)
    return told.port if told and told.told is Told.FIXED else None


def watches(command: str) -> bool:
    """Whether it rebuilds something whenever files change."""
    return bool(_WATCHING.search(command))


def variables(command: str) -> list[str]:
    """Return the variables in capitals without a default that a command uses, each once."""
    single = re.sub(r"'[^']*'", "", command)
    names = [one or other for one, other in _UNQUOTED_DOLLAR.findall(single)]
    set_here = set(re.findall(r"(?:^|[\s;&|])(?:export\s+)?([A-Z_][A-Z0-9_]*)=", command))
    return [name for name in dict.fromkeys(names) if name not in set_here]
