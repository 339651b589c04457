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


ALL = [(each, piece) for each in conversations() for piece in pieces(each)]


@pytest.mark.parametrize(
    ("conversation", "piece"),
    ALL,
    ids=[f"{c.where} {c.sentence}-{f'by-{piece}' if piece else 'whole'}" for c, piece in ALL],
)
async def test_the_conversation_goes_as_written(conversation: Conversation, piece: int) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await Player(house, backend, client, piece).play(conversation)
