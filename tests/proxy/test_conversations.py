"""Every conversation in `fixtures/wire`, whole and in small pieces, through the real server."""

from __future__ import annotations

import pytest

from tests.proxy.conversation import Conversation, Player, conversations
from tests.proxy.house import running
from tests.support.origin import origin

ALL = list(conversations())
LARGE = 2500  # bytes above which small pieces would only take time


@pytest.mark.parametrize("piece", [0, 1, 3, 1000], ids=["whole", "by-1", "by-3", "by-1000"])
@pytest.mark.parametrize("conversation", ALL, ids=[f"{c.where} {c.sentence}" for c in ALL])
async def test_the_conversation_goes_as_written(conversation: Conversation, piece: int) -> None:
    if conversation.size > LARGE and piece:
        piece = 1000
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await Player(house, backend, client, piece).play(conversation)
