"""Dynamic configuration of Traefik in files: routers, services, middlewares.

Labels of containers say the same in another way: what reads compose files reads those.
"""
