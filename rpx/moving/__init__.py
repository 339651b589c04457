"""Moving in: from the files of other tools, or from a bare folder, to an rpx.yaml.

A **source** (`sources/`) reads files of one tool and makes a `Draft`: the entries of an rpx.yaml
that is to be, each with the place that it comes from, and a `Remark` for whatever did not come over
as it was. `found` looks which sources a folder has, `writing` puts a draft into text. Nothing here
writes to disk; `rpx init` and `rpx import` do. Several sources share `sites/`, what web servers
have in common, and `commands`: whether a command gets a host, and where it listens.
"""
