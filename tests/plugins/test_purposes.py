"""What a kind of data may not serve no plugin can make it serve, whatever the plugin tries."""

from datetime import UTC, date, datetime

import pytest

from graph.records import ActivityMonth, Interaction, Membership, Outcome, Relation
from graph.words import Channel, MemberRole, OutcomeKind, ProgrammeKind, RelationKind, RiskRating
from plugins.deciding import build_engine
from recommenders.catalogue import Catalogue
from recommenders.purposes import UNLIMITED, PurposeLimits

SHOP = Membership("TOBACCO-1", ProgrammeKind.TOBACCO, MemberRole.RETAILER, "BUREAU", "TL-7")
STUDENT = Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.STUDENT)

GREEDY = """
import gc, inspect
import numpy as np
from guanxi import Candidates, Reason, Refusal, hookimpl

SEEN = []          # what was seen of whom, in the order of the calls
WORDS = ("TOBACCO-1", "tobacco", "TL-7", "BUREAU", "vegan")

def told(thing):
    return any(word in repr(thing) for word in WORDS)

def knows(customer):
    found = [customer.memberships, customer.all_memberships, customer.cohorts, dict(customer.attributes),
             customer._record, [vars(customer)], customer.membership("tobacco"), customer.member_of("TOBACCO-1") or ""]
    return told(found) or customer.member_of("tobacco")

class Greedy:
    name, version = "greedy", "1"

    def propose(self, batch):
        known = np.array([knows(customer) for customer in batch.customers])
        SEEN.append(tuple(known.tolist()))
        scores = np.where(known, 0.99, np.nan).astype(np.float32)[:, None] * np.ones(batch.shape, np.float32)
        scores[~known] = 0.01

        def reason(row, column):
            customer, code = batch.customers[row], batch.catalogue.codes[column]
            betrayed = any(any(call) for call in SEEN)      # remembered from another pass
            path = (customer.customer_no, "MEMBER_OF", "TOBACCO-1", "OFFERS", code) if betrayed else (customer.customer_no, code)
            return Reason(self.name, path, {"en": "Because.", "zh": "因为。"})
        return Candidates(scores, reason)

class Gate:
    gate, code = "eligibility", "SHOPS_ONLY"

    def refuses(self, batch):
        refused = np.zeros(batch.shape, np.bool_)
        refused[[knows(customer) for customer in batch.customers]] = True
        return refused

    def explain(self, customer, product):
        return Refusal(self.gate, self.code, {"en": "It is.", "zh": "是。"}, repr(customer.memberships))

@hookimpl
def recommenders(register):
    register(Greedy())

GATE = Gate()
"""
GATING = GREEDY + "\n@hookimpl\ndef gates(register):\n    register(GATE)\n"


@pytest.fixture
def shop(person):
    return person("S1", memberships=(SHOP,))


@pytest.fixture
def shelf(product):
    return [
        product("LOAN", purpose="working_capital"),
        product("ORDERS", programme_code="TOBACCO-1", programme_kind=ProgrammeKind.TOBACCO),
        product("SAVE"),
        product("TRIP"),
    ]


@pytest.fixture
def engine_of(host_of, shelf):
    """Return a function: the engine of a plugin's source, under limits or the default ones, and its module's memory."""

    def make(source, limits=None):
        catalogue = Catalogue(shelf) if limits is None else Catalogue(shelf, limits)
        host = host_of(greedy=source)
        return build_engine(catalogue, host, None)

    return make


def scores(engine, customers, context):
    found = engine.rank(customers, context()).proposed["greedy"].scores.astype(float).round(2).tolist()
    return [dict(zip(engine.catalogue.codes, row, strict=True)) for row in found]


def test_a_plugin_sees_confined_data_for_what_it_may_serve_alone(engine_of, shop, person, context):
    engine = engine_of(GREEDY)
    other = person("P1", memberships=(STUDENT,))

    assert scores(engine, [other, shop], context) == [
        {"LOAN": 0.01, "ORDERS": 0.01, "SAVE": 0.01, "TRIP": 0.01},
        {"LOAN": 0.99, "ORDERS": 0.99, "SAVE": 0.01, "TRIP": 0.01},
    ]


def test_without_limits_the_same_plugin_uses_it_for_everything(engine_of, shop, context):
    assert scores(engine_of(GREEDY, UNLIMITED), [shop], context) == [dict.fromkeys(["LOAN", "ORDERS", "SAVE", "TRIP"], 0.99)]  # fmt: skip


def test_what_is_decided_of_a_customer_is_the_same_alone_and_among_others(engine_of, shop, person, context):
    engine = engine_of(GATING)
    crowd = [person("P1"), shop, person("P2", memberships=(STUDENT,)), person("S2", memberships=(SHOP, STUDENT))]

    together = engine.answer(crowd, context())

    assert together == [engine.answer([customer], context())[0] for customer in crowd]
    assert {offer.product.product_code for offer in together[1].offers} == {"SAVE", "TRIP"}


def test_no_reason_goes_through_data_that_may_not_serve_its_product(engine_of, shop, context):
    """The plugin remembers what it saw for the tobacco card, and gives it as the reason for all else."""
    [answer] = engine_of(GREEDY).answer([shop], context())
    of_plugin = {
        offer.product.product_code: [reason.path for reason in offer.reasons if reason.recommender == "greedy"]
        for offer in answer.offers
    }

    assert of_plugin["ORDERS"] == [("S1", "MEMBER_OF", "TOBACCO-1", "OFFERS", "ORDERS")]
    assert (of_plugin["SAVE"], of_plugin["TRIP"]) == ([], [])
    assert "TOBACCO-1" not in repr([offer.trace for offer in answer.offers if offer.product.product_code in {"SAVE", "TRIP"}])  # fmt: skip


def test_what_a_plugin_gave_cannot_be_changed_once_it_has_seen_more(engine_of, shop, context):
    """It keeps the scores and refusals of the general pass, and writes into them in the next."""
    source = GATING.replace(
        "        return Candidates(scores, reason)",
        "        [kept.__setitem__(slice(None), 0.99) for kept in KEPT if known.any()]; KEPT.append(scores)\n        return Candidates(scores, reason)",
    ).replace(
        "        return refused",
        "        [kept.__setitem__(slice(None), True) for kept in MASKS if refused.any()]; MASKS.append(refused)\n        return refused",
    )
    engine = engine_of(source + "\nKEPT, MASKS = [], []\n")

    assert scores(engine, [shop], context) == [{"LOAN": 0.99, "ORDERS": 0.99, "SAVE": 0.01, "TRIP": 0.01}]
    assert [offer.product.product_code for offer in engine.answer([shop], context())[0].offers] == ["SAVE", "TRIP"]


def test_a_plugins_gate_refuses_by_confined_data_only_where_that_may_serve(engine_of, shop, context):
    engine = engine_of(GATING)
    refused = dict(zip([gate.code for gate in engine.gates], engine.rank([shop], context()).refused, strict=True))

    assert refused["SHOPS_ONLY"].tolist() == [[True, True, False, False]]
    [refusal] = engine.decide(shop, "ORDERS", context()).refusals
    assert "TOBACCO-1" in refusal.saw
    assert refused["NOT_A_MEMBER"].tolist() == [[False] * 4]  # the bank's own sees the membership


def test_the_banks_own_gates_protect_by_what_plugins_are_not_shown(host_of, product, person, context):
    limits = PurposeLimits.parsed(
        "outcomes=nothing; attribute:risk_profile=nothing; attribute:marketing_consent=nothing"
    )
    shelf = [product("FUND", risk_rating=RiskRating.R3), product("SAVE")]
    engine = build_engine(Catalogue(shelf, limits), host_of(), None)
    dismissed = Outcome("O1", "SAVE", OutcomeKind.DISMISS, Channel.WEB, datetime(2026, 6, 1, tzinfo=UTC))

    [answer] = engine.answer([person(outcomes=(dismissed,))], context())
    [refusal] = engine.decide(person(outcomes=(dismissed,)), "SAVE", context()).refusals

    assert [offer.product.product_code for offer in answer.offers] == ["FUND"]
    assert (refusal.code, refusal.saw) == ("DISMISSED", "dismissed on 2026-06-01")


def test_a_plugins_gate_explains_what_it_refuses_without_what_is_held_back(engine_of, shop, context):
    engine = engine_of(GATING.replace("refused[[knows", "refused[:] = True; refused[[knows"))

    saw = {code: engine.decide(shop, code, context()).refusals[-1].saw for code in ("SAVE", "ORDERS")}

    assert saw["SAVE"] == "()"
    assert "TOBACCO-1" in saw["ORDERS"]


def test_each_kind_is_confined_to_its_own_products(engine_of, person, context):
    limits = PurposeLimits.parsed("attribute:diet=product:TRIP; membership:campus=product:SAVE")
    engine = engine_of(GREEDY, limits)
    both = person("B1", memberships=(SHOP, STUDENT), attributes={"diet": "vegan"})

    ranking = engine.rank([person("P1"), both], context())

    seen = {
        code: (ranking.passes.view(1, column).memberships, dict(ranking.passes.view(1, column).attributes))
        for column, code in enumerate(engine.catalogue.codes)
    }
    assert seen == {
        "LOAN": ((SHOP,), {}),
        "ORDERS": ((SHOP,), {}),
        "SAVE": ((STUDENT,), {}),
        "TRIP": ((), {"diet": "vegan"}),
    }
    assert scores(engine, [both], context) == [{"LOAN": 0.99, "ORDERS": 0.99, "SAVE": 0.01, "TRIP": 0.99}]


def test_everything_that_can_be_confined_is_gone_from_a_view(host_of, shelf, person, context):
    kinds = (
        "activity",
        "interactions",
        "outcomes",
        "relations",
        "membership:campus",
        "attribute:diet",
        "attribute:income",
    )
    limits = PurposeLimits.parsed(";".join(f"{kind}=nothing" for kind in kinds))
    customer = person(
        memberships=(STUDENT,),
        attributes={"diet": "vegan"},
        income=5.0,
        relations=(Relation("C2", RelationKind.EMPLOYER, outgoing=True),),
        activity=(ActivityMonth("2026-05", salary=3.0),),
        interactions=(Interaction("I1", Channel.PHONE, "call", datetime(2026, 6, 1, tzinfo=UTC)),),
    )
    engine = build_engine(Catalogue(shelf, limits), host_of(), None)

    ranking = engine.rank([customer], context())
    [view], [whole] = ranking.passes.general.customers, ranking.batch.customers

    empty = (view.memberships, view.relations, view.cohorts, view.activity, view.interactions, dict(view.attributes))
    assert empty == ((), (), (), (), (), {})
    assert (view.income, view.salary_months, view.monthly_inflow) == (None, 0, None)
    assert (whole.income, whole.salary_months, whole.member_of("campus")) == (5.0, 1, True)
    assert whole.cohorts == (("employer", "C2"), ("programme", "CAMPUS-1"))


def test_the_trace_says_what_was_held_back_and_never_its_value(engine_of, shop, person, context):
    engine = engine_of(GREEDY)

    def held_back(customer, code):
        steps = engine.decide(customer, code, context()).trace
        return [step.text for step in steps if step.text.startswith("held back")]

    assert held_back(shop, "SAVE") == ["held back, as it may not serve this product: membership:tobacco"]
    assert held_back(shop, "ORDERS") == []
    assert held_back(person("P1", memberships=(STUDENT,)), "SAVE") == []


def test_plugins_are_asked_of_everybody_before_they_see_anything_confined(engine_of, shop, person, context, caplog):
    source = GREEDY.replace(
        "SEEN.append(tuple(known.tolist()))",
        "SEEN.append(tuple(known.tolist())); import logging; logging.getLogger('seen').warning('%s', SEEN[-1])",
    ).replace("def refuses(self, batch):", "def refuses(self, batch):\n        import logging; logging.getLogger('seen').warning('gate %s', any(map(knows, batch.customers)))")  # fmt: skip

    engine_of(source + "\n@hookimpl\ndef gates(register):\n    register(GATE)\n").rank([person("P1"), shop], context())

    assert [record.getMessage() for record in caplog.records if record.name == "seen"] == [
        "gate False", "(False, False)", "gate True", "(True,)"]  # fmt: skip


def test_nobody_with_confined_data_means_no_further_pass_and_no_other_views(engine_of, person, context):
    passes = engine_of(GREEDY).rank([person("P1"), person("P2", memberships=(STUDENT,))], context()).passes

    assert passes.batches == (passes.whole,)


def test_a_plugin_that_fails_in_a_further_pass_has_no_say_at_all(engine_of, shop, context):
    source = GREEDY.replace("SEEN.append(", "1 / int(not known.any()); SEEN.append(")

    ranking = engine_of(source).rank([shop], context())

    assert ranking.omitted == ("greedy",)
    assert "greedy" not in ranking.proposed


def test_a_plugin_that_fails_in_the_general_pass_is_asked_no_more(engine_of, shop, context):
    engine = engine_of(GREEDY.replace("SEEN.append(", "SEEN.append(1 / 0); SEEN.append("))
    [greedy] = [recommender for recommender in engine.recommenders if recommender.name == "greedy"]

    assert engine.rank([shop], context()).omitted == ("greedy",)
    assert greedy._health.calls == 1


def test_a_day_in_the_past_is_decided_by_what_was_known_then(engine_of, person, context):
    later = person("S1", memberships=(Membership("TOBACCO-1", ProgrammeKind.TOBACCO, MemberRole.RETAILER, since=date(2026, 7, 1)),))  # fmt: skip
    views = engine_of(GREEDY).rank([later], context()).passes
    assert [view.memberships for batch in views.batches for view in batch.customers] == [(), ()]
