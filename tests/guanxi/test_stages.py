"""``guanxi stages``: the first run tells nobody, a later one what has changed, and a third nothing more."""

import json
import re
from datetime import UTC, datetime

import pytest

from graph import deliveries, embedded, webhooks
from graph.deliveries import Filter, Window
from graph.once import Request
from graph.store import Store
from graph.words import LifecycleStage, WebhookEvent

pytestmark = pytest.mark.embedded

EARLIER = "2025-06-30"
STAGES = tuple(LifecycleStage)
LINE = re.compile(r"(\w+) to (\w+): (\d+)")


@pytest.fixture
async def opened(journey):
    with embedded.join(journey.home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            yield store
            await store.write("MATCH (n) WHERE n:Webhook OR n:Delivery OR n:IdempotencyKey DETACH DELETE n")
            await store.write("MATCH (c:Customer) SET c.stage_noted = null")


async def test_changes_are_printed_and_told_once(journey, guanxi, last_day, opened):
    request = Request("hook", "F", "hook", datetime.now(UTC))
    await webhooks.create(opened, "https://bank.example/", (WebhookEvent.STAGE_CHANGED,), request, enabled=True)

    first = guanxi(journey.home, "stages", "--as-of", EARLIER)
    told_first = await deliveries.count(opened, Filter())
    then = guanxi(journey.home, "stages", "--as-of", last_day)
    again = guanxi(journey.home, "stages", "--as-of", last_day)

    assert (first.returncode, first.stdout, first.stderr) == (0, "300 customers are noted for the first time; nobody is told.\n", "")  # fmt: skip
    assert told_first == 0
    assert (again.returncode, again.stdout) == (0, "No stage has changed.\n")
    printed = {(before, after): int(count) for before, after, count in LINE.findall(then.stdout)}
    assert len(printed) == len(then.stdout.splitlines()) > 1
    assert list(printed) == sorted(printed, key=lambda pair: (STAGES.index(pair[0]), STAGES.index(pair[1])))
    found = await deliveries.page(opened, Filter(), Window(count=1_000))
    told = [json.loads(delivery.body) for delivery in found]
    assert len(told) == sum(printed.values())
    counted = {pair: sum((one["data"]["from"], one["data"]["to"]) == pair for one in told) for pair in printed}
    assert counted == printed
    assert {one["data"]["on"] for one in told} == {last_day}
    assert len({one["data"]["customerNo"] for one in told}) == len(told)


async def test_the_stage_noted_is_the_one_that_the_engine_sees(journey, guanxi, last_day, opened):
    guanxi(journey.home, "stages", "--as-of", last_day)

    rows = await opened.read("MATCH (c:Customer) RETURN c.stage_noted AS stage, count(c) AS n")
    assert sum(row["n"] for row in rows) == 300
    assert {row["stage"] for row in rows} <= set(STAGES)
    never = "MATCH (c:Customer) WHERE NOT (c)-[:HOLDS]->() RETURN DISTINCT c.stage_noted AS stage"
    assert await opened.read(never) in ([], [{"stage": "prospect"}])
