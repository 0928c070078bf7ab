"""Families: who shares a principal's credit limit, read as a part of the one query that reads a customer.

A family is a principal and his dependants, members by those roles of one programme of the family kind; each dependant
is tied to the principal by a relation of ``KIN`` that either of them states, or by a card that supplements one of the
principal's. The programme alone ties nobody: a bank may run one for all its families. Every tie counts: who is tied to
two principals is in both families, and who is tied to none has a principal whom the bank does not know.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from graph.records import Debt, FamilyMember
from graph.store import Row
from graph.words import KIN, MemberRole, ProgrammeKind


def _tied(start: str, end: str, role: MemberRole, card: str, *further: str) -> str:
    """Cypher for the members of the programme of ``own`` in a role who are tied to ``start`` by kin or by card."""
    member = (
        f"({end}:Customer)-[m_{end}:MEMBER_OF]->() "
        f"WHERE m_{end}.role = '{role}' AND m_{end}.programme_code = own.programme_code"
    )
    debt = f"[h_{end}.opened_on, h_{end}.closed_on, h_{end}.balance]"
    debts = f"[({end})-[h_{end}:HOLDS]->(q_{end}:Product) WHERE q_{end}.credit | {debt}]"
    told = ", ".join((f"{end}.customer_no, {end}.credit_limit, {debts}, m_{end}.since, m_{end}.until", *further))
    kin = f"({start})-[r_{end}:RELATED]-{member} AND r_{end}.kind IN {[str(kind) for kind in KIN]}"
    return f"[{kin} | [r_{end}.since, {told}]] + [({start}){card.format(end)}{member} | [s_{end}.issued_on, {told}]]"


def _dependants(principal: str, end: str) -> str:
    card = "-[:CARRIES]->(:Card)<-[:SUPPLEMENTS]-(s_{}:Card)<-[:CARRIES]-"
    return _tied(principal, end, MemberRole.DEPENDANT, card)


def _principals(dependant: str, end: str, *further: str) -> str:
    card = "-[:CARRIES]->(s_{}:Card)-[:SUPPLEMENTS]->(:Card)<-[:CARRIES]-"
    return _tied(dependant, end, MemberRole.PRINCIPAL, card, *further)


def _families(role: MemberRole, tied: str) -> str:
    family = f"g.kind = '{ProgrammeKind.FAMILY}' AND own.role = '{role}'"
    return f"[(c)-[own:MEMBER_OF]->(g:Programme) WHERE {family} | [own.programme_code, {tied}]]"


FAMILIES: Final = f"""{_families(MemberRole.PRINCIPAL, _dependants("c", "d"))} AS headed,
  {_families(MemberRole.DEPENDANT, _principals("c", "p", _dependants("p", "o")))} AS joined"""
"""Two columns for the customer ``c``; they look at nobody else where ``c`` is in no family programme."""


def members(customer_no: str, row: Row) -> Iterator[FamilyMember]:
    """Yield the others in a customer's families, once for every tie."""
    for code, dependants in row["headed"]:
        yield from (_member(code, customer_no, *tied) for tied in dependants)
    for code, principals in row["joined"]:
        for *principal, dependants in principals:
            principal_no = principal[1]
            yield _member(code, principal_no, *principal)
            yield from (_member(code, principal_no, *tied) for tied in dependants if tied[1] != customer_no)


def _member(
    code: str,
    principal_no: str,
    tied_since: date | None,
    customer_no: str,
    limit: float | None,
    debts: Iterable[Sequence[Any]],
    since: date | None,
    until: date | None,
) -> FamilyMember:
    return FamilyMember(
        customer_no=customer_no,
        programme_code=code,
        principal_no=principal_no,
        credit_limit=limit,
        debts=tuple(Debt(*debt) for debt in debts),
        since=max(filter(None, (since, tied_since)), default=None),
        until=until,
    )
