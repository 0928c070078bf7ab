"""Requests that wait for the engine are answered together, and none by another's failure."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from api.gathering import MOST_TOGETHER, Gathering
from recommenders.contract import Answer, Context
from tests.waiting import PATIENCE, until


class Busy:
    """Stands in for an engine: it notes its batches, decides only when let, and fails at customer BAD."""

    def __init__(self):
        self.batches = []
        self.may_decide = threading.Event()

    def answer(self, customers, context):  # noqa: ARG002 - as the engine's
        self.batches.append(list(customers))
        assert self.may_decide.wait(PATIENCE)
        if "BAD" in customers:
            raise RuntimeError("a bad customer")
        return [Answer(number, (), ()) for number in customers]


@pytest.fixture
def engine():
    return Busy()


@pytest.fixture
def gathering():
    with ThreadPoolExecutor(1) as thread:
        yield Gathering(thread)


@pytest.fixture
async def ask(gathering, engine):
    """Return a function: ask for customers; a task, once the engine is busy with the first."""

    async def asking(*customers, **changes):
        task = asyncio.create_task(
            gathering.answer(engine, customers, Context(**{"today": date(2026, 1, 1)} | changes))
        )
        await asyncio.sleep(0)
        await until(lambda: engine.batches)
        return task

    return asking


async def answered(task):
    return [answer.customer_no for answer in await task]


async def test_what_arrives_while_the_engine_is_busy_is_one_batch_and_each_gets_his_own(ask, engine):
    first, second, third = await ask("A"), await ask("B", "C"), await ask("D")
    engine.may_decide.set()
    assert [await answered(task) for task in (first, second, third)] == [["A"], ["B", "C"], ["D"]]
    assert engine.batches == [["A"], ["B", "C", "D"]]


async def test_other_circumstances_are_another_batch_and_a_time_budget_is_ones_own(ask, engine):
    tasks = [await ask("A"), await ask("B"), await ask("C", top=9), await ask("D", budget_ms=50), await ask("E")]
    engine.may_decide.set()
    assert [await answered(task) for task in tasks] == [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert engine.batches == [["A"], ["B", "E"], ["C"], ["D"]]


async def test_only_he_fails_who_would_alone(ask, engine):
    first, good, bad = await ask("A"), await ask("B"), await ask("BAD")
    engine.may_decide.set()
    assert await answered(first) == ["A"]
    assert await answered(good) == ["B"]
    with pytest.raises(RuntimeError, match="a bad customer"):
        await bad


async def test_who_has_gone_is_not_decided_for(ask, engine):
    first, gone, stays = await ask("A"), await ask("B"), await ask("C")
    gone.cancel()
    await asyncio.sleep(0)
    engine.may_decide.set()
    assert await answered(stays) == ["C"]
    assert engine.batches == [["A"], ["C"]]
    assert await answered(first) == ["A"]


async def test_a_batch_has_its_bounds_and_a_larger_request_goes_alone(ask, engine):
    page = [f"P{number}" for number in range(MOST_TOGETHER + 1)]
    tasks = [await ask("A"), await ask("B"), await ask(*page), await ask("C")]
    engine.may_decide.set()
    assert [await answered(task) for task in tasks] == [["A"], ["B"], page, ["C"]]
    assert engine.batches == [["A"], ["B"], page, ["C"]]
