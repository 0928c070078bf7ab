from datetime import UTC, date, datetime

import pytest

from graph import browsing, customers, feedback, instruments, portfolio, products, programmes
from graph.customers import load
from graph.imports import import_rows
from graph.once import Request
from graph.records import Account, Card, Debt, FamilyMember, Interaction, Outcome, Partner, Programme
from graph.words import Channel, OutcomeKind, ProgrammeKind

NAMES = ["Wu", None, "An", "Li", "Li"]


def row(key, **properties):
    return {"key": key, "digest": "d", "properties": properties}


@pytest.fixture
async def bank(empty_store):
    await import_rows(empty_store, "partners", [row("U1", partner_code="U1", name="Uni", kind="university")])
    await import_rows(
        empty_store,
        "programmes",
        [row("P1", programme_code="P1", kind="campus", name="Campus", partner_code="U1", starts_on=date(2020, 1, 1))],
    )
    await import_rows(empty_store, "products", [row("CARD", product_code="CARD", name="Card", category="card")])
    await import_rows(
        empty_store,
        "customers",
        [
            row(f"C{n}", customer_no=f"C{n}", kind="company" if n == 4 else "person", name=name, region="R" if n % 2 else None)
            for n, name in enumerate(NAMES)
        ],
    )  # fmt: skip
    await import_rows(
        empty_store,
        "memberships",
        [row("C2|P1|student", customer_no="C2", programme_code="P1", role="student")],
    )
    await import_rows(
        empty_store, "accounts", [row(f"A{n}", account_no=f"A{n}", customer_no="C1", x_kind="joint") for n in (2, 1)]
    )
    await import_rows(
        empty_store, "cards", [row("K1", card_no="K1", customer_no="C1", account_no="A1", product_code="CARD")]
    )
    return empty_store


async def test_the_regions_are_those_that_a_customer_lives_in(bank):
    await import_rows(bank, "customers", [row("C9", customer_no="C9", kind="person", region="A")])

    assert await customers.regions(bank) == ["A", "R"]


async def test_profiles_come_in_the_order_asked_without_those_that_are_not_there(bank):
    found = await browsing.profiles(bank, ["C3", "NOBODY", "C0"])

    assert [customer.customer_no for customer in found] == ["C3", "C0"]


async def test_accounts_cards_and_programmes_are_read_whole(bank):
    assert await instruments.accounts(bank, ["C1", "C2"]) == [
        Account("A1", "C1", attributes={"kind": "joint"}),
        Account("A2", "C1", attributes={"kind": "joint"}),
    ]
    assert await instruments.cards(bank, ["C1"]) == [Card("K1", "C1", account_no="A1", product_code="CARD")]
    assert await programmes.programmes(bank) == [
        Programme("P1", ProgrammeKind.CAMPUS, "Campus", date(2020, 1, 1), partner=Partner("U1", "Uni", "university"))
    ]


async def test_training_reads_memberships_with_the_kind_of_their_programme(bank):
    found = {row["customer_no"]: row["memberships"] async for page in portfolio.pages(bank, 2) for row in page}

    assert found == {"C0": [], "C1": [], "C2": [["P1", None, None, "campus"]], "C3": [], "C4": []}


async def test_an_outcome_is_stored_and_seen_by_the_engine(bank):
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    outcome = Outcome("OFFER", "CARD", OutcomeKind.DISMISS, Channel.MOBILE, at)

    stored = await feedback.record_outcome(bank, "C1", outcome, {"propensity": 0.5}, Request("K", "F", "ID", at))

    assert (stored["outcome_id"], stored["customer_no"], stored["propensity"]) == ("ID", "C1", 0.5)
    assert (await load(bank, ["C1"]))[0].outcomes == (outcome,)


async def test_an_interaction_is_stored_and_seen_by_the_engine(bank):
    call = Interaction("I1", Channel.PHONE, "call", datetime(2026, 3, 1, 9, tzinfo=UTC), "CARD", "asked")

    assert await feedback.record_interaction(bank, "C1", call, Request("K", "F", "I1", call.at)) == call

    assert (await load(bank, ["C1"]))[0].interactions == (call,)
    assert await bank.read("MATCH (:Interaction)-[:ABOUT]->(p) RETURN p.product_code AS code") == [{"code": "CARD"}]


async def test_a_product_knows_its_programme_by_its_code(bank):
    benefit = {"benefit": "Free meals", "benefit_zh": "免费用餐"}
    benefit |= {"starts_on": date(2020, 1, 1), "ends_on": date(2030, 1, 1)}
    await import_rows(
        bank, "programmes", [row("P2", programme_code="P2", kind="cobranded", name="Mart", name_zh="超市", partner_code="U1", **benefit), row("P3", programme_code="P3", kind="family", name="Kin")]
    )  # fmt: skip
    for number, code in enumerate(("P2", "P3", "UNHEARD-OF"), 1):
        own = {"product_code": f"G{number}", "name": "G", "category": "card", "programme_code": code}
        await import_rows(bank, "products", [row(f"G{number}", **own, purpose="study")])

    found = await products.catalogue(bank)

    assert [
        (p.product_code, p.purpose, p.programme_kind, p.partner_code, p.programme_benefit, p.programme_benefit_zh)
        for p in found
    ] == [
        ("CARD", None, None, None, None, None),
        ("G1", "study", "cobranded", "U1", "Free meals", "免费用餐"),
        ("G2", "study", "family", None, None, None),
        ("G3", "study", None, None, None, None),
    ]
    assert [(p.programme_name, p.programme_name_zh) for p in found] == [
        (None, None),
        ("Mart", "超市"),
        ("Kin", None),
        (None, None),
    ]
    assert [(p.programme_starts_on, p.programme_ends_on) for p in found[1:3]] == [
        (date(2020, 1, 1), date(2030, 1, 1)),
        (None, None),
    ]
    assert (await programmes.programmes(bank))[1] == Programme(
        "P2", ProgrammeKind.COBRANDED, "Mart", partner=Partner("U1", "Uni", "university"), **benefit
    )


async def test_a_membership_knows_its_programme_by_name_and_in_chinese_where_there_is_one(bank):
    await import_rows(bank, "programmes", [row("P2", programme_code="P2", kind="family", name="Kin", name_zh="家")])
    await import_rows(bank, "memberships", [row("C2|P2|member", customer_no="C2", programme_code="P2", role="member")])

    [member] = await load(bank, ["C2"])

    assert sorted((m.programme_code, m.programme_name, m.programme_name_zh) for m in member.memberships) == [
        ("P1", "Campus", None),
        ("P2", "Kin", "家"),
    ]


APRIL, MAY, JUNE = (date(2026, month, 1) for month in (4, 5, 6))


@pytest.fixture
async def families(bank):
    """Two families and a stranger in one programme: C0 heads C1 (kin) and C2 (card); C3 heads nobody of them."""
    await import_rows(
        bank,
        "programmes",
        [row(code, programme_code=code, kind="family", name=code) for code in ("KIN", "KIN-2")],
    )
    loan = row("LOAN", product_code="LOAN", name="Loan", category="loan", credit=True)
    await import_rows(bank, "products", [loan, row("SAVE", product_code="SAVE", name="Save", category="deposit")])
    await bank.write("MATCH (c:Customer) SET c.credit_limit = 1000.0")
    roles = {"C0": "principal", "C1": "dependant", "C2": "dependant", "C3": "principal", "C4": "dependant"}
    await import_rows(
        bank,
        "memberships",
        [row(f"{no}|KIN|{role}", customer_no=no, programme_code="KIN", role=role, since=MAY) for no, role in roles.items()]
        + [row("C3|KIN-2|dependant", customer_no="C3", programme_code="KIN-2", role="dependant")],
    )  # fmt: skip
    await import_rows(
        bank,
        "relations",
        [
            row("C1|C0|parent", from_customer_no="C1", to_customer_no="C0", kind="parent", since=APRIL),
            row("C4|C0|employer", from_customer_no="C4", to_customer_no="C0", kind="employer"),
            row("C3|C0|sibling", from_customer_no="C3", to_customer_no="C0", kind="sibling"),
        ],
    )
    await import_rows(bank, "cards", [row("K0", card_no="K0", customer_no="C0")])
    await import_rows(
        bank, "cards", [row("K2", card_no="K2", customer_no="C2", principal_card_no="K0", issued_on=JUNE)]
    )
    await import_rows(
        bank,
        "holdings",
        [
            row(f"{no}|{code}|", customer_no=no, product_code=code, opened_on=MAY, balance=-5.0)
            for no in ("C0", "C1", "C2", "C3", "C4")
            for code in ("LOAN", "SAVE")
        ],
    )
    return bank


def member(customer_no, since, code="KIN"):
    return FamilyMember(customer_no, code, "C0", 1000.0, (Debt(MAY, None, -5.0),), since)


async def test_a_principal_is_read_with_the_dependants_tied_to_him_by_kin_or_card(families):
    [found] = await load(families, ["C0"])

    assert found.family == (member("C1", MAY), member("C2", JUNE))


async def test_a_dependant_is_read_with_his_principal_and_that_ones_other_dependants(families):
    by_kin, by_card = await load(families, ["C1", "C2"])

    assert by_kin.family == (member("C0", MAY), member("C2", JUNE))
    assert by_card.family == (member("C0", JUNE), member("C1", MAY))


async def test_the_programme_alone_ties_nobody_nor_does_another_tie_or_another_role(families):
    stranger, employee = await load(families, ["C3", "C4"])

    assert stranger.family == ()  # a principal himself, and a dependant of another programme
    assert employee.family == ()


async def test_a_relation_ties_whoever_states_it_and_one_stated_by_both_ties_twice(families):
    both = row("C0|C1|child", from_customer_no="C0", to_customer_no="C1", kind="child", since=JUNE)
    await import_rows(families, "relations", [both])

    [found] = await load(families, ["C1"])

    assert sorted(found.family, key=lambda m: (m.customer_no, str(m.since))) == [
        member("C0", MAY),
        member("C0", JUNE),
        *(member("C2", JUNE) for _ in range(2)),
    ]
