"""What recommenders are told of segments and scores: in training what was known at the moment, and nothing of later."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial

import numpy as np
import pytest

from graph.records import Holding
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Context
from recommenders.engine import Engine
from recommenders.hindsight import Hindsight
from recommenders.known_customers import read_customers
from recommenders.passes import Passes
from recommenders.popularity import Popularity
from recommenders.purposes import PurposeLimits
from recommenders.telling import Learnt, learnt_of
from recommenders.training import learn
from tests.recommenders.activity import months_from

AS_OF = date(2026, 6, 30)
THEN = date(2026, 1, 31)
FIRST = date(2024, 6, 1)

months = partial(months_from, FIRST)


@dataclass(frozen=True)
class Told:
    """Notes what it is told of the customers of each batch, by the day."""

    found: dict = field(default_factory=dict)
    is_told: bool = True
    learns_from_customers: bool = True
    name: str = "told"
    version: str = "1"

    def fit(self, portfolio):
        self.found.setdefault(("fit", portfolio.today), []).extend(portfolio.batch.insights)
        return {"ones": np.ones(1)}

    def with_arrays(self, *_):
        return self

    def propose(self, batch):
        self.found.setdefault(("propose", batch.context.today), []).extend(batch.insights)
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda *_: None)


@pytest.fixture
def customers(person):
    """Those of whom a third leaves at all times, who are paid no salary some months before."""
    dice, made = np.random.default_rng(3), []
    for number in range(700):
        opened = FIRST + timedelta(days=int(dice.integers(0, 120)))
        leaves, day = dice.random() < 0.35, FIRST + timedelta(days=int(dice.integers(200, 740)))
        stop = day - timedelta(days=150) if leaves else AS_OF
        days = [opened, *(FIRST + timedelta(days=int(own)) for own in dice.integers(0, 750, 5))]
        held = [Holding(code, own, day if leaves else None) for code, own in zip("ABCDEF", days, strict=True)]
        made.append(
            person(
                f"C{number:04}",
                holdings=tuple(one for one in held if one.closed_on is None or one.opened_on < one.closed_on),
                activity=months(day if leaves else AS_OF + timedelta(days=1), stop),
                birth_date=date(1950 + 40 * int(dice.integers(2)), 1, 1),
                region=f"R{dice.integers(5)}",
            )
        )
    return made


def forgetting(customer, day):
    """The customer as the bank knew him on a day."""
    held = tuple(
        one if one.closed_on is None or one.closed_on <= day else replace(one, closed_on=None)
        for one in customer.holdings
        if one.opened_on <= day
    )
    return replace(
        customer, holdings=held, activity=tuple(own for own in customer.activity if own.month < f"{day:%Y-%m}")
    )


async def hindsight(bank, customers):
    ledger, load = bank(customers)
    return Hindsight(ledger, await read_customers(load, ledger, [Told()]))


async def codes(own, portfolio, numbers):
    """The segments' codes of some customers on a portfolio's day."""
    batch = own.customers.beside(portfolio, (await own.learnt(portfolio)).tell).batch
    found = {told.customer_no: told.segment and told.segment.code for told in batch.insights}
    return [found[number] for number in numbers]


def same(one, other):
    """Whether two learnt the same, to the bit."""
    return one.churn.model.text == other.churn.model.text and np.array_equal(
        one.segments.centres, other.segments.centres
    )


async def test_at_a_moment_nothing_of_later_is_known(bank, customers, person):
    late = [person(f"D{n:03}", holdings=(Holding("F", THEN + timedelta(days=9)),), joined_on=THEN + timedelta(days=9),
                   region="NEW", attributes={"new": float(n)}) for n in range(300)]  # fmt: skip
    before, after = (
        await hindsight(bank, [forgetting(customer, THEN) for customer in customers]),
        await hindsight(bank, customers + late),
    )

    known, learnt = [await own.learnt(own.ledger.portfolio(THEN)) for own in (before, after)]

    assert known.churn.model is not None
    assert same(known, learnt)
    assert [segment.code for segment in known.segments.described] == [
        segment.code for segment in learnt.segments.described
    ]


async def test_on_the_day_of_training_it_is_what_the_model_says(bank, customers):
    ledger, load = bank(customers)
    model = (await learn(ledger, load, (Popularity(),), AS_OF)).model
    own = await hindsight(bank, customers)

    learnt = await own.learnt(ledger.portfolio(AS_OF))

    assert same(learnt, learnt_of(model))


async def test_training_tells_what_was_known_at_each_moment_and_a_request_what_the_model_says(bank, customers):
    ledger, load = bank(customers)
    told = Told()

    model = (await learn(ledger, load, (Popularity(), told), AS_OF)).model
    days = {day for _, day in told.found}
    own = await hindsight(bank, customers)
    learnt = {day: await own.learnt(ledger.portfolio(day)) for day in sorted(days, reverse=True)}

    assert len(days) > 6
    by_number = {customer.customer_no: customer for customer in customers}
    for (_, day), found in told.found.items():
        records = [by_number[insight.customer_no] for insight in found]
        assert found == learnt[day].tell(Passes.of(records, ledger.catalogue, Context(day)).general)
    chances = {day: max((i.scores.churn.probability for i in found if i.scores.churn), default=None)
               for (asked, day), found in told.found.items() if asked == "propose"}  # fmt: skip
    assert chances[min(chances)] is None  # nobody had been seen to leave
    assert len(set(chances.values())) > 3

    engine = Engine(ledger.catalogue, [told], (), tell=learnt_of(model).tell)
    told.found.clear()
    engine.rank(customers[:5], Context(AS_OF))
    [asked] = told.found.values()
    together = learnt_of(model).tell(Passes.of(customers, ledger.catalogue, Context(AS_OF)).general)
    assert asked == together[:5]


async def test_a_segment_of_the_past_has_the_code_that_it_has_today(bank, person):
    def member(number, is_rich, closed=None):
        day = FIRST + timedelta(days=number % 100)
        held = tuple(Holding(code, day, closed) for code in ("AB" if is_rich else "CD"))
        born = date(1950 if is_rich else 2000, 1, 1 + number % 28)
        income = 90_000.0 if is_rich else 900.0
        return person(f"C{number:03}", holdings=held, income=income, birth_date=born, joined_on=day)

    poor = [member(number, False, AS_OF if number > 50 else None) for number in range(60)]
    rich = [member(100 + number, True) for number in range(55)]
    own, before = await hindsight(bank, poor + rich), AS_OF - timedelta(days=1)

    later, then = [await codes(own, own.ledger.portfolio(day), ["C000", "C100"]) for day in (AS_OF, before)]
    fresh = await hindsight(bank, poor + rich)
    by_size = await codes(fresh, fresh.ledger.portfolio(before), ["C000", "C100"])

    assert later == then
    assert len(set(then)) == 2
    assert by_size != then


async def test_where_holdings_carry_no_dates_segments_are_those_of_other_customers(bank, person):
    groups = [person(f"C{n:03}", "AB" if n % 2 else "CD", income=90.0 if n % 2 else 9_000.0) for n in range(400)]
    ledger, load = bank(groups)
    told = Told()

    await learn(ledger, load, (told,), AS_OF)

    [(_, found)] = [pair for pair in told.found.items() if pair[0][0] == "propose"]
    assert all(insight.segment and insight.scores.churn is None for insight in found)
    own = Hindsight(ledger, await read_customers(load, ledger, [told]))
    learnt = await own.learnt(ledger.portfolio(AS_OF, np.arange(0, 200, 2)))
    assert sorted(segment.share for segment in learnt.segments.described) == pytest.approx([1 / 3, 2 / 3], abs=1e-3)


async def test_where_nobody_is_told_nothing_is_looked_for(bank, customers, monkeypatch):
    monkeypatch.setattr(Learnt, "tell", lambda *_: pytest.fail("it was asked"))
    monkeypatch.setattr(Hindsight, "learnt", lambda *_: pytest.fail("it was learnt"))
    ledger, load = bank(customers[:200])

    await learn(ledger, load, (Popularity(),), AS_OF)


def test_every_pass_is_told_what_the_general_one_is(person, product, context):
    limits = PurposeLimits({"attribute:income": frozenset({"category:deposit"})})
    records = [person("C1", income=9.0), person("C2"), person("C3", income=5.0)]
    asked = []

    def tell(batch):
        asked.append([customer.income for customer in batch.customers])
        return Learnt().tell(batch)

    passes = Passes.of(
        records, Catalogue([product("SAVE", margin=9.0), product("LOAN", category="loan")], limits), context(), tell
    )

    assert [further.rows.tolist() for further in passes.further] == [[0, 2]]
    assert all(told.scores.value for told in passes.general.insights)
    assert passes.further[0].batch.insights == [passes.general.insights[row] for row in (0, 2)]
    assert passes.whole.insights == passes.general.insights
    assert passes.view(2, 1).scores == passes.general.insights[2].scores
    assert asked == [[None, None, None]]
