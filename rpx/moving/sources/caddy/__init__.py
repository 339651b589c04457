"""Caddyfiles, by what `caddy adapt` says they mean.

`adapting` asks caddy; `caddy_routes` walks through its nested routes and collects rules; `matchers`
and `caddy_handlers` know the words of its JSON.
"""
