"""Deputies: managers who see another's book until a day."""

from datetime import date, datetime

import strawberry

from graph import deputies


@strawberry.type(description="A grant by which one relationship manager sees the book of another until a day.")
class Deputy:
    """A grant."""

    deputy_no: str = strawberry.field(description="Who sees the book.")
    manager_no: str = strawberry.field(description="Whose book it is.")
    until: date = strawberry.field(description="The last day, in UTC.")
    granted_by: str = strawberry.field(description="Who granted it.")
    granted_at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, deputy: deputies.Deputy) -> "Deputy":
        """Make the type of a grant."""
        return cls(
            deputy_no=deputy.deputy_no,
            manager_no=deputy.manager_no,
            until=deputy.until,
            granted_by=deputy.granted_by,
            granted_at=deputy.granted_at,
        )
