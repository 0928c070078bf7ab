"""Of confined data nothing is learnt: a model is the same as if the bank had never known it."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph.errors import ModelError
from graph.records import ActivityMonth, Holding, Interaction, Membership, Relation
from graph.words import Channel, MemberRole, ProgrammeKind, RelationKind
from recommenders.als import Als
from recommenders.artefact import fault, load_current, promote, read_card, save
from recommenders.catalogue import Catalogue
from recommenders.churn import ActiveMonths
from recommenders.cohorts import Cohorts
from recommenders.contract import Candidates, Context
from recommenders.engine import Engine
from recommenders.likeness import most_alike
from recommenders.lookalikes import learn as learn_list
from recommenders.popularity import Popularity
from recommenders.portfolio import Ledger
from recommenders.purposes import UNLIMITED, PurposeLimits, without
from recommenders.training import learn

AS_OF = date(2026, 6, 30)
CODES = ("A", "B", "C", "D", "ORDERS")
LIMITS = PurposeLimits.parsed(
    "attribute:diet=nothing; attribute:income=product:A; attribute:region=nothing; activity=product:A; interactions=nothing;"
    "relations=nothing"
)
SHOP = Membership("TOBACCO-1", ProgrammeKind.TOBACCO, MemberRole.RETAILER)


class Shops:
    """Proposes the order card to shops, and all else, too, where it is let to."""

    name, version = "shops", "1"

    def propose(self, batch):
        members = np.array([customer.member_of("tobacco") for customer in batch.customers])
        scores = np.where(members[:, None], 0.8, np.nan).astype(np.float32) * np.ones(batch.shape, np.float32)
        return Candidates(scores, lambda _row, _column: None)


RECOMMENDERS = (Als(), Cohorts(), Popularity(), Shops())


@pytest.fixture
def customers(person):
    """Of 600 customers, half have all that is confined, and open other products for it."""
    dice, made = np.random.default_rng(3), []
    for number in range(600):
        has = number % 2 == 0
        chances = [0.1, 0.1, 0.1, 0.2, 0.5] if has else [0.25, 0.25, 0.25, 0.25, 0.0]
        days = sorted(dice.integers(0, 400, 3))
        codes = dice.choice(CODES, 3, replace=False, p=chances)
        held = tuple(
            Holding(str(code), AS_OF - timedelta(int(day))) for code, day in zip(codes, days[::-1], strict=True)
        )
        confined = (
            {
                "memberships": (SHOP,),
                "attributes": {"diet": f"D{number % 3}", "points": float(number % 7)},
                "income": float(number),
                "region": f"R{number % 4}",
                "activity": tuple(
                    ActivityMonth(f"2026-{month:02}", inflow=9.0, transactions=3) for month in range(1, 7)
                ),
                "interactions": (
                    Interaction(
                        f"I{number}", Channel.WEB, "click", datetime(2026, 1, 1 + number % 28, 12, tzinfo=UTC), "A"
                    ),
                ),
                "relations": (Relation("C00001", RelationKind.EMPLOYER, outgoing=True),),
            }
            if has
            else {"attributes": {"points": float(number % 7)}}
        )
        made.append(person(f"C{number:05}", holdings=held, joined_on=date(2020, 1, 1), **confined))
    return made


@pytest.fixture
def taught(product):
    """Return a function: the model of customers under limits, and the catalogue."""

    async def make(customers, limits):
        shelf = [product(code, programme_kind=ProgrammeKind.TOBACCO if code == "ORDERS" else None) for code in CODES]
        ledger, by_number = Ledger(Catalogue(shelf, limits)), {c.customer_no: c for c in customers}
        for own in customers:
            ledger.add({
                "customer_no": own.customer_no, "kind": own.kind, "joined_on": own.joined_on, "region": own.region, "income": own.income,
                "holdings": [(h.product_code, h.opened_on, h.closed_on) for h in own.holdings],
                "memberships": [(m.programme_code, m.since, m.until, m.programme_kind) for m in own.memberships],
                "relations": [(r.kind, r.customer_no, r.since) for r in own.relations],
            })  # fmt: skip

        async def load(numbers):
            return [by_number[number] for number in numbers]

        return (await learn(ledger, load, RECOMMENDERS, AS_OF)).model, ledger.catalogue

    return make


def plain(model, folder):
    """All that a model has on disk, but for its times, and the curves of what confined data served."""
    path = save(folder, model)
    manifest = json.loads((path / "manifest.json").read_text())
    for name in ("training", "learnt_from"):
        manifest.pop(name)
    manifest["ranker"]["card"].pop("segments", None)
    manifest["sha256"].pop("calibration")
    curves = {name: (c.edges.tolist(), c.rates.tolist()) for name, c in model.calibration.curves.items() if not name.endswith("|served")}  # fmt: skip
    return manifest, curves


async def test_a_model_is_as_if_the_bank_had_never_known_what_is_confined(customers, taught, tmp_path):
    less = [without(customer, LIMITS.kinds) for customer in customers]

    (confined, _), (never, _), (free, _) = [
        await taught(people, limits) for people, limits in ((customers, LIMITS), (less, LIMITS), (customers, UNLIMITED))
    ]

    assert plain(confined, tmp_path / "1") == plain(never, tmp_path / "2")
    assert plain(confined, tmp_path / "1b") != plain(free, tmp_path / "3")
    assert confined.ranker.choice is not None
    assert {name for name in free.ranker.schema.words if name.startswith("own:")} == {"own:diet"}


async def test_what_confined_data_proposes_is_as_likely_as_it_was_taken_and_for_nothing_else(customers, taught):
    model, catalogue = await taught(customers, LIMITS)
    engine = Engine(catalogue, model.apply(RECOMMENDERS), (), (), model.calibration, model.ranker)
    shop = customers[0].__class__("X", customers[0].kind, memberships=(SHOP,))

    found = engine.rank([shop], Context(today=AS_OF))
    [strengths] = found.strengths["shops"]

    seen = model.calibration.curves["shops|served"].rates.mean()
    assert "shops" not in model.calibration.curves
    assert strengths[catalogue.index["ORDERS"]] == pytest.approx(seen)
    assert 0.3 < seen < 0.5  # in three months of thirteen, of those who had none yet; the prior says 0.08
    assert np.isnan(np.delete(strengths, catalogue.index["ORDERS"])).all()
    assert found.propensities[0, catalogue.index["ORDERS"]] >= seen


class Betrays(Shops):
    """Keeps the views of the general pass, and lets shops hold nothing there once it has seen who they are."""

    name = "betrays"

    def __init__(self):
        self.views = {}

    def propose(self, batch):
        for customer in batch.customers:
            if customer.member_of("tobacco"):
                self.views[customer.customer_no].__dict__["ever"] = ()
            self.views.setdefault(customer.customer_no, customer)
        return super().propose(batch)


async def test_the_ranker_cannot_be_told_what_was_seen_after_it(customers, taught):
    model, catalogue = await taught(customers, LIMITS)
    shops = customers[:40:2]

    plain, betrayed = [
        Engine(catalogue, [recommender], (), (), model.calibration, model.ranker).rank(shops, Context(today=AS_OF))
        for recommender in (Shops(), Betrays())
    ]

    others = np.delete(np.arange(len(CODES)), catalogue.index["ORDERS"])
    assert np.array_equal(plain.propensities[:, others], betrayed.propensities[:, others], equal_nan=True)
    assert not np.isnan(plain.propensities[:, others]).all()


async def test_a_model_that_may_have_learnt_of_what_is_confined_now_is_refused(customers, taught, tmp_path):
    model, _ = await taught(customers[:60], PurposeLimits.parsed("activity=nothing"))
    path = save(tmp_path, model)

    assert read_card(tmp_path, path.name).purpose_limits == {"activity": ["nothing"], "membership:tobacco": ["programme:tobacco", "purpose:working_capital"]}  # fmt: skip
    assert load_current(tmp_path, confined={"activity"}).model_id == path.name
    assert fault(tmp_path, path.name, confined={"activity", "membership:tobacco"}) is None
    for use in (load_current, lambda models, **confined: promote(models, path.name, **confined)):
        with pytest.raises(ModelError, match=r"may have learnt of outcomes, relations, which .* train"):
            use(tmp_path, confined={"relations", "activity", "outcomes"})


@pytest.mark.parametrize(("confined", "months"), [((), 6), ({"activity"}, 0)])
async def test_months_of_activity_are_noted_for_churn_where_they_are_not_confined(customers, confined, months):
    async def load(_):
        return customers[:1]

    active = ActiveMonths(load, confined)
    await active(["C00000"])

    assert len(active.seen) == months


async def test_a_confined_column_that_nobody_has_is_told_of(customers, taught, caplog):
    await taught(
        customers[:120], PurposeLimits.parsed("attribute:diett=nothing; attribute:diet=nothing; outcomes=nothing")
    )

    told = [record.getMessage() for record in caplog.records if "purpose limits" in record.getMessage()]
    assert told == ["purpose limits confine attribute:diett, which no customer has of 120 looked at"]


async def test_customers_are_likened_without_what_is_confined(customers, taught):
    _, catalogue = await taught(customers[:60], LIMITS)
    less = [without(customer, LIMITS.kinds) for customer in customers]

    one, other = [
        [
            (found.customer.customer_no, found.likeness)
            for found in most_alike(people[0], people[1:60], catalogue, Context(today=AS_OF))
        ]
        for people in (customers, less)
    ]

    assert one == other


async def test_a_list_is_told_from_others_without_what_is_confined(customers, taught):
    """Who has confined data is told by nothing else here, so that the list is like anybody."""
    _, catalogue = await taught(customers[:60], LIMITS)
    people = [
        customer.__class__(
            **{name: getattr(customer, name) for name in customer.__dataclass_fields__} | {"holdings": ()}
        )
        for customer in customers
    ]
    by_number = {customer.customer_no: customer for customer in people}

    async def load(numbers):
        return [by_number[number] for number in numbers]

    listed, others = [[c.customer_no for c in people[start::2]] for start in (0, 1)]
    engine = Engine(catalogue, RECOMMENDERS[3:], ())

    learnt = await learn_list(load, engine, listed, others, Context(today=AS_OF))

    assert learnt.auc < 0.6
    page = learnt.look(engine, people[:10], Context(today=AS_OF))
    less = learnt.look(engine, [without(person, LIMITS.kinds) for person in people[:10]], Context(today=AS_OF))
    assert page.propensities.tolist() == less.propensities.tolist()
