import asyncio
from collections import Counter

import pytest

from api import recent
from api.events import Changes, Interactions
from api.live_engine import LiveEngine
from api.loading import Loader
from api.requests import HttpContext
from api.schema import build_schema
from api.session import Services
from api.webhooks.rules import WebhookRules
from graph.customers import WHOLE
from graph.store import Store
from plugins.host import PluginHost

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String, $order: [CustomerOrder!]) {
  customers(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {
    edges { cursor node { customerNo } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
  }
}
"""
FULL = """
query ($first: Int) { customers(first: $first, filter: {name: {startsWith: "Many"}}) { nodes {
  name lifecycleStage churn { probability } value { amount } segment { code }
  accounts { nodes { accountNo product { name } } } cards { nodes { cardNo } }
  holdings { nodes { product { name programme { name } } } } memberships { nodes { programme { name memberCount } } }
  offers { product { name } } relations { nodes { customer { name } } }
} } }
"""


async def page(server, bearers, **asked):
    found = (await server.ask(PAGE, bearers.admin, **asked))["data"]["customers"]
    return [edge["node"]["customerNo"] for edge in found["edges"]], found["pageInfo"], found["totalCount"]


async def test_pages_go_forward_to_the_end_and_back_to_the_start(server, bearers):
    walked, asked = [], {"first": 25}
    while True:
        numbers, info, total = await page(server, bearers, **asked)
        walked.append(numbers)
        if not info["hasNextPage"]:
            break
        asked = {"first": 25, "after": info["endCursor"]}
    back, info, _ = await page(server, bearers, last=25, before=info["startCursor"])

    assert total == 64
    assert [len(numbers) for numbers in walked] == [25, 25, 14]
    everybody = [number for numbers in walked for number in numbers]
    assert everybody == sorted(everybody)
    assert back == walked[1]
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (True, True)


async def test_the_last_customers_come_in_order(server, bearers):
    assert (await page(server, bearers, last=2))[0] == ["X58", "X59"]


async def test_customers_are_ordered_by_name_either_way(server, bearers):
    by_name = {"field": "NAME", "direction": "DESC"}
    up = (await page(server, bearers, first=2, order=[{"field": "NAME"}]))[0]
    down, info, _ = await page(server, bearers, first=2, order=[by_name])
    further = (await page(server, bearers, first=1, after=info["endCursor"], order=[by_name]))[0]

    assert up == ["ANNA", "BO"]
    assert (down, further) == (["NOTHING", "X59"], ["X58"])


async def test_a_cursor_holds_its_place_while_customers_come_and_go(server, bearers, bank):
    _, info, _ = await page(server, bearers, first=4)
    await bank.write("CREATE (:Customer {customer_no: 'AAA', kind: 'person'})")
    try:
        numbers, _, _ = await page(server, bearers, first=2, after=info["endCursor"])
    finally:
        await bank.write("MATCH (c:Customer {customer_no: 'AAA'}) DETACH DELETE c")

    assert numbers == ["X00", "X01"]


@pytest.mark.parametrize(
    "asked",
    [
        {"first": 101},
        {"first": -1},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"after": "WzFd"},
        {"after": "WyJhIl0"},
        {"after": "W10"},
        {"before": "WyJjLmN1c3RvbWVyX25vIEFTQyIsICI9QSIsICI9QSJd"},
    ],
)
async def test_a_page_that_cannot_be_is_refused(server, bearers, asked):
    answer = await server.ask(PAGE, bearers.admin, **asked)

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_lists_within_a_customer_are_paged_too(server, bearers):
    query = """query ($first: Int, $last: Int, $after: String) { customer(customerNo: "ANNA") {
        cards(first: $first, last: $last, after: $after) { nodes { cardNo } pageInfo { endCursor hasNextPage } totalCount } } }"""

    first = (await server.ask(query, bearers.admin, first=1))["data"]["customer"]["cards"]
    then = (await server.ask(query, bearers.admin, first=1, after=first["pageInfo"]["endCursor"]))["data"]["customer"]
    last = (await server.ask(query, bearers.admin, last=1))["data"]["customer"]["cards"]

    assert [card["cardNo"] for card in first["nodes"]] == ["K-ANNA-1"]
    assert (first["pageInfo"]["hasNextPage"], first["totalCount"]) == (True, 2)
    assert then["cards"] == {
        "nodes": [{"cardNo": "K-ANNA-2"}],
        "pageInfo": {"endCursor": then["cards"]["pageInfo"]["endCursor"], "hasNextPage": False},
        "totalCount": 2,
    }
    assert last["nodes"] == [{"cardNo": "K-ANNA-2"}]


class CountingStore(Store):
    """The real store, counting what it is asked."""

    def __init__(self, *login):
        super().__init__(*login)
        self.asked = Counter()

    async def read(self, cypher, **parameters):
        self.asked[cypher] += 1
        return await super().read(cypher, **parameters)


@pytest.fixture
async def counted(bank, login, rules, bearers, tmp_path, trail_of):  # noqa: ARG001 - the store has the bank
    """Return a function: what a document of the administrator's asks the store, and its data."""
    async with CountingStore(*login) as store:
        engine, secret = LiveEngine(store, PluginHost.load(), tmp_path), "s" * 32
        services = Services(
            store, engine, Changes(), Interactions(), secret, WebhookRules(secret), secret, trail_of(store)
        )
        viewer = await rules.viewer(f"Bearer {bearers.admin}")
        await services.engine.refresh()

        async def run(document, **variables):
            store.asked.clear()
            result = await build_schema().execute(
                document, variable_values=variables, context_value=HttpContext(services, viewer)
            )
            assert result.errors is None
            return store.asked.copy(), result.data

        yield run
        services.engine.close()


async def test_a_page_of_fifty_asks_the_store_as_often_as_a_page_of_five(counted, monkeypatch):
    monkeypatch.setattr(recent, "FRESH_SECONDS", 0)
    for first in (5, 50):
        asked, data = await counted(FULL, first=first)

        assert len(data["customers"]["nodes"]) == first
        assert asked.total() == 8
        assert not any("count(c)" in cypher for cypher in asked)  # nobody asked for totalCount


async def test_a_page_with_holdings_reads_nothing_else_of_its_customers(counted):
    asked, data = await counted("{ customers(first: 50) { nodes { holdings { nodes { openedOn } } } } }")

    assert len(data["customers"]["nodes"][0]["holdings"]["nodes"]) == 1
    assert asked.total() == 2
    assert WHOLE not in asked


async def test_a_customer_who_is_read_whole_is_not_asked_for_his_holdings(counted):
    asked, _ = await counted('{ customer(customerNo: "ANNA") { name holdings { nodes { openedOn } } } }')

    assert asked == {WHOLE: 1}


async def test_the_catalogue_is_read_once_for_requests_that_come_together(counted):
    document = '{ customer(customerNo: "ANNA") { holdings { nodes { product { name } } } } }'
    first, _ = await counted(document)
    second, data = await counted(document)

    assert (first.total(), second) == (3, {WHOLE: 1})
    assert data["customer"]["holdings"]["nodes"] == [{"product": {"name": "Current account"}}]


async def test_a_mutation_reads_the_whole_customer_for_those_alone_who_ask_for_him(counted):
    document = 'mutation {{ setConsent(input: {{customerNo: "ANNA", marketing: true}}) {{ {} }} }}'
    asked, _ = await counted(document.format("consent { version }"))
    assert WHOLE not in asked

    asked, data = await counted(document.format("customer { marketingConsent }"))
    assert asked[WHOLE] == 1
    assert data["setConsent"]["customer"] == {"marketingConsent": True}


async def test_a_field_that_fails_takes_nothing_from_others_who_wait_for_the_same():
    async def read(keys):
        await asyncio.sleep(0.01)
        return keys

    loader = Loader("things", read)

    async def field():
        return await loader.load("A")

    cancelled, other = asyncio.create_task(field()), asyncio.create_task(field())
    await asyncio.sleep(0)
    cancelled.cancel()

    assert await other == "A"
