"""rpx inside somebody's trio program: `async with rpx.start_proxy(...) as proxy`."""
