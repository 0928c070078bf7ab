from datetime import date, timedelta

import pytest

from graph.records import ActivityMonth, Debt, FamilyMember, Membership
from graph.words import CreditTier, CustomerKind, Language, MemberRole, ProgrammeKind
from plugins import campus, cobranded, family, shipped, tobacco
from plugins.deciding import build_engine
from plugins.host import DEFAULT_PLUGINS, PluginHost
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)
PROGRAMMES = (campus, tobacco, family, cobranded)
ROLES = {
    "student": (ProgrammeKind.CAMPUS, MemberRole.STUDENT),
    "teacher": (ProgrammeKind.CAMPUS, MemberRole.TEACHER),
    "retailer": (ProgrammeKind.TOBACCO, MemberRole.RETAILER),
    "shop hand": (ProgrammeKind.TOBACCO, MemberRole.MEMBER),
    "principal": (ProgrammeKind.FAMILY, MemberRole.PRINCIPAL),
    "dependant": (ProgrammeKind.FAMILY, MemberRole.DEPENDANT),
    "member": (ProgrammeKind.FAMILY, MemberRole.MEMBER),
    "shopper": (ProgrammeKind.COBRANDED, MemberRole.MEMBER),
}
CODES = {
    ProgrammeKind.CAMPUS: "CAMPUS-1",
    ProgrammeKind.TOBACCO: "TOBACCO-1",
    ProgrammeKind.FAMILY: "FAMILY-1",
    ProgrammeKind.COBRANDED: "MART-1",
}
NAMES = {"campus", "tobacco", "family", "cobranded"}


def in_days(days):
    return TODAY + timedelta(days)


def of(role, code=None, **changes):
    kind, what = ROLES[role]
    return Membership(code or CODES[kind], kind, what, **changes)


def inflow(*amounts):
    return tuple(ActivityMonth(f"2026-{number:02}", inflow=amount) for number, amount in enumerate(amounts, 1))


def card_of(code, kind):
    return {"programme_code": code, "programme_kind": kind, "category": "card"}


def family_of(principal_limit, *debts):
    """The family of a dependant: its principal, with his limit and what he owes."""
    owed = tuple(Debt(balance=-debt) for debt in debts)
    return (FamilyMember("HEAD", "FAMILY-1", "HEAD", principal_limit, owed),)


@pytest.fixture
def bank(catalogue, product):
    return catalogue(
        product("CAMPUS-CARD-1", **card_of("CAMPUS-1", ProgrammeKind.CAMPUS), margin=12.0),
        product("CAMPUS-CARD-2", **card_of("CAMPUS-2", ProgrammeKind.CAMPUS), margin=12.0),
        product("CONSUMER-LOAN", credit=True, margin=350.0),
        product("FAMILY-CARD", **card_of("FAMILY-1", ProgrammeKind.FAMILY), credit=True, margin=150.0),
        product("MART-CARD", **card_of("MART-1", ProgrammeKind.COBRANDED), credit=True, margin=190.0),
        product("SALARY-ACCOUNT", purpose="first_salary", margin=60.0),
        product("STUDENT-LOAN", purpose="study", credit=True, margin=90.0),
        product("TOBACCO-CARD-1", **card_of("TOBACCO-1", ProgrammeKind.TOBACCO), margin=210.0),
        product("TOBACCO-CARD-2", **card_of("TOBACCO-2", ProgrammeKind.TOBACCO), margin=210.0),
        product("WORKING-CAPITAL-LOAN", purpose="working_capital", credit=True, margin=900.0),
    )


@pytest.fixture
def engine(bank):
    """Return a function: the engine of the bank with some of the shipped plugins."""

    def make(*modules):
        host = PluginHost()
        for module in modules or DEFAULT_PLUGINS:
            host.add(module, module.__name__.rpartition(".")[2], "shipped")
        assert {plugin.state for plugin in host.plugins} == {"loaded"}
        return build_engine(bank, host, None)

    return make


@pytest.fixture
def shop(person):
    """Return a function: a firm that may be lent to."""
    return lambda **changes: person(
        kind=CustomerKind.COMPANY, credit_tier=CreditTier.QUALITY, birth_date=None, **changes
    )


@pytest.fixture
def programme_offers(engine, context):
    """Return a function: what the programmes bring a customer, as product and programme."""

    def make(customer):
        [answer] = engine().answer([customer], context())
        assert answer.omitted == ()
        return {(offer.product.product_code, name) for offer in answer.offers for name in offer.recommenders if name in NAMES}  # fmt: skip

    return make


@pytest.fixture
def refusals(engine, context):
    """Return a function: the codes of all gates that refuse a customer a product."""
    return lambda customer, code: [refusal.code for refusal in engine().decide(customer, code, context()).refusals]


def test_who_is_in_no_programme_gets_nothing_of_any(programme_offers, person):
    assert programme_offers(person()) == set()


CARD, LOAN, SALARY = ("CAMPUS-CARD-1", "campus"), ("STUDENT-LOAN", "campus"), ("SALARY-ACCOUNT", "campus")
MEMBERS_OF_CAMPUS = {
    "a student": (of("student"), {CARD, LOAN}),
    "a teacher": (of("teacher"), {CARD}),
    "a student from today": (of("student", since=TODAY), {CARD, LOAN}),
    "a student from tomorrow": (of("student", since=in_days(1)), set()),
    "a student of a programme that has ended": (of("student", programme_ends_on=in_days(-1)), set()),
    "a student of a programme that has not begun": (of("student", programme_starts_on=in_days(1)), set()),
    "one who graduates in half a year": (of("student", until=in_days(183)), {CARD, LOAN, SALARY}),
    "one who graduates later": (of("student", until=in_days(184)), {CARD, LOAN}),
    "one who graduates today": (of("student", until=TODAY), {CARD, LOAN, SALARY}),
    "one who graduated yesterday": (of("student", until=in_days(-1)), {SALARY}),
    "one who graduated a year ago": (of("student", until=in_days(-365)), {SALARY}),
    "one who graduated earlier": (of("student", until=in_days(-366)), set()),
    "a student elsewhere": (of("student", "CAMPUS-2"), {("CAMPUS-CARD-2", "campus"), LOAN}),
    "a student where the bank has no card": (of("student", "CAMPUS-9"), {LOAN}),
}


@pytest.mark.parametrize(("membership", "offered"), MEMBERS_OF_CAMPUS.values(), ids=MEMBERS_OF_CAMPUS)
def test_a_university_brings_its_members_its_own_card_and_students_what_suits_their_time(
    programme_offers, person, membership, offered
):
    assert programme_offers(person(memberships=(membership,))) == offered


def test_the_card_of_a_university_is_for_its_members_only(refusals, person):
    assert refusals(person(), "CAMPUS-CARD-1") == ["NOT_A_MEMBER"]
    assert refusals(person(memberships=(of("student", "CAMPUS-2"),)), "CAMPUS-CARD-1") == ["NOT_A_MEMBER"]
    assert refusals(person(memberships=(of("student", until=in_days(-1)),)), "CAMPUS-CARD-1") == ["NOT_A_MEMBER"]
    assert refusals(person(memberships=(of("student"),)), "CAMPUS-CARD-1") == []


ORDERS, CAPITAL = ("TOBACCO-CARD-1", "tobacco"), ("WORKING-CAPITAL-LOAN", "tobacco")
TURNOVER = inflow(20_000.0, 20_000.0)
MEMBERS_OF_TOBACCO = {
    "with licence and turnover": ((of("retailer", reference="L1"),), TURNOVER, {ORDERS, CAPITAL}),
    "with licence and too little turnover": ((of("retailer", reference="L1"),), inflow(20_000.0, 19_999.0), {ORDERS}),
    "with licence and unknown turnover": ((of("retailer", reference="L1"),), (), {ORDERS}),
    "without licence": ((of("retailer"),), TURNOVER, set()),
    "with an empty licence": ((of("retailer", reference=""),), TURNOVER, set()),
    "in another role": ((of("shop hand", reference="L1"),), TURNOVER, set()),
    "whose licence has ended": ((of("retailer", reference="L1", until=in_days(-1)),), TURNOVER, set()),
    "whose licence begins tomorrow": ((of("retailer", reference="L1", since=in_days(1)),), TURNOVER, set()),
    "with the licence of a second bureau": (
        (of("retailer"), of("retailer", "TOBACCO-2", reference="L2")),
        TURNOVER,
        {("TOBACCO-CARD-2", "tobacco"), CAPITAL},
    ),
    "of no bureau": ((), TURNOVER, set()),
}


@pytest.mark.parametrize(("memberships", "activity", "offered"), MEMBERS_OF_TOBACCO.values(), ids=MEMBERS_OF_TOBACCO)
def test_a_bureau_brings_licensed_retailers_the_order_card_and_by_turnover_working_capital(
    programme_offers, shop, memberships, activity, offered
):
    assert programme_offers(shop(memberships=memberships, activity=activity)) == offered


@pytest.mark.parametrize(
    ("memberships", "saw"),
    [((), "no licence"), ((of("retailer"),), "member without licence"), ((of("shop hand", reference="L1"),), "member without licence")],
)  # fmt: skip
def test_working_capital_is_refused_without_a_licence_and_it_is_said_what_would_help(
    engine, shop, context, memberships, saw
):
    decision = engine().decide(shop(memberships=memberships), "WORKING-CAPITAL-LOAN", context())
    [refusal] = decision.refusals

    assert (refusal.gate, refusal.code, refusal.saw) == ("eligibility", "NO_TOBACCO_LICENCE", saw)
    assert refusal.unlock[Language.EN] == "a tobacco licence"
    assert set(refusal.text) == set(refusal.unlock) == set(Language)


def test_a_licence_lifts_the_refusal_of_working_capital_and_of_nothing_else(refusals, shop):
    licensed = shop(memberships=(of("retailer", reference="L1"),))

    assert refusals(licensed, "WORKING-CAPITAL-LOAN") == []
    assert refusals(licensed, "TOBACCO-CARD-2") == ["NOT_A_MEMBER"]
    assert refusals(shop(), "CONSUMER-LOAN") == []


@pytest.mark.parametrize(
    "membership", [of("retailer"), of("shop hand", reference="L1")], ids=["no number", "no retailer"]
)
def test_a_member_without_a_licence_is_refused_the_bureaus_card(refusals, shop, membership):
    assert refusals(shop(memberships=(membership,)), "TOBACCO-CARD-1") == ["NO_TOBACCO_LICENCE"]
    assert refusals(shop(memberships=(of("retailer", reference="L1"),)), "TOBACCO-CARD-1") == []


@pytest.mark.parametrize(
    ("memberships", "saw"),
    [((), "no student"), ((of("teacher"),), "member who is no student"), ((of("student", until=in_days(-1)),), "no student")],
    ids=["in no programme", "a teacher", "a graduate"],
)  # fmt: skip
def test_the_student_loan_is_refused_to_who_does_not_study(engine, refusals, person, context, memberships, saw):
    [refusal] = engine().decide(person(memberships=memberships), "STUDENT-LOAN", context()).refusals

    assert (refusal.gate, refusal.code, refusal.saw) == ("eligibility", "NOT_A_STUDENT", saw)
    assert refusals(person(memberships=(of("student"),)), "STUDENT-LOAN") == []


HOUSEHOLD = {
    "the principal": (of("principal"), {}, {("FAMILY-CARD", "family")}),
    "a grown dependant": (of("dependant"), {"family": family_of(500.0)}, {("FAMILY-CARD", "family")}),
    "a dependant of 18 today": (
        of("dependant"),
        {"family": family_of(500.0), "birth_date": date(2008, 6, 30)},
        {("FAMILY-CARD", "family")},
    ),
    "a dependant of 18 tomorrow": (
        of("dependant"),
        {"family": family_of(500.0), "birth_date": date(2008, 7, 1)},
        set(),
    ),
    "a dependant without a limit of his own": (
        of("dependant"),
        {"family": family_of(500.0, 499.0), "credit_limit": None},
        {("FAMILY-CARD", "family")},
    ),
    "a dependant whose principal has no known limit": (of("dependant"), {"family": family_of(None)}, set()),
    "a dependant whose principal is unknown": (of("dependant"), {}, set()),
    "a dependant whose principal has used up the limit": (of("dependant"), {"family": family_of(500.0, 500.0)}, set()),
    "in another role": (of("member"), {}, set()),
    "a former dependant": (of("dependant", until=in_days(-1)), {}, set()),
    "a dependant of another family programme": (of("dependant", "FAMILY-2"), {}, set()),
}


@pytest.mark.parametrize(("membership", "changes", "offered"), HOUSEHOLD.values(), ids=HOUSEHOLD)
def test_a_family_brings_its_principal_and_its_grown_dependants_the_family_card(
    programme_offers, person, membership, changes, offered
):
    assert programme_offers(person(memberships=(membership,), **changes)) == offered


def test_the_principal_is_nearer_to_the_family_card_than_a_dependant(engine, person, context):
    people = [person(role, memberships=(of(role),), family=family_of(500.0)) for role in ("principal", "dependant")]

    scores = [
        next(offer.score for offer in answer.offers if "family" in offer.recommenders)
        for answer in engine().answer(people, context())
    ]

    assert scores == [pytest.approx(0.8), pytest.approx(0.5)]


def test_a_minor_is_offered_nothing_on_credit_whatever_brings_it(engine, person, bank, context):
    memberships, family = (of("student"), of("dependant"), of("shopper")), family_of(500.0)
    minor = person(birth_date=date(2008, 7, 1), memberships=memberships, family=family)
    grown = person(birth_date=date(2008, 6, 30), memberships=memberships, family=family)

    young, old = ({offer.product.product_code for offer in answer.offers} for answer in engine().answer([minor, grown], context()))  # fmt: skip
    decision = engine().decide(minor, "STUDENT-LOAN", context())

    assert not any(bank[code].credit for code in young)
    assert {"CAMPUS-CARD-1", "SALARY-ACCOUNT"} <= young
    assert old - young == {"CONSUMER-LOAN", "FAMILY-CARD", "MART-CARD", "STUDENT-LOAN"}
    assert [(refusal.gate, refusal.code, refusal.saw) for refusal in decision.refusals] == [("credit", "MINOR", "17")]


def test_who_is_of_unknown_age_is_offered_nothing_on_credit(engine, person, context):
    decision = engine().decide(person(birth_date=None), "CONSUMER-LOAN", context())

    assert ("MINOR", "unknown") in [(refusal.code, refusal.saw) for refusal in decision.refusals]


SHOPPERS = {
    "a member": (of("shopper"), {("MART-CARD", "cobranded")}),
    "on the last day of the programme": (of("shopper", programme_ends_on=TODAY), {("MART-CARD", "cobranded")}),
    "after the programme": (of("shopper", programme_ends_on=in_days(-1)), set()),
    "before the programme": (of("shopper", programme_starts_on=in_days(1)), set()),
    "a former member": (of("shopper", until=in_days(-1)), set()),
    "a member of another programme": (of("shopper", "MART-2"), set()),
}


@pytest.mark.parametrize(("membership", "offered"), SHOPPERS.values(), ids=SHOPPERS)
def test_a_partner_brings_its_customers_its_card_while_the_programme_runs(
    programme_offers, person, membership, offered
):
    assert programme_offers(person(memberships=(membership,))) == offered


@pytest.mark.parametrize(
    ("module", "role"),
    [(campus, "student"), (tobacco, "retailer"), (family, "principal"), (cobranded, "shopper")],
    ids=["campus", "tobacco", "family", "cobranded"],
)
def test_a_programme_proposes_nothing_of_its_own_to_former_members_even_before_the_gates(person, bank, module, role):
    former, current = (
        CustomerView(person(memberships=(of(role, reference="L1", until=until),)), TODAY)
        for until in (in_days(-1), None)
    )
    own = {product.product_code for product in bank if product.programme_code}

    assert {proposal.product_code for proposal in module.propose(current, bank)} & own
    assert not {proposal.product_code for proposal in module.propose(former, bank)} & own


def test_each_programme_says_why_by_the_membership_in_both_languages(engine, person, shop, context):
    people = [person(role, memberships=(of(role),)) for role in ("student", "principal", "shopper")]
    people.append(shop(memberships=(of("retailer", reference="L1"),), activity=TURNOVER))

    reasons = [
        (reason.recommender, reason.path[1:4], set(reason.text))
        for answer in engine().answer(people, context())
        for offer in answer.offers
        for reason in offer.reasons
    ]

    for name, code in {
        "campus": "CAMPUS-1",
        "tobacco": "TOBACCO-1",
        "family": "FAMILY-1",
        "cobranded": "MART-1",
    }.items():
        own = [(path, languages) for recommender, path, languages in reasons if recommender == name]
        assert own
        assert all(found == (("MEMBER_OF", code, "OFFERS"), set(Language)) for found in own)


def test_the_bundles_of_campus_and_tobacco_are_of_their_own_card_and_loan(engine, person, shop, context):
    student = person(memberships=(of("student"),))
    retailer = shop(memberships=(of("retailer", reference="L1"),), activity=TURNOVER)

    answers = engine().answer([student, retailer, person()], context())

    assert [[bundle.rule.code for bundle in answer.bundles] for answer in answers] == [
        ["STUDY-CAMPUS-CARD-1+STUDENT-LOAN"],
        ["STOCK-TOBACCO-CARD-1+WORKING-CAPITAL-LOAN"],
        [],
    ]
    assert [offer.product.product_code for offer in answers[0].bundles[0].offers] == ["CAMPUS-CARD-1", "STUDENT-LOAN"]


def test_bundles_are_found_by_kind_and_purpose_whatever_the_codes_and_however_many(catalogue, product):
    rules = (
        PluginHost.load()
        .rules(
            catalogue(
                product("Y1", **card_of("YUNDA", ProgrammeKind.CAMPUS)),
                product("Y2", **card_of("YUNDA", ProgrammeKind.CAMPUS)),
                product("Y3", **card_of("YUNDA", ProgrammeKind.CAMPUS) | {"category": "insurance"}),
                product("Y4", **card_of("YUNDA", ProgrammeKind.CAMPUS), purpose="study"),
                product("L1", category="loan", purpose="study"),
                product("B1", **card_of("BUREAU", ProgrammeKind.TOBACCO)),
                product("W1", category="loan", purpose="working_capital"),
                product("CAMPUS-CARD-1", category="card"),
                product("STUDENT-LOAN", category="loan"),
            )
        )
        .bundles
    )

    assert {rule.code: rule.products for rule in rules} == {
        "STUDY-Y1+L1": ("Y1", "L1"),
        "STUDY-Y1+Y4": ("Y1", "Y4"),
        "STUDY-Y2+L1": ("Y2", "L1"),
        "STUDY-Y2+Y4": ("Y2", "Y4"),
        "STOCK-B1+W1": ("B1", "W1"),
    }


BENEFITS = {
    "in both languages": (("Free meals", "免费用餐"), ("Free meals", "免费用餐")),
    "in English": (("Free meals", None), ("Free meals", "Free meals")),
    "in Chinese": ((None, "免费用餐"), ("免费用餐", "免费用餐")),
}


@pytest.mark.parametrize(("given", "said"), BENEFITS.values(), ids=BENEFITS)
def test_the_banks_own_words_are_the_benefit_of_bundles_and_the_reason_of_cobranded_cards(
    catalogue, product, person, given, said
):
    own = dict(zip(("programme_benefit", "programme_benefit_zh"), given, strict=True))
    products = catalogue(
        product("A", **card_of("CAMPUS-1", ProgrammeKind.CAMPUS), **own),
        product("B", purpose="study"),
        product("C", **card_of("TOBACCO-1", ProgrammeKind.TOBACCO), **own),
        product("D", purpose="working_capital"),
        product("E", **card_of("MART-1", ProgrammeKind.COBRANDED), **own),
    )
    told = {Language.EN: said[0], Language.ZH: said[1]}

    [proposal] = cobranded.propose(CustomerView(person(memberships=(of("shopper"),)), TODAY), products)

    assert (proposal.product_code, proposal.reason) == ("E", told)
    assert [rule.benefit for rule in PluginHost.load().rules(products).bundles] == [told, told]


def test_where_the_bank_names_no_benefit_nothing_is_promised(bank, person):
    [proposal] = cobranded.propose(CustomerView(person(memberships=(of("shopper"),)), TODAY), bank)
    benefits = {rule.benefit[Language.EN] for rule in PluginHost.load().rules(bank).bundles}

    assert proposal.reason[Language.EN] == "You are a member of its programme."
    assert benefits == {
        "Both are for members of your university.",
        "Both are for licensed retailers of your bureau.",
    }


def test_a_family_is_told_of_a_shared_limit_only_where_there_is_credit(catalogue, product, person):
    products = catalogue(
        product("DEBIT", **card_of("FAMILY-1", ProgrammeKind.FAMILY)),
        product("CREDIT", **card_of("FAMILY-1", ProgrammeKind.FAMILY), credit=True),
    )

    proposals = family.propose(CustomerView(person(memberships=(of("principal"),)), TODAY), products)

    assert {proposal.product_code: proposal.reason[Language.EN] for proposal in proposals} == {
        "CREDIT": "One card limit for the whole family.",
        "DEBIT": "It is for the whole family.",
    }


@pytest.mark.parametrize("left_out", PROGRAMMES, ids=lambda module: module.__name__)
def test_each_programme_can_be_left_out_without_changing_the_others(engine, person, shop, context, left_out):
    roles = ("student", "principal", "dependant", "shopper")
    people = [person(role, memberships=(of(role),), family=family_of(500.0)) for role in roles]
    people.append(shop(memberships=(of("retailer", reference="L1"),), activity=TURNOVER))
    name = left_out.__name__.rpartition(".")[2]

    def brought(*modules):
        return {
            (answer.customer_no, offer.product.product_code, recommender, offer.priority)
            for answer in engine(*modules).answer(people, context())
            for offer in answer.offers
            for recommender in offer.recommenders
            if recommender in NAMES
        }

    whole, rest = brought(), brought(*(module for module in DEFAULT_PLUGINS if module is not left_out))

    assert {recommender for _, _, recommender, _ in whole} == NAMES
    assert rest == {offer for offer in whole if offer[2] != name}


def test_a_bank_may_have_none_of_them(engine, person, context):
    [answer] = engine(shipped).answer([person(memberships=(of("student"),))], context())

    assert {name for offer in answer.offers for name in offer.recommenders} == {"lifecycle", "popularity"}


def test_a_bank_that_has_none_of_their_products_has_no_bundles_of_theirs(catalogue):
    assert PluginHost.load().rules(catalogue("SAVE")).bundles == []
