"""The life events that customers were found with of late, so that webhooks are told of each once.

They are kept as one text a customer, ``CODE|DAY`` for each, until they are too old to be told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.outbox import TELL, Event, moment_key
from graph.store import Store

NOTED: Final = """
UNWIND $customer_nos AS customer_no
MATCH (c:Customer {customer_no: customer_no}) WHERE c.life_events_noted IS NOT NULL
RETURN c.customer_no AS customer_no, c.life_events_noted AS noted
"""
NOTE: Final = f"""
UNWIND $changes AS change
MATCH (c:Customer {{customer_no: change.customer_no}})
SET c.customer_no = c.customer_no
WITH c, change WHERE coalesce(c.life_events_noted, 'none') = coalesce(change.before, 'none')
SET c.life_events_noted = change.after
WITH change UNWIND change.events AS event
{TELL}
"""
"""Setting the number to itself locks the customer before what is noted of him is read."""


@dataclass(frozen=True, slots=True)
class Noting:
    """What is noted of a customer from now on, and told; ``before`` is None where he is new to it."""

    customer_no: str
    before: str | None
    after: str
    events: Sequence[Event]


async def noted(store: Store, customer_nos: Sequence[str]) -> dict[str, str]:
    """Return what was noted last, by customer; of some nothing was."""
    rows = await store.read(NOTED, customer_nos=list(customer_nos))
    return {row["customer_no"]: row["noted"] for row in rows}


async def note(store: Store, notings: Iterable[Noting], now: datetime) -> None:
    """Note life events and tell webhooks of them, all or none; what another has noted meanwhile is left to that one."""
    changes = [
        {
            "customer_no": noting.customer_no,
            "before": noting.before,
            "after": noting.after,
            "events": [event.parameters() for event in noting.events],
        }
        for noting in notings
    ]
    await store.write(NOTE, changes=changes, due=moment_key(now))
