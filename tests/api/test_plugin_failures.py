"""A plugin's failure comes to the receiver that is to hear of it: once, of nobody, and no request waits for that."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network

import pytest

from api import storing
from api.webhooks.rules import WebhookRules
from graph import plugin_failures, webhooks
from graph.once import Request
from graph.store import Store
from graph.words import WebhookEvent
from plugins.failures.counting import FailureCounts
from plugins.failures.reports import FailureReports, files, read
from plugins.failures.storing import tell_webhooks, telling
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from tests.api.receiving import Receiver
from tests.waiting import until

QUICK = WebhookRules("a secret", plain=True, networks=(ip_network("127.0.0.0/8"),), backoff=0.02, poll=0.05)
PLUGIN = """
from guanxi import About, Field, hookimpl, recommender

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example", permissions=["identifiers"])

@recommender("nosy")
def propose(customer):
    raise KeyError(customer.name)

def share(customer):
    return {}[customer.customer_no]

@hookimpl
def fields(register):
    register(Field("Customer", "share", float, share, "His share."))
"""
ASK = '{ customer(customerNo: "ANNA") { name offers(first: 5) { product { productCode } } nosy { share } } }'
OFFERS = '{ customer(customerNo: "ANNA") { offers(first: 5) { product { productCode } } } }'


@pytest.fixture
async def receiver(bank):
    request = Request("hook", "F", "hook", datetime.now(UTC))
    async with Receiver().open() as opened:
        await webhooks.create(bank, opened.url, (WebhookEvent.PLUGIN_FAILED,), request, enabled=True)
        yield opened
    await bank.write("MATCH (n) WHERE n:Webhook OR n:Delivery OR n:IdempotencyKey OR n:PluginFailure DETACH DELETE n")


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return a function: the plugins of another server."""
    monkeypatch.setattr(storing, "STORE_SECONDS", 0.05)
    (tmp_path / "nosy.py").write_text(PLUGIN)
    return lambda: PluginHost.load([tmp_path], reports=FailureReports(tmp_path / "failures"))


async def test_each_failure_comes_once_from_several_servers_however_often_it_fails(
    bank, login, serving, bearers, receiver, host, tmp_path
):
    async with AsyncExitStack() as held:
        servers = []
        for _ in range(2):
            store = await held.enter_async_context(Store(*login))
            servers.append(await held.enter_async_context(serving(store, host(), webhooks=QUICK)))
        for _ in range(10):
            for server in servers:
                answer = await server.ask(ASK, bearers.admin)
                assert answer["data"]["customer"]["name"] == "Anna"
        await until(lambda: len(receiver.got) >= 2)
    counted = await bank.read("MATCH (f:PluginFailure) RETURN f.plugin AS plugin, f.count AS count")

    told = {one["data"]["hook"]: one["data"] for one in (json.loads(got.body) for got in receiver.got)}
    assert len(receiver.got) == len(told) == 2
    assert told["recommenders"] | {"since": "", "report": "", "count": 0} == {
        "plugin": "nosy", "version": "7", "owner": "ann@bank.example", "hook": "recommenders", "item": "nosy",
        "error": "KeyError", "said": "'xxxx'", "place": "nosy.py:10", "report": "", "count": 0, "since": "",
    }  # fmt: skip
    assert (told["fields"]["item"], told["fields"]["place"]) == ("Customer.share", "nosy.py:13")
    reports = {path.stem: read(path).hook for path in files(tmp_path / "failures")}
    assert reports == {own["report"]: hook for hook, own in told.items()}
    assert not any(mark in got.body.decode() for got in receiver.got for mark in ("ANNA", "Anna", "1990"))
    assert [own["plugin"] for own in counted] == ["nosy", "nosy"]
    assert min(own["count"] for own in counted) >= 6, "each server asks three times, until the plugin is off"


async def test_its_owner_is_told_that_a_changed_file_is_broken(bank, serving, bearers, receiver, host, tmp_path):
    (tmp_path / "nosy.py").write_text(PLUGIN.replace("raise KeyError(customer.name)", "return ()"))
    async with serving(bank, host(), webhooks=QUICK) as server:
        (tmp_path / "nosy.py").write_text("import nothing_of_the_kind")
        await until(lambda: receiver.got)
        assert (await server.ask(OFFERS, bearers.admin))["data"]["customer"]["offers"]

    data = json.loads(receiver.got[0].body)["data"]
    assert data | {"since": "", "report": ""} == {
        "plugin": "nosy", "version": None, "owner": "ann@bank.example", "hook": "loading", "item": "nosy",
        "error": "ModuleNotFoundError", "said": "No module named 'nothing_of_the_kind'", "place": "nosy.py:1",
        "report": "", "count": 1, "since": "",
    }  # fmt: skip


async def test_a_store_that_takes_no_failures_holds_up_no_offers(bank, serving, bearers, receiver, host, monkeypatch):
    begun, release, add = asyncio.Event(), asyncio.Event(), plugin_failures.add

    async def slow(*given):
        begun.set()
        await release.wait()
        await add(*given)

    monkeypatch.setattr(plugin_failures, "add", slow)
    async with serving(bank) as plain:
        expected = (await plain.ask(OFFERS, bearers.admin))["data"]
    async with serving(bank, host(), webhooks=QUICK) as server:
        try:
            for _ in range(5):
                assert (await server.ask(OFFERS, bearers.admin))["data"] == expected
            await until(begun.is_set)
            assert (await server.ask(OFFERS, bearers.admin))["data"] == expected
            assert receiver.got == []
        finally:
            release.set()
        await until(lambda: receiver.got)


async def test_what_a_store_refuses_is_told_later(bank, serving, bearers, receiver, host, monkeypatch):
    refused, add = [], plugin_failures.add

    async def failing(*given):
        refused.append(given)
        if len(refused) < 3:
            raise OSError("not now")
        await add(*given)

    monkeypatch.setattr(plugin_failures, "add", failing)
    async with serving(bank, host(), webhooks=QUICK) as server:
        await server.ask(OFFERS, bearers.admin)
        await until(lambda: receiver.got)
    assert len(refused) == 3
    assert json.loads(receiver.got[0].body)["data"]["count"] == 1


async def test_what_is_being_stored_as_a_server_ends_is_stored_at_the_end(monkeypatch):
    monkeypatch.setattr(storing, "STORE_SECONDS", 0)
    begun, added = asyncio.Event(), []

    async def add(_store, counts, _now):
        begun.set()
        added.append(sum(counts.values()))
        if len(added) == 1:
            await asyncio.Event().wait()

    monkeypatch.setattr(plugin_failures, "add", add)
    counts = FailureCounts()
    counts.add(PluginInfo("mine", "here"), "gates", "X", ValueError(), "")
    keeping = asyncio.create_task(storing.keep_storing(partial(tell_webhooks, None, counts)))
    await begun.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert added == [1, 1]


@pytest.mark.parametrize("is_down", [False, True])
async def test_a_command_that_fails_tells_what_plugins_failed_in_before(monkeypatch, caplog, is_down):
    added = []

    async def add(_store, counts, _now):
        if is_down:
            raise OSError("not now")
        added.extend(counts.values())

    monkeypatch.setattr(plugin_failures, "add", add)
    counts = FailureCounts()

    async def run():
        async with telling(None, counts):
            counts.add(PluginInfo("mine", "here"), "gates", "X", ValueError(), "")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run()
    assert added == ([] if is_down else [1])
    assert ("webhooks are not told of plugins' failures: not now" in caplog.text) == is_down
