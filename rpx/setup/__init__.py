"""What `rpx setup` arranges once on a machine, and how it is found again and taken back.

Nothing here changes anything: each part says how things are, and which steps would change that.
"""
