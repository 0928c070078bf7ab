import pickle
from datetime import UTC, date, datetime

import numpy as np
import pytest

from graph.records import (
    ActivityMonth,
    Consent,
    Customer,
    Debt,
    FamilyMember,
    Holding,
    Interaction,
    KinHolding,
    Membership,
    Outcome,
    Relation,
)
from graph.words import (
    Channel,
    CreditTier,
    Gender,
    Language,
    MemberRole,
    OutcomeKind,
    ProgrammeKind,
    Purpose,
    RelationKind,
    RiskProfile,
    ValueTier,
)
from plugins.host import PluginHost
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.insight import CustomerScores, Insight, Leaving, Segment
from recommenders.portfolio import Ledger
from recommenders.sight import ALL, PROFILE, RECORDED, RESERVED, Sight
from recommenders.view import COLUMNS, CustomerView

TODAY = date(2026, 6, 30)
AT = datetime(2026, 5, 1, tzinfo=UTC)
MARKS = {
    "birth_date": ["datetime.date(1977, 7, 7)"],
    "gender": ["Gender.FEMALE"],
    "region": ["its-region"],
    "occupation": ["its-occupation"],
    "industry": ["its-industry"],
    "joined_on": ["datetime.date(2011, 11, 11)"],
    "income": ["7311.5"],
    "value_tier": ["value_tier=<ValueTier.HIGH"],
    "risk_profile": ["RiskProfile.C4"],
    "credit_tier": ["CreditTier.RESTRICTED"],
    "credit_limit": ["8422.5"],
    "branch_code": ["its-branch"],
    "language": ["Language.ZH"],
    "attributes": ["its-hobby"],
    "memberships": ["its-programme", "its-bureau"],
    "holdings": ["its-holding", "9533.5"],
    "activity": ["6244.5"],
    "interactions": ["its-product"],
    "outcomes": ["its-offered"],
    "consents": ["Consent("],
    "relations": ["RelationKind.SPOUSE"],
    "kin": ["its-kin-product", "5155.5"],
    "segment": ["its-segment"],
    "scores": ["0.3125"],
    "identifiers": [
        "C-OWN",
        "C-SPOUSE",
        "C-KIN",
        "C-FAMILY",
        "L-1",
        "I-1",
        "O-1",
        "its-note",
        "its-name",
        "M-1",
        "U-1",
    ],
}
"""What a view shows of each word's data, and of no other's."""


@pytest.fixture
def known(person):
    return person(
        "C-OWN",
        name="its-name",
        birth_date=date(1977, 7, 7),
        gender=Gender.FEMALE,
        region="its-region",
        occupation="its-occupation",
        industry="its-industry",
        joined_on=date(2011, 11, 11),
        income=7311.5,
        value_tier=ValueTier.HIGH,
        risk_profile=RiskProfile.C4,
        credit_tier=CreditTier.RESTRICTED,
        credit_limit=8422.5,
        branch_code="its-branch",
        manager_no="M-1",
        language=Language.ZH,
        attributes={"hobby": "its-hobby"},
        holdings=(Holding("its-holding", date(2020, 1, 1), None, 9533.5),),
        memberships=(
            Membership("its-programme", ProgrammeKind.FAMILY, MemberRole.DEPENDANT),
            Membership("its-bureau", ProgrammeKind.TOBACCO, MemberRole.RETAILER, reference="L-1"),
        ),
        relations=(Relation("C-SPOUSE", RelationKind.SPOUSE, outgoing=True),),
        kin=(KinHolding("C-KIN", "its-kin-product"),),
        family=(FamilyMember("C-FAMILY", "its-programme", "C-FAMILY", 5155.5, (Debt(balance=5155.5),)),),
        activity=(ActivityMonth("2026-01", inflow=6244.5),),
        interactions=(Interaction("I-1", Channel.MOBILE, "call", AT, "its-product", "its-note"),),
        outcomes=(Outcome("O-1", "its-offered", OutcomeKind.IMPRESSION, Channel.MOBILE, AT),),
        consents=(Consent(Purpose.MARKETING, True, at=AT, recorded_by="U-1"),),
    )


def told(_):
    """What a model says of the customer."""
    segment = Segment("its-segment", {}, 0.5, ())
    return [Insight("C-OWN", segment, CustomerScores(Leaving(0.3125, 3, ())))]


def shown(view):
    """Everything there is of a view, its record and what its properties give, as text."""
    given = [getattr(view, name) for name in dir(type(view)) if isinstance(vars(type(view)).get(name), property)]
    cached = [
        getattr(view, name)
        for name in vars(CustomerView)
        if type(vars(CustomerView)[name]).__name__ == "cached_property"
    ]
    return repr([vars(view), given, cached])


def test_a_narrowed_view_has_the_columns_of_what_goes_to_another_process_and_nothing_else_does(known):
    view = Sight.of(["region", "birth_date", "attributes"]).view(CustomerView(known, TODAY))
    moved = pickle.loads(pickle.dumps(view))

    columns = {name: getattr(view, name) for name in COLUMNS}
    assert columns == {name: getattr(moved, name) for name in COLUMNS}
    assert {name for name, value in columns.items() if value} == {
        "customer_no", "kind", "region", "birth_date", "attributes"
    }  # fmt: skip
    assert type(moved.__reduce__()[1][0]) is Customer
    assert {mark for marks in MARKS.values() for mark in marks if mark in shown(view)} == {
        "its-region", "datetime.date(1977, 7, 7)", "its-hobby"
    }  # fmt: skip
    assert not hasattr(view, "manager_no")
    with pytest.raises(AttributeError, match="'CustomerView' object has no attribute 'incom'"):
        _ = view.incom


def test_what_one_plugin_does_to_attributes_that_it_does_not_see_no_other_sees(known):
    with pytest.raises(TypeError, match="does not support item assignment"):
        Sight.of(["region"]).view(CustomerView(known, TODAY)).attributes["hobby"] = "another"

    assert Sight.of(["region"]).view(CustomerView(known, TODAY)).attributes == {}
    assert Sight.of(["gender"]).view(CustomerView(known, TODAY)).attributes == {}


def recorded(about):
    """A plugin with a recommender, a gate and a life event that note the views they are given."""
    return f"""
import numpy as np
from guanxi import About, Candidates, LifeEvent, Proposal, Reason, Refusal, hookimpl, say

SEEN = {{}}

class Notes:
    name, version = "notes", "1"
    gate, code = "eligibility", "NOTES"

    def propose(self, batch):
        SEEN["recommender"] = batch.customers
        paths = [(c.customer_no, "IS", *[r.customer_no for r in c.relations]) for c in batch.customers]
        return Candidates(np.full(batch.shape, 0.5, np.float32),
                          lambda row, column: Reason("notes", paths[row], say("x", "x")))

    def refuses(self, batch):
        SEEN["gate"] = batch.customers
        return np.zeros(batch.shape, bool)

    def explain(self, customer, product):
        SEEN["explain"] = (customer,)
        return Refusal("eligibility", "NOTES", say("x", "x"), "x")

@hookimpl
def about():
    return {about}

@hookimpl
def recommenders(register):
    register(Notes())

@hookimpl
def gates(register):
    register(Notes())

@hookimpl
def events(register):
    register(LifeEvent("NOTES", say("x", "x"), lambda customer: SEEN.update(event=(customer,))))
"""


@pytest.fixture
def views(plugin_folder, known, catalogue):
    """Return a function: the views that a plugin is given, by what was asked, by what it says of itself."""

    def ask(about):
        host = PluginHost.load([plugin_folder(notes=recorded(about))])
        [plugin] = [loaded.plugin for loaded in host.loaded if loaded.info.name == "notes"]
        batch = Batch.whole([known], catalogue("SAVE"), Context(TODAY), told)
        for recommender, info in host.of("recommenders"):
            if info.name == "notes":
                recommender.propose(batch)
        for gate, info in host.of("gates"):
            if info.name == "notes":
                gate.refuses(batch)
                gate.explain(batch.told[0], batch.catalogue.products[0])
        for event, _ in host.of("events"):
            event.on(batch.told[0])
        return {asked: shown(customers[0]) for asked, customers in plugin.SEEN.items()}

    return ask


@pytest.mark.parametrize("word", sorted(ALL))
def test_a_plugin_with_every_permission_but_one_sees_nothing_of_that_and_all_else(views, word):
    seen = views(f"About(permissions={sorted(ALL - {word})})")

    assert seen.keys() == {"recommender", "gate", "explain", "event"}
    for text in seen.values():
        assert [mark for mark in MARKS[word] if mark in text] == []
        expected = [marks[0] for other, marks in MARKS.items() if other != word]
        assert [mark for mark in expected if mark not in text] == []


def test_the_words_and_the_marks_are_the_same():
    assert MARKS.keys() == ALL


def test_a_plugin_that_declares_nothing_sees_all_but_what_is_reserved(views):
    for text in views("About()").values():
        assert [mark for word in RESERVED for mark in MARKS[word] if mark in text] == []
        assert {word for word, marks in MARKS.items() if marks[0] not in text} == RESERVED


def test_one_kind_of_membership_and_one_column_can_be_named(views):
    for text in views("About(permissions=['membership:tobacco', 'attribute:hobby'])").values():
        assert [mark for mark in ("its-bureau", "its-hobby", "its-programme") if mark in text] == [
            "its-bureau",
            "its-hobby",
        ]
        assert [word for word, marks in MARKS.items() if marks[0] in text] == ["attributes"]


def test_everything_recorded_is_the_very_batch():
    batch = Batch.whole([], Catalogue(()), Context(TODAY))

    assert Sight.of(RECORDED).batch(batch) is batch


def test_a_model_is_not_asked_for_who_does_not_declare_it(known, catalogue):
    batch = Batch.whole([known], catalogue("SAVE"), Context(TODAY), lambda _: pytest.fail("it was asked"))

    for permissions in (None, RECORDED):
        [seen] = Sight.of(permissions).batch(batch).customers
        assert (seen.segment, seen.scores) == (None, CustomerScores())
    assert Sight.of(["scores"]).batch(batch).customers[0].stage  # nor before he asks for it


def test_plugins_of_one_declaration_share_one_narrowed_batch(batch, known, catalogue):
    whole = batch([known], catalogue("SAVE"))

    assert Sight.of(["income"]).batch(whole) is Sight.of(["income"]).batch(whole)
    assert Sight.of(["income"]).batch(whole) is not Sight.of(["region"]).batch(whole)


def test_a_customer_has_one_pseudonym_in_any_batch_alone_and_as_a_relative(known, person, batch, catalogue):
    spouse = person("C-SPOUSE")
    sight, products = Sight.of(["relations"]), catalogue("SAVE")
    both = sight.batch(batch([known, spouse], products)).customers
    alone = sight.batch(batch([spouse], products)).customers

    assert both[0].customer_no != "C-OWN"
    assert both[0].relations[0].customer_no == both[1].customer_no == alone[0].customer_no


def test_true_numbers_are_put_back_into_the_paths_of_reasons(plugin_folder, known, batch, catalogue):
    host = PluginHost.load([plugin_folder(notes=recorded("About(permissions=['relations'])"))])
    [notes] = [r for r in host.recommending.guarded(None) if r.name == "notes"]

    reason = notes.propose(batch([known], catalogue("SAVE"))).reason(0, 0)

    assert reason.path == ("C-OWN", "IS", "C-SPOUSE")


@pytest.mark.parametrize(
    ("permissions", "said"),
    [
        ("['incom']", "its permission 'incom' is no kind of data: those are"),
        ("['membership:']", "its permission 'membership:' is no kind of data"),
        ("['attribute:customer_no', 'attribute:']", "its permission 'attribute:' is no kind of data"),
        ("[5]", "its permission 5 is no kind of data"),
        ("'income'", "its permissions are the text 'income', not a collection of words"),
    ],
)
def test_an_unknown_word_breaks_the_plugin_alone(plugin_folder, permissions, said):
    host = PluginHost.load([plugin_folder(notes=recorded(f"About(permissions={permissions})"))])
    [info] = [plugin for plugin in host.plugins if plugin.name == "notes"]

    assert info.state == "broken"
    assert said in info.error
    assert {plugin.state for plugin in host.plugins} == {"broken", "loaded"}


LEARNS = """
from dataclasses import dataclass
import numpy as np
from guanxi import About, Candidates, hookimpl

SEEN = []

@dataclass(frozen=True)
class Learns:
    name: str = "learns"
    version: str = "1"

    def fit(self, portfolio):
        SEEN.append(portfolio)
        return {{"none": np.zeros(1)}}

    def with_arrays(self, arrays, product_codes):
        return self

    def propose(self, batch):
        SEEN.append(batch)
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda row, column: None)

@hookimpl
def about():
    return About(permissions={})

@hookimpl
def recommenders(register):
    register(Learns())
"""


@pytest.fixture
def fitted(plugin_folder, product, batch, person):
    """Return a function: the portfolio that a plugin learns from, by its permissions; then it is asked, trained."""

    def fit(permissions):
        host = PluginHost.load([plugin_folder(learns=LEARNS.format(permissions))])
        [own] = [r for r in host.recommenders() if r.name == "learns"]
        cards = [product("OWN", programme_code="F-1", programme_kind=ProgrammeKind.FAMILY), product("SAVE")]
        ledger = Ledger(Catalogue(cards))
        ledger.add({
            "customer_no": "C1", "kind": "person", "joined_on": None, "holdings": [("SAVE", date(2020, 1, 1), None)],
            "memberships": [("F-1", None, None, "family"), ("T-1", None, None, "cobranded")],
            "relations": [("employer", "C-BOSS", None), ("spouse", "C2", None)],
        })  # fmt: skip
        trained = own.with_arrays(own.fit(ledger.portfolio(TODAY)), ledger.catalogue.codes)
        trained.propose(batch([person("C1", income=5.0)], ledger.catalogue))
        [plugin] = [loaded.plugin for loaded in host.loaded if loaded.info.name == "learns"]
        [portfolio, seen] = plugin.SEEN
        return portfolio, seen

    return fit


def test_training_sees_what_the_permissions_cover(fitted):
    portfolio, seen = fitted(["membership:family"])

    assert portfolio.cohort_keys == (("programme", "F-1"),)
    assert portfolio.cohorts.shape == (1, 1)
    assert (portfolio.held.shape, portfolio.held.nnz, portfolio.first) == ((1, 2), 0, None)
    assert seen.customers[0].income is None


def test_training_sees_no_numbers_of_others_without_identifiers(fitted):
    named, _ = fitted(sorted(ALL - {"kin"}))
    unnamed, _ = fitted(["relations", "holdings"])

    assert ("employer", "C-BOSS") in named.cohort_keys
    assert [group for group, _ in unnamed.cohort_keys] == ["employer", "family"]
    assert "C-BOSS" not in repr(unnamed.cohort_keys)
    assert np.array_equal(unnamed.held.toarray(), named.held.toarray())


def test_every_column_of_the_profile_has_a_mark():
    assert MARKS.keys() >= PROFILE
