"""How fast rpx is beside nginx, HAProxy and Caddy on this machine: `python -m benchmarks`."""
