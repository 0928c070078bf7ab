"""Jobs: taken by one at a time, held while they run, and recorded."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from graph import jobs
from graph.jobs import LEASE, JobOutcome, Run

NOW = datetime(2026, 6, 30, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def run(number=1):
    return Run("nightly", f"R{number}", f"host:{number}")


@pytest.fixture
async def bank(empty_store):
    await empty_store.write("MATCH (j:Job) DETACH DELETE j")
    return empty_store


async def test_of_many_who_want_it_one_takes_it(bank):
    taken = await asyncio.gather(*(jobs.take(bank, run(number), NOW, DAY) for number in range(8)))

    assert sum(taken) == 1
    assert (await jobs.states(bank, NOW))["nightly"].runs == 1


async def test_it_is_taken_again_when_it_is_due(bank):
    await jobs.take(bank, run(1), NOW, DAY)
    await jobs.end(bank, run(1), JobOutcome.DONE, None, NOW + timedelta(minutes=5))

    assert not await jobs.take(bank, run(2), NOW + DAY - timedelta(seconds=1), DAY)
    assert await jobs.take(bank, run(2), NOW + DAY, DAY)


async def test_who_asks_for_it_by_name_need_not_wait_until_it_is_due(bank):
    await jobs.take(bank, run(1), NOW, DAY)
    assert not await jobs.take(bank, run(2), NOW)
    await jobs.end(bank, run(1), JobOutcome.DONE, None, NOW)

    assert await jobs.take(bank, run(2), NOW)


async def test_one_that_was_interrupted_is_due_at_once(bank):
    await jobs.take(bank, run(1), NOW, DAY)
    await jobs.end(bank, run(1), JobOutcome.INTERRUPTED, None, NOW)

    assert await jobs.take(bank, run(2), NOW, DAY)
    assert (await jobs.states(bank, NOW))["nightly"].failures == 0


async def test_a_failure_is_counted_and_waits_for_its_next_time(bank):
    await jobs.take(bank, run(1), NOW, DAY)
    await jobs.end(bank, run(1), JobOutcome.FAILED, "KeyError in ward.py:3", NOW + timedelta(minutes=1))

    state = (await jobs.states(bank, NOW))["nightly"]
    assert (state.outcome, state.error, state.runs, state.failures) == ("failed", "KeyError in ward.py:3", 1, 1)
    assert (state.started_at, state.ended_at, state.runner) == (NOW, NOW + timedelta(minutes=1), "host:1")
    assert not await jobs.take(bank, run(2), NOW + timedelta(hours=1), DAY)


async def test_a_lease_that_is_renewed_holds(bank):
    await jobs.take(bank, run(1), NOW)

    assert await jobs.renew(bank, run(1), NOW + LEASE / 2)
    assert not await jobs.take(bank, run(2), NOW + LEASE)
    assert (await jobs.states(bank, NOW + LEASE))["nightly"].outcome is JobOutcome.RUNNING


async def test_of_a_server_that_died_the_lease_ends_and_the_run_counts_as_failed(bank):
    await jobs.take(bank, run(1), NOW, DAY)
    assert (await jobs.states(bank, NOW + LEASE))["nightly"].outcome is JobOutcome.DIED

    assert await jobs.take(bank, run(2), NOW + DAY, DAY)
    assert not await jobs.renew(bank, run(1), NOW + DAY)
    assert not await jobs.end(bank, run(1), JobOutcome.DONE, None, NOW + DAY)
    state = (await jobs.states(bank, NOW + DAY))["nightly"]
    assert (state.outcome, state.runner, state.runs, state.failures) == (JobOutcome.RUNNING, "host:2", 2, 1)
