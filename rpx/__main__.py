"""`python -m rpx` is `rpx`."""

from rpx.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
