"""Folders of frameworks, as their generators lay them, and what rpx.yaml has of each."""

from __future__ import annotations

import json
from typing import Any

Files = dict[str, str]
Entries = dict[str, Any]  # by name: what stands in `proxies`, or in `processes`


def package(scripts: dict[str, str] | None = None, *needs: str, **more: object) -> str:
    """A package.json, with a line for each script."""
    content = {"scripts": scripts or {}, "dependencies": dict.fromkeys(needs, "^1"), **more}
    return json.dumps(content, indent=2)


def web(start: object, **more: object) -> Entries:
    """The only proxy of a folder called `shop`."""
    return {"web": {"to": "shop.localhost", "name": "web", **more, "start": start}}


def api(start: object, **more: object) -> Entries:
    return {"api": {"to": "shop.localhost", "name": "api", **more, "start": start}}


VITE = package({"dev": "vite", "build": "vite build"}, "vite")
STRICT = "npm run dev -- --port $PORT --strictPort"
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")'
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
ASGI = {"watch": "**/*.py"}

NODE: dict[str, tuple[Files, Entries]] = {
    "vite": ({"package.json": VITE}, web(STRICT)),
    "pnpm hands on what stands behind the name": (
        {"package.json": VITE, "pnpm-lock.yaml": ""},
        web("pnpm run dev --port $PORT --strictPort"),
    ),
    "yarn": (
        {"package.json": VITE, "yarn.lock": ""},
        web("yarn run dev --port $PORT --strictPort"),
    ),
    "bun": (
        {"package.json": VITE, "bun.lock": ""},
        web("bun run dev --port $PORT --strictPort"),
    ),
    "the manager that is declared has the word before a lock": (
        {
            "package.json": package({"dev": "vite"}, packageManager="pnpm@9.1.0"),
            "package-lock.json": "",
        },
        web("pnpm run dev --port $PORT --strictPort"),
    ),
    "a port in vite.config.ts": (
        {
            "package.json": VITE,
            "vite.config.ts": "export default {\n  server: {\n    open: false,\n    port: 3005 } }",
        },
        web("npm run dev", **{"from": "localhost:3005"}),
    ),
    "a port in the script": (
        {"package.json": package({"dev": "vite --port 3005"})},
        web("npm run dev", **{"from": "localhost:3005"}),
    ),
    "a script that passes PORT on": (
        {"package.json": package({"dev": "vite --port $PORT"})},
        web("npm run dev"),
    ),
    "a script that stands for another": (
        {"package.json": package({"start": "npm run watch", "watch": "vite"})},
        web("npm run watch -- --port $PORT --strictPort"),
    ),
    "next": (
        {"package.json": package({"dev": "next dev", "start": "next start"})},
        web("npm run dev"),
    ),
    "next at a port": (
        {"package.json": package({"dev": "next dev -p 3001"})},
        web("npm run dev", **{"from": "localhost:3001"}),
    ),
    "nuxt": ({"package.json": package({"dev": "nuxt dev"})}, web("npm run dev -- --port $PORT")),
    "sveltekit": ({"package.json": package({"dev": "vite dev"})}, web(STRICT)),
    "astro": ({"package.json": package({"dev": "astro dev"})}, web("npm run dev -- --port $PORT")),
    "react router": ({"package.json": package({"dev": "react-router dev"})}, web(STRICT)),
    "remix": ({"package.json": package({"dev": "remix vite:dev"})}, web(STRICT)),
    "angular": (
        {"package.json": package({"start": "ng serve"})},
        web("npm run start -- --port $PORT"),
    ),
    "webpack": (
        {"package.json": package({"dev": "webpack serve --mode development"})},
        web("npm run dev -- --port $PORT --client-web-socket-url auto://0.0.0.0:0/ws"),
    ),
    "create-react-app": (
        {"package.json": package({"start": "react-scripts start"})},
        web({"command": "npm run start", "env": {"BROWSER": "none", "WDS_SOCKET_PORT": 0}}),
    ),
    "behind variables and cross-env": (
        {"package.json": package({"dev": "tsc -b && cross-env NODE_ENV=development vite"})},
        web(STRICT),
    ),
    "express with PORT": (
        {
            "package.json": package({"dev": "nodemon src/index.js"}, "express"),
            "src/index.js": "const app = express()\napp.listen(process.env.PORT || 3000)\n",
        },
        web("npm run dev"),
    ),
    "express at a port of its own": (
        {
            "package.json": package({"start": "node server.js"}, "express"),
            "server.js": "const app = express()\n\napp.listen(3000, () => {})\n",
        },
        web("npm run start", **{"from": "localhost:3000"}),
    ),
    "express-generator, whose bin/www reads PORT": (
        {
            "package.json": package({"start": "node ./bin/www"}, "express"),
            "bin/www": "var port = normalizePort(process.env.PORT || '3000');\n",
        },
        web("npm run start"),
    ),
    "nest": (
        {
            "package.json": package(
                {"start": "nest start", "start:dev": "nest start --watch"}, "@nestjs/core"
            ),
            "src/main.ts": "await app.listen(process.env.PORT ?? 3000);\n",
        },
        web("npm run start:dev"),
    ),
    "a main file without a script": (
        {
            "package.json": package(None, "express", main="server.js"),
            "server.js": "app.listen(4000)",
        },
        web("node server.js", **{"from": "localhost:4000"}),
    ),
    "a worker": (
        {"package.json": package({"start": "node jobs.js"}), "jobs.js": "setInterval(work, 1000)"},
        {"worker": {"command": "npm run start"}},
    ),
    "a library has nothing to run": (
        {"package.json": package({"build": "tsc", "test": "vitest"}), "index.js": "export {}"},
        {},
    ),
}

PYTHON: dict[str, tuple[Files, Entries]] = {
    "django": (
        {"manage.py": MANAGE, "shop/settings.py": "ALLOWED_HOSTS = []\n", ".venv/bin/python": ""},
        web(".venv/bin/python manage.py runserver $PORT"),
    ),
    "django with uv": (
        {"manage.py": MANAGE, "uv.lock": ""},
        web("uv run python manage.py runserver $PORT"),
    ),
    "django with poetry": (
        {"manage.py": MANAGE, "poetry.lock": "", ".venv/bin/python": ""},
        web("poetry run python manage.py runserver $PORT"),
    ),
    "django with celery": (
        {
            "manage.py": MANAGE,
            "uv.lock": "",
            "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n",
            "shop/settings.py": "CELERY_BEAT_SCHEDULE = {}\n",
        },
        {
            **web("uv run python manage.py runserver $PORT"),
            "worker": {"command": "uv run celery -A shop worker --loglevel INFO", **ASGI},
            "beat": {"command": "uv run celery -A shop beat --loglevel INFO", **ASGI},
        },
    ),
    "fastapi": (
        {"main.py": FASTAPI, "requirements.txt": "fastapi==0.115\nuvicorn[standard]>=0.30\n"},
        api({"command": "python3 -m uvicorn main:app --port $PORT", **ASGI}),
    ),
    "fastapi in a package, with poetry": (
        {
            "app/__init__.py": "",
            "app/main.py": "import fastapi\n\napi: fastapi.FastAPI = fastapi.FastAPI()\n",
            "poetry.lock": "",
        },
        api({"command": "poetry run uvicorn app.main:api --port $PORT", **ASGI}),
    ),
    "fastapi in src": (
        {"src/shop/main.py": FASTAPI, "pyproject.toml": "", ".venv/bin/python": ""},
        api(
            {
                "command": ".venv/bin/python -m uvicorn shop.main:app --port $PORT",
                "env": {"PYTHONPATH": "src"},
                **ASGI,
            }
        ),
    ),
    "a factory": (
        {
            "main.py": "from starlette.applications import Starlette\n\n"
            "def create_app() -> Starlette:\n    return Starlette()\n",
            "uv.lock": "",
        },
        api({"command": "uv run uvicorn main:create_app --factory --port $PORT", **ASGI}),
    ),
    "flask": (
        {"app.py": FLASK, "venv/bin/python": ""},
        web("venv/bin/python -m flask --app app run --debug --port $PORT"),
    ),
    "flask under another name": (
        {"site.py": FLASK.replace("app =", "site ="), "uv.lock": ""},
        web("uv run flask --app site:site run --debug --port $PORT"),
    ),
    "a server of the standard library": (
        {"app.py": 'import os\nPORT = int(os.environ["PORT"])\n', "uv.lock": ""},
        web({"command": "uv run python app.py", **ASGI}),
    ),
    "streamlit": (
        {"app.py": "import streamlit as st\n", "uv.lock": ""},
        web("uv run streamlit run app.py --server.port $PORT --server.headless true"),
    ),
    "an application in a test is none": ({"tests/test_app.py": FASTAPI, "tool.py": ""}, {}),
}

OTHERS: dict[str, tuple[Files, Entries]] = {
    "rails": (
        {"Gemfile": 'source "x"\ngem "rails", "~> 8.0"\n', "bin/rails": "", "config.ru": ""},
        web("bin/rails server -p $PORT"),
    ),
    "rails with sidekiq and a package.json": (
        {
            "Gemfile": "gem 'rails'\ngem 'sidekiq'\n",
            "bin/rails": "",
            "package.json": package({"dev": "vite"}),
        },
        {
            **web("bin/rails server -p $PORT"),
            "sidekiq": {"command": "bundle exec sidekiq"},
            "assets": {"command": "npm run dev"},
        },
    ),
    "puma": (
        {"Gemfile": "gem 'sinatra'\ngem 'puma'\n", "config.ru": "run App"},
        web("bundle exec puma -p $PORT"),
    ),
    "rack without a Gemfile": ({"config.ru": "run App"}, web("puma -p $PORT")),
    "sinatra": ({"app.rb": "require 'sinatra'\n"}, web("ruby app.rb -p $PORT")),
    "laravel with vite": (
        {
            "artisan": "",
            "composer.json": '{\n  "require": {\n    "laravel/framework": "^12"\n}}',
            "vendor/x": "",
            ".env": "QUEUE_CONNECTION=database\n",
            "package.json": package({"dev": "vite"}, "laravel-vite-plugin"),
        },
        {
            **web("php artisan serve --port=$PORT"),
            "queue": {"command": "php artisan queue:listen --tries=1"},
            "assets": {"command": "npm run dev"},
        },
    ),
    "php": (
        {"index.php": "<?php"},
        web({"command": "php -S localhost:$PORT", "env": {"PHP_CLI_SERVER_WORKERS": 4}}),
    ),
    "symfony": (
        {"composer.json": "{}", "public/index.php": "<?php"},
        web({"command": "php -S localhost:$PORT -t public", "env": {"PHP_CLI_SERVER_WORKERS": 4}}),
    ),
    "go with PORT": (
        {
            "go.mod": "module shop",
            "main.go": 'func main() {\n http.ListenAndServe(":"+os.Getenv("PORT"), nil)\n}',
        },
        web({"command": "go run .", "watch": "**/*.go"}),
    ),
    "go with its own port, among tools": (
        {
            "go.mod": "module shop",
            "cmd/server/main.go": 'func main() {\n http.ListenAndServe(":8081", nil)\n}',
            "cmd/tool/main.go": "func main() {\n}",
        },
        {
            "server": {
                "to": "shop.localhost",
                "name": "server",
                "from": "localhost:8081",
                "start": {"command": "go run ./cmd/server", "watch": "**/*.go"},
            }
        },
    ),
    "axum": (
        {
            "Cargo.toml": '[package]\nname = "shop"\n[dependencies]\naxum = "0.8"\n',
            "src/main.rs": 'let l = TcpListener::bind("0.0.0.0:3000").await;',
        },
        web({"command": "cargo run", "watch": "**/*.rs"}, **{"from": "localhost:3000"}),
    ),
    "rocket": (
        {"Cargo.toml": '[dependencies]\nrocket = "0.5"\n', "src/main.rs": ""},
        web({"command": "ROCKET_PORT=$PORT cargo run", "watch": "**/*.rs"}),
    ),
    "phoenix": (
        {
            "mix.exs": '  {:phoenix, "~> 1.7"},\n',
            "config/dev.exs": "config :shop,\n  http: [ip: {127, 0, 0, 1}, port: 4000],",
        },
        web("mix phx.server", **{"from": "localhost:4000"}),
    ),
    "a Dockerfile": (
        {"Dockerfile": "FROM node AS build\nEXPOSE 1\nFROM nginx\nEXPOSE 8080 \n"},
        web({"build": ".", "port": 8080}),
    ),
    "a Dockerfile beside sources that rpx knows": (
        {"Dockerfile": "FROM node", "package.json": VITE},
        web(STRICT),
    ),
    "a page": (
        {"index.html": "<h1>"},
        {"web": {"to": "shop.localhost", "name": "web", "static": "."}},
    ),
    "a folder with a page": (
        {"public/index.html": "<h1>"},
        {"web": {"to": "shop.localhost", "name": "web", "static": "./public"}},
    ),
    "nothing": ({"notes.txt": "", "lib.py": "x = 1"}, {}),
}

REPOSITORIES: dict[str, tuple[Files, Entries]] = {
    "a frontend that looks for its backend at 8000": (
        {
            "frontend/package.json": VITE,
            "frontend/vite.config.ts": "proxy: {\n '/api': 'http://localhost:8000' }",
            "backend/main.py": FASTAPI,
            "backend/requirements.txt": "fastapi[standard]",
        },
        {
            "backend": {
                "to": "backend.shop.localhost",
                "from": "localhost:8000",
                "start": {
                    "command": "python3 -m uvicorn main:app --port $PORT",
                    "cwd": "./backend",
                    **ASGI,
                },
            },
            "frontend": {
                "to": "shop.localhost",
                "name": "frontend",
                "start": {"command": STRICT, "cwd": "./frontend"},
            },
        },
    ),
    "workspaces": (
        {
            "package.json": package({"dev": "turbo run dev"}, workspaces=["apps/*", "packages/*"]),
            "yarn.lock": "",
            "apps/web/package.json": package({"dev": "next dev"}),
            "apps/api/package.json": package({"dev": "tsx watch src/index.ts"}, "fastify"),
            "apps/api/src/index.ts": "await app.listen({ port: Number(process.env.PORT) })",
            "packages/ui/package.json": package({"build": "tsc"}),
        },
        {
            "api": {
                "to": "api.shop.localhost",
                "start": {"command": "yarn run dev", "cwd": "./apps/api"},
            },
            "web": {
                "to": "shop.localhost",
                "name": "web",
                "start": {"command": "yarn run dev", "cwd": "./apps/web"},
            },
        },
    ),
    "workspaces of pnpm": (
        {
            "package.json": package({"dev": "pnpm -r --parallel run dev"}),
            "pnpm-workspace.yaml": "packages:\n  - 'sites/*'  # all\n",
            "sites/shop/package.json": package({"dev": "vite"}),
        },
        {
            "shop": {
                "to": "shop.localhost",
                "start": {
                    "command": "pnpm run dev --port $PORT --strictPort",
                    "cwd": "./sites/shop",
                },
            }
        },
    ),
    "django with a client, and an environment above": (
        {
            ".venv/bin/python": "",
            "server/manage.py": MANAGE,
            "client/package.json": package({"start": "react-scripts start"}),
        },
        {
            "client": {
                "to": "shop.localhost",
                "name": "client",
                "start": {
                    "command": "npm run start",
                    "cwd": "./client",
                    "env": {"BROWSER": "none", "WDS_SOCKET_PORT": 0},
                },
            },
            "server": {
                "to": "server.shop.localhost",
                "start": {
                    "command": "../.venv/bin/python manage.py runserver $PORT",
                    "cwd": "./server",
                },
            },
        },
    ),
    "examples and documents are not parts": (
        {
            "package.json": VITE,
            "examples/basic/package.json": VITE,
            "docs/package.json": VITE,
            "lib/package.json": VITE,
        },
        web(STRICT),
    ),
}
