import asyncio
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from graph import feedback, places, products, programmes
from graph.imports import import_rows
from graph.once import Request
from graph.programme_figures import reached
from graph.records import Outcome
from graph.terms import Contract, Terms
from graph.words import Channel, OutcomeKind, ProgrammePlace

FIRST = date(2026, 1, 1)
OUTCOME = "MATCH (o:Outcome {outcome_id: $id}) RETURN properties(o) AS own"
AGREED = {
    "budget": 100.0,
    "benefit_cost": 40.0,
    "quota": 3,
    "regions": ["Yunnan", "Hunan"],
    "exclusive_of": ["RIVAL"],
    "blackout_days": ["2026-12-24", "2026-12-30/2027-01-02"],
    "starts_on": FIRST,
}
BLACKOUT = ((date(2026, 12, 24), date(2026, 12, 24)), (date(2026, 12, 30), date(2027, 1, 2)))
TERMS = Terms(100.0, 40.0, 3, ("Yunnan", "Hunan"), ("RIVAL",), BLACKOUT)


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def bank(empty_store):
    """A programme with a contract, one of a competitor, and one without anything agreed on; each has a card or two."""
    customers = [row(code, customer_no=code, kind="person") for code in ("C1", "C2", "C3")]
    await import_rows(empty_store, "customers", customers)
    await import_rows(empty_store, "programmes", [
        row("MART", programme_code="MART", kind="cobranded", name="Mart", partner_code="MART", **AGREED),
        row("RIVAL", programme_code="RIVAL", kind="cobranded", name="Rival", partner_code="RIVAL"),
        row("KIN", programme_code="KIN", kind="family", name="Kin", benefit_cost=5.0),
    ])  # fmt: skip
    await import_rows(empty_store, "products", [
        row(code, product_code=code, name=code, category="card", programme_code=programme)
        for code, programme in (("CARD", "MART"), ("GOLD", "MART"), ("OTHER", "RIVAL"), ("KIN-CARD", "KIN"), ("SAVE", None))
    ])  # fmt: skip
    return empty_store


@pytest.fixture
def record(bank):
    """Return a function: writes an outcome of a product."""
    serial = iter(range(99))

    async def write(code, kind=OutcomeKind.ACCEPT, day=FIRST, customer="C1"):
        number, at = next(serial), datetime(day.year, day.month, day.day, tzinfo=UTC)
        outcome = Outcome(f"O{number}", code, kind, Channel.MOBILE, at)
        request = Request(f"K{number}", "F", f"ID{number}", at)
        return await feedback.record_outcome(bank, customer, outcome, {}, request)

    return write


@pytest.fixture
def stand(bank):
    """Return a function: how the place of an outcome stands."""

    async def find(stored):
        [mart] = [own for own in await programmes.programmes(bank) if own.programme_code == "MART"]
        return await places.stand(bank, stored, mart, ["CARD", "GOLD"])

    return find


async def contract_of(bank, code="CARD"):
    return {product.product_code: product.contract for product in await products.catalogue(bank)}[code]


async def test_terms_are_read_with_the_programme_and_with_its_products(bank):
    found = {programme.programme_code: programme.terms for programme in await programmes.programmes(bank)}

    assert found == {"MART": TERMS, "RIVAL": None, "KIN": None}
    assert {p.product_code: p.contract for p in await products.catalogue(bank)} == {
        "CARD": Contract(TERMS), "GOLD": Contract(TERMS), "OTHER": None, "KIN-CARD": None, "SAVE": None,
    }  # fmt: skip


async def test_products_know_their_rivals_from_either_side(bank):
    found = {product.product_code: product.rivals for product in await products.catalogue(bank)}

    assert found == {"CARD": ("OTHER",), "GOLD": ("OTHER",), "OTHER": ("CARD", "GOLD"), "KIN-CARD": (), "SAVE": ()}


async def test_acceptances_of_all_its_products_use_a_programme_up(bank, record):
    await record("CARD")
    assert await contract_of(bank) == Contract(TERMS)

    await record("GOLD")
    assert await contract_of(bank) == Contract(TERMS, is_spent=True)

    await record("CARD", customer="C2")
    assert await contract_of(bank, "GOLD") == Contract(TERMS, is_spent=True, is_full=True)


async def test_what_is_no_acceptance_or_another_s_or_before_the_first_day_counts_for_nothing(bank, record):
    for kind in set(OutcomeKind) - {OutcomeKind.ACCEPT}:
        await record("CARD", kind)
    for code in ("OTHER", "SAVE", "KIN-CARD"):
        await record(code)
    for _ in range(3):
        await record("CARD", day=date(2025, 12, 31))

    assert await contract_of(bank) == Contract(TERMS)


async def test_who_accepts_a_product_again_and_again_takes_one_place(bank, record):
    for _ in range(12):
        await record("CARD")

    assert await contract_of(bank) == Contract(TERMS)


async def test_the_latest_word_holds(bank, record):
    for customer in ("C1", "C2", "C3"):
        await record("CARD", customer=customer)
    await record("CARD", OutcomeKind.DISMISS, date(2026, 1, 2))
    await record("CARD", OutcomeKind.DISMISS, date(2025, 12, 31), customer="C2")
    await record("GOLD", OutcomeKind.DISMISS, date(2026, 1, 2), customer="C3")
    assert await contract_of(bank) == Contract(TERMS, is_spent=True)

    await record("CARD", day=date(2026, 1, 3))
    assert await contract_of(bank) == Contract(TERMS, is_spent=True, is_full=True)


async def test_the_report_s_takers_are_those_who_have_a_place(bank, record):
    for _ in range(3):
        await record("CARD")
    await record("CARD", customer="C2")
    await record("CARD", OutcomeKind.DISMISS, date(2026, 1, 2), customer="C2")
    await record("GOLD", customer="C3")
    span = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)

    found = await reached(bank, ["CARD", "GOLD"], OutcomeKind.ACCEPT, *span)

    assert [own.first.date() for own in found] == [FIRST, FIRST]
    assert len(await reached(bank, ["CARD"], OutcomeKind.ACCEPT, span[0], datetime(2026, 1, 2, tzinfo=UTC))) == 2


async def test_an_acceptance_is_told_whether_its_place_is_within_the_contract_once_for_good(bank, record, stand):
    first = await record("CARD")
    assert await stand(first) is ProgrammePlace.WITHIN
    await stand(await record("CARD", customer="C2"))
    over = await record("GOLD", customer="C3")
    assert await stand(over) is ProgrammePlace.OVER_BUDGET
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = 2")
    assert await stand(await record("CARD", customer="C3")) is ProgrammePlace.OVER_QUOTA

    kept = [(await bank.read(OUTCOME, id=own["outcome_id"]))[0]["own"] for own in (first, over)]
    for again in ([first, over], kept):
        assert [await stand(own) for own in again] == [ProgrammePlace.WITHIN, ProgrammePlace.OVER_BUDGET]
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = null, g.budget = null")
    assert [await stand(own) for own in kept] == [ProgrammePlace.WITHIN, ProgrammePlace.OVER_BUDGET]


async def test_who_has_a_place_keeps_it_by_accepting_again_and_not_after_a_dismissal(bank, record, stand):
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = 1")
    first = await stand(await record("CARD"))
    await record("CARD", customer="C2")
    again = await stand(await record("CARD", day=date(2026, 1, 2)))
    await record("CARD", OutcomeKind.DISMISS, date(2026, 1, 3))
    anew = [
        await stand(await record("CARD", day=date(2026, 1, day), customer=who)) for day, who in ((4, "C3"), (5, "C1"))
    ]

    assert [first, again, *anew] == [ProgrammePlace.WITHIN] * 2 + [ProgrammePlace.OVER_QUOTA] * 2


async def test_who_accepted_before_places_were_counted_has_the_place_of_his_first_acceptance(bank, record, stand):
    terms = "MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = $quota, g.budget = null"
    await bank.write(terms, quota=None)
    early = await record("CARD")
    assert await stand(early) is None
    await record("GOLD", day=date(2026, 1, 2), customer="C2")
    await record("CARD", day=date(2026, 1, 3), customer="C3")
    await bank.write(terms, quota=2)

    told = [await stand(await record("CARD", day=date(2026, 1, 4), customer=who)) for who in ("C1", "C3")]

    assert told == [ProgrammePlace.WITHIN, ProgrammePlace.OVER_QUOTA]
    assert await stand(early) is ProgrammePlace.WITHIN


async def test_what_was_accepted_before_a_dismissal_takes_no_place(bank, record, stand):
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = 1, g.budget = null")
    await record("CARD", OutcomeKind.DISMISS, date(2026, 1, 3))

    assert await stand(await record("CARD", day=date(2026, 1, 2), customer="C2")) is ProgrammePlace.WITHIN
    assert await stand(await record("CARD", day=date(2026, 1, 2))) is None
    assert await stand(await record("CARD", day=date(2026, 1, 3))) is ProgrammePlace.OVER_QUOTA


async def test_what_was_accepted_before_the_contract_takes_no_place(record, stand):
    assert await stand(await record("CARD", day=date(2025, 12, 31))) is None


async def test_of_many_at_once_as_many_are_within_as_there_are_places(bank, record, stand):
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = 4, g.budget = null")

    async def accept(code, customer):
        return await stand(await record(code, customer=customer))

    own = [(code, customer) for code in ("CARD", "GOLD") for customer in ("C1", "C2", "C3")]
    told = await asyncio.gather(*(accept(*one) for one in own))
    assert Counter(told) == {ProgrammePlace.WITHIN: 4, ProgrammePlace.OVER_QUOTA: 2}


async def test_those_told_that_they_are_over_come_before_who_accepts_later(bank, record, stand):
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.quota = 1, g.budget = null")
    told = [await stand(await record("CARD", customer=customer)) for customer in ("C1", "C2")]
    await record("CARD", OutcomeKind.DISMISS, date(2026, 1, 2), customer="C1")
    late = await stand(await record("CARD", day=date(2026, 1, 3), customer="C3"))

    assert [*told, late] == [ProgrammePlace.WITHIN, *[ProgrammePlace.OVER_QUOTA] * 2]


async def test_what_is_left_of_erased_customers_keeps_its_places(bank, record):
    for customer in ("C1", "C2", "C3"):
        await record("CARD", customer=customer)
    await bank.write("MATCH (o:Outcome) REMOVE o.customer_no")

    assert (await contract_of(bank)).is_full


async def test_a_new_first_day_begins_anew(bank, record):
    for customer in ("C1", "C2", "C3"):
        await record("CARD", customer=customer)
    assert (await contract_of(bank)).is_full
    await bank.write("MATCH (g:Programme {programme_code: 'MART'}) SET g.starts_on = $day", day=date(2026, 1, 2))

    assert await contract_of(bank) == Contract(TERMS)


async def test_a_catalogue_changes_with_the_last_place_and_not_with_each(bank, record):
    before = await products.catalogue(bank)
    await record("CARD")
    assert await products.catalogue(bank) == before
    await record("CARD", customer="C2")
    assert await products.catalogue(bank) != before


@pytest.mark.parametrize(
    ("terms", "accepted", "spent", "full"),
    [
        (Terms(budget=100.0, cost=50.0), 1, False, False),
        (Terms(budget=100.0, cost=50.0), 2, True, False),
        (Terms(budget=99.0, cost=50.0), 1, True, False),
        (Terms(budget=0.0, cost=1.0), 0, True, False),
        (Terms(budget=100.0), 9_999, False, False),
        (Terms(quota=0), 0, False, True),
        (Terms(quota=2), 1, False, False),
        (Terms(quota=2), 3, False, True),
        (Terms(), 9_999, False, False),
    ],
)
def test_the_budget_pays_for_whole_benefits_and_the_quota_is_a_number_of_places(terms, accepted, spent, full):
    assert (terms.is_spent(accepted), terms.is_full(accepted)) == (spent, full)


@pytest.mark.parametrize(("day", "ends"), [("2026-12-23", None), ("2026-12-24", "2026-12-24"), ("2026-12-25", None),
                                           ("2026-12-30", "2027-01-02"), ("2027-01-02", "2027-01-02"), ("2027-01-03", None)])  # fmt: skip
def test_blackouts_are_days_and_periods_with_their_ends(day, ends):
    found = TERMS.blackout_on(date.fromisoformat(day))

    assert (str(found[1]) if found else None) == ends
