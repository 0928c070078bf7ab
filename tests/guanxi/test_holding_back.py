"""What is held back is told without a word written to the store, which may be production's."""

from graph import embedded, plugin_claims
from graph.imports import import_rows
from guanxi.holding_back import held_here, held_in
from guanxi.opening import reach_store
from guanxi.settings import Settings
from plugins.about import About
from plugins.claims import Held
from plugins.hookspecs import hookimpl
from plugins.host import PluginHost

EVERYTHING = "MATCH (n) RETURN labels(n) AS labels, properties(n) AS own"


class Club:
    """A plugin that says that products for fans are its own."""

    @hookimpl
    def about(self):
        return About(guards=("fans",))


def with_club():
    host = PluginHost.load()
    host.add(Club(), "club", "here")
    return host


async def test_a_plugin_that_was_never_here_is_missed_and_not_remembered(empty_store, tmp_path):
    fans = {"product_code": "FAN", "name": "Fan", "category": "card", "purpose": "fans"}
    await import_rows(empty_store, "products", [{"key": "FAN", "digest": "d", "properties": fans}])
    before = await empty_store.read(EVERYTHING)
    draft, live = (Settings(home=tmp_path, new_plugins=stage) for stage in ("draft", "live"))

    assert await held_in(empty_store, draft, with_club()) == [Held("FAN", ("club",))]
    assert await held_in(empty_store, draft, with_club(), forgotten="club") == []
    assert await held_in(empty_store, live, with_club()) == []
    assert await held_in(empty_store, live, PluginHost.load()) == []
    assert await empty_store.read(EVERYTHING) == before


async def test_a_claim_that_was_waived_holds_again_for_who_is_loaded_and_only_for_him(empty_store):
    claim = "club", "purpose", "fans"
    await plugin_claims.remember(empty_store, [claim], ["club"])
    await empty_store.write("MATCH (c:PluginClaim) SET c.waived = true")

    assert await plugin_claims.claimants(empty_store, [claim], ["club"]) == {claim[1:]: ("club",)}
    assert await plugin_claims.claimants(empty_store, [claim], []) == {}


async def test_a_store_that_was_not_migrated_is_read_as_it_is(tmp_path):
    settings = Settings(home=tmp_path)
    with embedded.join(tmp_path):  # the first time, so that it has no schema either
        assert await held_here(settings, with_club()) == []
        async with reach_store(settings) as store:
            assert await store.read(EVERYTHING) == []
