"""Similar products and customers, trends and prospects: what each role may read of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.roles import Role
from graph import customers, deputies, products
from graph.deputies import Deputy
from graph.imports import import_rows
from plugins.deciding import build_engine
from plugins.host import PluginHost
from recommenders import prospect_lists
from recommenders.artefact import save
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.training import train

SIMILAR = '{ product(productCode: "CURRENT") { similar { product { productCode } score lift } } }'
TRENDING = "query ($region: String) { trending(region: $region) { product { productCode } openings lift } }"


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture(scope="module")
async def alike(bank, serving, tmp_path_factory):
    """A server of a trained bank: 30 northerners, of M1, opened a fund a week ago, and 20 southerners a card."""
    opened = date.today() - timedelta(days=7)
    folk = {f"N{n:02}": {"region": "North", "manager_no": "M1", "product_code": "FUND"} for n in range(30)}
    folk |= {f"S{n:02}": {"region": "South", "manager_no": "M2", "product_code": "CARD"} for n in range(20)}
    known = {"kind": "person", "birth_date": date(1980, 1, 1), "risk_profile": "C5", "credit_limit": 9_000.0}
    await import_rows(bank, "customers", [
        row(no, customer_no=no, name=no, marketing_consent=True, region=own["region"], manager_no=own["manager_no"], **known)
        for no, own in folk.items()
    ])  # fmt: skip
    await import_rows(bank, "products", [row("GONE", product_code="GONE", name="Gone", category="wealth", active_until=date(2020, 1, 1))])  # fmt: skip
    held = [(no, code) for no, own in folk.items() for code in (own["product_code"], "CURRENT")]
    held += [(f"N{n:02}", "GONE") for n in range(30)]
    await import_rows(bank, "holdings", [
        row(f"{no}|{code}|", customer_no=no, product_code=code, opened_on=opened) for no, code in held
    ])  # fmt: skip
    catalogue = Catalogue(await products.catalogue(bank))
    host, models = PluginHost.load(), tmp_path_factory.mktemp("models")
    trained = await train(bank, catalogue, host.recommenders(), date.today(), guard=host.recommending.guard)
    save(models, trained.model)
    engine = build_engine(catalogue, host, trained.model)

    async def pages():
        async for numbers in customers.pages(bank, 40):
            yield await customers.load(bank, numbers)

    tallies = await prospect_lists.search(engine, pages(), Context(date.today(), None))
    prospect_lists.write(models, date.today(), trained.model.model_id, tallies)
    async with serving(bank, host, models=models) as running:
        yield running


@pytest.mark.parametrize(("who", "tells_lift"), [("anna", False), ("manager", True), ("marketing", True), ("admin", True)])  # fmt: skip
async def test_similar_products_are_on_sale_and_the_lift_is_for_staff(alike, bearers, who, tells_lift):
    query = SIMILAR.replace("CURRENT", "FUND")

    found = (await alike.ask(query, getattr(bearers, who)))["data"]["product"]["similar"]

    assert [similar["product"]["productCode"] for similar in found] == ["CURRENT"]
    assert 0 < found[0]["score"] < 1
    assert (found[0]["lift"] is not None) == tells_lift


async def test_a_partner_reads_nothing_of_what_customers_hold_together(alike, bearers):
    assert (await alike.ask(SIMILAR, bearers.partner))["data"]["product"] == {"similar": []}


async def test_similar_products_are_counted_and_capped(alike, bearers):
    one = await alike.ask(SIMILAR.replace("similar {", "similar(first: 1) {"), bearers.admin)
    many = await alike.ask(SIMILAR.replace("similar {", "similar(first: 21) {"), bearers.admin)

    assert len(one["data"]["product"]["similar"]) == 1
    assert many["errors"][0]["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize("who", ["manager", "marketing", "admin"])
async def test_trends_are_told_by_region(alike, bearers, who):
    found = [
        (await alike.ask(TRENDING, getattr(bearers, who), region=region))["data"]["trending"]
        for region in (None, "North", "West")
    ]

    assert [(trend["product"]["productCode"], trend["openings"]) for trend in found[0]] == [
        ("CURRENT", 50),
        ("FUND", 30),
        ("CARD", 20),
    ]
    assert [trend["product"]["productCode"] for trend in found[1]] == ["CURRENT", "FUND"]
    assert found[1][1]["lift"] == pytest.approx(1 / 3 / (30 / 130), rel=1e-4)
    assert found[2] == []


@pytest.mark.parametrize("who", ["anna", "partner"])
async def test_trends_are_for_staff(alike, bearers, who):
    answer = await alike.ask(TRENDING, getattr(bearers, who))

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_without_a_model_nothing_is_similar_or_trending(server, bearers):
    assert (await server.ask(SIMILAR, bearers.admin))["data"]["product"] == {"similar": []}
    assert (await server.ask(TRENDING, bearers.admin))["data"] == {"trending": []}


LIKE = "query ($no: String!, $first: Int!) { customer(customerNo: $no) { similar(first: $first) { customer { customerNo } likeness sharedProducts { productCode } } } }"  # fmt: skip


async def test_a_manager_reads_who_of_his_own_book_is_alike(alike, bearers):
    found = (await alike.ask(LIKE, bearers.manager, no="N00", first=20))["data"]["customer"]["similar"]

    assert len(found) == 20
    assert {like["customer"]["customerNo"][0] for like in found} == {"N"}
    assert found[0]["likeness"] == pytest.approx(1)
    assert found[0]["sharedProducts"] == [{"productCode": code} for code in ("CURRENT", "FUND", "GONE")]
    assert (await alike.ask(LIKE, bearers.manager, no="S00", first=5))["data"] == {"customer": None}


async def test_an_admin_reads_who_of_the_bank_is_alike(alike, bearers):
    found = (await alike.ask(LIKE, bearers.admin, no="S00", first=20))["data"]["customer"]["similar"]

    assert [like["customer"]["customerNo"] for like in found[:19]] == [f"S{n:02}" for n in range(1, 20)]
    assert found[19]["likeness"] < found[18]["likeness"]


async def test_no_customer_reads_who_is_like_him(alike, bearers):
    mine = await alike.ask(LIKE, bearers.anna, no="ANNA", first=5)

    assert mine == {"data": {"customer": {"similar": None}}}


@pytest.mark.parametrize("who", ["marketing", "partner"])
async def test_who_sees_no_customers_sees_none_that_are_alike(alike, bearers, who):
    assert (await alike.ask(LIKE, getattr(bearers, who), no="N00", first=5))["data"] == {"customer": None}


async def test_the_like_of_many_customers_at_once_are_refused(alike, bearers):
    query = "query ($n: Int!) { customers(first: $n) { nodes { customerNo similar { likeness } } } }"

    few = await alike.ask(query, bearers.admin, n=5)
    many = await alike.ask(query, bearers.admin, n=6)

    assert len(few["data"]["customers"]["nodes"]) == 5
    assert {error["extensions"]["code"] for error in many["errors"]} == {"LIMIT_EXCEEDED"}


PROSPECTS = """query ($code: String!) { prospects(productCode: $code) {
    product { productCode } asOf eligible refused { gate customers }
    campaigns { customers takers { expected low high } value { expected } }
    customers(first: 100) { customer { customerNo } propensity } } }"""


async def prospects_of(server, bearer, code):
    return (await server.ask(PROSPECTS, bearer, code=code))["data"]["prospects"]


async def test_an_admin_reads_the_prospects_of_the_whole_bank(alike, bearers):
    found = await prospects_of(alike, bearers.admin, "CARD")

    assert {p["customer"]["customerNo"] for p in found["customers"]} == {"ANNA", "BO", *(f"N{n:02}" for n in range(30))}
    chances = [p["propensity"] for p in found["customers"]]
    assert chances == sorted(chances, reverse=True)
    assert (found["eligible"], found["asOf"]) == (32, str(date.today()))
    assert {"gate": "HELD", "customers": 20} in found["refused"]
    assert [campaign["customers"] for campaign in found["campaigns"]] == [10, 20, 32]
    everybody = found["campaigns"][-1]
    assert everybody["takers"]["expected"] == pytest.approx(sum(chances), rel=1e-4)
    assert everybody["takers"]["low"] < everybody["takers"]["expected"] < everybody["takers"]["high"]
    assert everybody["value"]["expected"] == pytest.approx(180 * sum(chances), rel=1e-4)


async def test_a_manager_reads_the_prospects_of_his_own_book(alike, bearers):
    card, fund = [await prospects_of(alike, bearers.manager, code) for code in ("CARD", "FUND")]

    assert {p["customer"]["customerNo"] for p in card["customers"]} == {"ANNA", *(f"N{n:02}" for n in range(30))}
    assert (card["eligible"], sum(refused["customers"] for refused in card["refused"])) == (31, 1)
    assert (fund["customers"], fund["eligible"], fund["campaigns"]) == ([], 0, [])


async def test_marketing_reads_numbers_of_twenty_and_more_and_no_customer(alike, bearers):
    card, campus = [await prospects_of(alike, bearers.marketing, code) for code in ("CARD", "CAMPUS-CARD")]
    seen = (await prospects_of(alike, bearers.admin, "CARD"))["campaigns"]

    assert (card["customers"], card["eligible"]) == (None, 32)
    assert card["campaigns"] == [campaign for campaign in seen if campaign["customers"] == 20]
    assert all(refused["customers"] >= 20 for refused in card["refused"])
    assert (campus["customers"], campus["eligible"], campus["campaigns"]) == (None, None, [])


@pytest.mark.parametrize("who", ["anna", "partner"])
async def test_prospects_are_for_staff(alike, bearers, who):
    answer = await alike.ask(PROSPECTS, getattr(bearers, who), code="CARD")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_who_took_back_his_consent_since_is_shown_no_more(alike, bearers, bank):
    consent = "MATCH (c:Customer {customer_no: 'N07'}) SET c.marketing_consent = $given"

    await bank.write(consent, given=False)
    without = await prospects_of(alike, bearers.manager, "CARD")
    await bank.write(consent, given=True)
    again = await prospects_of(alike, bearers.manager, "CARD")

    assert [len(found["customers"]) for found in (without, again)] == [30, 31]
    assert "N07" not in {p["customer"]["customerNo"] for p in without["customers"]}


async def test_who_went_to_another_book_is_shown_no_more(alike, bearers, bank):
    move = "MATCH (c:Customer {customer_no: 'N08'}) SET c.manager_no = $to"

    await bank.write(move, to="M2")
    without = await prospects_of(alike, bearers.manager, "CARD")
    await bank.write(move, to="M1")

    assert "N08" not in {p["customer"]["customerNo"] for p in without["customers"]}


OF_BOOK = """query ($manager: String) { prospects(productCode: "CARD", managerNo: $manager) {
    eligible customers(first: 100) { customer { customerNo } } } }"""


async def test_a_deputy_reads_the_prospects_of_the_book_he_was_granted_until_its_day(alike, bearers, bank, rules):
    deputy, today = rules.issue(Role.RELATIONSHIP_MANAGER, "M2"), datetime.now(UTC).date()

    def until(day):
        return Deputy("M2", "M1", day, "admin", datetime.now(UTC))

    before = await alike.ask(OF_BOOK, deputy, manager="M1")
    await deputies.grant(bank, until(today + timedelta(days=1)))
    granted, own = [(await alike.ask(OF_BOOK, deputy, manager=no))["data"]["prospects"] for no in ("M1", None)]
    await deputies.grant(bank, until(today - timedelta(days=1)))
    after = await alike.ask(OF_BOOK, deputy, manager="M1")
    await deputies.revoke(bank, "M2", "M1")

    theirs = (await alike.ask(OF_BOOK, bearers.manager, manager="M1"))["data"]["prospects"]
    assert granted == theirs == (await alike.ask(OF_BOOK, bearers.admin, manager="M1"))["data"]["prospects"]
    assert len(granted["customers"]) == 31
    assert [p["customer"]["customerNo"] for p in own["customers"]] == ["BO"]
    absent = await alike.ask(OF_BOOK, deputy, manager="M9")
    assert before == after
    assert before["errors"][0]["message"].replace("M1", "M9") == absent["errors"][0]["message"]
    assert before["errors"][0]["extensions"] == absent["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


async def test_a_deputy_reads_who_of_the_granted_book_is_alike(alike, bank, rules):
    deputy = rules.issue(Role.RELATIONSHIP_MANAGER, "M2")
    query = '{ customer(customerNo: "N00") { similar(first: 20) { customer { customerNo managerNo } } } }'

    await deputies.grant(
        bank, Deputy("M2", "M1", datetime.now(UTC).date() + timedelta(days=1), "admin", datetime.now(UTC))
    )
    found = (await alike.ask(query, deputy))["data"]["customer"]["similar"]
    await deputies.revoke(bank, "M2", "M1")

    assert len(found) == 20
    assert {like["customer"]["managerNo"] for like in found} == {"M1"}
    assert (await alike.ask(query, deputy))["data"] == {"customer": None}


async def test_marketing_reads_the_prospects_of_no_book(alike, bearers):
    answer = await alike.ask(OF_BOOK, bearers.marketing, manager="M1")

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_so_many_prospects_are_listed_as_asked_and_a_hundred_at_most(alike, bearers):
    query = '{ prospects(productCode: "CARD") { customers(first: 2) { customer { customerNo } } } }'

    assert len((await alike.ask(query, bearers.admin))["data"]["prospects"]["customers"]) == 2
    too_many = await alike.ask(query.replace("first: 2", "first: 101"), bearers.admin)
    assert too_many["errors"][0]["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize(("code", "said"), [("NONE", "There is no product 'NONE'."), ("CARD", "run guanxi prospects")])
async def test_what_has_no_prospects_is_said(server, bearers, code, said):
    answer = await server.ask(PROSPECTS, bearers.admin, code=code)

    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert said in answer["errors"][0]["message"]
