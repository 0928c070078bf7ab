from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from graph.records import (
    ActivityMonth,
    Consent,
    Debt,
    FamilyMember,
    Holding,
    Interaction,
    Membership,
    Outcome,
    Relation,
)
from graph.words import (
    Channel,
    LifecycleStage,
    MemberRole,
    OutcomeKind,
    ProgrammeKind,
    Purpose,
    RelationKind,
    ValueTier,
)
from recommenders.view import CustomerView, SharedLimit

TODAY = date(2026, 6, 30)
TOMORROW, YESTERDAY = TODAY + timedelta(1), TODAY - timedelta(1)


def at(day):
    return datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)


def student(**dates):
    return Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.STUDENT, **dates)


@pytest.fixture
def seen(person):
    """Return a function: a customer as he is seen today."""
    return lambda day=TODAY, **changes: CustomerView(person(**changes), day)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(1990, 6, 30), TODAY, 36),
        (date(1990, 7, 1), TODAY, 35),
        (date(2026, 6, 30), TODAY, 0),
        (date(2004, 2, 29), date(2026, 2, 28), 21),
        (date(2004, 2, 29), date(2026, 3, 1), 22),
        (None, TODAY, None),
    ],
)
def test_age_grows_on_the_birthday(seen, born, day, age):
    assert seen(day, birth_date=born).age == age


def test_a_holding_opened_later_is_not_seen(seen):
    customer = seen(holdings=(Holding("SAVE", TODAY), Holding("CARD", TOMORROW), Holding("LOAN")))

    assert [holding.product_code for holding in customer.ever] == ["SAVE", "LOAN"]
    assert (customer.holds("SAVE"), customer.holds("CARD"), customer.ever_held("CARD")) == (True, False, False)


def test_a_closing_that_lies_ahead_is_not_seen(seen):
    customer = seen(
        holdings=(
            Holding("SAVE", date(2020, 1, 1), TOMORROW, 5.0),
            Holding("CARD", date(2020, 1, 1), TODAY),
            Holding("LOAN", date(2020, 1, 1), YESTERDAY),
        )
    )

    assert customer.holdings == (Holding("SAVE", date(2020, 1, 1), None, 5.0),)
    assert [customer.ever_held(code) for code in ("SAVE", "CARD", "LOAN")] == [True, True, True]


@pytest.mark.parametrize(
    ("dates", "known", "in_force"),
    [
        ({}, True, True),
        ({"since": TODAY}, True, True),
        ({"since": TOMORROW}, False, False),
        ({"until": TODAY}, True, True),
        ({"until": YESTERDAY}, True, False),
        ({"programme_starts_on": TOMORROW}, True, False),
        ({"programme_ends_on": TODAY}, True, True),
        ({"programme_ends_on": YESTERDAY}, True, False),
    ],
)
def test_a_membership_counts_from_its_first_to_its_last_day(seen, dates, known, in_force):
    customer = seen(memberships=(student(**dates),))

    assert bool(customer.all_memberships) == known
    assert bool(customer.memberships) == in_force
    assert customer.member_of("campus", "student") == in_force
    assert bool(customer.cohorts) == in_force


def test_a_membership_is_found_by_code_by_kind_and_by_role(seen):
    customer = seen(memberships=(student(),))

    assert customer.member_of("CAMPUS-1")
    assert customer.member_of("campus", "student")
    assert not customer.member_of("campus", "teacher")
    assert not customer.member_of("CAMPUS-2")


def test_relations_that_begin_later_are_not_seen(seen):
    customer = seen(
        relations=(
            Relation("E1", RelationKind.EMPLOYER, outgoing=True, since=TODAY),
            Relation("E2", RelationKind.EMPLOYER, outgoing=True, since=TOMORROW),
            Relation("C2", RelationKind.SPOUSE, outgoing=True, since=TOMORROW),
        )
    )

    assert customer.cohorts == (("employer", "E1"),)
    assert not customer.related("spouse")


def test_the_groups_of_a_customer_are_employer_programmes_and_family_ties(seen):
    customer = seen(
        memberships=(student(),),
        relations=(
            Relation("C3", RelationKind.CHILD, outgoing=True),
            Relation("C2", RelationKind.SPOUSE, outgoing=True),
            Relation("C4", RelationKind.CHILD, outgoing=True),
            Relation("E1", RelationKind.EMPLOYER, outgoing=True),
            Relation("C9", RelationKind.REFERRER, outgoing=True),
        ),
    )

    assert customer.cohorts == (
        ("employer", "E1"),
        ("programme", "CAMPUS-1"),
        ("family", "spouse"),
        ("family", "child"),
    )


def test_of_activity_only_months_that_are_over_are_seen(seen):
    months = [ActivityMonth(month, inflow=100.0) for month in ("2026-04", "2026-05", "2026-06", "2026-07")]

    assert [month.month for month in seen(activity=tuple(months)).activity] == ["2026-04", "2026-05"]


def test_of_activity_the_last_36_months_are_seen(seen):
    months = tuple(
        ActivityMonth(f"{year}-{month:02}") for year in (2021, 2022, 2023, 2024, 2025) for month in range(1, 13)
    )

    activity = seen(activity=months).activity

    assert (len(activity), activity[0].month, activity[-1].month) == (36, "2023-01", "2025-12")


@pytest.mark.parametrize(
    ("salaries", "months"),
    [((5, 5, 5), 3), ((5, None, 5), 1), ((5, 5, 0), 0), ((0, 5, 5), 2), ((), 0)],
)
def test_salary_months_are_counted_back_from_the_last_until_one_without(seen, salaries, months):
    activity = tuple(ActivityMonth(f"2026-{number:02}", salary=salary) for number, salary in enumerate(salaries, 1))

    assert seen(activity=activity).salary_months == months


def test_monthly_inflow_is_the_mean_of_known_months_of_the_last_twelve(seen):
    early = [ActivityMonth(f"2025-{number:02}", inflow=9_000.0) for number in range(1, 6)]
    late = [ActivityMonth(f"2025-{number:02}", inflow=100.0) for number in range(6, 13)]
    last = [ActivityMonth(f"2026-{number:02}", inflow=None if number == 3 else 200.0) for number in range(1, 6)]

    assert seen(activity=(*early, *late, *last)).monthly_inflow == pytest.approx((7 * 100 + 4 * 200) / 11)
    assert seen(activity=(ActivityMonth("2026-05"),)).monthly_inflow is None


def test_outcomes_and_interactions_of_later_days_are_not_seen(seen):
    customer = seen(
        outcomes=tuple(Outcome(f"O{day}", "SAVE", OutcomeKind.CLICK, Channel.WEB, at(day)) for day in (YESTERDAY, TODAY, TOMORROW)),
        interactions=tuple(Interaction(f"I{day}", Channel.WEB, "login", at(day)) for day in (YESTERDAY, TODAY, TOMORROW)),
    )  # fmt: skip

    assert [outcome.offer_id for outcome in customer.outcomes] == [f"O{YESTERDAY}", f"O{TODAY}"]
    assert [interaction.interaction_id for interaction in customer.interactions] == [f"I{YESTERDAY}", f"I{TODAY}"]


@pytest.mark.parametrize(
    ("joined_on", "months"),
    [(TODAY, 0), (TOMORROW, None), (None, None), (date(2026, 5, 31), 0), (date(2026, 5, 30), 1), (date(2025, 6, 30), 12)],
)  # fmt: skip
def test_months_since_joining_are_whole_and_a_later_joining_is_not_seen(seen, joined_on, months):
    assert seen(joined_on=joined_on).months_since_joining == months


def test_the_stage_sees_nothing_of_tomorrow(seen):
    holdings = (Holding("SAVE", date(2015, 1, 1)), Holding("LOAN", date(2015, 1, 1), TOMORROW))

    assert seen(holdings=holdings, joined_on=TOMORROW).stage is LifecycleStage.MATURE
    assert seen(TOMORROW, holdings=holdings, joined_on=TOMORROW).stage is LifecycleStage.NEW
    assert seen(TOMORROW, holdings=holdings).stage is LifecycleStage.DECLINING


def test_the_tier_is_the_banks_or_else_by_rule(seen):
    assert seen(value_tier=ValueTier.LOW, income=99_000.0).tier is ValueTier.LOW
    assert seen(income=99_000.0).tier is ValueTier.HIGH
    assert seen(holds=["A", "B", "C"]).tier is ValueTier.MIDDLE


def of_family(role, code="FAMILY-1", **dates):
    return Membership(code, ProgrammeKind.FAMILY, role, **dates)


DEPENDANT, PRINCIPAL = of_family(MemberRole.DEPENDANT), of_family(MemberRole.PRINCIPAL)
HEAD = FamilyMember("HEAD", "FAMILY-1", "HEAD", 500.0, (Debt(balance=-20.0), Debt(balance=30.0), Debt()))
CHILD = FamilyMember("CHILD", "FAMILY-1", "HEAD", 9_000.0, (Debt(balance=-7.0),))


def test_a_dependant_shares_the_limit_of_the_principal_on_which_all_others_owe(seen):
    customer = seen(memberships=(DEPENDANT,), family=(HEAD, CHILD))

    assert customer.shared_limits == (SharedLimit("FAMILY-1", 500.0, 57.0, is_own=False),)


def test_a_principal_shares_his_own_limit(seen):
    customer = seen(memberships=(PRINCIPAL,), family=(replace(CHILD, principal_no="C1"),))

    assert customer.shared_limits == (SharedLimit("FAMILY-1", 10_000.0, 7.0, is_own=True),)


def test_who_is_tied_in_two_ways_owes_once(seen):
    customer = seen(memberships=(DEPENDANT,), family=(HEAD, CHILD, HEAD, CHILD))

    assert customer.shared_limits == (SharedLimit("FAMILY-1", 500.0, 57.0, is_own=False),)


def test_who_is_tied_to_two_principals_is_in_both_families(seen):
    other = FamilyMember("OTHER", "FAMILY-1", "OTHER", 80.0, (Debt(balance=-1.0),))
    customer = seen(memberships=(DEPENDANT,), family=(HEAD, CHILD, other))

    assert {(shared.limit, shared.owed_by_others) for shared in customer.shared_limits} == {(500.0, 57.0), (80.0, 1.0)}


UNSHARED = {
    "in no programme": (),
    "in a programme of another kind": (student(),),
    "in the family programme in another role": (of_family(MemberRole.MEMBER),),
    "who was a dependant until yesterday": (of_family(MemberRole.DEPENDANT, until=YESTERDAY),),
    "who becomes a dependant tomorrow": (of_family(MemberRole.DEPENDANT, since=TOMORROW),),
    "in a family programme that has ended": (of_family(MemberRole.DEPENDANT, programme_ends_on=YESTERDAY),),
}


@pytest.mark.parametrize("memberships", UNSHARED.values(), ids=UNSHARED)
def test_who_is_in_no_family_today_shares_no_limit(seen, memberships):
    assert seen(memberships=memberships, family=(HEAD, CHILD)).shared_limits == ()


@pytest.mark.parametrize(
    "family",
    [(), (CHILD,), (replace(HEAD, since=TOMORROW),), (replace(HEAD, until=YESTERDAY),), (replace(HEAD, programme_code="F2", principal_no="HEAD"),)],
    ids=["nobody known", "no principal", "a later one", "a former one", "of another family programme"],
)  # fmt: skip
def test_without_a_principal_today_the_shared_limit_is_unknown(seen, family):
    customer = seen(memberships=(DEPENDANT,), family=family)

    assert customer.shared_limits == (SharedLimit("FAMILY-1", None, 0.0, is_own=False),)


def test_of_a_family_only_what_is_owed_today_by_who_belongs_today_counts(seen):
    debts = (
        Debt(TOMORROW, None, -1.0),
        Debt(date(2020, 1, 1), TODAY, -2.0),
        Debt(date(2020, 1, 1), TOMORROW, -4.0),
        Debt(TODAY, None, -8.0),
    )
    family = (replace(HEAD, debts=debts), replace(CHILD, until=YESTERDAY), replace(CHILD, since=TOMORROW))

    [shared] = seen(memberships=(DEPENDANT,), family=family).shared_limits

    assert shared.owed_by_others == 12.0


SAID = (
    Consent(Purpose.MARKETING, granted=True),
    Consent(Purpose.MARKETING, granted=False, channel=Channel.PHONE, at=at(YESTERDAY)),
    Consent(Purpose.PARTNERS, granted=False, channel=Channel.WEB, at=at(TODAY)),
    Consent(Purpose.MARKETING, granted=False, at=at(TOMORROW)),
)


@pytest.mark.parametrize(
    ("day", "purpose", "channel", "consents"),
    [
        (YESTERDAY - timedelta(1), Purpose.MARKETING, "phone", True),
        (YESTERDAY, Purpose.MARKETING, "phone", False),
        (TODAY, Purpose.MARKETING, "web", True),
        (TODAY, Purpose.MARKETING, None, True),
        (TOMORROW, Purpose.MARKETING, "web", False),
        (TOMORROW, Purpose.MARKETING, None, False),
        (YESTERDAY, Purpose.PARTNERS, "web", True),
        (TODAY, Purpose.PARTNERS, "web", False),
        (TODAY, Purpose.PARTNERS, "phone", False),
        (TODAY, Purpose.PARTNERS, "mobile", True),
        (TOMORROW, Purpose.PARTNERS, "mobile", False),
    ],
)
def test_he_consents_by_what_he_had_said_on_the_day(seen, day, purpose, channel, consents):
    assert seen(day, consents=SAID).consents_to(purpose, channel) is consents


def test_who_never_spoke_of_it_consents_to_nothing(seen):
    silent = seen(marketing_consent=None)

    assert [
        silent.consents_to(p, channel) for p in (Purpose.MARKETING, Purpose.PARTNERS) for channel in (None, "web")
    ] == [False] * 4
    assert (silent.marketing_consent, seen().marketing_consent) == (None, True)


def test_profiling_he_objects_to_by_a_no_about_any_channel(seen):
    no, yes = Consent(Purpose.PROFILING, granted=False, channel=Channel.WEB, at=at(TODAY)), Consent(Purpose.PROFILING, granted=True, at=at(TOMORROW))  # fmt: skip

    found = [
        seen(day, consents=(no, yes)).consents_to(Purpose.PROFILING, "phone") for day in (YESTERDAY, TODAY, TOMORROW)
    ]
    assert found == [True, False, True]
    assert seen(marketing_consent=None).consents_to(Purpose.PROFILING)


def test_his_consent_to_marketing_is_of_the_channel_of_the_request(person):
    customer = person(consents=SAID)

    assert [CustomerView(customer, TODAY, channel).marketing_consent for channel in ("phone", "web", None)] == [
        False,
        True,
        True,
    ]
