"""Who asks: the roles of the bank, and the viewer that a token makes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a viewer is to the bank."""

    CUSTOMER = "CUSTOMER"
    RELATIONSHIP_MANAGER = "RELATIONSHIP_MANAGER"
    MARKETING = "MARKETING"
    PARTNER = "PARTNER"
    ADMIN = "ADMIN"


KEYS = {
    Role.CUSTOMER: "customer_no",
    Role.RELATIONSHIP_MANAGER: "manager_no",
    Role.PARTNER: "partner_code",
}
"""The claim that says whose data a role is about; the other roles have none."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The bearer of a valid token.

    Attributes:
        key: the customer number, manager number or partner code of the role; empty for roles that have none.
    """

    subject: str
    role: Role
    key: str
    expires_at: datetime
