"""Files of nginx: `directives` reads them, `server_blocks` and `locations` say what they mean for
rpx.

nginx chooses a location by the longest prefix, and then by expressions; rpx takes the first route
that fits. `location_order` brings one into the other.
"""
