"""What customers said of purposes and channels: nothing is changed, what is said is added.

What holds is the latest word about a channel or about all channels. A customer of whom no word on marketing is kept has
said, at an unknown time, what the property ``marketing_consent`` says, which comes of the customers file: most never
say more, and so cost nothing. Once there are such words, the property has what they come to, for filters and searches.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from graph.errors import VersionConflict
from graph.feedback import LOCKED
from graph.once import CLAIM, Request, write_once
from graph.records import Consent
from graph.store import Statement, Store
from graph.words import Channel, ConsentSource, Purpose

COLUMN: Final = """
FOREACH (_ IN CASE
  WHEN c.marketing_consent IS NULL OR size([(c)-[:SAID]->(s:Consent) WHERE s.purpose = 'marketing' | 1]) > 0
  THEN [] ELSE [1] END |
  CREATE (c)-[:SAID]->(:Consent {
    consent_key: c.customer_no + '|column|0', customer_no: c.customer_no, purpose: 'marketing',
    granted: c.marketing_consent, source: 'file', version: 0
  }))
"""
"""Keeps what the customers file said of ``c`` as his first word, before another is added."""
SAID_SO_FAR: Final = """
MATCH (c:Customer) WHERE c.consent_at IS NOT NULL
MERGE (s:Consent {consent_key: c.customer_no + '|api|' + toString(coalesce(c.consent_version, 0))})
ON CREATE SET s.customer_no = c.customer_no, s.purpose = 'marketing', s.granted = c.marketing_consent,
  s.at = c.consent_at, s.source = 'api', s.version = coalesce(c.consent_version, 0)
MERGE (c)-[:SAID]->(s)
"""
"""For graphs of a time when a customer's own last word was kept alone."""
SUMMARY: Final = """
WITH c
MATCH (c)-[:SAID]->(s:Consent) WHERE s.purpose = 'marketing'
WITH c, s ORDER BY s.at IS NOT NULL, s.at, s.version
WITH c, collect(s) AS said
WITH c, [channel IN $channels |
  reduce(held = 'unknown', s IN said | CASE
    WHEN s.channel IS NOT NULL AND s.channel <> channel THEN held WHEN s.granted THEN 'yes' ELSE 'no' END)] AS held
SET c.marketing_consent = CASE WHEN 'yes' IN held THEN true WHEN 'no' IN held THEN false ELSE null END
"""
CONSENT: Final = f"""
{LOCKED}, coalesce(c.consent_version, 0) AS version
WHERE $expected IS NULL OR version = $expected
WITH c
{CLAIM}
{COLUMN}
WITH c, k, coalesce(c.consent_version, 0) + 1 AS version,
  reduce(latest = $now, at IN [(c)-[:SAID]->(s:Consent) WHERE s.at > $now | s.at] |
    CASE WHEN at > latest THEN at ELSE latest END) AS at
CREATE (c)-[:SAID]->(said:Consent {{
  consent_key: $recorded_as, customer_no: c.customer_no, purpose: $purpose, granted: $granted, at: at,
  source: 'api', recorded_by: $recorded_by, version: version
}})
SET said.channel = $channel, c.consent_version = version, k.version = version, k.said_at = at,
  c.consent_at = CASE WHEN $purpose = 'marketing' THEN at ELSE c.consent_at END
{SUMMARY}
"""
"""No word is dated before an earlier one, however the clocks of servers differ."""
VERSION: Final = """
MATCH (c:Customer {customer_no: $customer_no}) RETURN coalesce(c.consent_version, 0) AS version
"""
CHANGED_COLUMN: Final = f"""
UNWIND $rows AS row
MATCH (c:Customer {{customer_no: row.key}}) WHERE c.consent_at IS NULL AND c.marketing_consent <> row.granted
{COLUMN}
WITH c, row, coalesce(c.consent_version, 0) + 1 AS version
CREATE (c)-[:SAID]->(:Consent {{
  consent_key: c.customer_no + '|column|' + toString(version), customer_no: c.customer_no, purpose: 'marketing',
  granted: row.granted, at: $now, source: 'file', version: version
}})
SET c.consent_version = version, c.marketing_consent = row.granted
"""
COUNTED: Final = f"""
UNWIND $customers AS row
MATCH (c:Customer {{customer_no: row.customer_no}})
SET c.consent_version = coalesce(c.consent_version, 0) + row.said
WITH c
{COLUMN}
"""
CORRECTED: Final = """
UNWIND $keys AS key
MATCH (s:Consent {consent_key: key}) SET s.consent_key = key + '|' + toString(s.version)
"""
ADDED: Final = """
UNWIND $rows AS row
MATCH (c:Customer {customer_no: row.customer_no})
CREATE (c)-[:SAID]->(s:Consent)
SET s = row.properties, s.source = 'file', s.version = c.consent_version - row.later
"""
SUMMED: Final = f"""
UNWIND $customers AS row
MATCH (c:Customer {{customer_no: row.customer_no}})
SET c.consent_at = CASE WHEN row.at IS NULL OR c.consent_at > row.at THEN c.consent_at ELSE row.at END
{SUMMARY}
"""


async def set_consent(
    store: Store, customer_no: str, said: Consent, request: Request, expected: int | None = None
) -> Consent:
    """Add what a customer says now, once, if his version is the expected one; return what was added.

    The customer exists. Of ``said`` the purpose, channel and answer count, and who recorded it.

    Raises:
        KeyReused: the request's key stands for another input.
        VersionConflict: somebody else has added something meanwhile.
    """
    claim = await write_once(
        store,
        request,
        CONSENT,
        customer_no=customer_no,
        purpose=said.purpose,
        channel=said.channel,
        granted=said.granted,
        recorded_by=said.recorded_by,
        expected=expected,
        channels=list(Channel),
    )
    if claim is None:
        found = await store.read(VERSION, customer_no=customer_no)
        raise VersionConflict(found[0]["version"] if found else 0)
    return Consent(
        said.purpose,
        said.granted,
        said.channel,
        claim["said_at"],
        ConsentSource.API,
        said.recorded_by,
        claim["version"],
    )


def column_writes(rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Statement]:
    """Return what keeps the history where rows of the customers file say otherwise than rows before them did.

    An empty cell takes back a yes. Who has said something of marketing himself, or by the file of consents, is left
    alone: the column does not say when, and may be older.
    """
    said = [{"key": row["key"], "granted": row["properties"].get("marketing_consent") is True} for row in rows]
    return [(CHANGED_COLUMN, {"rows": said, "now": now})]


def file_writes(created: Sequence[Mapping[str, Any]], updated: Sequence[Mapping[str, Any]]) -> list[Statement]:
    """Return what adds rows of the file of consents.

    A row that says otherwise of the same moment than the file did before stands beside it, and counts.
    """
    by_customer: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in (*created, *updated):
        by_customer[row["properties"]["customer_no"]].append(row)
    customers = [
        {"customer_no": number, "said": len(rows), "at": _latest_on_marketing(rows)}
        for number, rows in by_customer.items()
    ]
    added = [
        {"customer_no": number, "later": len(rows) - place, "properties": _properties(row)}
        for number, rows in by_customer.items()
        for place, row in enumerate(rows, 1)
    ]
    return [
        (COUNTED, {"customers": customers}),
        (CORRECTED, {"keys": [row["key"] for row in updated]}),
        (ADDED, {"rows": added}),
        (SUMMED, {"customers": customers, "channels": list(Channel)}),
    ]


def statements(rows: Sequence[Sequence[Any]]) -> tuple[Consent, ...]:
    """Make records of rows of purpose, granted, channel, at, source, recorded_by and version; oldest first."""
    found = [
        Consent(
            Purpose(purpose), granted, Channel(channel) if channel else None, at, ConsentSource(source), by, version
        )
        for purpose, granted, channel, at, source, by, version in rows
    ]
    return tuple(sorted(found, key=lambda said: (said.at is not None, said.at, said.version)))


def _latest_on_marketing(rows: Sequence[Mapping[str, Any]]) -> datetime | None:
    own = (row["properties"] for row in rows)
    return max((one["at"] for one in own if one["purpose"] == Purpose.MARKETING), default=None)


def _properties(row: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in row["properties"].items() if value is not None}
    return known | {"consent_key": row["key"], "row_digest": row["digest"]}
