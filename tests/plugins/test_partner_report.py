from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from graph import products
from graph.imports import import_rows
from graph.programmes import programmes
from graph.records import Members
from plugins.contract import Breakdown
from plugins.partner_report import (
    Counted,
    Group,
    Period,
    TakenPeriod,
    joined,
    partner_report,
    shown_periods,
    told_groups,
)

DAY = date(2026, 6, 30)
TODAY = date(2026, 7, 14)


def told(**counts):
    present = [Members(name, None, None, has_reference=False, count=count) for name, count in counts.items()]
    return {own.name: own.members for own in told_groups(lambda own, _: own.role, present, DAY)}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"a": 40, "b": 20}, {"a": 40, "b": 20}),
        ({"a": 19}, {}),
        ({"a": 40, "b": 19}, {}),  # b would be the members less a
        ({"a": 60, "b": 30, "c": 5}, {"a": 60}),
        ({"a": 60, "b": 12, "c": 8}, {"a": 60}),
        ({"a": 60, "b": 12, "c": 7}, {}),
        ({"a": 60, "b": 30, "c": 25, "d": 1}, {"a": 60, "b": 30}),
        ({}, {}),
    ],
)
def test_no_group_of_fewer_than_20_is_told_nor_found_by_subtraction(counts, expected):
    assert told(**counts) == expected


def test_months_are_joined_until_there_are_20_and_the_rest_is_not_told():
    months = {"2026-01": 25, "2026-02": 7, "2026-03": 12, "2026-04": 1, "2026-05": 50, "2026-06": 19}

    assert list(shown_periods(months, {})) == [
        Period("2026-01", "2026-01", 25),
        Period("2026-02", "2026-04", 20),
        Period("2026-05", "2026-05", 50),
    ]


def test_what_was_told_of_a_month_is_told_again_whatever_comes_later():
    months = {"2026-01": 25, "2026-02": 7, "2026-03": 12, "2026-04": 30}
    reports = [list(shown_periods({m: months[m] for m in list(months)[:n]}, {})) for n in range(5)]

    for earlier, later in pairwise(reports):
        assert later[: len(earlier)] == earlier
        assert all(period.shown >= 20 for period in later[len(earlier) :])


def test_takers_are_told_where_20_took_one_and_20_did_not():
    periods = [Period(f"2026-0{n}", f"2026-0{n}", shown) for n, shown in ((1, 30), (2, 40), (3, 50), (4, 60))]
    taken = {"2026-01": 19, "2026-02": 5, "2026-03": 45, "2026-04": 20}

    assert list(joined(periods, taken)) == [
        TakenPeriod("2026-01", "2026-02", 70, 24),
        TakenPeriod("2026-03", "2026-04", 110, 65),
    ]
    assert list(joined(periods[:1], {"2026-01": 30})) == []


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def bank(empty_store):
    """A programme with 50 members, to 45 of whom an offer was shown in May; 22 took it. In July more was shown."""
    programme = {"kind": "hospital", "budget": 1000.0, "benefit_cost": 10.0, "quota": 60, "starts_on": date(2026, 1, 1)}
    await import_rows(empty_store, "programmes", [row("P", programme_code="P", name="Card", **programme)])
    await import_rows(empty_store, "products", [
        row(code, product_code=code, name=code, category="card", programme_code="P") for code in ("CARD", "GOLD")
    ])  # fmt: skip
    await import_rows(empty_store, "customers", [row(f"C{n}", customer_no=f"C{n}", kind="person") for n in range(60)])
    await import_rows(empty_store, "memberships", [
        row(f"C{n}|P|member", customer_no=f"C{n}", programme_code="P", role="member",
            since=date(2026, 7, 1) if n >= 50 else date(2026, 1, 1), reference="X" if n < 30 else None)
        for n in range(60)
    ])  # fmt: skip
    outcomes = [("CARD", "impression", n, 5) for n in range(45)] + [("GOLD", "impression", n, 6) for n in range(40)]
    outcomes += [("GOLD" if n % 2 else "CARD", "accept", n, 5) for n in range(22)]
    outcomes += [("CARD", "impression", n, 7) for n in range(45, 60)] + [
        ("CARD", "accept", n, 7) for n in range(45, 60)
    ]
    await empty_store.write(
        "UNWIND $rows AS row CREATE (o:Outcome) SET o = row",
        rows=[
            {"outcome_id": f"O{number}", "product_code": code, "kind": kind, "customer_no": f"C{n}",
             "at": datetime(2026, month, 10, tzinfo=UTC)}
            for number, (code, kind, n, month) in enumerate(outcomes)
        ],
    )  # fmt: skip
    return empty_store


def by_reference(members, _):
    return "insured" if members.has_reference else "others"


async def report_of(bank, today=TODAY, *breakdowns):
    [programme] = await programmes(bank)
    return await partner_report(bank, programme, await products.catalogue(bank), breakdowns, today)


async def test_the_report_is_of_whole_months_and_counts_each_customer_once(bank):
    found = await report_of(bank)

    assert (found.as_of, found.members, found.shown, found.taken) == (DAY, 50, 45, 22)
    assert found.periods == (Period("2026-05", "2026-05", 45),)
    assert found.taken_periods == (TakenPeriod("2026-05", "2026-05", 45, 22),)
    assert found.taken_periods[0].rate == 22 / 45
    assert (found.budget, found.spent, found.quota) == (1000.0, 220.0, 60)


async def test_members_are_counted_as_the_programme_s_plugin_says(bank):
    own = Breakdown("hospital", "insurance", by_reference)
    other = Breakdown("campus", "studies", by_reference)

    found = await report_of(bank, TODAY, own, other)

    assert found.breakdowns == (Counted("insurance", (Group("insured", 30), Group("others", 20))),)


async def test_of_few_customers_nothing_is_told(bank):
    await bank.write("MATCH (c:Customer)-[m:MEMBER_OF]->() WHERE c.customer_no <> 'C1' DELETE m")
    await bank.write("MATCH (o:Outcome) WHERE o.customer_no <> 'C1' DELETE o")

    found = await report_of(bank)

    assert {found.members, found.shown, found.taken, found.spent} == {None}
    assert (found.periods, found.taken_periods) == ((), ())


async def test_what_is_left_of_erased_customers_makes_no_group(bank):
    await bank.write("MATCH (o:Outcome) WHERE o.kind = 'accept' REMOVE o.customer_no")

    assert (await report_of(bank)).taken is None
