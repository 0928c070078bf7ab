import asyncio

import pytest

from graph.errors import StoreUnavailable
from guanxi.opening import reach_store
from guanxi.settings import Settings


@pytest.mark.parametrize(("seconds", "is_tried_again"), [("0", False), ("0.3", True)])
async def test_a_store_that_is_down_is_tried_for_as_long_as_the_operator_says(monkeypatch, seconds, is_tried_again):
    found = []

    async def hang_up(_, writer):
        found.append(writer)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listener:
        monkeypatch.setenv("NEO4J_URI", f"bolt://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("GUANXI_STORE_RETRY_SECONDS", seconds)
        async with reach_store(Settings()) as store:
            with pytest.raises(StoreUnavailable):
                await store.read("RETURN 1")

    assert (len(found) > 1) is is_tried_again
