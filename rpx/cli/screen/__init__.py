"""The screen of `rpx top`: all copies, their figures and what they print, and keys to steer them.

It is a client of the control API like any other command. Threads look at the project and carry out
orders (`project_watch`). What they have found is a value that the screen (`top_app`) takes ten
times a second, so that nothing it waits for holds up a key. The screen is textual's, an extra: it
is imported by `top_app` and the widgets alone, and only when a screen is to be shown.
"""
