"""What is kept of plugins: decisions on their stages, what they proposed day by day, and what became of it."""

import asyncio
from datetime import UTC, date, datetime

from graph import plugin_days, plugin_stages
from graph.errors import VersionConflict
from graph.plugin_days import Count, Foreseen, Sighting
from graph.plugin_stages import StageDecision, latest
from graph.words import PluginStage

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY, NEXT = date(2020, 3, 17), date(2020, 3, 18)


def decision(version, stage, plugin="card", **own):
    return StageDecision(plugin, version, stage, own.get("share"), "why", "who", NOW, own.get("restores"))


async def test_decisions_are_kept_in_their_order_and_the_last_one_holds(empty_store):
    told = [
        decision(1, PluginStage.SHADOW),
        decision(2, PluginStage.SHARE, share=20),
        decision(3, PluginStage.SHADOW, restores=1),
        decision(1, PluginStage.DRAFT, "loan"),
    ]
    for own in reversed(told):
        await plugin_stages.decide(empty_store, own)

    assert await plugin_stages.history(empty_store) == told
    assert await plugin_stages.history(empty_store, "loan") == told[3:]
    assert latest(told) == {"card": told[2], "loan": told[3]}


async def test_of_those_who_decide_at_once_one_does(empty_store):
    done = await asyncio.gather(
        *(plugin_stages.decide(empty_store, decision(1, stage)) for stage in PluginStage), return_exceptions=True
    )

    refused = [one for one in done if one is not None]
    assert [type(one) for one in refused] == [VersionConflict] * 4
    assert {one.current for one in refused} == {1}
    assert len(await plugin_stages.history(empty_store)) == 1


async def test_counts_of_a_day_are_added_up_by_product(empty_store):
    first = {("card", DAY, None): Count(3, 2, 1, 1, 0, 0.5), ("card", DAY, "GOLD"): Count(3, 2, 1)}
    second = {
        ("card", DAY, "GOLD"): Count(1, 1, 1),
        ("card", NEXT, None): Count(1, 1, 1, 0, 2, 0.25),
        ("loan", DAY, None): Count(9),
    }
    for counts in (first, second):
        await plugin_days.add(empty_store, counts, [])

    assert await plugin_days.counted(empty_store, "card") == {"GOLD": Count(4, 3, 2), None: Count(4, 3, 2, 1, 2, 0.75)}
    assert await plugin_days.counted(empty_store, "card", NEXT) == {None: Count(1, 1, 1, 0, 2, 0.25)}


async def test_of_those_who_would_have_been_offered_something_it_is_known_who_took_it(zoe):
    later = date(2024, 1, 1)
    seen = [
        Sighting("card", zoe.number, "SAVE", DAY),
        Sighting("card", "OTTO", "LOAN", DAY),
        Sighting("card", "GONE", "SAVE", DAY),
    ]
    for _ in range(2):
        await plugin_days.add(zoe.store, {}, seen)
    await plugin_days.add(
        zoe.store, {}, [Sighting("card", zoe.number, "SAVE", later), Sighting("late", zoe.number, "SAVE", later)]
    )

    assert await plugin_days.foreseen(zoe.store, "card") == Foreseen(2, 1)
    assert await plugin_days.foreseen(zoe.store, "late") == Foreseen(1, 0)
    assert await plugin_days.foreseen(zoe.store, "none") == Foreseen(0, 0)
