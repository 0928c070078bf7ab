"""Who objected to profiling: nothing that he did shapes his offers, and everything still protects him."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from graph.records import ActivityMonth, Consent, Interaction, KinHolding, Outcome, Relation
from graph.words import Channel, OutcomeKind, Purpose, RelationKind
from recommenders.batch import Batch
from recommenders.contract import Candidates, Reason
from recommenders.engine import Engine
from recommenders.gates import DEFAULT_GATES, say
from recommenders.passes import Passes
from recommenders.purposes import PurposeLimits

MAY = datetime(2026, 5, 1, tzinfo=UTC)
NO = Consent(Purpose.PROFILING, granted=False, at=MAY, version=1)


def seen(customer):
    """How many kinds of behaviour are seen of a customer."""
    return sum(map(bool, (customer.activity, customer.interactions, customer.relations, customer.kin_holdings, customer.outcomes)))  # fmt: skip


@dataclass
class Watcher:
    """Proposes everything, the stronger the more it sees, and speaks of whom it remembers as a spouse."""

    name: str = "watcher"
    version: str = "1"

    def propose(self, batch):
        scores = np.array([[0.1 + seen(customer) / 10] * batch.shape[1] for customer in batch.customers], np.float32)
        path = ("C1", "SPOUSE", "C2")
        return Candidates(
            scores,
            lambda _, column: Reason(self.name, (*path, batch.catalogue.codes[column]), say("Because.", "因为。")),
        )


@pytest.fixture
def busy(person):
    """Return a function: a customer who did something of every kind, and said something."""

    def make(*said, kind="call", **changes):
        return person(
            consents=said,
            relations=(Relation("C2", RelationKind.SPOUSE, outgoing=True),),
            kin=(KinHolding("C2", "CARD"),),
            activity=(ActivityMonth("2026-05", inflow=1.0),),
            interactions=(Interaction("I1", Channel.PHONE, kind, MAY),),
            outcomes=(Outcome("O1", "A", OutcomeKind.CLICK, Channel.MOBILE, MAY),),
            **changes,
        )

    return make


@pytest.fixture
def decided(catalogue):
    return Engine(catalogue("A", "B"), [Watcher()], DEFAULT_GATES)


@pytest.mark.parametrize(
    ("said", "day", "found"),
    [
        ((), date(2026, 6, 30), 5),
        ((NO,), date(2026, 6, 30), 0),
        ((replace(NO, at=datetime(2026, 6, 29, tzinfo=UTC)),), date(2026, 6, 28), 5),
        ((replace(NO, channel=Channel.ATM),), date(2026, 6, 30), 0),
        ((NO, replace(NO, granted=True, version=2)), date(2026, 6, 30), 5),
        ((replace(NO, purpose=Purpose.PARTNERS),), date(2026, 6, 30), 5),
    ],
    ids=["silent", "objecting", "before he objected", "on one channel", "no more", "to partners"],
)  # fmt: skip
def test_nothing_that_he_did_is_seen_by_recommenders_and_models(decided, busy, context, said, day, found):
    asked = context(today=day)
    ranking = decided.rank([busy(*said)], asked)

    assert ranking.proposed["watcher"].scores[0, 0] == np.float32(0.1 + found / 10)
    assert seen(ranking.passes.general.customers[0]) == found
    assert seen(Batch.of([busy(*said)], decided.catalogue, asked).customers[0]) == found


def test_he_objects_for_himself_alone(decided, busy, context):
    scores = decided.rank([busy(NO), busy()], context()).proposed["watcher"].scores[:, 0]

    assert scores.tolist() == [np.float32(0.1), np.float32(0.6)]


def test_the_gates_see_all_that_protects_him(decided, busy, context):
    complaining = busy(NO, kind="complaint")

    june = context(today=date(2026, 6, 1))

    assert [one.code for one in decided.decide(complaining, "A", june).refusals] == ["OPEN_COMPLAINT"]
    assert decided.decide(busy(NO), "A", june).offered


def test_no_reason_goes_through_what_is_held_back_and_the_explanation_says_so(decided, busy, context):
    objecting, other = [decided.answer([busy(*said)], context())[0].offers[0] for said in ((NO,), ())]

    assert other.reasons[0].path[1] == "SPOUSE"
    assert objecting.reasons == ()
    assert any("activity, interactions, outcomes, relations" in step.text for step in objecting.trace)


def test_a_kind_that_may_serve_a_product_serves_it_no_more(catalogue, busy, context):
    shelf = type(catalogue("A"))(catalogue("A", "B").products, PurposeLimits.parsed("activity=product:A"))

    passes = Passes.of([busy(), busy(NO)], shelf, context())

    assert [len(passes.view(row, column).activity) for row in (0, 1) for column in (0, 1)] == [1, 0, 0, 0]
