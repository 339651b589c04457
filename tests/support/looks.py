"""How often whoever waits looks."""


def pause(waited: float, first: float = 0.01) -> float:
    """Seconds until the next look, of who has waited for so many.

    What takes long is seen a sixth of that later; looks are otherwise half the work of who waits
    and of who is waited for.
    """
    return min(max(first, waited / 6), 0.2)
