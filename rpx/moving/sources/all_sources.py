"""Every source there is. What stands first has the first word where several are in one folder."""

from __future__ import annotations

from rpx.moving.given import ForeignSource
from rpx.moving.sources.caddy.caddyfile_reader import CADDY
from rpx.moving.sources.compose import COMPOSE
from rpx.moving.sources.manifests import FRAMEWORKS
from rpx.moving.sources.nginx.nginx_reader import NGINX
from rpx.moving.sources.procfile.procfile_reader import PROCFILE
from rpx.moving.sources.runners.mprocs import MPROCS
from rpx.moving.sources.runners.package_runners import PACKAGE_RUNNERS
from rpx.moving.sources.runners.process_compose import PROCESS_COMPOSE
from rpx.moving.sources.traefik.traefik_reader import TRAEFIK

# Runners of processes on this machine come before compose, which would run the same in containers,
# and that before what is only guessed from a framework's files.
SOURCES: tuple[ForeignSource, ...] = (
    PROCFILE,
    PROCESS_COMPOSE,
    MPROCS,
    COMPOSE,
    NGINX,
    CADDY,
    TRAEFIK,
    PACKAGE_RUNNERS,
    FRAMEWORKS,
)
