"""The supervisor of `rpx up`: how it is put together, asked to end, and left alone."""
