"""The server as the bank changes beneath it: models and products come, models break, the store goes and comes back."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from api import app, live_engine
from api.limits import Limits
from graph import products
from graph.imports import import_rows
from graph.store import Store
from plugins.host import PluginHost
from recommenders.artefact import save
from recommenders.catalogue import Catalogue
from recommenders.training import train
from tests.plugins.sources import LEARNER
from tests.waiting import until

OFFERS = """{ customer(customerNo: "ANNA") { offers(first: 20) { product { productCode } recommenders } } }"""
PRODUCTS = "{ products { nodes { productCode } } }"
RECOMMENDERS = "{ recommenders { name state } }"
ZEROS = "return {'score': np.zeros(1)}"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """The server looks for what changed without keeping the tests waiting."""
    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)


@pytest.fixture
def trained(bank):
    """Return a function: train on the bank as it is, into a folder; the model's id."""

    async def into(models):
        catalogue = Catalogue(await products.catalogue(bank))
        learnt = await train(bank, catalogue, PluginHost.load().recommenders(), datetime.now(UTC).date())
        save(models, learnt.model)
        return learnt.model.model_id

    return into


class Relay:
    """A port of loopback before the store, which passes on, is closed, or takes all and says nothing."""

    def __init__(self, uri):
        there = urlsplit(uri)
        self._there = there.hostname, there.port
        self._open = set()
        self.port = 0
        self.silent = False

    async def up(self):
        self._listener = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def down(self):
        self._listener.close()
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _pass(self, reader, writer):
        there = await asyncio.open_connection(*self._there)
        self._open |= {writer, there[1]}
        await asyncio.gather(self._copy(reader, there[1]), self._copy(there[0], writer), return_exceptions=True)

    async def _copy(self, reader, writer):
        while data := await reader.read(65_536):
            if not self.silent:
                writer.write(data)
        writer.close()


@pytest.fixture
async def relay(login):
    found = Relay(login[0])
    await found.up()
    yield found
    await found.down()


@pytest.fixture
async def behind(bank, login, relay):  # noqa: ARG001 - what is behind it
    """The bank's store, reached through the relay."""
    async with Store(f"bolt://127.0.0.1:{relay.port}", *login[1:], retry_seconds=0) as store:
        yield store


async def ready(server):
    response = await server.client.get("/readyz")
    return response.status_code, response.json()


async def offered(server, bearer):
    answer = await server.ask(OFFERS, bearer)
    return {o["product"]["productCode"]: o["recommenders"] for o in answer["data"]["customer"]["offers"]}


def assert_unavailable(response):
    assert response.status_code == 503, response.text
    assert response.headers["Retry-After"] == "5"
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "STORE_UNAVAILABLE", "requestId": response.headers["X-Request-ID"]}
    assert error["message"] == "The store cannot be reached now; try again."


async def test_without_a_model_the_fallback_answers_and_readyz_says_so(bank, serving, bearers):
    async with serving(bank) as server:
        assert await ready(server) == (200, {"status": "ready", "store": "reachable", "model": "fallback"})
        offers = await offered(server, bearers.anna)
        assert set(offers) == {"CARD", "AUTOPAY", "CAMPUS-CARD"}
        assert all("popularity" in recommenders and "als" not in recommenders for recommenders in offers.values())


async def test_a_model_trained_while_serving_is_taken_up_without_a_restart(bank, serving, bearers, trained):
    async with serving(bank) as server:
        assert (await ready(server))[1]["model"] == "fallback"

        model_id = await trained(server.models)

        await until(lambda: is_in_service(server, model_id))
        states = (await server.ask(RECOMMENDERS, bearers.marketing))["data"]["recommenders"]
        assert {"name": "als", "state": "ready"} in states
        assert await offered(server, bearers.anna)


async def test_who_answers_by_what_another_text_learnt_is_told(bank, serving, bearers, tmp_path):
    (tmp_path / "mine.py").write_text(LEARNER.format(name="mine", fit=ZEROS))
    host = PluginHost.load([tmp_path])
    catalogue = Catalogue(await products.catalogue(bank))
    trained = await train(bank, catalogue, host.recommenders(), datetime.now(UTC).date())
    (tmp_path / "mine.py").write_text(LEARNER.format(name="mine", fit=ZEROS.replace("zeros", "ones")))
    async with serving(bank, PluginHost.load([tmp_path])) as server:
        texts = {"texts": host.recommending.texts()}
        save(server.models, replace(trained.model, training=trained.model.training | texts))

        await until(lambda: is_in_service(server, trained.model.model_id))
        found = (await server.ask("{ recommenders { name outdated } }", bearers.marketing))["data"]["recommenders"]

    assert [own["name"] for own in found if own["outdated"]] == ["mine"]


async def is_in_service(server, model_id):
    return (await ready(server))[1]["model"] == model_id


def shorten(model, _):
    (model / "als.npz").write_bytes((model / "als.npz").read_bytes()[:100])


def cut_manifest(model, _):
    (model / "manifest.json").write_text('{"as_of":')


def lose(model, _):
    shutil.rmtree(model)


def scribble(model, current):
    shutil.rmtree(model)
    current.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize("spoil", [shorten, cut_manifest, lose, scribble])
async def test_a_broken_model_leaves_the_last_good_one_in_service(bank, serving, bearers, trained, spoil, caplog):
    caplog.set_level("INFO", "guanxi.api")
    async with serving(bank) as server:
        good = await trained(server.models)
        await until(lambda: is_in_service(server, good))
        before = await offered(server, bearers.anna)
        caplog.clear()

        put_in_force_broken(server.models, good, spoil)

        await until(lambda: has_rebuilt(caplog))
        assert (await ready(server))[1]["model"] == good
        assert await offered(server, bearers.anna) == before
        better = await trained(server.models)
        await until(lambda: is_in_service(server, better))


def test_a_model_comes_though_no_engine_can_be_built_with_plugins_that_changed(tmp_path, monkeypatch):
    old, new = PluginHost(), PluginHost()
    monkeypatch.setattr(live_engine, "build_engine", lambda _, host, model, *__: {old: model}[host])
    live = live_engine.LiveEngine(None, old, tmp_path)

    live._put_in_service(None, "model", live.stages, new)

    assert (live._engine, live._model, live.host) == ("model", "model", old)
    live.close()


async def test_when_every_model_breaks_the_one_in_service_stays(bank, serving, bearers, trained, caplog):
    async with serving(bank) as server:
        good = await trained(server.models)
        await until(lambda: is_in_service(server, good))
        before = await offered(server, bearers.anna)

        (server.models / good / "manifest.json").unlink()
        put_in_force_broken(server.models, good, lambda *_: None)

        await until(lambda: has_said(caplog, "the model in service stays: Every model in"))
        assert (await ready(server))[1]["model"] == good
        assert await offered(server, bearers.anna) == before


@pytest.mark.parametrize("spoil", [shorten, cut_manifest, lose, scribble])
async def test_a_server_starts_with_the_last_good_model(bank, serving, trained, tmp_path, spoil):
    good = await trained(tmp_path)
    put_in_force_broken(tmp_path, good, spoil)

    async with serving(bank, models=tmp_path) as server:
        assert (await ready(server))[1] == {"status": "ready", "store": "reachable", "model": good}


def put_in_force_broken(models, good, spoil):
    broken = models / "99991231T000000000000"
    shutil.copytree(models / good, broken)
    fresh = models / "current.fresh"
    fresh.write_text(broken.name)
    spoil(broken, fresh)
    fresh.replace(models / "current")


async def has_rebuilt(caplog):
    return await has_said(caplog, "the engine was rebuilt")


async def has_said(caplog, text):
    return [message for message in caplog.messages if message.startswith(text)]


async def test_a_new_product_is_offered_without_a_restart(bank, serving, bearers):
    async with serving(bank) as server:
        assert "PENSION" not in await offered(server, bearers.anna)
        own = {"product_code": "PENSION", "name": "Pension", "category": "pension"}
        await import_rows(bank, "products", [{"key": "PENSION", "digest": "d", "properties": own}])

        await until(lambda: is_offered(server, bearers.anna, "PENSION"))

        await bank.write("MATCH (p:Product {product_code: 'PENSION'}) DETACH DELETE p")
        await until(lambda: is_no_longer_offered(server, bearers.anna, "PENSION"))


async def is_offered(server, bearer, code):
    return code in await offered(server, bearer)


async def is_no_longer_offered(server, bearer, code):
    return code not in await offered(server, bearer)


async def test_a_store_that_is_down_at_the_start_is_waited_for(relay, behind, serving, bearers):
    await relay.down()
    async with serving(behind) as server:
        assert (await server.client.get("/healthz")).json() == {"status": "alive"}
        assert await ready(server) == (503, {"status": "not ready", "store": "unreachable", "model": "fallback"})
        for query in (OFFERS, PRODUCTS, RECOMMENDERS):
            assert_unavailable(await server.post(query, bearers.admin))
        together = await asyncio.gather(*(server.post(RECOMMENDERS, bearers.admin) for _ in range(5)))
        for response in together:
            assert_unavailable(response)

        await relay.up()

        await until(lambda: is_in_service(server, "fallback"))
        assert set(await offered(server, bearers.anna)) == {"CARD", "AUTOPAY", "CAMPUS-CARD"}


async def test_a_store_that_takes_connections_and_says_nothing_is_not_ready_until_it_speaks(
    relay, behind, serving, monkeypatch
):
    monkeypatch.setattr(app, "START_SECONDS", 0.5)
    monkeypatch.setattr(app, "READY_SECONDS", 0.5)
    relay.silent = True
    async with serving(behind) as server:
        assert await ready(server) == (503, {"status": "not ready", "store": "unreachable", "model": "fallback"})
        assert (await server.client.get("/healthz")).status_code == 200

        relay.silent = False

        back = await until(lambda: ready(server), lambda told: told[0] == 200)  # it may be late once more
        assert back[1]["model"] == "fallback"


async def test_a_store_that_goes_down_under_load_is_503_until_it_is_back(relay, behind, serving, bearers):
    async with serving(behind) as server:
        expected = await offered(server, bearers.anna)
        statuses, stop = [], asyncio.Event()

        async def load():
            while not stop.is_set():
                response = await server.post(OFFERS, bearers.anna)
                statuses.append(response.status_code)
                if response.status_code != 200:
                    assert_unavailable(response)

        async def last_is(status):
            return statuses[-8:] == [status] * 8

        async with asyncio.TaskGroup() as clients:
            for _ in range(8):
                clients.create_task(load())
            await until(lambda: last_is(200))
            await relay.down()
            await until(lambda: last_is(503))
            assert (await server.client.get("/healthz")).status_code == 200
            assert (await ready(server))[0] == 503
            await relay.up()
            await until(lambda: last_is(200))
            stop.set()

        assert set(statuses) == {200, 503}
        assert await offered(server, bearers.anna) == expected
        assert (await ready(server))[0] == 200


async def test_a_store_that_falls_silent_is_looked_at_again(relay, behind, bank, serving, bearers, monkeypatch):
    monkeypatch.setattr(live_engine, "PATIENCE_SECONDS", 0.5)
    async with serving(behind, limits=Limits(seconds=1)) as server:
        relay.silent = True
        response = await server.post(OFFERS, bearers.anna)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (504, "LIMIT_SECONDS")
        relay.silent = False

        own = {"product_code": "PENSION", "name": "Pension", "category": "pension"}
        await import_rows(bank, "products", [{"key": "PENSION", "digest": "d", "properties": own}])
        try:
            await until(lambda: is_offered(server, bearers.anna, "PENSION"))
        finally:
            await bank.write("MATCH (p:Product {product_code: 'PENSION'}) DETACH DELETE p")
