"""Limits are read or refused with what is wrong, and a record without some data is as if the bank never knew it."""

from datetime import UTC, date, datetime

import pytest

from graph.records import (
    ActivityMonth,
    FamilyMember,
    Interaction,
    KinHolding,
    Membership,
    Outcome,
    Relation,
)
from graph.words import Channel, MemberRole, OutcomeKind, ProgrammeKind, RelationKind
from recommenders.purposes import DEFAULT_LIMITS, UNLIMITED, PurposeLimits, kinds_in, without, words_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHOP = Membership(
    "TOBACCO-1",
    ProgrammeKind.TOBACCO,
    MemberRole.RETAILER,
    "BUREAU",
    "TL-7",
    attributes={"stock": "L"},
    programme_name="Shops",
    programme_name_zh="烟店",
)
STUDENT = Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.STUDENT)


@pytest.fixture
def known(person):
    """A customer of whom there is everything."""
    return person(
        industry="tobacco retail",
        income=9.0,
        attributes={"diet": "vegan", "pets": 2},
        memberships=(SHOP, STUDENT),
        relations=(Relation("C2", RelationKind.SPOUSE, outgoing=True),),
        kin=(KinHolding("C3", "CARD"),),
        family=(FamilyMember("C4", "FAMILY-1", "C4"),),
        activity=(ActivityMonth("2026-05", inflow=1.0),),
        interactions=(Interaction("I1", Channel.PHONE, "call", NOON),),
        outcomes=(Outcome("O1", "CARD", OutcomeKind.CLICK, Channel.WEB, NOON),),
    )


WITHOUT = [
    ("membership:tobacco", {"memberships": (STUDENT,)}, {"TOBACCO-1", "Shops", "烟店", "BUREAU", "TL-7", "L"}),
    ("membership:campus", {"memberships": (SHOP,)}, {"CAMPUS-1"}),
    ("attribute:diet", {"attributes": {"pets": 2}}, {"vegan"}),
    ("attribute:pets", {"attributes": {"diet": "vegan"}}, set()),
    ("attribute:industry", {"industry": None}, {"tobacco retail"}),
    ("attribute:birth_date", {"birth_date": None}, set()),
    ("activity", {"activity": ()}, set()),
    ("interactions", {"interactions": ()}, set()),
    ("outcomes", {"outcomes": ()}, set()),
    ("relations", {"relations": (), "kin": (), "family": ()}, {"C2", "C3", "C4"}),
]


@pytest.mark.parametrize(("kind", "changes", "words"), WITHOUT, ids=[kind for kind, *_ in WITHOUT])
def test_a_record_without_a_kind_of_data_has_all_else(known, person, kind, changes, words):
    whole = {name: getattr(known, name) for name in known.__dataclass_fields__}

    assert kinds_in(known, {kind, "membership:family", "attribute:none"}) == {kind}
    assert without(known, {kind}) == person(**whole | changes)
    assert words_of(known, {kind}) == words
    assert without(without(known, {kind}), {kind, "activity"}) == without(known, {kind, "activity"})


def test_who_has_nothing_of_the_kinds_stays_the_very_same(known):
    assert without(known, {"membership:family", "attribute:none"}) is known
    assert without(known, ()) is known


def test_by_default_a_tobacco_membership_serves_what_its_programme_offers(product):
    shelf = {
        "card": product("TOBACCO-CARD-1", programme_kind=ProgrammeKind.TOBACCO),
        "loan": product("LOAN-7", purpose="working_capital"),
        "campus": product("CAMPUS-CARD-1", programme_kind=ProgrammeKind.CAMPUS),
        "plain": product("SAVE"),
    }

    assert {name for name, each in shelf.items() if DEFAULT_LIMITS.seen_by(each)} == {"card", "loan"}
    assert DEFAULT_LIMITS.kinds == {"membership:tobacco"}


def test_limits_are_read_kind_by_kind_over_the_default(product):
    limits = PurposeLimits.parsed(
        " membership:campus = programme:campus,purpose:study ; activity=category:loan;attribute:diet=product:SAVE; relations=nothing;"
    )

    assert limits.told() == {
        "activity": ["category:loan"],
        "attribute:diet": ["product:SAVE"],
        "membership:campus": ["programme:campus", "purpose:study"],
        "membership:tobacco": ["programme:tobacco", "purpose:working_capital"],
        "relations": ["nothing"],
    }
    assert limits.seen_by(product("SAVE")) == {"attribute:diet"}
    assert limits.seen_by(product("CAR-LOAN", category="loan")) == {"activity"}
    assert PurposeLimits.parsed("membership:tobacco=everything") == UNLIMITED
    assert PurposeLimits.parsed("membership:tobacco=programme:tobacco").told() == {"membership:tobacco": ["programme:tobacco"]}  # fmt: skip
    assert PurposeLimits.parsed("") == DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("activity", "'activity' is not KIND=PRODUCTS"),
        ("membership:tabacco=nothing", "'tabacco' is no kind of programme: is tobacco meant?"),
        ("memberships:tobacco=nothing", "'memberships:tobacco' is no kind of data"),
        ("activity:loans=nothing", "'activity:loans' is no kind of data"),
        ("attribute:=nothing", "'attribute:' names no column"),
        ("attribute:customer_no=nothing", "'attribute:customer_no' names no column of the customers' file that can be held back"),
        ("activity=programme:campos", "'campos' is no kind of programme"),
        ("activity=SAVE", "'SAVE' names no products: those are programme:PROGRAMME, purpose:PURPOSE, category:CATEGORY, product:PRODUCT"),
        ("activity=product:SAVE,nothing", "'nothing' names no products"),
        ("activity=", "'' names no products"),
        ("activity=nothing;activity=everything", "'activity' is limited twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text, wrong):
    with pytest.raises(ValueError) as told:
        PurposeLimits.parsed(text)
    assert wrong in str(told.value)


def test_a_day_that_is_confined_is_not_known_of_a_view(known, batch, catalogue):
    shelf = type(catalogue("SAVE"))(catalogue("SAVE").products, PurposeLimits.parsed("attribute:birth_date=nothing"))

    assert batch([known], shelf).customers[0].age is None
    assert batch([known], catalogue("SAVE")).customers[0].age == 36
    assert known.birth_date == date(1990, 5, 1)
