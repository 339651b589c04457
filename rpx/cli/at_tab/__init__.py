"""What a shell completes at Tab: the scripts that it loads, and what they ask rpx each time.

Who types waits, so nothing heavy is loaded for an answer, click neither: the words of the commands
are kept in a file, and names come from the control API, or from a glance at rpx.yaml.
"""
