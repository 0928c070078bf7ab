"""What the store keeps of a plugin goes, all of it, and nothing of another."""

from datetime import UTC, date, datetime

import pytest

from graph import jobs, plugin_claims, plugin_days, plugin_failures, plugin_settings, plugin_stages, plugin_traces
from graph.errors import KeyReused
from graph.imports import import_rows
from graph.jobs import Run
from graph.once import Request
from graph.plugin_days import Count, Sighting
from graph.plugin_stages import StageDecision
from graph.records import PluginFailure, StoredSettings
from graph.words import PluginStage

NOW, DAY = datetime(2026, 6, 1, 8, tzinfo=UTC), date(2020, 3, 17)
PARTS = {
    "settings": 1, "versions_of_settings": 2, "stages": 2, "counts_by_day": 2, "shadowed": 3, "jobs": 1, "failures": 1, "claims": 2,
}  # fmt: skip


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


async def bank(store):
    await import_rows(store, "products", [row("GOLD", product_code="GOLD", name="Gold", category="card")])
    await import_rows(store, "customers", [row(f"C{n}", customer_no=f"C{n}", kind="person") for n in range(3)])


def ask(key):
    return Request(key, "p", key, NOW)


async def use(store, plugin):
    for version in range(2):
        await plugin_settings.write(
            store,
            StoredSettings(plugin, version),
            "{}",
            "x",
            ask(f"{plugin}{version}"),
        )
        decision = StageDecision(plugin, version + 1, PluginStage.SHADOW, None, "why", "x", NOW)
        await plugin_stages.decide(store, decision, ask(f"{plugin}-stage{version}"))
    await plugin_stages.stand(store, decision, ask(f"{plugin}-again"))
    counts = {(plugin, DAY, code): Count(3, 2, 1) for code in (None, "GOLD")}
    await plugin_days.add(store, counts, [Sighting(plugin, f"C{n}", "GOLD", DAY) for n in range(3)])
    await jobs.take(store, Run(f"{plugin}-job", "R1", "host:1", plugin), NOW)
    failure = PluginFailure(f"{plugin}-1", plugin, "1", None, "gates", "G", "ValueError", "no", None)
    await plugin_failures.add(store, {failure: 2}, NOW)
    await plugin_claims.remember(store, [(plugin, "kind", plugin), (plugin, "purpose", "fun")], {plugin})


async def test_a_store_that_has_forgotten_a_plugin_is_one_that_never_had_it(empty_store, dump):
    await bank(empty_store)
    await use(empty_store, "loan")
    before = await dump(empty_store)
    await use(empty_store, "card")

    assert await plugin_traces.known(empty_store) == ["card", "loan"]
    assert await plugin_traces.count(empty_store, "card") == PARTS
    await plugin_traces.forget(empty_store, "card", waive=False)
    assert await dump(empty_store) == before
    assert await plugin_traces.count(empty_store, "loan") == PARTS


async def test_one_that_is_half_forgotten_is_still_known(empty_store, dump, interrupted):
    await bank(empty_store)
    before = await dump(empty_store)
    await use(empty_store, "card")
    await empty_store.write("MATCH (n:PluginClaim) DELETE n")

    done = 0
    while await interrupted(plugin_traces.forget(empty_store, "card", waive=False), after=1):
        done += 1
        assert await plugin_traces.known(empty_store) == ["card"]
    assert done == len(PARTS) - 2  # but the claims, and the last, after which nothing is left to be stopped
    assert await dump(empty_store) == before


async def test_what_was_decided_is_not_told_once_it_is_forgotten(empty_store):
    await use(empty_store, "card")
    await empty_store.write("MATCH (s:PluginStage) DELETE s")
    with pytest.raises(KeyReused):
        await plugin_stages.recorded(empty_store, ask("card-stage0"))
    await use(empty_store, "loan")
    await plugin_traces.forget(empty_store, "loan", waive=False)

    assert await plugin_stages.recorded(empty_store, ask("loan-stage0")) is None


async def test_what_is_waived_is_claimed_again_by_a_plugin_that_is_loaded_alone(empty_store):
    await use(empty_store, "card")
    await use(empty_store, "loan")
    await plugin_traces.forget(empty_store, "card", waive=True)
    claim = ("card", "kind", "card")

    async def claimed():
        return (await plugin_claims.claimants(empty_store)).get(claim[1:])

    assert (await claimed(), await plugin_traces.known(empty_store)) == (None, ["loan"])
    await plugin_claims.remember(empty_store, [claim], {"loan"})
    assert await claimed() is None
    await plugin_claims.remember(empty_store, [claim], {"card"})
    assert await claimed() == ("card",)
    assert await plugin_traces.known(empty_store) == ["card", "loan"]
