"""A customer's access report: everything held on him and derived of him, under keys that stay as they are.

``docs/data-protection.md`` tells the keys; what changes them otherwise than by adding some changes ``SCHEMA`` too.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from api.access import last_places
from graph import subject
from graph.errors import NotFound
from graph.records import Customer
from graph.store import Row, Store
from recommenders.derived import derived
from recommenders.insight import Insight

SCHEMA: Final = "guanxi.access-report/1"


async def access_report(
    store: Store, record: Customer, insight: Insight, models: Path, model_id: str | None, now: datetime
) -> Mapping[str, Any]:
    """Return a customer's report as JSON has it; of other customers it tells the last places of their numbers.

    Raises:
        NotFound: he was erased since his record was read.
    """
    held = await subject.read(store, record.customer_no)
    if held is None:
        raise NotFound("customer", record.customer_no)
    own, stated = ((held[part], who) for part, who in (("relations", "to"), ("relations_stated_by_others", "from")))
    report: Mapping[str, Any] = plain(
        {
            "schema": SCHEMA,
            "generated_at": now,
            "customer_no": record.customer_no,
            "held": {**held, "relations": _relations(*own), "relations_stated_by_others": _relations(*stated)},
            "derived": derived(record, insight, models, model_id, now.date()),
        }
    )
    return report


def plain(value: object) -> Any:
    """Return a value as JSON has it: days and moments as ISO 8601 writes them."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case str():
            return str(value)
        case Sequence():
            return [plain(item) for item in value]
        case _:
            return value


def _relations(relations: Row | list[Row], other: str) -> list[Row]:
    return [
        {
            "kind": relation["kind"],
            "since": relation.get("since"),
            "other_customer": last_places(relation[f"{other}_customer_no"]),
            **({"further": relation["further"]} if "further" in relation else {}),
        }
        for relation in relations
        if isinstance(relation, dict)
    ]
