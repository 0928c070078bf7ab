"""The model in service: who may see it, since when it is live, and that offers carry the one that ranked them."""

import asyncio
import base64
import threading
from datetime import UTC, date, datetime
from types import ModuleType

import jwt
import numpy as np
import pytest

from api import live_engine
from plugins.hookspecs import hookimpl
from plugins.host import PluginHost
from plugins.infos import SHIPPED
from recommenders.artefact import Model, promote, roll_back, save
from recommenders.contract import Candidates
from recommenders.features import FeatureSchema
from recommenders.history import lives
from recommenders.ranker import Ranker
from tests.waiting import PATIENCE, until

MODEL = """{ model {
    id asOf trainedAt liveSince periodMonths customers holdings firstOpening lastOpening surprises limits
    metrics { name value } ablation { examples whole groups { name fall } members { name fall } } features { name importance } history { modelId how at }
} }"""
OFFERS = '{ customer(customerNo: "ANNA") { offers(first: 20) { id propensity product { productCode } } } }'
CODES = ("AUTOPAY", "CAMPUS-CARD", "CARD", "CURRENT", "FUND")
CARD = {
    "map@7": {"popularity": 0.4, "stack": 0.6},
    "calibration_error": 0.002,
    "ablation": {"examples": 50, "whole": 0.59, "groups": {"contacts": 0.05}, "members": {"logit": -0.01}},
    "features": {"logit": 0.7, "own:points": 0.3},
    "rounds": {"pairs": 12, "counts": 7},
}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)


def put(models, model_id, rate, live=True):
    """Save a model by which everything is opened at a rate."""
    ones = np.ones(len(CODES), np.float32)
    schema = FeatureSchema(CODES, numbers=("points",))
    ranker = Ranker(schema, 3, ones, {"popularity": 1.0}, rate, ones, card=CARD)
    learnt = {"customers": 64, "holdings": 62, "first": "2020-01-01", "last": None}
    told = {"trained_at": "2026-07-01T03:00:00+00:00", "purpose_limits": {"membership:tobacco": []}}
    save(models, Model(CODES, date(2026, 6, 30), {}, ranker=ranker, learnt_from=learnt, training=told, model_id=model_id), live=live)  # fmt: skip


async def in_service(server):
    return (await server.client.get("/readyz")).json()["model"]


async def is_in_service(server, model_id):
    return await in_service(server) == model_id


async def model(server, bearer):
    return (await server.ask(MODEL, bearer))["data"]["model"]


async def offers(server, bearer):
    """Anna's offers: of each the model and propensity that its id carries, and its own propensity."""
    found = (await server.ask(OFFERS, bearer))["data"]["customer"]["offers"]
    return [(claims["m"], claims["pr"], offer["propensity"]) for offer in found if (claims := claims_of(offer["id"]))]


def claims_of(offer_id):
    token = base64.urlsafe_b64decode(offer_id + "=" * (-len(offer_id) % 4)).decode().removeprefix("Offer:")
    return jwt.decode(token, options={"verify_signature": False})


async def test_the_model_is_for_staff(server, bearers):
    for bearer in (bearers.manager, bearers.marketing, bearers.admin):
        assert await server.ask(MODEL, bearer) == {"data": {"model": None}}
    for bearer in (bearers.anna, bearers.partner):
        [error] = (await server.ask(MODEL, bearer))["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_live_is_told_and_since_when(bank, serving, bearers):
    async with serving(bank) as server:
        before = datetime.now(UTC)
        put(server.models, "m1", 0.1)
        await until(lambda: is_in_service(server, "m1"))

        told = await model(server, bearers.marketing)

    [life] = told.pop("history")
    assert life["at"] == told.pop("liveSince")
    assert before <= datetime.fromisoformat(life["at"]) <= datetime.now(UTC)
    assert (life["modelId"], life["how"]) == ("m1", "trained")
    assert "popularity alone" not in str(told.pop("limits"))
    assert told == {
        "id": "m1",
        "asOf": "2026-06-30",
        "trainedAt": "2026-07-01T03:00:00+00:00",
        "periodMonths": 3,
        "customers": 64,
        "holdings": 62,
        "firstOpening": "2020-01-01",
        "lastOpening": None,
        "surprises": [],
        "metrics": [
            {"name": "map@7", "value": 0.6},
            {"name": "map@7 of popularity", "value": 0.4},
            {"name": "calibration_error", "value": 0.002},
        ],
        "ablation": {
            "examples": 50,
            "whole": 0.59,
            "groups": [{"name": "contacts", "fall": 0.05}],
            "members": [{"name": "logit", "fall": -0.01}],
        },
        "features": [{"name": "logit", "importance": 0.7}, {"name": "own:points", "importance": 0.3}],
    }


async def test_a_promotion_and_a_rollback_are_taken_up_while_serving(bank, serving, bearers):
    async with serving(bank) as server:
        put(server.models, "m1", 0.1)
        put(server.models, "m2", 0.2)
        put(server.models, "m3", 0.3, live=False)
        await until(lambda: is_in_service(server, "m2"))

        promote(server.models, "m3")
        await until(lambda: is_in_service(server, "m3"))
        roll_back(server.models)
        await until(lambda: is_in_service(server, "m2"))

        told = await model(server, bearers.admin)
        since = lives(server.models)[-1].at

    assert told["id"] == "m2"
    assert datetime.fromisoformat(told["liveSince"]) == since
    assert [(life["modelId"], life["how"]) for life in told["history"]] == [
        ("m2", "rolled back"), ("m3", "promoted"), ("m2", "trained"), ("m1", "trained"),
    ]  # fmt: skip


async def test_when_a_broken_model_is_put_in_force_the_one_that_serves_is_told(bank, serving, bearers, caplog):
    caplog.set_level("INFO", "guanxi.api")
    async with serving(bank) as server:
        put(server.models, "m1", 0.1)
        await until(lambda: is_in_service(server, "m1"))
        put(server.models, "m2", 0.2, live=False)
        (server.models / "m2" / "ranker.npz").write_bytes(b"")
        (server.models / "current").write_text("m2")
        await until(lambda: has_rebuilt(caplog, 2))

        told = await model(server, bearers.admin)

    assert told["id"] == "m1"
    assert [(life["modelId"], life["how"]) for life in told["history"]] == [("m2", "by hand"), ("m1", "trained")]
    assert told["liveSince"] == told["history"][1]["at"]


async def has_rebuilt(caplog, times):
    return sum(message.startswith("the engine was rebuilt") for message in caplog.messages) == times


async def test_a_column_that_changed_its_type_is_told_of(bank, serving, bearers):
    await bank.write("MATCH (c:Customer {customer_no: 'ANNA'}) SET c.x_points = 'many'")
    try:
        async with serving(bank) as server:
            put(server.models, "m1", 0.1)
            await until(lambda: is_in_service(server, "m1"))
            assert (await model(server, bearers.admin))["surprises"] == []
            await offers(server, bearers.anna)

            assert (await model(server, bearers.admin))["surprises"] == ["points"]
    finally:
        await bank.write("MATCH (c:Customer {customer_no: 'ANNA'}) SET c.x_points = null")


class Waiting:
    """A recommender that, asked the first time, waits to be let go; it proposes nothing."""

    name, version = "waiting", "1"

    def __init__(self):
        self.asked, self.go = threading.Event(), threading.Event()

    def propose(self, batch):
        self.asked.set()
        assert self.go.wait(PATIENCE)
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda *_: None)


async def test_an_offer_carries_the_model_that_ranked_it_though_another_is_in_service_by_then(bank, serving, bearers):
    host, waiting = PluginHost.load(), Waiting()
    assert host.add(hooks(waiting), "waiting", SHIPPED).state == "loaded"
    async with serving(bank, host) as server:
        put(server.models, "m1", 0.1)
        await until(lambda: is_in_service(server, "m1"))

        asked = asyncio.create_task(offers(server, bearers.anna))
        await asyncio.to_thread(waiting.asked.wait, PATIENCE)
        put(server.models, "m2", 0.9)
        await until(lambda: is_in_service(server, "m2"))
        waiting.go.set()
        during, after = await asked, await offers(server, bearers.anna)

    assert {model_id for model_id, *_ in during} == {"m1"}
    assert {model_id for model_id, *_ in after} == {"m2"}
    for found in (during, after):
        assert all(round(own, 6) == signed for _, signed, own in found)
    assert max(own for *_, own in during) < min(own for *_, own in after)


def hooks(recommender):
    """A plugin as a module would be: an object with the hook."""
    module = ModuleType("waiting")
    module.recommenders = hookimpl(lambda register: register(recommender))
    return module


async def test_without_a_model_offers_carry_the_fallback(server, bearers):
    assert {model_id for model_id, *_ in await offers(server, bearers.anna)} == {"fallback"}
