"""Banks that some customers leave: who will is found where something tells, and nothing is claimed where it does not."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import pytest

from graph.errors import ModelError
from graph.records import ActivityMonth, Holding, Interaction
from graph.words import Channel, Language
from recommenders.artefact import load_current, save
from recommenders.churn import ActiveMonths, find_cases
from recommenders.examples import Draw, Examples
from recommenders.popularity import Popularity
from recommenders.telling import insights
from recommenders.training import learn
from tests.recommenders.activity import months_from

AS_OF = date(2026, 6, 30)
FIRST = date(2025, 1, 1)

months = partial(months_from, FIRST)


@pytest.fixture
def leavers(person):
    """Return a function: customers of whom a share closes all on some day; ``tells``: the salary stopped before."""

    def make(count, *, tells, leave=0.35, closes=True, seed=3):
        dice = np.random.default_rng(seed)
        made = []
        for number in range(count):
            opened = FIRST + timedelta(days=int(dice.integers(0, 180)))
            leaves = dice.random() < leave
            day = FIRST + timedelta(days=int(dice.integers(240, 540)))
            closed = day if leaves and closes else None
            stop = day - timedelta(days=150) if leaves and tells else date(2027, 1, 1)
            days = [opened, *(FIRST + timedelta(days=int(day)) for day in dice.integers(0, 545, 5))]
            held = [
                Holding(code, day, closed)
                for code, day in zip("ABCDEF", days, strict=True)
                if closed is None or day < closed
            ]
            active = months(day if leaves else AS_OF + timedelta(days=1), stop)
            made.append(person(f"C{number:04}", holdings=tuple(held), activity=active, region=f"R{dice.integers(5)}"))
        return made

    return make


@pytest.fixture
def taught(bank):
    async def teach(customers):
        ledger, load = bank(customers)
        return ledger, (await learn(ledger, load, (Popularity(),), AS_OF)).model

    return teach


async def test_a_planted_sign_of_leaving_is_found_and_told(leavers, taught, person):
    customers = leavers(600, tells=True)
    ledger, model = await taught(customers)
    base = {"holdings": (Holding("A", FIRST),)}
    paid = person("PAID", activity=months(AS_OF, AS_OF), **base)
    unpaid = person("UNPAID", activity=months(AS_OF, date(2026, 2, 1)), **base)

    card = model.ranker.card["churn"]
    stays, leaves = insights(model, ledger.catalogue, [paid, unpaid], AS_OF)

    assert card["auc"] > 0.8
    assert card["lift_10"] > 2
    assert card["judged_by"] == "the latest moments"
    assert leaves.scores.churn.probability > 4 * stays.scores.churn.probability
    assert leaves.scores.churn.horizon_months == 3
    assert {Language.EN: "no salary for 3 months", Language.ZH: "已3个月没有工资入账"} in leaves.scores.churn.reasons


async def test_chances_are_the_shares_that_come_true(leavers, taught):
    ledger, model = await taught(leavers(600, tells=True))
    others = [
        c
        for c in leavers(600, tells=True, seed=9)
        if any(h.closed_on is None or h.closed_on > date(2026, 3, 31) for h in c.holdings)
    ]
    told = insights(model, ledger.catalogue, others, date(2026, 3, 31))
    foreseen = sum(found.scores.churn.probability for found in told if found.scores.churn)

    gone = sum(all(h.closed_on and h.closed_on <= AS_OF for h in c.holdings) for c in others)

    assert foreseen == pytest.approx(gone, rel=0.35)


async def test_where_there_is_only_chance_all_have_the_banks_rate(leavers, taught):
    ledger, model = await taught(leavers(600, tells=False, seed=5))
    one, other = insights(model, ledger.catalogue, leavers(2, tells=True, leave=0), AS_OF)

    assert model.churn.model is None
    assert (
        one.scores.churn.probability
        == other.scores.churn.probability
        == pytest.approx(model.ranker.card["churn"]["rate"], abs=1e-4)
    )
    assert one.scores.churn.reasons == ()
    assert "nothing tells customers apart" in model.ranker.card["churn"]["why_none"]


async def test_where_nobody_leaves_nothing_is_said(leavers, taught):
    ledger, model = await taught(leavers(300, tells=False, leave=0))

    [told] = insights(model, ledger.catalogue, leavers(1, tells=False, leave=0), AS_OF)

    assert model.churn is None
    assert model.ranker.card["churn"] == {"why_none": "0 customers seen lost; 40 are needed", "lost": 0}
    assert told.scores.churn is None


async def test_where_holdings_carry_no_dates_nothing_is_said(taught, person):
    _, model = await taught([person(f"C{number}", holds=["A", "BC"[number % 2]]) for number in range(200)])

    assert model.churn is None
    assert model.demand is None
    assert model.ranker.card["churn"] == model.ranker.card["demand"] == {"why_none": "the holdings carry no dates"}


async def test_who_holds_nothing_and_was_not_active_cannot_leave(leavers, taught, person):
    ledger, model = await taught(leavers(600, tells=True))
    lately = months(AS_OF, AS_OF)
    closed = person("Z", activity=lately, holdings=(Holding("A", FIRST, date(2026, 6, 1)),))
    customers = [
        person("N"),
        person("X", activity=months(date(2026, 3, 1), AS_OF)),
        closed,
        person("Y", activity=lately),
    ]

    nobody, quiet, gone, active = insights(model, ledger.catalogue, customers, AS_OF)

    assert (nobody.scores.churn, quiet.scores.churn, gone.scores.churn) == (None, None, None)
    assert active.scores.churn is not None


async def cases_of(bank, customer, day, horizon, until=AS_OF):
    """Whether one customer is a case on a day, and was lost; beside him stands one who is always active."""
    steady = customer.__class__("STEADY", customer.kind, activity=months(AS_OF + timedelta(days=1), AS_OF))
    ledger, load = bank([customer, steady])
    active = ActiveMonths(load)
    await active([customer.customer_no, "STEADY"])
    one, none = np.zeros(1, np.int32), np.zeros((1, 6), np.bool_)
    examples = Examples(None, Draw(one, one, np.ones(1, np.float32), none, one - 1))
    cases = find_cases(examples, ledger, active, [day], horizon, until)
    return bool(cases.known[0]), bool(cases.lost[0])


MARCH = date(2026, 2, 28)


@pytest.mark.parametrize(
    ("closed", "active_until", "expected"),
    [
        (None, date(2026, 6, 1), (True, False)),
        (date(2026, 5, 28), date(2026, 6, 1), (True, True)),
        (date(2026, 5, 29), date(2026, 6, 1), (True, False)),
        (None, MARCH + timedelta(days=1), (True, True)),
        (None, date(2026, 4, 1), (True, False)),
        (date(2026, 2, 1), date(2025, 10, 1), (False, False)),
    ],
)  # fmt: skip
async def test_lost_is_who_holds_nothing_at_the_end_or_fell_silent(bank, person, closed, active_until, expected):
    customer = person("X", holdings=(Holding("A", FIRST, closed),), activity=months(active_until, AS_OF))

    assert await cases_of(bank, customer, MARCH, 3) == expected


async def test_a_horizon_that_is_not_over_tells_nothing(bank, person):
    customer = person("X", holdings=(Holding("A", FIRST, AS_OF),), activity=months(AS_OF, AS_OF))

    assert await cases_of(bank, customer, date(2026, 3, 31), 3) == (True, True)
    assert await cases_of(bank, customer, date(2026, 3, 31), 3, until=date(2026, 6, 29)) == (False, False)


async def test_a_month_without_bookings_is_none_of_activity(bank, person):
    idle = tuple(ActivityMonth(f"2026-{month:02}", 0.0, 0.0, None, 0, 5.0, 5.0) for month in range(3, 7))
    customer = person("X", holdings=(Holding("A", FIRST),), activity=(*months(MARCH + timedelta(days=1), AS_OF), *idle))

    assert await cases_of(bank, customer, MARCH, 3) == (True, True)


async def test_what_came_after_the_moment_changes_no_chance(leavers, taught):
    ledger, model = await taught(leavers(400, tells=True))
    [customer] = leavers(1, tells=False, leave=0)
    later = Interaction("I", Channel.WEB, "complaint", datetime(2026, 6, 1, tzinfo=UTC))
    changed = customer.__class__(
        **{name: getattr(customer, name) for name in customer.__slots__} | {"interactions": (later,)}
    )

    before, after = insights(model, ledger.catalogue, [customer, changed], date(2026, 5, 30))

    assert before.scores.churn == after.scores.churn


async def test_a_batch_has_the_chances_of_requests_and_two_trainings_give_the_same(leavers, taught):
    customers = leavers(400, tells=True)
    (ledger, model), (_, again) = [await taught(customers) for _ in range(2)]

    whole = insights(model, ledger.catalogue, customers, AS_OF)

    assert model.churn.model.text == again.churn.model.text
    for customer, told in zip(customers[:50], whole, strict=False):
        assert insights(model, ledger.catalogue, [customer], AS_OF) == [told]


async def test_it_comes_back_from_disk_as_it_was_and_a_broken_one_breaks_the_model(leavers, taught, tmp_path):
    customers = leavers(400, tells=True)
    ledger, model = await taught(customers)
    path = save(tmp_path, model)

    assert insights(load_current(tmp_path), ledger.catalogue, customers, AS_OF) == insights(
        model, ledger.catalogue, customers, AS_OF
    )

    for file in ("churn.txt", "demand.forecast.npz"):
        whole = (path / file).read_bytes()
        (path / file).write_bytes(whole[:-9])
        with pytest.raises(ModelError, match="run guanxi train"):
            load_current(tmp_path)
        (path / file).write_bytes(whole)
