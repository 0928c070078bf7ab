from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph.records import Consent, Debt, FamilyMember, Holding, Interaction, Membership, Outcome
from graph.words import (
    Channel,
    CreditTier,
    CustomerKind,
    Language,
    MemberRole,
    OutcomeKind,
    ProgrammeKind,
    Purpose,
    RiskProfile,
    RiskRating,
)
from recommenders.gates import DEFAULT_GATES, say

TODAY = date(2026, 6, 30)
TOMORROW, YESTERDAY = TODAY + timedelta(1), TODAY - timedelta(1)
CAMPUS = Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.STUDENT)
MART = Membership("MART-1", ProgrammeKind.COBRANDED, MemberRole.MEMBER)


def days_ago(days):
    return datetime(2026, 6, 30, 9, tzinfo=UTC) - timedelta(days)


def held(*codes, **balances):
    return {"holdings": tuple(Holding(code, balance=balances.get(code)) for code in ("SAVE", *codes, *balances))}


def interactions(*pairs):
    return {"interactions": tuple(Interaction(f"I{n}", Channel.PHONE, kind, days_ago(days)) for n, (kind, days) in enumerate(pairs))}  # fmt: skip


def in_family(*members, role=MemberRole.DEPENDANT, **own):
    """A customer in a family, whose other members are given by number, limit and what each owes."""
    family = tuple(FamilyMember(no, "FAMILY-1", "HEAD", limit, tuple(Debt(balance=-debt) for debt in debts)) for no, limit, *debts in members)  # fmt: skip
    if role is MemberRole.PRINCIPAL:
        family = tuple(replace(member, principal_no="C1") for member in family)
    return {"memberships": (CAMPUS, Membership("FAMILY-1", ProgrammeKind.FAMILY, role)), "family": family} | own


def outcomes(kind, *days, code="GOLD", channel=Channel.MOBILE, elsewhere=()):
    happened = [(day, channel) for day in days] + [(day, Channel.WEB) for day in elsewhere]
    return {"outcomes": tuple(Outcome(f"O{day}{where}", code, kind, where, days_ago(day)) for day, where in happened)}


def had(code, opened, closed):
    """A holding since a day, until a day or still, beside what every customer here holds."""
    return {"holdings": (Holding("SAVE"), Holding(code, opened, closed))}


def said(purpose, granted, channel=None, days=1, **own):
    """A customer who said something of a purpose some days ago, and nothing else but what his property says."""
    own = {"marketing_consent": True} | own
    first = (Consent(Purpose.MARKETING, own["marketing_consent"]),) if own["marketing_consent"] is not None else ()
    return {"consents": (*first, Consent(purpose, granted, channel, days_ago(days), version=1))} | own


MARKETING, PARTNERS = Purpose.MARKETING, Purpose.PARTNERS
AGREED = "consent to marketing on the channel mobile"
AGREED_TO_PARTNERS = "consent to partners' offers on the channel mobile"
IS_OVER = {"memberships": (replace(CAMPUS, programme_ends_on=YESTERDAY),)}, {"programme_ends_on": YESTERDAY}
IS_AHEAD = {"memberships": (replace(CAMPUS, programme_starts_on=TOMORROW),)}, {"programme_starts_on": TOMORROW}
UNASSESSED = "an assessed credit limit of the family's principal"
REPAYMENT = "a repayment by the family, or a higher limit of its principal"
REFUSED = [
    # code, what the customer is, what the product is, what the gate saw, what would unlock it
    ("HELD", held("GOLD"), {}, "GOLD", None),
    ("AUDIENCE", {}, {"audience": (CustomerKind.COMPANY, CustomerKind.INSTITUTION)}, "person", None),
    ("NOT_ON_SALE", {}, {"active_until": YESTERDAY}, "2026-06-30", None),
    ("NOT_ON_SALE", {}, {"active_from": TOMORROW}, "2026-06-30", None),
    ("AGE", {"birth_date": date(2008, 7, 1)}, {}, "17", None),
    ("AGE", {"birth_date": date(1955, 6, 30)}, {}, "71", None),
    ("AGE", {"birth_date": None}, {}, "unknown", "a birth date"),
    ("AGE", {"birth_date": None}, {"min_age": None}, "unknown", "a birth date"),
    ("AGE", {"birth_date": None}, {"max_age": None}, "unknown", "a birth date"),
    ("REGION", {"region": "Hunan"}, {}, "Hunan", None),
    ("REGION", {"region": None}, {}, "unknown", None),
    ("NOT_A_MEMBER", {"memberships": ()}, {}, "no such membership", "a membership of CAMPUS-1"),
    ("NOT_A_MEMBER", {"memberships": (replace(CAMPUS, programme_code="CAMPUS-2"),)}, {"programme_kind": ProgrammeKind.CAMPUS}, "CAMPUS-2", "a membership of CAMPUS-1"),
    ("NOT_A_MEMBER", {"memberships": (MART,)}, {}, "no such membership", "a membership of CAMPUS-1"),
    ("NOT_A_MEMBER", IS_OVER[0], IS_OVER[1], "2026-06-30", None),
    ("NOT_A_MEMBER", IS_AHEAD[0], IS_AHEAD[1], "2026-06-30", "from 2026-07-01 on"),
    ("NOT_A_MEMBER", {"memberships": ()}, {"programme_ends_on": YESTERDAY}, "2026-06-30", None),
    ("PREREQUISITE", {"holdings": ()}, {}, "nothing held", "SAVE"),
    ("PREREQUISITE", {}, {"requires": ("SAVE", "LOAN")}, "SAVE", "LOAN"),
    ("PREREQUISITE", {}, {"requires": ("UNHEARD-OF",)}, "SAVE", "UNHEARD-OF"),
    ("RISK_TOO_HIGH", {"risk_profile": RiskProfile.C2}, {}, "C2", "risk profile C3 or higher"),
    ("RISK_TOO_HIGH", {"risk_profile": None}, {}, "unknown", "risk profile C3 or higher"),
    ("RISK_TOO_HIGH", {"risk_profile": None}, {"risk_rating": RiskRating.R2}, "unknown", "risk profile C2 or higher"),
    ("CREDIT_TIER", {"credit_tier": CreditTier.RESTRICTED}, {}, "restricted", "credit tier general or better"),
    ("CREDIT_TIER", {"credit_tier": CreditTier.ELIMINATED}, {}, "eliminated", "credit tier general or better"),
    ("CREDIT_TIER", {"kind": CustomerKind.COMPANY}, {"audience": ()}, "unknown", "credit tier general or better"),
    ("CREDIT_LIMIT", {"credit_limit": None}, {}, "unknown", "an assessed credit limit"),
    ("CREDIT_LIMIT", {"credit_limit": 0.0}, {}, "0.00", "a repayment, or a higher credit limit"),
    ("CREDIT_LIMIT", held(LOAN=-10_000.0), {}, "10000.00", "a repayment, or a higher credit limit"),
    ("CREDIT_LIMIT", in_family(), {}, "unknown limit of FAMILY-1", UNASSESSED),
    ("CREDIT_LIMIT", in_family(("HEAD", None)), {}, "unknown limit of FAMILY-1", UNASSESSED),
    ("CREDIT_LIMIT", in_family(("OTHER", 9_000.0)), {}, "unknown limit of FAMILY-1", UNASSESSED),
    ("CREDIT_LIMIT", in_family(("HEAD", 500.0, 500.0)), {}, "shared limit of FAMILY-1", REPAYMENT),
    ("CREDIT_LIMIT", in_family(("HEAD", 500.0, 200.0), ("OTHER", None, 100.0, 200.0)), {}, "shared limit of FAMILY-1", REPAYMENT),
    ("CREDIT_LIMIT", in_family(("HEAD", 500.0, 200.0), **held(LOAN=-300.0)), {}, "shared limit of FAMILY-1", REPAYMENT),
    ("CREDIT_LIMIT", in_family(("CHILD", 9_999.0, 10_000.0), role=MemberRole.PRINCIPAL), {}, "shared limit of FAMILY-1", REPAYMENT),
    ("CREDIT_LIMIT", in_family(role=MemberRole.PRINCIPAL, credit_limit=None), {}, "unknown limit of FAMILY-1", UNASSESSED),
    ("NO_CONSENT", {"marketing_consent": False}, {}, "no", AGREED),
    ("NO_CONSENT", {"marketing_consent": None}, {}, "unknown", AGREED),
    ("NO_CONSENT", said(MARKETING, False), {}, "no", AGREED),
    ("NO_CONSENT", said(MARKETING, False, Channel.MOBILE), {}, "no", AGREED),
    ("NO_CONSENT", said(MARKETING, True, Channel.WEB, marketing_consent=None), {}, "unknown", AGREED),
    ("NO_CONSENT", said(PARTNERS, True, marketing_consent=False), {"partner_code": "U1"}, "no", AGREED),
    ("NO_PARTNER_CONSENT", said(PARTNERS, False), {"partner_code": "U1"}, "no", AGREED_TO_PARTNERS),
    ("NO_PARTNER_CONSENT", said(PARTNERS, False, Channel.MOBILE), {"partner_code": "U1"}, "no", AGREED_TO_PARTNERS),
    ("OPEN_COMPLAINT", interactions(("complaint", 59)), {}, "complaint of 2026-05-02", "the complaint resolved"),
    ("OPEN_COMPLAINT", interactions(("complaint", 2), ("complaint_resolved", 5)), {}, "complaint of 2026-06-28", "the complaint resolved"),
    ("OPEN_COMPLAINT", outcomes(OutcomeKind.COMPLAINT, 59, code="SAVE"), {}, "complaint of 2026-05-02", "the complaint resolved"),
    ("ACCEPTED", outcomes(OutcomeKind.ACCEPT, 29), {}, "accepted on 2026-06-01", None),
    ("ACCEPTED", outcomes(OutcomeKind.ACCEPT, 50, 20, channel=Channel.BRANCH), {}, "accepted on 2026-06-10", None),
    ("ACCEPTED", outcomes(OutcomeKind.ACCEPT, 20) | had("GOLD", date(2020, 1, 1), date(2026, 6, 9)), {}, "accepted on 2026-06-10", None),
    ("DISMISSED", outcomes(OutcomeKind.DISMISS, 89), {}, "dismissed on 2026-04-02", None),
    ("DISMISSED", outcomes(OutcomeKind.DISMISS, 50, 20), {}, "dismissed on 2026-06-10", None),
    ("SHOWN_ENOUGH", outcomes(OutcomeKind.IMPRESSION, 0, 1, 6), {}, "3 impressions on mobile", None),
    ("SHOWN_ENOUGH", outcomes(OutcomeKind.IMPRESSION, 0, 1, 6, elsewhere=(0, 1, 2, 3)), {}, "3 impressions on mobile", None),
]  # fmt: skip

PASSED = {
    "of the least age today": ({"birth_date": date(2008, 6, 30)}, {}),
    "of the highest age": ({"birth_date": date(1955, 7, 1)}, {}),
    "of unknown age, for any age": ({"birth_date": None}, {"min_age": None, "max_age": None}),
    "of unknown region, for any region": ({"region": None}, {"attributes": {}}),
    "on its first and last day of sale": ({}, {"active_from": TODAY, "active_until": TODAY}),
    "of unknown risk profile, at the lowest risk": ({"risk_profile": None}, {"risk_rating": RiskRating.R1}),
    "of unknown risk profile, without risk": ({"risk_profile": None}, {"risk_rating": None}),
    "without a limit, not on credit": ({"credit_limit": None}, {"credit": False}),
    "of a refused tier, not on credit": ({"credit_tier": CreditTier.ELIMINATED}, {"credit": False}),
    "with a little of the limit left": (held(LOAN=-9_999.99), {}),
    "with money in a savings account": (held(SAVE=50_000.0), {}),
    "a firm of the lowest tier that is lent to": (
        {"kind": CustomerKind.COMPANY, "credit_tier": CreditTier.GENERAL},
        {"audience": (CustomerKind.COMPANY,)},
    ),
    "a firm, which has no age": (
        {"kind": CustomerKind.COMPANY, "birth_date": None, "credit_tier": CreditTier.GENERAL},
        {"audience": ()},
    ),
    "with a closed holding": (
        {"holdings": (Holding("SAVE"), Holding("GOLD", date(2020, 1, 1), date(2026, 6, 30)))},
        {},
    ),
    "with a complaint of 60 days ago": (interactions(("complaint", 60)), {}),
    "with a complaint resolved": (interactions(("complaint", 9), ("complaint_resolved", 3)), {}),
    "having dismissed it 90 days ago": (outcomes(OutcomeKind.DISMISS, 90), {}),
    "having dismissed another": (outcomes(OutcomeKind.DISMISS, 1, code="SAVE"), {}),
    "having seen it twice": (outcomes(OutcomeKind.IMPRESSION, 1, 2), {}),
    "having seen it a week ago": (outcomes(OutcomeKind.IMPRESSION, 1, 2, 7), {}),
    "having seen it elsewhere": (outcomes(OutcomeKind.IMPRESSION, 1, 2, 3, channel=Channel.ATM), {}),
    "having accepted it 30 days ago": (outcomes(OutcomeKind.ACCEPT, 30), {}),
    "having accepted another": (outcomes(OutcomeKind.ACCEPT, 1, code="SAVE"), {}),
    "having accepted it, got it and given it back": (
        outcomes(OutcomeKind.ACCEPT, 20) | had("GOLD", date(2026, 6, 10), date(2026, 6, 20)),
        {},
    ),
    "in a family with a little of its limit left, whatever his own": (
        in_family(("HEAD", 500.0, 200.0), ("OTHER", None, 100.0), credit_limit=None, **held(LOAN=-199.99)),
        {},
    ),
    "in a family of one, by his own limit": (
        in_family(role=MemberRole.PRINCIPAL, **held(LOAN=-9_999.99)),
        {},
    ),
    "in a family whose principal's limit is unknown, not on credit": (in_family(), {"credit": False}),
    "in a family programme in another role, by his own limit": (in_family(role=MemberRole.MEMBER), {}),
    "having refused offers elsewhere": (said(MARKETING, False, Channel.PHONE), {}),
    "having agreed to offers here alone": (said(MARKETING, True, Channel.MOBILE, marketing_consent=False), {}),
    "having refused partners' offers, of no partner's": (said(PARTNERS, False), {}),
    "having refused partners' offers elsewhere": (said(PARTNERS, False, Channel.PHONE), {"partner_code": "U1"}),
    "having never spoken of partners": ({}, {"partner_code": "U1"}),
    "refusing from tomorrow on": (said(MARKETING, False, days=-1), {}),
    "having clicked it often": (outcomes(OutcomeKind.CLICK, 1, 2, 3), {}),
}


@pytest.fixture
def pair(person, product, catalogue):
    """Return a function: a customer and the catalogue whose GOLD every gate lets him have, both changed."""

    def make(customer_changes=(), product_changes=()):
        customer = person(**{"region": "Yunnan", "memberships": (CAMPUS,)} | held() | dict(customer_changes))
        rules = {
            "audience": (CustomerKind.PERSON,),
            "min_age": 18,
            "max_age": 70,
            "requires": ("SAVE",),
            "programme_code": "CAMPUS-1",
            "risk_rating": RiskRating.R3,
            "credit": True,
            "attributes": {"region": "Yunnan"},
        }
        return customer, catalogue(
            "SAVE", product("LOAN", credit=True), product("GOLD", **rules | dict(product_changes))
        )

    return make


@pytest.fixture
def refusals(pair, batch):
    """Return a function: what the gates say of the customer and GOLD, in their order."""

    def find(customer_changes=(), product_changes=()):
        customer, products = pair(customer_changes, product_changes)
        asked = batch([customer], products)
        column = products.index["GOLD"]
        return [
            gate.explain(asked.customers[0], products["GOLD"])
            for gate in DEFAULT_GATES
            if gate.refuses(asked)[0, column]
        ]

    return find


def test_the_table_has_every_gate():
    assert {code for code, *_ in REFUSED} == {gate.code for gate in DEFAULT_GATES}
    assert len({gate.code for gate in DEFAULT_GATES}) == len(DEFAULT_GATES)


def test_who_fulfils_every_rule_passes_every_gate(refusals):
    assert refusals() == []


@pytest.mark.parametrize(("code", "customer", "product_rules", "saw", "unlock"), REFUSED)
def test_the_one_rule_that_is_not_fulfilled_refuses_and_says_why(refusals, code, customer, product_rules, saw, unlock):
    [refusal] = refusals(customer, product_rules)

    assert (refusal.code, refusal.saw) == (code, saw)
    assert (refusal.unlock and refusal.unlock[Language.EN]) == unlock
    for text in filter(None, (refusal.text, refusal.unlock)):
        assert set(text) == set(Language)
        assert all(text.values())


@pytest.mark.parametrize(
    ("member", "en", "zh"),
    [
        (IS_OVER, "The programme CAMPUS-1 ended on 2026-06-29.", "项目CAMPUS-1已于2026-06-29结束。"),
        (IS_AHEAD, "The programme CAMPUS-1 begins on 2026-07-01.", "项目CAMPUS-1将于2026-07-01开始。"),
    ],
)
def test_members_are_told_when_the_programme_lasts(refusals, member, en, zh):
    [refusal] = refusals(*member)

    assert refusal.text == {Language.EN: en, Language.ZH: zh}


@pytest.mark.parametrize(
    ("names", "en", "zh"),
    [(("Uni card", "校园卡项目"), "Uni card", "校园卡项目"), (("Uni card", None), "Uni card", "Uni card")],
    ids=["both", "one"],
)
def test_a_programme_is_told_by_its_name_where_the_bank_has_one(refusals, names, en, zh):
    named = dict(zip(("programme_name", "programme_name_zh"), names, strict=True))
    [over] = refusals(IS_OVER[0], IS_OVER[1] | named)
    [ahead] = refusals(IS_AHEAD[0], IS_AHEAD[1] | named)
    [stranger] = refusals({"memberships": ()}, named)

    assert over.text == say(f"The programme {en} ended on 2026-06-29.", f"项目{zh}已于2026-06-29结束。")
    assert ahead.text == say(f"The programme {en} begins on 2026-07-01.", f"项目{zh}将于2026-07-01开始。")
    assert stranger.text == say(f"It is for members of the programme {en}.", f"仅限项目{zh}的成员。")
    assert stranger.unlock == say(f"a membership of {en}", f"加入项目{zh}")


@pytest.mark.parametrize(("customer", "product_rules"), PASSED.values(), ids=PASSED)
def test_what_a_rule_does_not_forbid_passes(refusals, customer, product_rules):
    assert refusals(customer, product_rules) == []


@pytest.mark.parametrize(
    ("refused", "offered"),
    [((Channel.PHONE,), True), (tuple(Channel), False), ((None,), False), ((None, Channel.WEB), False)],
)
def test_offers_for_no_channel_need_consent_on_one_at_least(pair, batch, refused, offered):
    words = [Consent(MARKETING, granted=False, channel=channel, at=days_ago(1)) for channel in refused]
    customer, products = pair({"consents": (Consent(MARKETING, granted=True), *words)})
    asked = batch([customer], products, channel=None)
    [gate] = [gate for gate in DEFAULT_GATES if gate.code == "NO_CONSENT"]

    assert gate.refuses(asked)[0, 0] != offered
    if not offered:
        assert gate.explain(asked.customers[0], products["GOLD"]).unlock[Language.EN] == "consent to marketing"


@pytest.mark.parametrize("opened", [None, date(2020, 1, 1), YESTERDAY])
def test_an_accepted_product_that_is_held_is_refused_as_held_alone(refusals, opened):
    customer = outcomes(OutcomeKind.ACCEPT, 1) | had("GOLD", opened, None)

    assert [refusal.code for refusal in refusals(customer)] == ["HELD"]


@pytest.mark.parametrize("role", [MemberRole.DEPENDANT, MemberRole.PRINCIPAL])
def test_nothing_that_is_said_of_a_shared_limit_has_a_figure_in_it(refusals, role):
    for limit, debt in ((77_000.0, 88_000.0), (None, 88_000.0)):
        family = in_family(("HEAD", limit, debt), role=role, credit_limit=limit)
        [refusal] = refusals(family)

        told = " ".join([refusal.saw.replace("FAMILY-1", ""), *refusal.text.values(), *refusal.unlock.values()])
        assert not any(character.isdigit() for character in told)


def test_of_a_customer_of_whom_nothing_is_known_only_a_harmless_product_is_refused_for_consent_alone(refusals):
    unknown = {
        "birth_date": None,
        "region": None,
        "risk_profile": None,
        "credit_limit": None,
        "marketing_consent": None,
        "memberships": (),
        "holdings": (),
    }
    harmless = {
        "audience": (),
        "min_age": None,
        "max_age": None,
        "requires": (),
        "programme_code": None,
        "risk_rating": None,
        "credit": False,
        "attributes": {},
    }

    assert [refusal.code for refusal in refusals(unknown, harmless)] == ["NO_CONSENT"]
    assert [refusal.code for refusal in refusals(unknown)] == [
        "AGE",
        "REGION",
        "NOT_A_MEMBER",
        "PREREQUISITE",
        "RISK_TOO_HIGH",
        "CREDIT_LIMIT",
        "NO_CONSENT",
    ]


def test_refusals_come_in_the_order_of_the_gates(refusals):
    found = refusals({"marketing_consent": False, "birth_date": None} | held("GOLD"), {"active_until": YESTERDAY})

    assert [refusal.code for refusal in found] == ["HELD", "NOT_ON_SALE", "AGE", "NO_CONSENT"]


@pytest.mark.parametrize("gate", DEFAULT_GATES, ids=lambda gate: gate.code)
def test_a_batch_is_decided_as_each_customer_alone(pair, product, catalogue, batch, gate):
    customers = [pair(customer)[0] for _, customer, *_ in REFUSED] + [
        pair(customer)[0] for customer, _ in PASSED.values()
    ]
    offered = [pair((), rules)[1]["GOLD"] for _, _, rules, *_ in REFUSED]
    renamed = [
        product(
            "GOLD" if number == 0 else f"GOLD-{number}",
            **{name: getattr(item, name) for name in item.__slots__ if name != "product_code"},
        )
        for number, item in enumerate(offered)
    ]
    products = catalogue("SAVE", product("LOAN", credit=True), *pair()[1].of_category("deposit")[:1], *renamed)

    together = gate.refuses(batch(customers, products))
    alone = np.concatenate([gate.refuses(batch([customer], products)) for customer in customers])

    assert together.shape == (len(customers), len(products))
    assert together.any()
    assert np.array_equal(together, alone)
