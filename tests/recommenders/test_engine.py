import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest

from graph.errors import NotFound
from graph.records import Holding
from graph.words import CustomerKind, Language, RiskProfile, RiskRating
from recommenders.batch import Batch
from recommenders.calibration import PRIOR_PROPENSITY
from recommenders.contract import BundleRule, Candidates, Lever, Omitted, Reason
from recommenders.engine import MOST_REASONS, Engine
from recommenders.gates import DEFAULT_GATES, say
from recommenders.popularity import Popularity
from recommenders.rules import LifecycleRules

STAGES = ["candidates", "gates", "rank", "arbitrate", "bundle", "reasons"]


@dataclass(frozen=True)
class Says:
    """Gives every customer the same scores, and each of them a reason."""

    name: str
    scores: Mapping[str, float]
    path: tuple[str, ...] = ("LIKES",)
    version: str = "1"

    def propose(self, batch: Batch) -> Candidates:
        row = [self.scores.get(code, math.nan) for code in batch.catalogue.codes]
        scores = np.tile(np.array(row, np.float32), (len(batch.customers), 1))
        return Candidates(scores, lambda _, column: self._reason(batch, column))

    def _reason(self, batch: Batch, column: int) -> Reason:
        path = (*self.path, batch.catalogue.codes[column]) if self.path else ()
        return Reason(self.name, path, say(f"{self.name} says so.", f"{self.name}说。"))


@dataclass(frozen=True)
class Absent:
    name: str
    version: str = "1"

    def propose(self, batch: Batch) -> Candidates:
        raise Omitted(self.name, f"no time for {len(batch.customers)}")


@dataclass(frozen=True)
class Meddles:
    name: str = "meddler"
    version: str = "1"

    def propose(self, batch: Batch) -> Candidates:
        for customer in batch.customers:
            with suppress(AttributeError):
                customer.marketing_consent = True
        with suppress(ValueError):
            batch.held[:] = False
        return Candidates(np.ones(batch.shape, np.float32), lambda *_: None)


@pytest.fixture
def engine(catalogue):
    """Return a function: an engine that knows the scores, over plain products."""

    def make(scores, *products, recommenders=(), **options):
        return Engine(catalogue(*products or scores), [Says("taste", scores), *recommenders], DEFAULT_GATES, **options)

    return make


@pytest.fixture
def crowd(person):
    """Customers who differ in what they hold, may bear and have agreed to."""
    return [
        person(
            f"C{number}",
            [code for place, code in enumerate(("CARD", "FUND", "GOLD", "LOAN", "SAVE")) if number >> place & 1],
            risk_profile=[RiskProfile.C1, RiskProfile.C4, None][number % 3],
            credit_limit=[None, 1_000.0][number % 2],
            marketing_consent=[True, True, True, None][number % 4],
            kind=[CustomerKind.PERSON, CustomerKind.COMPANY][number % 5 == 4],
        )
        for number in range(60)
    ]


@pytest.fixture
def bank(product):
    """Products that the crowd may have in part."""
    return (
        product("CARD", category="card", credit=True, margin=180.0),
        product("FUND", category="wealth", risk_rating=RiskRating.R3, margin=220.0),
        product("GOLD", category="card", credit=True, requires=("CARD",), min_age=25),
        product("LOAN", category="loan", credit=True, margin=350.0),
        product("SAVE", margin=10.0, audience=(CustomerKind.PERSON,)),
        product("OLD", active_until=date(2020, 1, 1)),
    )


SCORES = {"CARD": 0.9, "FUND": 0.5, "GOLD": 0.7, "LOAN": 0.2, "SAVE": 0.6, "OLD": 0.9}


def codes(answer):
    return [offer.product.product_code for offer in answer.offers]


@pytest.mark.parametrize(("consent", "offered"), [(True, ["A", "B", "C"]), (None, []), (False, [])])
def test_of_whom_nothing_is_known_he_gets_what_is_popular_if_he_agreed(person, catalogue, context, consent, offered):
    nobody = person(birth_date=None, risk_profile=None, credit_limit=None, marketing_consent=consent)

    [answer] = Engine(catalogue("A", "B", "C"), [Popularity()], DEFAULT_GATES).answer([nobody], context())

    assert codes(answer) == offered
    assert all(offer.recommenders == ("popularity",) for offer in answer.offers)


def test_priority_is_propensity_by_context_by_value_by_lever(person, product, engine, context):
    products = product("MOBILE", category="service", margin=50.0), product("SAVE", margin=100.0)
    decided = engine(
        {"MOBILE": 0.5, "SAVE": 0.4},
        *products,
        levers=[Lever("spring", {"MOBILE": 1.5}), Lever("all", {"MOBILE": 2.0, "SAVE": 1})],
    )

    [answer] = decided.answer([person()], context(channel="mobile"))
    mobile, save = answer.offers

    assert mobile.propensity == pytest.approx(0.5 * PRIOR_PROPENSITY)
    assert mobile.priority == pytest.approx(0.05 * 1.2 * 50 * 3)
    assert save.priority == pytest.approx(0.04 * 100)
    [told_of_mobile] = [step.text for step in mobile.trace if step.stage == "arbitrate"]
    [told_of_save] = [step.text for step in save.trace if step.stage == "arbitrate"]
    assert "× 3 lever (spring × 1.5, all × 2) = 9.000, rank 1" in told_of_mobile
    assert "× 1 lever = 4.000, rank 2" in told_of_save
    assert [(offer.rank, offer.score, offer.value) for offer in answer.offers] == [
        (1, pytest.approx(0.5), 50.0),
        (2, pytest.approx(0.4), 100.0),
    ]


def test_the_channel_changes_the_order(person, product, engine, context):
    products = product("HOME", category="mortgage", margin=100.0), product("MOBILE", category="service", margin=100.0)
    decided = engine({"HOME": 0.5, "MOBILE": 0.5}, *products)

    on_mobile, in_branch = (decided.answer([person()], context(channel=channel))[0] for channel in ("mobile", "branch"))

    assert codes(on_mobile) == ["MOBILE", "HOME"]
    assert codes(in_branch) == ["HOME", "MOBILE"]


@pytest.mark.parametrize(
    ("margins", "value"),
    [
        ({"CARD-2": 100.0, "CARD-3": 300.0, "LOAN": 900.0}, 200.0),
        ({"CARD-2": None, "CARD-3": None, "LOAN": 900.0}, 900.0),
        ({"CARD-2": None, "CARD-3": None, "LOAN": None}, 1.0),
    ],
    ids=["of its category", "of the catalogue", "of nothing"],
)
def test_a_product_without_a_price_takes_the_median(person, product, engine, context, margins, value):
    products = [product(code, category=code[:4].lower(), margin=margin) for code, margin in margins.items()]
    decided = engine({"CARD-1": 0.5}, product("CARD-1", category="card"), *products)

    [offer] = decided.answer([person()], context())[0].offers

    assert offer.value == value
    assert offer.priority == pytest.approx(0.05 * value)
    assert any("no margin known" in step.text for step in offer.trace)


def test_nothing_is_offered_that_is_held_refused_excluded_or_unknown(crowd, bank, engine, context):
    decided = engine(SCORES | {"UNHEARD-OF": 1.0}, *bank)
    asked = context(top=99, exclude=("LOAN", "NO-SUCH-THING"))
    ranking = decided.rank(crowd, asked)

    answers = decided.answer(crowd, asked)

    assert sum(len(answer.offers) for answer in answers) > 30
    for row, (customer, answer) in enumerate(zip(crowd, answers, strict=True)):
        offered = set(codes(answer))
        assert offered <= set(decided.catalogue.codes) - {"LOAN", "OLD"}
        assert not offered & {holding.product_code for holding in customer.holdings}
        assert offered == {code for code, passed in zip(decided.catalogue.codes, ranking.passed[row], strict=True) if passed}  # fmt: skip


def test_a_holding_that_the_catalogue_does_not_know_does_no_harm(person, engine, context):
    with_it, without = person(holds=["ELSEWHERE"]), person()
    decided = engine({"A": 0.5, "B": 0.4}, recommenders=[LifecycleRules()])

    assert codes(decided.answer([with_it], context())[0]) == codes(decided.answer([without], context())[0])


def test_equal_priorities_are_ordered_by_product_code(person, engine, context):
    decided = engine({f"P{number:03}": 0.5 if number % 3 else 0.6 for number in reversed(range(300))})

    [answer] = decided.answer([person()], context(top=300))

    better, others = codes(answer)[:100], codes(answer)[100:]
    assert better == [f"P{number:03}" for number in range(0, 300, 3)]
    assert others == [f"P{number:03}" for number in range(300) if number % 3]
    assert [offer.rank for offer in answer.offers] == list(range(1, 301))


@pytest.mark.parametrize("top", [0, 1, 2, 9])
def test_at_most_as_many_offers_as_asked_are_given(person, engine, context, top):
    decided = engine({"A": 0.1, "B": 0.2, "C": 0.3})

    assert codes(decided.answer([person()], context(top=top))[0]) == ["C", "B", "A"][:top]


def test_of_several_recommenders_the_strongest_speaks_first_and_gives_the_propensity(person, engine, context):
    others = [Says("b-weak", {"A": 0.2}), Says("c-strong", {"A": 0.9}), Says("a-weak", {"A": 0.2}), Says("silent", {})]

    [offer] = engine({"A": 0.5}, recommenders=others).answer([person()], context())[0].offers

    assert offer.recommenders == ("c-strong", "taste", "a-weak", "b-weak")
    assert offer.score == pytest.approx(0.9)
    assert offer.propensity == pytest.approx(0.09)


def test_at_most_three_reasons_are_shown_each_with_a_path(person, engine, context):
    others = [Says("pathless", {"A": 0.9}, path=()), *(Says(f"r{number}", {"A": 0.1}) for number in range(5))]

    [offer] = engine({"A": 0.5}, recommenders=others).answer([person()], context())[0].offers

    assert [reason.recommender for reason in offer.reasons] == ["taste", "r0", "r1"]
    assert len(offer.reasons) == MOST_REASONS
    assert all(reason.path == ("LIKES", "A") and set(reason.text) == set(Language) for reason in offer.reasons)


BUNDLES = (
    BundleRule("BOTH", ("A", "B"), say("Both", "两者"), say("Cheaper", "更便宜")),
    BundleRule("MORE", ("C", "B"), say("More", "更多"), say("Cheaper", "更便宜")),
    BundleRule("UNHEARD-OF", ("A", "Z"), say("Unheard of", "未知"), say("Cheaper", "更便宜")),
)


def test_a_bundle_is_offered_when_all_its_parts_are_even_below_the_top(person, engine, context):
    [answer] = engine({"A": 0.9, "B": 0.2, "C": 0.5}, bundle_rules=BUNDLES).answer([person()], context(top=2))

    assert codes(answer) == ["A", "C"]
    assert [bundle.rule.code for bundle in answer.bundles] == ["BOTH", "MORE"]
    assert [[offer.rank for offer in bundle.offers] for bundle in answer.bundles] == [[1, 3], [2, 3]]


@pytest.mark.parametrize("why", ["held", "refused", "excluded", "not proposed"])
def test_a_bundle_of_which_one_part_is_not_offered_is_not_offered(person, product, engine, context, why):
    customer = person(holds=["A"] if why == "held" else [])
    part = product("A", min_age=99 if why == "refused" else None)
    scores = {"B": 0.2, "C": 0.5} | ({} if why == "not proposed" else {"A": 0.9})
    decided = engine(scores, part, "B", "C", bundle_rules=BUNDLES)

    [answer] = decided.answer([customer], context(exclude=("A",) if why == "excluded" else ()))

    assert [bundle.rule.code for bundle in answer.bundles] == ["MORE"]


def test_every_stage_leaves_a_line_in_the_trace(person, engine, context):
    [offer] = engine({"A": 0.5}, bundle_rules=BUNDLES).answer([person()], context())[0].offers
    steps = {step.stage: step.text for step in offer.trace}

    assert [step.stage for step in offer.trace] == STAGES
    assert steps["candidates"] == "proposed by taste 0.500"
    assert steps["gates"] == f"passed all {len(DEFAULT_GATES)} gates"
    assert steps["rank"] == f"propensity 0.0500 by taste (prior: score × {PRIOR_PROPENSITY})"
    assert steps["arbitrate"].endswith("= 0.050, rank 1")
    assert steps["bundle"] == "part of BOTH, UNHEARD-OF"
    assert steps["reasons"] == "LIKES → A"


def test_what_is_decided_of_each_product_agrees_with_the_answer(crowd, bank, engine, context):
    decided = engine({code: score for code, score in SCORES.items() if code != "LOAN"}, *bank)
    asked = context(top=99, exclude=("FUND",))

    for customer, answer in zip(crowd, decided.answer(crowd, asked), strict=True):
        offers = {offer.product.product_code: offer for offer in answer.offers}
        for code in decided.catalogue.codes:
            decision = decided.decide(customer, code, asked)
            assert decision.offered == (code in offers)
            assert decision.customer_no == customer.customer_no
            if code in offers:
                assert (decision.rank, decision.refusals) == (offers[code].rank, ())
                assert decision.trace == offers[code].trace
            else:
                assert decision.rank is None
                assert decision.refusals or code in {"FUND", "LOAN"}


def test_a_decision_names_every_refusal_and_says_them_in_its_trace(person, bank, engine, context):
    customer = person(holdings=(Holding("CARD"),), credit_limit=None, marketing_consent=False)

    decision = engine(SCORES, *bank).decide(customer, "CARD", context())

    assert [refusal.code for refusal in decision.refusals] == ["HELD", "CREDIT_LIMIT", "NO_CONSENT"]
    assert [step.text.partition(":")[0] for step in decision.trace if step.stage == "gates"] == [
        "eligibility refuses (HELD)",
        "credit refuses (CREDIT_LIMIT)",
        "consent refuses (NO_CONSENT)",
    ]


@pytest.mark.parametrize(
    ("code", "stage", "text"),
    [("B", "candidates", "proposed by no recommender"), ("C", "gates", "excluded by the request")],
)
def test_a_decision_says_what_stopped_a_product_that_no_gate_refuses(person, engine, context, code, stage, text):
    decision = engine({"A": 0.5, "C": 0.5}, "A", "B", "C").decide(person(), code, context(exclude=("C",)))

    assert (decision.offered, decision.rank, decision.refusals) == (False, None, ())
    assert text in [step.text for step in decision.trace if step.stage == stage]


def test_a_decision_on_a_product_that_is_not_in_the_catalogue_names_it(person, engine, context):
    with pytest.raises(NotFound, match="no product 'Z'"):
        engine({"A": 0.5}).decide(person(), "Z", context())


def test_many_at_once_are_answered_as_each_alone(crowd, bank, engine, context):
    decided = engine(SCORES, *bank, recommenders=[LifecycleRules(), Popularity()])
    asked = context(top=9)

    together = decided.answer(crowd, asked)
    alone = [decided.answer([customer], asked)[0] for customer in crowd]

    assert together == alone


def test_of_nobody_nothing_is_answered(engine, context):
    assert engine({"A": 0.5}).answer([], context()) == []


def test_a_bank_without_products_offers_nothing(person, catalogue, context):
    decided = Engine(catalogue(), [LifecycleRules(), Popularity()], DEFAULT_GATES)

    [answer] = decided.answer([person()], context())

    assert (answer.offers, answer.bundles) == ((), ())


def test_a_recommender_without_a_say_is_named_and_changes_no_other_offer(crowd, bank, engine, context):
    alone = engine(SCORES, *bank).answer(crowd, context())
    beside = engine(SCORES, *bank, recommenders=[Absent("slow")]).answer(crowd, context())

    assert {answer.omitted for answer in beside} == {("slow",)}
    for before, after in zip(alone, beside, strict=True):
        assert [replace(offer, trace=()) for offer in after.offers] == [
            replace(offer, trace=()) for offer in before.offers
        ]
        assert all(any(step.text.startswith("without slow") for step in offer.trace) for offer in after.offers)


def test_no_recommender_can_change_what_the_gates_see(person, engine, context):
    decided = engine({"A": 0.5, "B": 0.5}, recommenders=[Meddles()])
    customers = [person(holds=["A"]), person(marketing_consent=False)]

    assert [codes(answer) for answer in decided.answer(customers, context())] == [["B"], []]
    assert [refusal.code for refusal in decided.decide(customers[1], "A", context()).refusals] == ["NO_CONSENT"]


def test_a_recommender_that_proposes_nothing_changes_nothing(crowd, bank, engine, context):
    alone = engine(SCORES, *bank).answer(crowd, context())

    assert engine(SCORES, *bank, recommenders=[Says("silent", {})]).answer(crowd, context()) == alone
