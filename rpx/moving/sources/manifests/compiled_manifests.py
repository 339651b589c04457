"""Go, Rust and Elixir: where the program listens stands in its sources, if anywhere."""

from __future__ import annotations

import re
import tomllib

from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder

_GO_SERVES = (
    r"ListenAndServe|http\.Server\{|chi\.NewRouter\(|gin\.(?:Default|New)\(|(?:echo|fiber)\.New\("
)
_GO_PORT = (
    r"""(?:Getenv|LookupEnv)\("PORT"\)|envconfig:"PORT"|env:"PORT|\br\.Run\(\)|router\.Run\(\)"""
)
_GO_FIXED = r'"(?:localhost|127\.0\.0\.1|0\.0\.0\.0)?:(\d{2,5})"'
_RUST_SERVERS = frozenset({
    "axum", "actix-web", "rocket", "warp", "poem", "hyper", "tide", "salvo", "tiny_http",
    "loco-rs",
})  # fmt: skip
_RUST_PORT = r"""env::var(?:_os)?\(\s*"PORT"\s*\)|env!\("PORT"\)"""
_RUST_FIXED = (
    r'"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d{2,5})"'
    r"|\(?\[\s*(?:127|0),\s*0,\s*0,\s*[01]\s*\],\s*(\d{2,5})\s*\)"
    r'|\(\s*"(?:localhost|127\.0\.0\.1|0\.0\.0\.0)",\s*(\d{2,5})\s*\)'
)


def go_programs(folder: SourceFolder) -> list[Runnable]:
    """The servers of a Go module: one in its root, or each of those in cmd/."""
    if not folder.has("go.mod"):
        return []
    files = [name for name in folder.files(".go") if not name.endswith("_test.go")]
    mains = {
        _package(name)
        for name in files
        if re.search(r"^func main\(\)", folder.text(name), re.MULTILINE)
    }
    found = []
    for main in sorted(mains):
        own = [name for name in files if _package(name) == main]
        serves = folder.find_in(own, _GO_SERVES)
        if not serves and len(mains) == 1:
            serves = folder.find_in(files, _GO_SERVES)
        if not serves:
            continue  # a tool of the command line
        air = main == "." and folder.has(".air.toml")
        command = "air" if air else f"go run {main}"
        settings = {} if air else {"watch": "**/*.go"}
        name = "web" if main == "." else main.rsplit("/", 1)[-1]
        web = Runnable(name, command, serves.origin, usual=8080, settings=dict(settings))
        found.append(_with_port(folder, web, own if len(mains) > 1 else files, _GO_PORT, _GO_FIXED))
    return found


def rust_programs(folder: SourceFolder) -> list[Runnable]:
    """The server of a Rust package. Raises: RpxError for a Cargo.toml that is no TOML."""
    try:
        content = tomllib.loads(folder.text("Cargo.toml"))
    except tomllib.TOMLDecodeError as error:
        raise folder.broken("Cargo.toml", "TOML", str(error)) from None
    needs = content.get("dependencies")
    servers = set(needs) & _RUST_SERVERS if isinstance(needs, dict) else set[str]()
    files = folder.files(".rs")
    if not servers or not (folder.has("src/main.rs") or "bin" in content):
        return []
    origin = folder.line_of("Cargo.toml", min(servers))
    if "rocket" in servers:
        return [Runnable("web", "ROCKET_PORT=$PORT cargo run", origin, usual=8000,
                         settings={"watch": "**/*.rs"})]  # fmt: skip
    web = Runnable("web", "cargo run", origin, usual=3000, settings={"watch": "**/*.rs"})
    return [_with_port(folder, web, files, _RUST_PORT, _RUST_FIXED)]


def elixir_programs(folder: SourceFolder) -> list[Runnable]:
    """Phoenix, whose port stands in config/dev.exs."""
    phoenix = folder.find("mix.exs", r"\{:phoenix,")
    if not phoenix:
        return []
    web = Runnable("web", "mix phx.server", phoenix.origin, usual=4000)
    config = ["config/dev.exs", "config/runtime.exs"]
    if reads := folder.find("config/dev.exs", r'System\.get_env\("PORT"'):
        return [web.carried("port", "it reads PORT", reads.origin)]
    reads = folder.find("config/runtime.exs", r'^\s*config .*http:.*System\.get_env\("PORT"')
    if reads:
        return [web.carried("port", "it reads PORT", reads.origin)]
    fixed = folder.find_in(config, r"http:\s*\[[^\]]*?port:\s*(\d{2,5})")
    if not fixed:
        return [web]
    return [web.fixed(int(fixed.match[1]), fixed.origin)]


def _package(name: str) -> str:
    """The package of a Go file, as `go run` calls it."""
    folder = name.rpartition("/")[0]
    return f"./{folder}" if folder else "."


def _with_port(
    folder: SourceFolder, web: Runnable, files: list[str], reads: str, fixed: str
) -> Runnable:
    if found := folder.find_in(files, reads):
        return web.carried("port", "it reads PORT", found.origin)
    if found := folder.find_in(files, fixed):
        return web.fixed(int(next(filter(None, found.match.groups()))), found.origin)
    return web.guessed("port", "nothing says where it listens: PORT is a guess", web.origin,
                       "if it listens elsewhere, write `from`")  # fmt: skip
