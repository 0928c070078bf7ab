"""Who may see what: every rule of every role, in this one place.

CUSTOMER sees himself; RELATIONSHIP_MANAGER the customers of his book, and of the books whose deputy he is until a day;
MARKETING products, programmes, recommenders, plugins' settings and the model, and no customer; PARTNER its own
programmes; ADMIN everything. What a viewer may not see is, to him, not there.
"""

from typing import Final, TypeAlias

from api.errors import ApiError, Code
from api.roles import Role, Viewer
from graph.filters import Column, Compared, Every, Filter, Operator, Some
from graph.records import Customer, Programme

SERVES_CUSTOMERS: Final = frozenset({Role.RELATIONSHIP_MANAGER, Role.ADMIN})
SEES_RECOMMENDERS: Final = frozenset({Role.RELATIONSHIP_MANAGER, Role.MARKETING, Role.ADMIN})
SEES_PLUGINS: Final = frozenset({Role.MARKETING, Role.ADMIN})
SEES_MODELS: Final = frozenset({Role.RELATIONSHIP_MANAGER, Role.MARKETING, Role.ADMIN})
SEES_SEGMENTS: Final = frozenset({Role.RELATIONSHIP_MANAGER, Role.MARKETING, Role.ADMIN})
SEES_INTERNALS: Final = frozenset({Role.RELATIONSHIP_MANAGER, Role.MARKETING, Role.ADMIN})
SEES_SUBGRAPH: Final = frozenset({Role.ADMIN})
SETS_PLUGINS: Final = frozenset({Role.MARKETING, Role.ADMIN})
SERVES_DEPUTIES: Final = frozenset({Role.ADMIN})
SERVES_PLUGINS: Final = frozenset({Role.MARKETING, Role.ADMIN})
SERVES_WEBHOOKS: Final = frozenset({Role.ADMIN})
SEES_ACCESS_REPORTS: Final = frozenset({Role.CUSTOMER, Role.ADMIN})
"""On whom they see. A customer's has what is derived of him too: he has a right to it (GDPR, art. 15)."""
ERASES_CUSTOMERS: Final = frozenset({Role.ADMIN})
SEES_AUDIT_LOG: Final = frozenset({Role.ADMIN})
SEES_NUMBERS: Final = frozenset({Role.CUSTOMER, Role.ADMIN})
LEAST_GROUP: Final = 20
LAST_PLACES: Final = 4
Books: TypeAlias = tuple[str, ...]
"""The managers whose customers a manager sees, his own number first; empty for other roles."""


def require(viewer: Viewer, roles: frozenset[Role], what: str, do: str = "see") -> None:
    """Refuse a viewer whose role is none of ``roles``.

    Raises:
        ApiError: FORBIDDEN.
    """
    if viewer.role not in roles:
        raise ApiError(Code.FORBIDDEN, f"The role {viewer.role} may not {do} {what}.")


def may_look_for(viewer: Viewer, customer_no: str) -> bool:
    """Whether a viewer may see a customer at all, whoever he is: else nobody looks whether there is one."""
    return viewer.role in SERVES_CUSTOMERS or is_himself(viewer, customer_no)


def is_denied(viewer: Viewer, customer_no: str) -> bool:
    """Whether a customer who is not there for a viewer may be there for others: an attempt that is recorded."""
    return viewer.role is not Role.ADMIN and not is_himself(viewer, customer_no)


def is_himself(viewer: Viewer, customer_no: str) -> bool:
    """Whether a viewer is that customer, whose own reads nobody records."""
    return viewer.role is Role.CUSTOMER and customer_no == viewer.key


def sees_customer(viewer: Viewer, books: Books, customer: Customer) -> bool:
    """Whether a customer is there for a viewer."""
    match viewer.role:
        case Role.ADMIN:
            return True
        case Role.CUSTOMER:
            return is_himself(viewer, customer.customer_no)
        case Role.RELATIONSHIP_MANAGER:
            return customer.manager_no in books
        case _:
            return False


def narrowed(viewer: Viewer, books: Books, wanted: Filter) -> Filter:
    """Return the filter cut down to what a viewer may see, whatever it says.

    Raises:
        ApiError: FORBIDDEN for roles that see no customers.
    """
    require(viewer, SERVES_CUSTOMERS | {Role.CUSTOMER}, "customers")
    match viewer.role:
        case Role.CUSTOMER:
            return Every((Compared(Column.CUSTOMER_NO, Operator.EQ, viewer.key), wanted))
        case Role.RELATIONSHIP_MANAGER:
            return Every((Some(tuple(Compared(Column.MANAGER_NO, Operator.EQ, book) for book in books)), wanted))
        case _:
            return wanted


def told_number(viewer: Viewer, number: str) -> str:
    """Return the number of an account, card or member as a viewer may read it: a manager only its last places."""
    return number if viewer.role in SEES_NUMBERS else last_places(number)


def last_places(number: str) -> str:
    """Return a number's last four places, and never more than half of it."""
    shown = min(LAST_PLACES, len(number) // 2)
    return f"••••{number[len(number) - shown :]}"


def sees_programme(viewer: Viewer, programme: Programme) -> bool:
    """Whether a programme is there for a viewer."""
    if viewer.role is not Role.PARTNER:
        return True
    return programme.partner is not None and programme.partner.partner_code == viewer.key


def sees_similar_customers(viewer: Viewer) -> bool:
    """Whether a viewer may read who is like a customer he sees; never a customer himself."""
    return viewer.role in SERVES_CUSTOMERS


def sees_prospects(viewer: Viewer) -> bool:
    """Whether a viewer may read who is likely to take a product, and not only how many are."""
    return viewer.role in SERVES_CUSTOMERS


def sees_group(viewer: Viewer, members: int) -> bool:
    """Whether a viewer may read a number of so many customers: who sees no customers, of 20 and more only."""
    return viewer.role in SERVES_CUSTOMERS or members >= LEAST_GROUP


def is_bound_to_books(viewer: Viewer) -> bool:
    """Whether a viewer sees the customers of some managers only."""
    return viewer.role is Role.RELATIONSHIP_MANAGER


def serves_book(viewer: Viewer, books: Books, manager_no: str | None) -> bool:
    """Whether a viewer serves the customers of a manager's book."""
    return viewer.role is Role.ADMIN or manager_no in books


def sees_offers(viewer: Viewer) -> bool:
    """Whether any customer's offers are there for a viewer."""
    return viewer.role in SERVES_CUSTOMERS | {Role.CUSTOMER}


def sees_workings(viewer: Viewer) -> bool:
    """Whether a viewer may read how an offer came about: gates, propensities, values."""
    return viewer.role in SERVES_CUSTOMERS


def sees_internals(viewer: Viewer) -> bool:
    """Whether a viewer may read what of a product is the bank's own: its margin, demand, its files' further columns."""
    return viewer.role in SEES_INTERNALS


def sees_similar_products(viewer: Viewer) -> bool:
    """Whether a viewer may read which products the bank's customers hold together; a partner sees its own only."""
    return viewer.role is not Role.PARTNER


def sees_insights(viewer: Viewer) -> bool:
    """Whether a viewer may read what the bank thinks of a customer he sees: will he leave, his worth, his segment.

    Never the customer himself.
    """
    return viewer.role in SERVES_CUSTOMERS


def sees_recorders(viewer: Viewer) -> bool:
    """Whether a viewer may read which of the bank's people recorded what a customer said; never he himself."""
    return viewer.role in SERVES_CUSTOMERS


def sees_partner_report(viewer: Viewer) -> bool:
    """Whether a viewer may read what became of a programme that he sees: aggregates, never of fewer than 20."""
    return viewer.role is not Role.CUSTOMER


def reads_reports_alone(viewer: Viewer) -> bool:
    """Whether a viewer reads of a programme what it is told in its report, and no other count."""
    return viewer.role is Role.PARTNER


def sees_members(viewer: Viewer, members: int) -> bool:
    """Whether a viewer may read how many members a programme has; never of fewer than 20."""
    return viewer.role is not Role.CUSTOMER and members >= LEAST_GROUP


def sees_plugin_field(viewer: Viewer, on: str, *, for_customers: bool) -> bool:
    """Whether a viewer may read what a plugin tells of a customer, product or programme that he sees.

    The bank's staff may: who serves customers, and of what is no customer marketing too; others what is for them.
    """
    return for_customers or viewer.role in (SERVES_CUSTOMERS if on == "Customer" else SEES_INTERNALS)
