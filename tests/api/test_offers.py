"""Offers and bundles as a phone asks for them, and what plugins add to them, or cannot take from them."""

import asyncio
import re
from pathlib import Path

import pytest

from graph.imports import import_rows
from plugins.host import PluginHost
from tests.waiting import until

README = Path(__file__).parents[2] / "README.md"
OFFERS = """
query ($no: String! = "ANNA", $first: Int! = 20, $channel: Channel! = MOBILE, $exclude: [String!], $budgetMs: Int) {
  customer(customerNo: $no) { offers(first: $first, channel: $channel, exclude: $exclude, budgetMs: $budgetMs) {
    rank product { productCode } priority propensity recommenders reasons
  } }
}"""
ALL = ["CARD", "AUTOPAY", "CAMPUS-CARD", "MORTGAGE"]

SLOW = """
import time
from pathlib import Path

from guanxi import Proposal, recommender


@recommender("slow")
def propose(customer):
    while not (Path(__file__).parent / "go-on").exists():
        time.sleep(0.01)
    yield Proposal("CARD", score=1.0, reason="worth waiting for")
"""
BAD = """
from guanxi import Proposal, recommender


@recommender("bad")
def propose(customer, catalogue):
    {does}
"""


@pytest.fixture(scope="module")
async def salaried(bank):
    """The bank sells mortgages too, and Anna and Bo have had a salary for three years."""
    mortgage = {
        "product_code": "MORTGAGE",
        "name": "Home mortgage",
        "category": "mortgage",
        "credit": True,
        "margin": 900.0,
    }
    await import_rows(bank, "products", [{"key": "MORTGAGE", "digest": "d", "properties": mortgage}])
    for account in ("A-ANNA", "A-BO"):
        months = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)]
        own = [{"account_no": account, "month": month, "inflow": 3_000.0, "salary": 3_000.0} for month in months]
        rows = [{"key": f"{account}|{row['month']}", "digest": "d", "properties": row} for row in own]
        await import_rows(bank, "activity", rows)
    return bank


@pytest.fixture(scope="module")
async def phone(salaried, serving):
    """A server without plugins of others."""
    async with serving(salaried) as running:
        yield running


@pytest.fixture
def with_plugin(salaried, serving, tmp_path):
    """Return a function: an async context of a server with one plugin file, of a source."""

    def make(source):
        (tmp_path / "plugin.py").write_text(source, encoding="utf-8")
        return serving(salaried, PluginHost.load([tmp_path]))

    return make


async def offers_of(server, bearer, **asked):
    answer = await server.ask(OFFERS, bearer, **asked)
    assert "errors" not in answer, answer
    return answer["data"]["customer"]["offers"], answer.get("extensions")


def codes(offers):
    return [offer["product"]["productCode"] for offer in offers]


@pytest.mark.parametrize("first", [0, 1, 3, 20])
async def test_first_is_how_many_the_best_of_all(phone, bearers, first):
    everything, _ = await offers_of(phone, bearers.anna)

    assert codes(everything) == ALL
    assert [offer["rank"] for offer in everything] == [1, 2, 3, 4]
    assert [offer["priority"] for offer in everything] == sorted((o["priority"] for o in everything), reverse=True)
    assert await offers_of(phone, bearers.anna, first=first) == (everything[:first], None)


async def test_three_are_offered_where_nobody_says_how_many(phone, bearers):
    answer = await phone.ask("{ viewer { customer { offers { rank } } } }", bearers.anna)

    assert [offer["rank"] for offer in answer["data"]["viewer"]["customer"]["offers"]] == [1, 2, 3]


@pytest.mark.parametrize("asked", [{"first": -1}, {"first": 21}, {"budgetMs": 0}, {"budgetMs": -5}])
async def test_what_cannot_be_asked_for_is_refused(phone, bearers, asked):
    answer = await phone.ask(OFFERS, bearers.anna, **asked)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_INPUT"]


async def test_what_is_excluded_makes_room_for_the_next(phone, bearers):
    offers, _ = await offers_of(phone, bearers.anna, first=3, exclude=["CARD", "MORTGAGE", "NO-SUCH-PRODUCT"])

    assert codes(offers) == ["AUTOPAY", "CAMPUS-CARD"]
    assert [offer["rank"] for offer in offers] == [1, 2]


async def test_the_channel_weighs_what_suits_it(phone, bearers):
    mobile, branch = [
        {o["product"]["productCode"]: o["priority"] for o in (await offers_of(phone, bearers.admin, channel=on))[0]}
        for on in ("MOBILE", "BRANCH")
    ]

    assert branch["MORTGAGE"] / mobile["MORTGAGE"] == pytest.approx(1.2 / 0.8)
    assert branch["AUTOPAY"] / mobile["AUTOPAY"] == pytest.approx(1 / 1.2)
    assert branch["CARD"] == mobile["CARD"]


async def test_reasons_are_in_the_customers_language_or_the_one_asked_for(phone, bearers):
    query = """query ($no: String!) { customer(customerNo: $no) { offers(exclude: ["CARD", "MORTGAGE", "CAMPUS-CARD"]) {
        product { name zh: name(language: ZH) } reasons en: reasons(language: EN) zh: reasons(language: ZH) } } }"""

    [annas] = (await phone.ask(query, bearers.admin, no="ANNA"))["data"]["customer"]["offers"]
    [bos] = (await phone.ask(query, bearers.admin, no="BO"))["data"]["customer"]["offers"]

    en, zh = ["Your salary arrives here, so your bills can pay themselves."], ["您的工资在此入账，可设置自动缴费。"]
    assert annas == {"product": {"name": "Autopay", "zh": "Autopay"}, "reasons": en, "en": en, "zh": zh}
    assert bos == {"product": {"name": "Autopay", "zh": "Autopay"}, "reasons": zh, "en": en, "zh": zh}


async def test_bundles_have_a_title_a_benefit_and_offers_of_their_own(phone, bearers):
    query = """query ($no: String!) { customer(customerNo: $no) { bundles { code title benefit zh: title(language: ZH)
        offers { id rank product { productCode } } } } }"""

    [annas] = (await phone.ask(query, bearers.admin, no="ANNA"))["data"]["customer"]["bundles"]
    [bos] = (await phone.ask(query, bearers.admin, no="BO"))["data"]["customer"]["bundles"]

    parts = annas.pop("offers")
    assert annas == {
        "code": "HOME-START",
        "title": "Home mortgage with autopay",
        "benefit": "0.1 points off the mortgage rate",
        "zh": "住房按揭加自动缴费",
    }
    assert [(part["product"]["productCode"], part["rank"]) for part in parts] == [("MORTGAGE", 4), ("AUTOPAY", 2)]
    assert (bos["title"], bos["benefit"]) == ("住房按揭加自动缴费", "按揭利率优惠0.1个百分点")


async def test_a_bundles_id_is_one_customers_on_one_channel_so_that_no_cache_shows_it_to_another(phone, bearers):
    query = """query ($no: String!) { customer(customerNo: $no) {
        mobile: bundles { id code } again: bundles { id code } branch: bundles(channel: BRANCH) { id code } } }"""

    answers = [(await phone.ask(query, bearers.admin, no=no))["data"]["customer"] for no in ("ANNA", "BO")]

    ids = {found[channel][0]["id"] for found in answers for channel in ("mobile", "branch")}
    assert len(ids) == 4
    assert all(found["mobile"] == found["again"] for found in answers)
    assert {bundle["code"] for found in answers for bundles in found.values() for bundle in bundles} == {"HOME-START"}


async def test_an_offer_is_found_again_by_its_id_as_long_as_it_is_offered(phone, bearers, salaried):
    node = "query ($id: ID!) { node(id: $id) { id ... on Offer { rank product { productCode } } } }"
    found = await phone.ask("{ viewer { customer { offers { id rank product { productCode } } } } }", bearers.anna)
    offers = found["data"]["viewer"]["customer"]["offers"]

    await asyncio.sleep(1)  # an id made now would tell another second
    assert [(await phone.ask(node, bearers.anna, id=offer["id"]))["data"]["node"] for offer in offers] == offers
    await salaried.write("MATCH (c:Customer {customer_no: 'ANNA'}) SET c.marketing_consent = false")
    try:
        assert (await phone.ask(node, bearers.anna, id=offers[0]["id"]))["data"] == {"node": None}
    finally:
        await salaried.write("MATCH (c:Customer {customer_no: 'ANNA'}) SET c.marketing_consent = true")


@pytest.mark.parametrize("budget_ms", [None, 60_000])
async def test_a_slow_recommender_is_left_out_and_named_and_the_others_offers_stay(
    phone, with_plugin, bearers, budget, budget_ms, tmp_path
):
    budget(1.0)
    without, _ = await offers_of(phone, bearers.anna)
    async with with_plugin(SLOW) as server:
        slow = await offers_of(server, bearers.anna, budgetMs=budget_ms)
        (tmp_path / "go-on").touch()
        done = await until(lambda: offers_of(server, bearers.anna), lambda found: found[1] is None)

    assert slow == (without, {"omittedRecommenders": ["slow"]})
    [card] = [offer for offer in done[0] if offer["product"]["productCode"] == "CARD"]
    assert (card["recommenders"][0], card["reasons"][0]) == ("slow", "worth waiting for")


async def test_a_caller_in_a_hurry_leaves_out_what_is_slower_and_takes_it_from_nobody(with_plugin, bearers, tmp_path):
    states = "{ recommenders { name state failures } }"
    async with with_plugin(SLOW) as server:
        _, extensions = await offers_of(server, bearers.anna, budgetMs=50)
        recommenders = (await server.ask(states, bearers.marketing))["data"]["recommenders"]
        (tmp_path / "go-on").touch()
        await until(lambda: offers_of(server, bearers.bo, no="BO"), lambda found: found[1] is None)

    assert "slow" in extensions["omittedRecommenders"]
    assert {"name": "slow", "state": "busy", "failures": 0} in recommenders


RUBBISH = {
    "raises": "raise RuntimeError('not today')",
    "leaves": "raise SystemExit(3)",
    "gives a text": "yield 'CARD'",
    "gives a number": "return 7",
    "scores too high": "yield Proposal('CARD', score=7)",
    "scores no number": "yield Proposal('CARD', score=float('nan'))",
    "proposes what there is not": "yield Proposal('YACHT', score=0.5)",
    "spoils the catalogue": "catalogue.products = ()",
}


@pytest.mark.parametrize("does", RUBBISH.values(), ids=RUBBISH)
async def test_a_plugin_that_breaks_the_contract_is_left_out_and_the_others_offers_stay(
    phone, with_plugin, bearers, does
):
    without, _ = await offers_of(phone, bearers.anna)

    async with with_plugin(BAD.format(does=does)) as server:
        answers = [await offers_of(server, bearers.anna) for _ in range(5)]
        states = (await server.ask("{ recommenders { name state calls failures } }", bearers.marketing))["data"]

    assert answers == [(without, {"omittedRecommenders": ["bad"]})] * 5
    assert {"name": "bad", "state": "off", "calls": 3, "failures": 3} in states["recommenders"]


async def test_of_an_error_of_a_plugin_staff_is_told_type_and_place_and_not_what_it_says(with_plugin, bearers):
    async with with_plugin(BAD.format(does="raise LookupError(f'no wage for {customer.customer_no}')")) as server:
        await offers_of(server, bearers.anna)
        states = (await server.ask("{ recommenders { name lastError } }", bearers.marketing))["data"]["recommenders"]

    [told] = [state["lastError"] for state in states if state["name"] == "bad"]
    assert re.fullmatch(r"LookupError in \w+\.py:\d+", told)


async def test_a_plugin_that_cannot_be_loaded_leaves_the_offers(phone, with_plugin, bearers):
    without = await offers_of(phone, bearers.anna)

    async with with_plugin("1 / 0") as server:
        assert await offers_of(server, bearers.anna) == without


async def test_the_readmes_plugin_dropped_into_a_folder_offers_after_a_restart(phone, with_plugin, bearers):
    [source] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    name, said = "graduate-first-mortgage", ["three years of steady salary"]
    before, _ = await offers_of(phone, bearers.anna)

    async with with_plugin(source) as server:
        [annas] = [o for o in (await offers_of(server, bearers.anna))[0] if o["product"]["productCode"] == "MORTGAGE"]
        bos, _ = await offers_of(server, bearers.bo, no="BO")

    assert not [offer for offer in [*before, *bos] if name in offer["recommenders"]]
    assert "MORTGAGE" in codes(bos)
    assert (annas["recommenders"][0], annas["reasons"]) == (name, said)
