"""What is read once in a while for all requests."""

import asyncio

import pytest

from api.recent import FRESH_SECONDS, Recent


class Shelf:
    """Counts how often it is read, by a clock of its own."""

    def __init__(self):
        self.read_times = 0
        self.now = 0.0
        self.failing = False

    async def read(self):
        self.read_times += 1
        await asyncio.sleep(0)
        if self.failing:
            raise OSError("away")
        return self.read_times


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def recent(shelf):
    return Recent(shelf.read, lambda: shelf.now)


async def test_who_comes_together_reads_once(shelf, recent):
    assert await asyncio.gather(*(recent.value() for _ in range(10))) == [1] * 10

    shelf.now = FRESH_SECONDS - 0.1
    assert await recent.value() == 1


async def test_what_is_old_is_read_anew(shelf, recent):
    await recent.value()
    shelf.now = FRESH_SECONDS

    assert await recent.value() == 2


async def test_a_failure_is_told_to_who_waited_and_not_kept(shelf, recent):
    shelf.failing = True
    told = await asyncio.gather(recent.value(), recent.value(), return_exceptions=True)
    shelf.failing = False

    assert [type(error) for error in told] == [OSError, OSError]
    assert await recent.value() == 2


async def test_one_who_leaves_takes_nothing_from_others_who_wait(recent):
    leaving, other = asyncio.create_task(recent.value()), asyncio.create_task(recent.value())
    await asyncio.sleep(0)
    leaving.cancel()

    assert await other == 1


async def test_it_is_at_hand_for_those_who_do_not_wait_while_it_is_fresh(shelf, recent):
    assert recent.at_hand() is None
    reading = asyncio.create_task(recent.value())
    await asyncio.sleep(0)
    assert recent.at_hand() is None
    await reading
    assert recent.at_hand() == 1

    shelf.now = FRESH_SECONDS
    assert recent.at_hand() is None


async def test_what_could_not_be_read_is_not_at_hand(shelf, recent):
    shelf.failing = True
    with pytest.raises(OSError):
        await recent.value()

    assert recent.at_hand() is None
