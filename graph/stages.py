"""The lifecycle stages that were noted last: what they are compared with, and what tells webhooks of a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from graph.outbox import TELL, moment_key, stage_event
from graph.store import Store
from graph.words import LifecycleStage

NOTED: Final = """
UNWIND $customer_nos AS customer_no
MATCH (c:Customer {customer_no: customer_no}) WHERE c.stage_noted IS NOT NULL
RETURN c.customer_no AS customer_no, c.stage_noted AS stage
"""
NOTE: Final = f"""
UNWIND $changes AS change
MATCH (c:Customer {{customer_no: change.customer_no}})
SET c.customer_no = c.customer_no
WITH c, change WHERE coalesce(c.stage_noted, '') = coalesce(change.before, '')
SET c.stage_noted = change.after
WITH change.event AS event WHERE event IS NOT NULL
{TELL}
"""
"""Setting the number to itself locks the customer before his stage is read."""


@dataclass(frozen=True, slots=True)
class Change:
    """A customer's stage that is not the one noted; ``before`` is None where none was."""

    customer_no: str
    before: LifecycleStage | None
    after: LifecycleStage


async def noted(store: Store, customer_nos: Sequence[str]) -> dict[str, LifecycleStage]:
    """Return the stages that were noted last, by customer; of some none was."""
    rows = await store.read(NOTED, customer_nos=list(customer_nos))
    return {row["customer_no"]: LifecycleStage(row["stage"]) for row in rows}


async def note(store: Store, changes: Sequence[Change], day: date, now: datetime) -> None:
    """Note stages and tell webhooks of those that changed, all or none.

    What another has noted meanwhile is left, and told by that one.
    """
    rows = [
        {
            "customer_no": change.customer_no,
            "before": change.before,
            "after": change.after,
            "event": stage_event(change.customer_no, change.before, change.after, day, now).parameters()
            if change.before is not None
            else None,
        }
        for change in changes
    ]
    await store.write(NOTE, changes=rows, due=moment_key(now))
