"""Failures of plugins are counted over all servers, and webhooks are told of each way once a day."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from graph import deliveries, plugin_failures, webhooks
from graph.deliveries import Filter, Window
from graph.once import Request
from graph.plugin_failures import AGAIN, KEPT
from graph.records import PluginFailure
from graph.words import WebhookEvent

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
ONE = PluginFailure(
    "f00d", "mine", "7", "ann@bank.example", "fields", "Customer.own", "KeyError", "xxx", "mine.py:11"
)  # fmt: skip
OTHER = replace(ONE, failure_id="beef", place="mine.py:12")


@pytest.fixture
async def hook(empty_store):
    request = Request("hook", "F", "hook", NOW)
    return await webhooks.create(empty_store, "https://a.example", (WebhookEvent.PLUGIN_FAILED,), request, enabled=True)


async def told(store):
    """What was told: the report and count of each, the newest first."""
    found = await deliveries.page(store, Filter(), Window(count=1_000))
    return [(own["report"], own["count"]) for own in (json.loads(one.body)["data"] for one in found)]


@pytest.mark.usefixtures("hook")
async def test_what_is_told(empty_store):
    await plugin_failures.add(empty_store, {ONE: 3}, NOW)

    [delivery] = await deliveries.page(empty_store, Filter(), Window())
    assert (delivery.event_type, delivery.customer_no) == (WebhookEvent.PLUGIN_FAILED, None)
    assert json.loads(delivery.body) == {
        "type": "plugin.failed",
        "timestamp": "2026-06-01T08:00:00.000Z",
        "data": {
            "plugin": "mine", "version": "7", "owner": "ann@bank.example", "hook": "fields", "item": "Customer.own",
            "error": "KeyError", "said": "xxx", "place": "mine.py:11", "report": "f00d", "count": 3,
            "since": "2026-06-01T08:00:00.000Z",
        },
    }  # fmt: skip


@pytest.mark.usefixtures("hook")
async def test_each_way_is_told_once_a_day_and_how_often_it_was_meanwhile(empty_store):
    for minutes in range(3):
        await plugin_failures.add(empty_store, {ONE: 10, OTHER: 1}, NOW + timedelta(minutes=minutes))
    assert sorted(await told(empty_store)) == [("beef", 1), ("f00d", 10)]

    await plugin_failures.add(empty_store, {ONE: 10}, NOW + AGAIN - timedelta(seconds=1))
    assert len(await told(empty_store)) == 2
    await plugin_failures.add(empty_store, {ONE: 1}, NOW + AGAIN)
    assert (await told(empty_store))[0] == ("f00d", 41)


@pytest.mark.usefixtures("hook")
async def test_of_several_servers_one_tells(empty_store):
    orders = [{ONE: 1, OTHER: 2}, {OTHER: 2, ONE: 1}]
    await asyncio.gather(*(plugin_failures.add(empty_store, counts, NOW) for counts in orders * 4))
    await plugin_failures.add(empty_store, {ONE: 1, OTHER: 2}, NOW + AGAIN)

    counts = await told(empty_store)
    assert len(counts) == 4
    assert sorted(counts[:2]) == [("beef", 18), ("f00d", 9)]


async def test_who_comes_to_listen_is_told_of_what_still_fails(empty_store):
    await plugin_failures.add(empty_store, {ONE: 1}, NOW)
    for name, kind in (("other", WebhookEvent.LIFE_EVENT), ("hook", WebhookEvent.PLUGIN_FAILED)):
        assert await told(empty_store) == []
        await webhooks.create(empty_store, "https://a.example", (kind,), Request(name, "F", name, NOW), enabled=True)
        await plugin_failures.add(empty_store, {ONE: 1}, NOW + timedelta(minutes=1))
    assert await told(empty_store) == [("f00d", 3)]


async def test_what_fails_no_more_is_forgotten(empty_store):
    await plugin_failures.add(empty_store, {ONE: 1}, NOW)
    await plugin_failures.add(empty_store, {OTHER: 1}, NOW + KEPT + timedelta(seconds=1))
    assert await empty_store.read("MATCH (f:PluginFailure) RETURN f.failure_id AS id") == [{"id": "beef"}]
