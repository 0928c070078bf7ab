"""Similar products and customers, trends and prospects: what each role may read of them."""

from datetime import date, timedelta

import pytest

from graph import products
from graph.imports import import_rows
from plugins.host import PluginHost
from recommenders.artefact import save
from recommenders.catalogue import Catalogue
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
    trained = await train(bank, catalogue, host.recommenders(), date.today(), guard=host.guard)
    save(models, trained.model)
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
