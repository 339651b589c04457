"""What web servers have in common: sites with rules, in whatever file they were written.

`web_sites` has the nouns, `assembling` makes proxies of an rpx.yaml of them.
"""
