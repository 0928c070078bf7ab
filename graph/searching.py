"""What customers are found and ordered by when somebody knows a number or a name; made as their rows are written.

``search_key`` has the number and the name in lower case: a trigram index of Neo4j finds a word of three letters or more
anywhere in it, and the embedded store reads every key. ``name_key`` is the name as names are ordered.
"""

from collections.abc import Mapping
from typing import Any, Final

from graph.filters import Every, Filter, Mentions

LAST: Final = "\uffff\uffff"
"""The name key of those who have no name."""
SEARCHABLE: Final = """
MATCH (c:Customer)
SET c.search_key = toLower(c.customer_no + ' ' + coalesce(c.name, '')),
  c.name_key = coalesce(toLower(c.name), '\uffff\uffff')
"""


def keys(customer: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the keys of a customer's row."""
    name = customer.get("name")
    return {"search_key": f"{customer['customer_no']} {name or ''}".lower(), "name_key": name_key(name)}


def name_key(name: str | None) -> str:
    """Return what a name is ordered by: in lower case, and last where there is none.

    Neo4j orders texts by code point, but compares them with a parameter by UTF-16 unit, so that a cursor at a rare
    Chinese character would lose customers. Each character beyond the first 65,536 becomes three within them.
    """
    if name is None:
        return LAST
    return "".join(character if character <= "\uffff" else _within_one_unit(character) for character in name.lower())


def mentioning(text: str) -> Filter:
    """Return the filter of whose number or name contains each word of a text, in any case."""
    return Every(tuple(Mentions(word) for word in text.split()))


def _within_one_unit(character: str) -> str:
    high, low = divmod(ord(character) - 0x10000, 0x400)
    return f"\uffff{chr(0x4E00 + high)}{chr(0x4E00 + low)}"
