"""The dev servers of Node: how each is told its port, and where it listens when nobody says."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NodeTool:
    """A program in a script of package.json.

    `arguments` tell it the port; without any it reads PORT. `verbs` are the words behind its name
    with which it serves ("" is none). `configs` are files in which a port may be written.
    """

    usual: int
    arguments: str = "--port $PORT"
    verbs: tuple[str, ...] = ("", "dev", "serve", "start", "preview")
    configs: tuple[str, ...] = ()
    env: dict[str, str | int] = field(default_factory=dict)


_VITE = tuple(f"vite.config.{suffix}" for suffix in ("ts", "js", "mts", "mjs", "cts", "cjs"))
_STRICT = "--port $PORT --strictPort"
# Over https the page would call the port of the backend with TLS; 0 is that of the page.
_WEBPACK = "--port $PORT --client-web-socket-url auto://0.0.0.0:0/ws"
_READS_PORT = ""

NODE_TOOLS = {
    "vite": NodeTool(5173, _STRICT, configs=_VITE),
    "react-router": NodeTool(5173, _STRICT, configs=_VITE),
    "remix": NodeTool(5173, _STRICT, ("vite:dev",), configs=_VITE),
    "next": NodeTool(3000, _READS_PORT, ("", "dev", "start")),
    "nuxt": NodeTool(3000),
    "nuxi": NodeTool(3000),
    "astro": NodeTool(4321),
    "ng": NodeTool(4200, verbs=("serve", "s", "dev")),
    "vinxi": NodeTool(3000),
    "react-scripts": NodeTool(3000, _READS_PORT, env={"BROWSER": "none", "WDS_SOCKET_PORT": 0}),
    "craco": NodeTool(3000, _READS_PORT, env={"BROWSER": "none", "WDS_SOCKET_PORT": 0}),
    "webpack": NodeTool(8080, _WEBPACK, ("serve", "server", "s")),
    "webpack-dev-server": NodeTool(8080, _WEBPACK),
    "vue-cli-service": NodeTool(8080),
    "rsbuild": NodeTool(3000),
    "rspack": NodeTool(8080, verbs=("serve", "dev", "s")),
    "parcel": NodeTool(1234, verbs=("", "serve", "index.html", "src/index.html")),
    "gatsby": NodeTool(8000, verbs=("develop", "serve")),
    "docusaurus": NodeTool(3000, "--port $PORT --no-open"),
    "vitepress": NodeTool(5173),
    "vuepress": NodeTool(8080),
    "storybook": NodeTool(6006, "--port $PORT --ci"),
    "start-storybook": NodeTool(6006, "--port $PORT --ci"),
    "eleventy": NodeTool(8080, "--port=$PORT", ("--serve",)),
    "wrangler": NodeTool(8787),
    "strapi": NodeTool(1337, _READS_PORT, ("develop", "dev", "start")),
    "fastify": NodeTool(3000, _READS_PORT, ("start",)),
    "serve": NodeTool(3000, "-l $PORT", ("", ".", "dist", "build", "public")),
    "http-server": NodeTool(8080, "-p $PORT", ("", ".", "dist", "build", "public")),
    "live-server": NodeTool(8080, "--port=$PORT --no-browser", ("", ".", "dist", "public", "src")),
    "json-server": NodeTool(3000, verbs=("", "db.json", "--watch")),
}

# What runs a file of one's own: whether it serves, and where, stands in that file.
RUNTIMES = frozenset({
    "node", "nodemon", "tsx", "ts-node", "ts-node-dev", "tsnd", "bun", "babel-node", "swc-node",
    "esmon", "nest", "deno",
})  # fmt: skip
# What runs several scripts or packages at once. Each of these is a service of its own.
RUNNERS = frozenset({
    "turbo", "nx", "lerna", "concurrently", "npm-run-all", "npm-run-all2", "run-p", "run-s",
    "wsrun",
})  # fmt: skip
# Packages that a program of one's own serves HTTP with.
SERVING = frozenset({
    "express", "koa", "fastify", "hono", "@hono/node-server", "@hapi/hapi", "polka", "restify",
    "socket.io", "ws", "h3", "micro", "@apollo/server", "apollo-server", "graphql-yoga",
    "@nestjs/core", "elysia", "@feathersjs/express", "sails", "@adonisjs/core",
})  # fmt: skip
