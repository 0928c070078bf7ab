"""Reads customers as the engine sees them: whole, any number in one query."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

from graph.consents import statements
from graph.errors import NotFound
from graph.families import FAMILIES, members
from graph.records import ActivityMonth, Customer, Holding, Interaction, KinHolding, Membership, Outcome, Relation
from graph.rows import attributes, word
from graph.store import Row, Store
from graph.words import (
    Channel,
    CreditTier,
    CustomerKind,
    Gender,
    Language,
    MemberRole,
    OutcomeKind,
    RelationKind,
    RiskProfile,
    ValueTier,
)

FOUND: Final = "UNWIND $customer_nos AS customer_no MATCH (c:Customer {customer_no: customer_no})"
HELD: Final = "[(c)-[h:HOLDS]->(p:Product) | [p.product_code, h.opened_on, h.closed_on, h.balance]] AS holdings"
PARTS: Final = f"""
RETURN properties(c) AS customer,
  {HELD},
  [(c)-[m:MEMBER_OF]->(g:Programme) |
    [properties(m), g.kind, g.partner_code, g.starts_on, g.ends_on, g.name, g.name_zh]] AS memberships,
  [(c)-[r:RELATED]->(o:Customer) | [o.customer_no, r.kind, r.since]] AS relations,
  [(c)-[r:RELATED]-(o:Customer)-[h:HOLDS]->(p:Product) WHERE r.kind IN $kin |
    [o.customer_no, p.product_code, r.since, h.opened_on, h.closed_on]] AS kin,
  {FAMILIES},
  [(c)-[:OWNS]->(a:Account)-[:HAD]->(y:Activity) |
    [y.month, y.inflow, y.outflow, y.salary, y.transactions, y.lowest_balance, y.closing_balance]] AS activity,
  [(c)-[:DID]->(i:Interaction) | [i.interaction_id, i.channel, i.kind, i.at, i.product_code, i.note]] AS interactions,
  [(c)-[:ANSWERED]->(t:Outcome) | [t.offer_id, t.product_code, t.kind, t.channel, t.at]] AS outcomes,
  [(c)-[:SAID]->(s:Consent) | [s.purpose, s.granted, s.channel, s.at, s.source, s.recorded_by, s.version]] AS consents
"""
WHOLE: Final = f"{FOUND}{PARTS}"
WHOLE_IN_BOOKS: Final = f"{FOUND} WHERE c.manager_no IN $books{PARTS}"
KIN: Final = [
    RelationKind.SPOUSE,
    RelationKind.CHILD,
    RelationKind.PARENT,
    RelationKind.SIBLING,
    RelationKind.ACCOUNT_USER,
]
HOLDINGS: Final = f"{FOUND} RETURN customer_no, {HELD}"
NUMBERS: Final = """
MATCH (c:Customer) WHERE c.customer_no > $after AND ($region IS NULL OR c.region = $region)
RETURN c.customer_no AS customer_no ORDER BY c.customer_no LIMIT $count
"""
REGIONS: Final = """
MATCH (c:Customer) WHERE c.region IS NOT NULL RETURN DISTINCT c.region AS region ORDER BY region
"""


async def load(store: Store, customer_nos: Sequence[str], books: Sequence[str] | None = None) -> list[Customer]:
    """Return those of the customers that exist, in one query, in the order of ``customer_nos``.

    Of the ``books`` of some managers, where given: who is in none costs the store no more than who does not exist.
    """
    scope = {} if books is None else {"books": list(books)}
    rows = await store.read(WHOLE_IN_BOOKS if scope else WHOLE, customer_nos=list(customer_nos), kin=KIN, **scope)
    return [_customer(row) for row in rows]


async def holdings(store: Store, customer_nos: Sequence[str]) -> dict[str, tuple[Holding, ...]]:
    """Return the holdings of those of the customers that exist, and nothing else of them."""
    rows = await store.read(HOLDINGS, customer_nos=list(customer_nos))
    return {row["customer_no"]: _holdings(row) for row in rows}


async def one(store: Store, customer_no: str) -> Customer:
    """Return a customer.

    Raises:
        NotFound: there is none of that number.
    """
    found = await load(store, [customer_no])
    if not found:
        raise NotFound("customer", customer_no)
    return found[0]


async def count(store: Store) -> int:
    """Return the number of customers."""
    return int((await store.read("MATCH (c:Customer) RETURN count(c) AS n"))[0]["n"])


async def regions(store: Store) -> list[str]:
    """Return every region that a customer lives in, in order."""
    return [row["region"] for row in await store.read(REGIONS)]


async def pages(store: Store, size: int, region: str | None = None) -> AsyncIterator[list[str]]:
    """Yield all customers' numbers in order, or those of a region, ``size`` at a time."""
    after = ""
    while page := [row["customer_no"] for row in await store.read(NUMBERS, after=after, count=size, region=region)]:
        yield page
        after = page[-1]


def profile(own: Row) -> Customer:
    """Make a record of a customer node's properties alone, without what hangs on it."""
    return Customer(
        customer_no=own["customer_no"],
        kind=CustomerKind(own["kind"]),
        name=own.get("name"),
        birth_date=own.get("birth_date"),
        gender=word(Gender, own.get("gender")),
        region=own.get("region"),
        occupation=own.get("occupation"),
        industry=own.get("industry"),
        joined_on=own.get("joined_on"),
        income=own.get("income"),
        value_tier=word(ValueTier, own.get("value_tier")),
        risk_profile=word(RiskProfile, own.get("risk_profile")),
        credit_tier=word(CreditTier, own.get("credit_tier")),
        credit_limit=own.get("credit_limit"),
        branch_code=own.get("branch_code"),
        manager_no=own.get("manager_no"),
        language=word(Language, own.get("language")),
        marketing_consent=own.get("marketing_consent"),
        consent_version=own.get("consent_version", 0),
        attributes=attributes(own),
    )


def _customer(row: Row) -> Customer:
    return replace(
        profile(row["customer"]),
        holdings=_holdings(row),
        memberships=tuple(_membership(*member) for member in row["memberships"]),
        relations=tuple(
            Relation(no, RelationKind(kind), outgoing=True, since=since) for no, kind, since in row["relations"]
        ),
        kin=tuple(
            KinHolding(other, code, max((day for day in (since, opened) if day is not None), default=None), closed)
            for other, code, since, opened, closed in row["kin"]
        ),
        family=tuple(members(row["customer"]["customer_no"], row)),
        activity=_months(row["activity"]),
        interactions=tuple(
            Interaction(key, Channel(channel), kind, at, product, note)
            for key, channel, kind, at, product, note in row["interactions"]
        ),
        outcomes=tuple(
            Outcome(offer, product, OutcomeKind(kind), Channel(channel), at)
            for offer, product, kind, channel, at in row["outcomes"]
        ),
        consents=statements(row["consents"]),
    )


def _holdings(row: Row) -> tuple[Holding, ...]:
    return tuple(sorted((Holding(*held) for held in row["holdings"]), key=_by_product))


def _by_product(holding: Holding) -> tuple[str, str]:
    return holding.product_code, str(holding.opened_on)


def _membership(
    own: Row, kind: str, partner: str | None, starts: Any, ends: Any, name: str | None, name_zh: str | None
) -> Membership:
    return Membership(
        programme_code=own["programme_code"],
        programme_kind=kind,
        role=MemberRole(own["role"]),
        partner_code=partner,
        reference=own.get("reference"),
        since=own.get("since"),
        until=own.get("until"),
        programme_starts_on=starts,
        programme_ends_on=ends,
        programme_name=name,
        programme_name_zh=name_zh,
        attributes=attributes(own),
    )


def _months(rows: Sequence[Sequence[Any]]) -> tuple[ActivityMonth, ...]:
    """Sum a customer's accounts month by month, oldest first; a sum of unknowns stays unknown."""
    months: dict[str, list[Any]] = {}
    for month, *figures in rows:
        before = months.get(month)
        months[month] = figures if before is None else [_sum(*pair) for pair in zip(before, figures, strict=True)]
    return tuple(ActivityMonth(month, *months[month]) for month in sorted(months))


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other
