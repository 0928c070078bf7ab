"""``guanxi events``: the first run tells nobody, a later one what has happened since, each event once."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import polars as pl
import pytest

from graph import deliveries, embedded, webhooks
from graph.deliveries import Filter, Window
from graph.once import Request
from graph.store import Store
from graph.words import WebhookEvent
from tests.waiting import PATIENCE

pytestmark = pytest.mark.embedded

PLUGIN = """
from datetime import timedelta
from guanxi import About, LifeEvent, hookimpl, say

def happens(customer):
    if customer.customer_no == "C000000002":
        raise KeyError("salary")
    if customer.customer_no == "C000000001":
        return customer.today - timedelta(days=AGO)

@hookimpl
def about():
    return About(permissions=["identifiers"])

@hookimpl
def events(register):
    register(LifeEvent("MOVED", say("Has moved.", "已搬家。"), happens))
"""


@pytest.fixture
async def opened(journey):
    with embedded.join(journey.home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            request = Request("hook", "F", "hook", datetime.now(UTC))
            await webhooks.create(store, "https://b.example/", (WebhookEvent.LIFE_EVENT,), request, enabled=True)
            yield store
            await store.write(
                "MATCH (n) WHERE n:Webhook OR n:Delivery OR n:IdempotencyKey OR n:PluginStage OR n:Job DETACH DELETE n"
            )
            await store.write("MATCH (c:Customer) SET c.life_events_noted = null")


@pytest.fixture
def moving(tmp_path):
    """Return a function: the settings of a plugin by which a customer moved some days ago."""

    def make(ago):
        (tmp_path / "moving.py").write_text(PLUGIN.replace("AGO", str(ago)))
        return {"GUANXI_PLUGINS": str(tmp_path)}

    return make


async def told(store):
    found = await deliveries.page(store, Filter(), Window(count=1_000))
    return [json.loads(delivery.body)["data"] for delivery in found]


async def test_an_event_is_told_once(journey, guanxi, last_day, opened, moving):
    def run(day, **settings):
        done = guanxi(journey.home, "events", "--as-of", day, **settings)
        assert (done.returncode, done.stderr.count("event MOVED failed: KeyError")) == (0, 1 if settings else 0)
        return done.stdout

    first = run("2026-03-31", **moving(5))
    told_first = await told(opened)
    later, again = run(last_day, **moving(59)), run(last_day, **moving(59))
    in_time, too_late = run("2026-07-01", **moving(60)), run("2026-08-02", **moving(61))

    assert first == "300 customers are looked at for the first time; nobody is told.\n"
    assert told_first == []
    assert later == "MOVED: 1\n"
    assert [again, in_time, too_late] == ["Nothing new has happened.\n"] * 3
    assert await told(opened) == [{"customerNo": "C000000001", "event": "MOVED", "on": "2026-05-02"}]


async def test_of_a_plugin_that_does_not_decide_none_is_told_by_the_command_nor_by_the_job(
    journey, guanxi, last_day, opened, moving
):
    settings = moving(59)
    run = partial(guanxi, journey.home, **settings)
    guanxi(journey.home, "events", "--as-of", "2026-03-31")
    run("plugins", "stage", "moving", "retired", "--reason", "over")
    retired = run("events", "--as-of", last_day)
    job = run("jobs", "run", "events")
    told_retired = await told(opened)
    run("plugins", "rollback", "moving")
    live = run("events", "--as-of", last_day)

    assert (retired.stdout, retired.stderr.count("event MOVED failed")) == ("Nothing new has happened.\n", 0)
    assert job.returncode == 0
    assert [own["event"] for own in told_retired if own["event"] == "MOVED"] == []
    assert live.stdout == "MOVED: 1\n"


def test_who_serves_a_customer_reads_his_events_and_he_does_not(journey, serve, guanxi, moving):
    settings = moving(3)
    manager = pl.read_csv(journey.bank / "customers.csv", infer_schema=False).row(0, named=True)["manager_no"]
    ask = '{ customer(customerNo: "C000000001") { lifeEvents(days: 5) { code on text zh: text(language: ZH) } } }'
    beyond = '{ customer(customerNo: "C000000001") { lifeEvents(days: 367) { code } } }'
    development = settings | {"GUANXI_DEVELOPMENT": "1"}

    def token(*arguments):
        return guanxi(journey.home, "token", *arguments, **development).stdout.strip()

    with serve(**development) as (server, url):

        def asked(query, *arguments):
            bearer = {"Authorization": f"Bearer {token(*arguments)}"}
            return httpx.post(f"{url}/graphql", json={"query": query}, headers=bearer, timeout=PATIENCE).json()

        found = {
            "admin": asked(ask, "--role", "ADMIN"),
            "manager": asked(ask, "--role", "RELATIONSHIP_MANAGER", "--manager", manager),
            "himself": asked(ask, "--role", "CUSTOMER", "--customer", "C000000001"),
        }
        of_failing = asked(ask.replace("0001", "0002"), "--role", "ADMIN")
        refused = asked(beyond, "--role", "ADMIN")
        server.terminate()
        server.wait(PATIENCE)

    on = str(datetime.now(UTC).date() - timedelta(days=3))
    moved = [{"code": "MOVED", "on": on, "text": "Has moved.", "zh": "已搬家。"}]
    events = {who: answer["data"]["customer"]["lifeEvents"] for who, answer in found.items()}
    assert events == {"admin": moved, "manager": moved, "himself": None}
    assert of_failing["data"]["customer"]["lifeEvents"] == []
    assert refused["errors"][0]["extensions"]["code"] == "BAD_INPUT"
