"""What the bank thinks of customers, is for who serves them; what it expects of products, for its staff."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph.records import Customer, Holding, Product
from graph.words import CustomerKind
from recommenders.artefact import save
from recommenders.catalogue import Catalogue
from recommenders.popularity import Popularity
from recommenders.portfolio import Ledger
from recommenders.training import learn

TODAY = datetime.now(UTC).date()
THINKS = """
{ customer(customerNo: "ANNA") {
    churn { probability horizonMonths reasons zh: reasons(language: ZH) }
    value { amount yearlyMargin expectedYears monthlyRetention discountRate months learnt }
    segment { code name zh: name(language: ZH) share profile }
} }
"""
DEMAND = '{ product(productCode: "CURRENT") { demand(months: 2) { month expected low high } } }'
SEGMENTS = "{ segments { code name share profile } }"


@pytest.fixture(scope="module")
async def model():
    """What was learnt of a bank in which many of one region leave."""
    catalogue = Catalogue([Product(code, code, "deposit", margin=20.0) for code in ("CARD", "CURRENT", "FUND")])
    ledger, records, dice = Ledger(catalogue), {}, np.random.default_rng(4)
    for number in range(500):
        region = "Yunnan" if number % 2 else "Sichuan"
        left = TODAY - timedelta(days=int(dice.integers(0, 300)))
        closed = left if region == "Yunnan" and dice.random() < 0.6 else None
        days = [TODAY - timedelta(days=int(day)) for day in dice.integers(1, 500, 3)]
        held = tuple(Holding(code, day, closed) for code, day in zip(catalogue.codes, days, strict=True) if closed is None or day < closed)  # fmt: skip
        born, limit = (date(1990, 1, 1), 9_000.0) if number % 4 < 2 else (date(1950, 1, 1), 500.0)
        own = {"region": region, "birth_date": born, "credit_limit": limit * float(dice.lognormal(0, 0.1))}
        record = Customer(f"T{number}", CustomerKind.PERSON, holdings=held, **own)
        records[record.customer_no] = record
        ledger.add({"customer_no": record.customer_no, "kind": "person", "joined_on": None, "memberships": [],
                    "holdings": [(h.product_code, h.opened_on, h.closed_on) for h in held], "relations": []})  # fmt: skip

    async def load(numbers):
        return [records[number] for number in numbers]

    return (await learn(ledger, load, (Popularity(),), TODAY)).model


@pytest.fixture(scope="module")
async def thinking(bank, serving, model, tmp_path_factory):
    models = tmp_path_factory.mktemp("thinking")
    save(models, model)
    async with serving(bank, models=models) as running:
        yield running


@pytest.mark.parametrize("who", ["manager", "admin"])
async def test_who_serves_a_customer_is_told_whether_he_may_leave_and_why(thinking, bearers, model, who):
    told = (await thinking.ask(THINKS, getattr(bearers, who)))["data"]["customer"]

    churn, value, segment = told["churn"], told["value"], told["segment"]
    assert 0 < churn["probability"] < 1
    assert churn["horizonMonths"] == model.churn.horizon_months
    assert "region: Yunnan" in churn["reasons"]
    assert "地区：Yunnan" in churn["zh"]
    stay = value["monthlyRetention"]
    assert stay == pytest.approx((1 - churn["probability"]) ** (1 / churn["horizonMonths"]))
    assert value == {
        "amount": pytest.approx(20 / 12 * sum(stay**t * 1.08 ** (-t / 12) for t in range(1, 61)), abs=0.01),
        "yearlyMargin": 20.0,
        "expectedYears": pytest.approx(sum(stay**t for t in range(1, 61)) / 12, abs=0.01),
        "monthlyRetention": stay,
        "discountRate": 0.08,
        "months": 60,
        "learnt": True,
    }
    described = {found.code: found for found in model.segments.described}[segment["code"]]
    assert (segment["name"], segment["zh"]) == (described.name["en"], described.name["zh"])
    assert segment["profile"] == [text["en"] for text in described.profile]


async def test_a_customer_is_never_told_what_the_bank_thinks_of_him(thinking, bearers):
    mine = await thinking.ask(THINKS, bearers.anna)
    as_viewer = await thinking.ask(
        "{ viewer { customer { churn { probability } value { amount } segment { code } } } }", bearers.anna
    )

    assert mine == {"data": {"customer": {"churn": None, "value": None, "segment": None}}}
    assert as_viewer["data"]["viewer"]["customer"] == {"churn": None, "value": None, "segment": None}


async def test_after_a_mutation_a_customer_is_not_told_either(thinking, bearers):
    answer = await thinking.ask(
        "mutation { setConsent(input: {customerNo: \"ANNA\", marketing: true}) { customer { churn { probability } value { amount } } errors { code } } }",
        bearers.anna,
    )  # fmt: skip

    assert answer["data"]["setConsent"] == {"customer": {"churn": None, "value": None}, "errors": []}


@pytest.mark.parametrize("who", ["marketing", "partner", "bo"])
async def test_nobody_else_is_told_of_a_customer(thinking, bearers, who):
    assert (await thinking.ask(THINKS, getattr(bearers, who)))["data"]["customer"] is None


async def test_a_manager_is_told_of_his_book_alone(thinking, bearers):
    query = "{ customers(first: 5) { nodes { customerNo churn { probability } value { amount } } } }"
    other = 'query { customer(customerNo: "BO") { churn { probability } } }'

    book = (await thinking.ask(query, bearers.manager))["data"]["customers"]["nodes"]

    assert [customer["customerNo"] for customer in book] == ["ANNA", "CLARA"]
    assert book[1] == {"customerNo": "CLARA", "churn": None, "value": {"amount": 0.0}}
    assert (await thinking.ask(other, bearers.manager))["data"]["customer"] is None


@pytest.mark.parametrize(
    ("who", "seen"),
    [("manager", True), ("marketing", True), ("admin", True), ("anna", False), ("partner", False)],
)
async def test_demand_is_for_staff(thinking, bearers, model, who, seen):
    demand = (await thinking.ask(DEMAND, getattr(bearers, who)))["data"]["product"]["demand"]

    assert bool(demand) is seen
    if seen:
        assert demand[0]["month"] == str(model.demand.first)
        assert len(demand) == 2
        assert all(month["low"] <= month["expected"] <= month["high"] for month in demand)


async def test_demand_of_a_product_that_training_did_not_know_is_empty(thinking, bearers):
    query = '{ product(productCode: "AUTOPAY") { demand { expected } } }'

    assert (await thinking.ask(query, bearers.marketing))["data"]["product"]["demand"] == []


@pytest.mark.parametrize("months", [-1, 13])
async def test_demand_is_asked_for_by_no_more_than_twelve_months(thinking, bearers, months):
    answer = await thinking.ask(DEMAND.replace("2", str(months)), bearers.marketing)

    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize("who", ["manager", "marketing", "admin"])
async def test_segments_are_for_staff(thinking, bearers, model, who):
    found = (await thinking.ask(SEGMENTS, getattr(bearers, who)))["data"]["segments"]

    assert [segment["code"] for segment in found] == [segment.code for segment in model.segments.described]
    assert sum(segment["share"] for segment in found) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("who", ["anna", "partner"])
async def test_segments_are_for_nobody_else(thinking, bearers, who):
    answer = await thinking.ask(SEGMENTS, getattr(bearers, who))

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_without_a_model_rules_tell_the_value_and_nothing_else_is_said(server, bearers):
    told = (await server.ask(THINKS, bearers.manager))["data"]["customer"]

    assert (told["churn"], told["segment"]) == (None, None)
    assert (told["value"]["learnt"], told["value"]["yearlyMargin"]) == (False, 20.0)
    assert (await server.ask(DEMAND, bearers.marketing))["data"]["product"]["demand"] == []
    assert (await server.ask(SEGMENTS, bearers.marketing))["data"]["segments"] == []
