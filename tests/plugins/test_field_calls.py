import asyncio
import threading
from contextlib import suppress

import pytest

from plugins.contract import Field
from plugins.fields.calls import FieldCalls
from plugins.fields.checks import checked_field
from plugins.infos import PluginInfo
from plugins.isolation.guard import FAILURES_TO_OPEN, OPEN_SECONDS
from tests.waiting import PATIENCE, until


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def calls_of(resolve):
    clock, plugin = Clock(), PluginInfo("own", "a test")
    field = Field("Programme", "own", int, resolve, "Its own.")
    return FieldCalls(checked_field(field), plugin, clock), plugin, clock


async def ask(calls, codes):
    return await calls.values(codes, codes, {})


async def until_free(calls):
    await until(lambda: calls.state != "busy")


async def test_it_is_asked_of_each_and_not_of_who_is_not_there():
    calls, plugin, _ = calls_of(len)
    assert await ask(calls, ["a", None, "ccc"]) == [1, None, 3]
    assert await ask(calls, [None]) == [None]
    assert (calls.health.calls, plugin.state) == (1, "loaded")


@pytest.mark.parametrize(
    "error", [ValueError, SystemExit, RecursionError, MemoryError, KeyboardInterrupt, GeneratorExit, BaseException]
)
async def test_what_is_raised_for_one_leaves_the_others(error):
    def resolve(code):
        if code == "bad":
            raise error(code)
        return 1

    calls, plugin, _ = calls_of(resolve)
    assert await ask(calls, ["a", "bad", "b"]) == [1, None, 1]
    assert (plugin.state, plugin.failures) == ("failing", 1)
    assert await ask(calls, ["a"]) == [1]
    assert (plugin.state, plugin.failures) == ("loaded", 1)


async def test_what_fails_as_its_time_is_over_has_failed_once(monkeypatch):
    async def late(waiting, _):
        with suppress(Exception):
            await waiting
        raise TimeoutError

    def resolve(code):
        raise ValueError(code)

    monkeypatch.setattr("plugins.fields.calls.asyncio.wait_for", late)
    calls, plugin, _ = calls_of(resolve)

    assert await ask(calls, ["a"]) == [None]
    assert (calls.health.failures, plugin.failures, calls.health.last_error) == (1, 1, "ValueError: a")


async def test_after_failures_of_three_alone_it_is_off_for_a_while():
    asked = []

    def resolve(code):
        asked.append(code)
        raise ValueError(code)

    calls, plugin, clock = calls_of(resolve)
    for code in "abcde":
        assert await ask(calls, [code]) == [None]
    assert (calls.state, len(asked), plugin.failures) == ("off", FAILURES_TO_OPEN, FAILURES_TO_OPEN)
    clock.now = OPEN_SECONDS
    assert calls.state == "failing"
    await ask(calls, ["a"])
    assert (calls.state, len(asked)) == ("off", FAILURES_TO_OPEN + 1)


async def test_one_that_fails_again_and_again_switches_it_off_for_nobody():
    def resolve(code):
        return {"a": 1}[code]

    calls, plugin, _ = calls_of(resolve)
    for _ in range(FAILURES_TO_OPEN + 2):
        assert await ask(calls, ["bad"]) == [None]
    assert (calls.state, plugin.failures) == ("failing", FAILURES_TO_OPEN + 2)
    assert await ask(calls, ["a"]) == [1]
    for code in ("bad", "worse", "bad"):
        await ask(calls, [code])
    assert calls.state == "failing"
    await ask(calls, ["worst"])
    assert calls.state == "off"


async def test_failures_of_a_page_count_from_its_last_value_on():
    def resolve(code):
        return {"a": 1}[code]

    calls, _, _ = calls_of(resolve)
    assert await ask(calls, ["bad", "worse", "worst", "a"]) == [None, None, None, 1]
    assert calls.state == "ready"
    assert await ask(calls, ["bad", "a", "worse", "worst"]) == [None, 1, None, None]
    assert (calls.state, calls.health.since_success) == ("failing", 2)
    assert await ask(calls, ["bad", "worse"]) == [None, None]
    assert (calls.state, calls.health.since_success) == ("off", FAILURES_TO_OPEN)


async def test_what_it_says_is_in_no_log(caplog):
    calls, plugin, _ = calls_of(lambda code: {}[code])
    await ask(calls, ["C-77"])
    place = f"KeyError in test_field_calls.py:{plugin.last_place.rpartition(':')[2]}"
    assert caplog.messages == [f"field Programme.own of plugin own failed: {place}"]
    assert caplog.records[0].exc_info is None
    assert plugin.last_place == calls.health.last_place == place


@pytest.mark.usefixtures("hurried")
async def test_what_was_given_in_time_is_kept_and_a_call_that_still_runs_is_not_asked_again():
    release = threading.Event()

    def resolve(code):
        if code == "slow":
            release.wait(PATIENCE)
        return 1

    calls, plugin, _ = calls_of(resolve)
    try:
        assert await ask(calls, ["a", "slow", "b"]) == [1, None, None]
        assert (calls.state, plugin.failures) == ("busy", 1)
        assert await ask(calls, ["a"]) == [None]
    finally:
        release.set()
    await until_free(calls)
    assert await ask(calls, ["a"]) == [1]


@pytest.mark.usefixtures("hurried")
async def test_a_call_that_was_left_behind_asks_of_no_more():
    asked, release = [], threading.Event()

    def resolve(code):
        asked.append(code)
        release.wait(PATIENCE)
        return 1

    calls, _, _ = calls_of(resolve)
    try:
        assert await ask(calls, ["slow", "b", "c"]) == [None, None, None]
    finally:
        release.set()
    await until_free(calls)
    assert asked == ["slow"]
    assert await ask(calls, ["b"]) == [1]


async def test_it_is_not_asked_while_any_of_the_calls_that_were_left_behind_still_runs(budget):
    release = {"first": threading.Event(), "second": threading.Event()}
    calls, _, _ = calls_of(lambda code: release[code].wait(PATIENCE))
    budget(0.3)
    try:
        assert await asyncio.gather(ask(calls, ["first"]), ask(calls, ["second"])) == [[None], [None]]
        release["second"].set()
        await until(lambda: sum(thread.name == "field Programme.own" for thread in threading.enumerate()) <= 1)
        assert calls.state == "busy"
    finally:
        release["first"].set()
    await until_free(calls)


async def test_a_failure_of_another_kind_is_not_taken_back():
    calls, plugin, _ = calls_of(len)
    plugin.note("rules: ValueError")
    await ask(calls, ["a"])
    assert plugin.error == "rules: ValueError"
