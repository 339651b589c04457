"""Python: Django, Flask, what speaks ASGI or WSGI, Streamlit, and Celery beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rpx.moving.remarks import Origin
from rpx.moving.sources.manifests.python_project import Interpreter, interpreter_of, packages_of
from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder

_MADE = (
    r"^(\w+)\s*(?::\s*[\w.]+\s*)?=\s*(?:\w+\.)?"
    r"(FastAPI|Starlette|Litestar|Quart|Sanic|FastHTML|Flask|Falcon|Bottle|App|Celery)\("
)
_FACTORY = r"^def (create_app|make_app|build_app|get_app)\("
_ASGI = frozenset(("FastAPI", "Starlette", "Litestar", "Quart", "FastHTML"))
_KNOWN = {  # the module that a name has to come from
    "FastAPI": "fastapi", "Starlette": "starlette", "Litestar": "litestar", "Quart": "quart",
    "FastHTML": "fasthtml", "Sanic": "sanic", "Flask": "flask", "Bottle": "bottle",
    "Celery": "celery", "App": "falcon",
}  # fmt: skip
_FIRST = ("main", "app", "asgi", "wsgi", "server", "api", "web", "__init__")
_BEATS = r"beat_schedule|CELERY_BEAT_SCHEDULE|django_celery_beat|add_periodic_task"


@dataclass(frozen=True, slots=True)
class _Application:
    """An application that a file makes: in `module:name`, or by a factory of that name."""

    kind: str
    file: str
    name: str
    origin: Origin
    factory: bool = False

    @property
    def module(self) -> str:
        parts = self.file.removesuffix(".py").split("/")
        parts = parts[1:] if parts[0] == "src" and len(parts) > 1 else parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        return ".".join(parts)


def python_programs(folder: SourceFolder) -> list[Runnable]:
    """The server of a folder and its Celery, the server first."""
    files = folder.files(".py")
    if not files and not folder.has("manage.py"):
        return []
    python = interpreter_of(folder)
    made = sorted(_made(folder, files), key=_rank)
    web = _django(folder, python) or _web(folder, python, made) or _streamlit(folder, python, files)
    found = [web] if web else []
    if not web and (script := _reads_port(folder, python)):
        found.append(script)
    celery = next((each for each in made if each.kind == "Celery"), None)
    if celery:
        found += _celery(folder, python, celery, files)
    if found and not python.found:
        hint = f"run `python3 -m venv .venv && .venv/bin/pip install {packages_of(folder).how}`"
        found[0] = found[0].guessed("python3", "there is neither a .venv nor a lock file here",
                                    found[0].origin, hint)  # fmt: skip
    return found


def _made(folder: SourceFolder, files: list[str]) -> Iterator[_Application]:
    for name in files:
        text = folder.text(name)
        for found in re.finditer(_MADE, text, re.MULTILINE):
            if _comes_from(text, found[2]):
                line = text.count("\n", 0, found.start()) + 1
                yield _Application(found[2], name, found[1], folder.at(name, line))
        if factory := re.search(_FACTORY, text, re.MULTILINE):
            kind = next((k for k in ("FastAPI", "Starlette", "Litestar", "Quart", "Flask")
                         if _comes_from(text, k) and re.search(rf"\b{k}\(", text)), "")  # fmt: skip
            if kind:
                line = text.count("\n", 0, factory.start()) + 1
                yield _Application(kind, name, factory[1], folder.at(name, line), factory=True)


def _comes_from(text: str, name: str) -> bool:
    return bool(
        re.search(rf"^\s*(?:from|import)\s+{_KNOWN.get(name, name.lower())}\b", text, re.MULTILINE)
    )


def _rank(made: _Application) -> tuple[object, ...]:
    stem = made.file.rsplit("/", 1)[-1].removesuffix(".py")
    order = _FIRST.index(stem) if stem in _FIRST else len(_FIRST)
    return (made.factory, made.file.count("/"), order, made.file)


def _django(folder: SourceFolder, python: Interpreter) -> Runnable | None:
    where = folder.find("manage.py", r"django|DJANGO_SETTINGS_MODULE")
    if not where:
        return None
    command = python.script("manage.py", "runserver $PORT")
    found = Runnable("web", command, folder.at("manage.py"), usual=8000)
    settings = [name for name in folder.files(".py") if "settings" in name]
    hosts = folder.find_in(settings, r"^\s*ALLOWED_HOSTS\s*=\s*\[([^\]]*['\"][^\]]*)\]")
    if hosts and not re.search(r"['\"](?:\*|\.localhost)['\"]", hosts.match[1]):
        found = found.guessed("ALLOWED_HOSTS", "it answers other hosts with 400", hosts.origin,
                              "add '.localhost' to it")  # fmt: skip
    secure = folder.find_in(settings, r"^\s*SECURE_SSL_REDIRECT\s*=\s*True")
    if secure:
        hint = "write `https: true` on top, and SECURE_PROXY_SSL_HEADER in the settings"
        why = "it sends all requests to https"
        found = found.guessed("SECURE_SSL_REDIRECT", why, secure.origin, hint)
    return found


def _web(folder: SourceFolder, python: Interpreter, made: list[_Application]) -> Runnable | None:
    app = next((each for each in made if each.kind != "Celery"), None)
    if app is None:
        return None
    settings: dict[str, object] = {}
    if app.file.startswith("src/"):
        settings["env"] = {"PYTHONPATH": "src"}
    name = f"{app.module}:{app.name}"
    if app.kind in _ASGI:
        factory = " --factory" if app.factory else ""
        command, usual = f"uvicorn {name}{factory} --port $PORT", 8000
    elif app.kind == "Flask":
        target = app.module if app.factory or app.name in {"app", "application"} else name
        command, usual = f"flask --app {target} run --debug --port $PORT", 5000
    elif app.kind == "Sanic":
        command, usual = f"sanic {name} --port $PORT --dev", 8000
    else:
        command, usual = f"gunicorn {name} --bind 127.0.0.1:$PORT", 8000
    if app.kind in _ASGI or command.startswith("gunicorn"):
        # uvicorn's own --reload waits for open event streams; watch lets no request wait.
        settings["watch"] = "**/*.py"
    # A framework that has templates of its own sends pages, as a rule.
    called = "web" if app.kind in {"Flask", "Bottle"} else "api"
    found = Runnable(called, python.module(command), app.origin, usual=usual, settings=settings)
    tool = command.split()[0]
    known = packages_of(folder)
    if (
        tool in {"uvicorn", "gunicorn"}
        and known.names
        and not known.has(tool, "fastapi[standard]", "fastapi-cli")
    ):
        found = found.guessed(tool, "it is not among the packages of this folder", known.origin,
                              f"install {tool}, or write the server that you use")  # fmt: skip
    return found


def _streamlit(folder: SourceFolder, python: Interpreter, files: list[str]) -> Runnable | None:
    names = sorted(files, key=lambda name: (name.count("/"), "app" not in name, name))
    found = folder.find_in(names, r"^(?:import streamlit|from streamlit)\b")
    if not found:
        return None
    command = python.module(
        f"streamlit run {found.name} --server.port $PORT --server.headless true"
    )
    return Runnable("web", command, found.origin, usual=8501)


def _reads_port(folder: SourceFolder, python: Interpreter) -> Runnable | None:
    """A program without a framework that reads PORT, as examples of http.server do."""
    names = [f"{each}.py" for each in ("app", "main", "server", "backend", "wsgi", "web")]
    found = folder.find_in(names, r"""environ(?:\.get\(|\[)["']PORT["']|getenv\(["']PORT["']""")
    if not found:
        return None
    settings = {"watch": "**/*.py"}
    web = Runnable("web", python.script(found.name), found.origin, settings=settings)
    return web.carried("port", "it reads PORT", found.origin)


def _celery(
    folder: SourceFolder, python: Interpreter, app: _Application, files: list[str]
) -> list[Runnable]:
    module = app.module
    # Celery looks for `proj.celery` by itself, and in a module for `app` and `celery`.
    if module.endswith(".celery"):
        module = module.removesuffix(".celery")
    elif app.name not in {"app", "celery"}:
        module = f"{module}:{app.name}"
    settings: dict[str, object] = {"watch": "**/*.py"}
    if app.file.startswith("src/"):
        settings["env"] = {"PYTHONPATH": "src"}
    worker = Runnable("worker", python.module(f"celery -A {module} worker --loglevel INFO"),
                      app.origin, server=False, settings=settings)  # fmt: skip
    beats = folder.find_in(files, _BEATS)
    if not beats:
        return [worker]
    beat = replace(worker, name="beat", origin=beats.origin,
                   command=python.module(f"celery -A {module} beat --loglevel INFO"))  # fmt: skip
    return [worker, beat]
