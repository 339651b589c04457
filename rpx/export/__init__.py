"""A project as the files of other tools: a compose file, Kubernetes' objects, systemd's units.

Everything that rpx.yaml says is in what is written, or among the remarks beside it.
"""
