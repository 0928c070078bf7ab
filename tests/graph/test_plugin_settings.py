"""Versions of plugins' settings: one after the other, whoever writes at the same time."""

import asyncio
from datetime import UTC, datetime

import pytest

from graph import plugin_settings
from graph.errors import KeyReused, NotFound, VersionConflict
from graph.once import Request
from graph.plugin_settings import Change
from graph.records import StoredSettings

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def request(name, fingerprint="F"):
    return Request(f"key {name}", fingerprint, f"change {name}", NOW)


async def test_nothing_is_set_at_first(empty_store):
    assert await plugin_settings.every(empty_store) == {}
    assert await plugin_settings.one(empty_store, "card") == StoredSettings("card", 0, {})
    assert await plugin_settings.history(empty_store, "card", 9) == []


async def test_versions_follow_one_another_and_stay(empty_store):
    await plugin_settings.write(empty_store, StoredSettings("other"), "{}", "eve", request("other"))
    first = await plugin_settings.write(empty_store, StoredSettings("card"), '{"months": 3}', "ann", request("a"))
    second = await plugin_settings.write(empty_store, StoredSettings("card", 1), '{"名": [1.5]}', "bo", request("b"), 0)

    assert first == Change("card", 1, {"months": 3}, "ann", NOW)
    assert second == Change("card", 2, {"名": [1.5]}, "bo", NOW, 0)
    assert await plugin_settings.history(empty_store, "card", 9) == [second, first]
    assert await plugin_settings.history(empty_store, "card", 1) == [second]
    assert await plugin_settings.history(empty_store, "card", 9, 1) == [first]
    assert await plugin_settings.at(empty_store, "card", 1) == first
    assert await plugin_settings.every(empty_store) == {
        "card": StoredSettings("card", 2, {"名": [1.5]}),
        "other": StoredSettings("other", 1, {}),
    }
    with pytest.raises(NotFound):
        await plugin_settings.at(empty_store, "card", 3)


async def test_of_many_who_write_after_the_same_version_one_does(empty_store):
    tries = [
        plugin_settings.write(empty_store, StoredSettings("card"), f'{{"n": {n}}}', "ann", request(n)) for n in range(6)
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)

    [won] = [change for change in done if isinstance(change, Change)]
    assert {type(other) for other in done if other is not won} == {VersionConflict}
    assert await plugin_settings.one(empty_store, "card") == StoredSettings("card", 1, won.settings)
    assert len(await plugin_settings.history(empty_store, "card", 9)) == 1


async def test_a_conflict_names_the_version_that_is_there_and_writes_nothing(empty_store):
    await plugin_settings.write(empty_store, StoredSettings("card"), "{}", "ann", request("a"))
    with pytest.raises(VersionConflict) as conflict:
        await plugin_settings.write(empty_store, StoredSettings("card"), "{}", "bo", request("b"))

    assert conflict.value.current == 1
    assert await plugin_settings.recorded(empty_store, request("b")) is None


async def test_a_request_writes_once(empty_store):
    first = await plugin_settings.write(empty_store, StoredSettings("card"), "{}", "ann", request("a"))

    assert await plugin_settings.write(empty_store, StoredSettings("card"), "{}", "ann", request("a")) == first
    assert await plugin_settings.recorded(empty_store, request("a")) == first
    with pytest.raises(KeyReused):
        await plugin_settings.recorded(empty_store, request("a", "G"))
