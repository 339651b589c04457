"""Every conversation in `fixtures/wire`, whole and in small pieces, through the real server."""

from __future__ import annotations

import pytest

from tests.proxy.conversation import Conversation, Player, conversations
from tests.proxy.house import running
from tests.support.origin import origin

LARGE = 2500  # bytes above which small pieces would only take time


def pieces(conversation: Conversation) -> tuple[int, ...]:
    """How many bytes at a time it is played, 0 being each step in one go."""
    if conversation.size > LARGE:
        return 0, 1000
    # What is refused for its head is chopped in every way on the parser.
    return (0, 1) if conversation.where.startswith("desync") else (0, 1, 3)


ALL = [
    pytest.param(
        each,
        piece,
        id=f"{each.where} {each.sentence}-{f'by-{piece}' if piece else 'whole'}",
        # Every place at which it is cut into threes is one at which it is cut into ones.
        marks=[pytest.mark.thorough] if piece == 3 else [],
    )
    for each in conversations()
    for piece in pieces(each)
]


@pytest.mark.parametrize(("conversation", "piece"), ALL)
async def test_the_conversation_goes_as_written(conversation: Conversation, piece: int) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await Player(house, backend, client, piece).play(conversation)
