"""Marketing reads how a plugin does beside its own holdout."""

import pytest

from api import live_engine
from plugins.host import PluginHost
from plugins.life.stages import is_in_share

PLUGIN = """
from guanxi import Proposal, recommender

@recommender("pushy")
def propose(customer):
    yield Proposal("AUTOPAY", 1.0, "because")
"""
PUT = """mutation { setPluginStage(input: {plugin: "pushy", stage: SHARE, share: 50, reason: "try", force: true}) {
    decision { decidedAt } errors { message } } }"""
CARD = """query ($plugin: String!) { pluginScoreCard(plugin: $plugin) {
    plugin isGone stage decision { share decidedAt } countedSince
    share { customers shown taken rate } holdout { customers shown taken rate } lift { difference low high ratio }
    counts { asked proposed best failures passedOver } foreseen { customers takers }
    process { calls failures meanMs } } }"""
OFFERS = """query ($no: String!) { customer(customerNo: $no) { offers(first: 5) { id product { productCode } } } }"""
RECORD = "mutation ($input: RecordOutcomeInput!) { recordOutcome(input: $input) { errors { message } } }"


@pytest.fixture
async def pushy(bank, serving, tmp_path, monkeypatch):
    """A server with a plugin that half of the customers have."""
    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)
    (tmp_path / "pushy.py").write_text(PLUGIN)
    async with serving(bank, PluginHost.load([tmp_path])) as running:
        yield running
    await bank.write("MATCH (n) WHERE n:PluginStage OR n:PluginDay OR n:Outcome DETACH DELETE n")


async def card(server, bearer, plugin="pushy"):
    return (await server.ask(CARD, bearer, plugin=plugin))["data"]["pluginScoreCard"]


async def test_what_customers_answer_is_on_the_card(pushy, bank, bearers):
    await bank.write(
        "MATCH (a:Customer {customer_no: 'ANNA'}), (c:Customer) WHERE c.customer_no STARTS WITH 'X' "
        "SET c.marketing_consent = true, c.birth_date = a.birth_date, c.credit_limit = a.credit_limit"
    )
    put = await pushy.ask(PUT, bearers.admin)
    for n in range(60):
        told = await pushy.ask(OFFERS, bearers.admin, no=f"X{n:02}")
        offers = {own["product"]["productCode"]: own["id"] for own in told["data"]["customer"]["offers"]}
        kind = "ACCEPT" if is_in_share("pushy", f"X{n:02}", 50) else "IMPRESSION"
        given = {"offerId": offers["AUTOPAY"], "outcome": kind, "channel": "MOBILE"}
        for key in ("once", "again"):
            await pushy.ask(RECORD, bearers.admin, input=given | {"idempotencyKey": f"{n} {key}"})

    found = await card(pushy, bearers.marketing)

    decided_at = put["data"]["setPluginStage"]["decision"]["decidedAt"]
    inside = sum(is_in_share("pushy", f"X{n:02}", 50) for n in range(60))
    assert (found["plugin"], found["stage"]) == ("pushy", "SHARE")
    assert found["decision"] == {"share": 50, "decidedAt": decided_at}
    assert found["countedSince"] == f"{decided_at[:19]}+00:00"
    assert found["share"] == {"customers": inside, "shown": inside, "taken": inside, "rate": 1.0}
    assert found["holdout"] == {"customers": 60 - inside, "shown": 60 - inside, "taken": 0, "rate": 0.0}
    assert (found["lift"]["difference"], found["lift"]["ratio"]) == (1.0, None)
    assert 0.7 < found["lift"]["low"] < found["lift"]["high"] == pytest.approx(1.0)
    assert found["process"]["calls"] > 0
    assert found["process"]["meanMs"] > 0


async def test_a_plugin_on_which_nobody_has_decided_has_a_card_with_nothing_on_it(pushy, bearers):
    assert await card(pushy, bearers.admin) == {
        "plugin": "pushy", "isGone": False, "stage": "LIVE", "decision": None, "countedSince": None,
        "share": None, "holdout": None, "lift": None, "counts": None, "foreseen": None,
        "process": {"calls": 0, "failures": 0, "meanMs": 0.0},
    }  # fmt: skip
    assert await card(pushy, bearers.admin, "nobody") is None


async def test_one_that_is_gone_keeps_its_card(pushy, bank, bearers, serving):
    await pushy.ask(PUT, bearers.admin)
    async with serving(bank, PluginHost.load()) as other:
        found = await card(other, bearers.admin)

    assert (found["isGone"], found["stage"], found["process"]) == (True, "SHARE", None)


@pytest.mark.parametrize("role", ["anna", "manager", "partner"])
async def test_nobody_else_may(pushy, bearers, role):
    answer = await pushy.ask(CARD, getattr(bearers, role), plugin="pushy")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
