"""A programme goes with all that is its own, and what customers have of its products stays."""

from datetime import UTC, date, datetime

import pytest

from graph import programme_releases, programme_traces
from graph.errors import NotFound
from graph.imports import import_rows

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


async def fill(store, code, partner):
    """Add a programme with three products, of which nobody has one."""
    await import_rows(store, "partners", [row(partner, partner_code=partner, name=partner, kind="retailer")])
    await import_rows(store, "programmes", [
        row(code, programme_code=code, kind="club", name=code, partner_code=partner, quota=9, starts_on=date(2026, 1, 1)),
    ])  # fmt: skip
    await import_rows(store, "products", [
        row(f"{code}-{n}", product_code=f"{code}-{n}", name="Card", category="card", programme_code=code) for n in range(3)
    ])  # fmt: skip
    await import_rows(store, "memberships", [
        row(f"{code}|{n}", customer_no=f"C{n}", programme_code=code, role="member") for n in range(3)
    ])  # fmt: skip
    for contract in (f"{code}|", f"{code}|2026-01-01"):
        await programme_releases.secret(store, contract, "drawn")
        await programme_releases.release(store, contract, {"2026-03": {}, "2026-04": {}}, NOW)


async def customers(store):
    await import_rows(store, "customers", [row(f"C{n}", customer_no=f"C{n}", kind="person") for n in range(3)])


WHOLE = {
    "released_months": 4, "secret_offsets": 2, "memberships": 3, "products": 3, "partners": 1, "programmes": 1,
}  # fmt: skip


async def test_a_store_without_it_is_one_that_never_had_it(empty_store, dump):
    await customers(empty_store)
    await fill(empty_store, "FAN", "CHOIR")
    await fill(empty_store, "FAN|B", "PIPES")
    before = await dump(empty_store)
    await fill(empty_store, "FA", "LIONS")

    assert await programme_traces.count(empty_store, "FA") == WHOLE
    await programme_traces.remove(empty_store, "FA")
    assert await dump(empty_store) == before
    assert await programme_traces.count(empty_store, "FAN") == WHOLE
    await programme_traces.remove(empty_store, "FAN")
    assert await programme_traces.count(empty_store, "FAN|B") == WHOLE


async def test_who_asks_for_its_report_while_it_goes_is_told_by_the_same_offsets(empty_store, dump, interrupted):
    await customers(empty_store)
    before = await dump(empty_store)
    contract = "FAN|2026-01-01"

    for parts in range(1, len(WHOLE)):
        await fill(empty_store, "FAN", "CHOIR")
        assert await interrupted(programme_traces.remove(empty_store, "FAN"), after=parts)
        assert await programme_releases.secret(empty_store, contract, "drawn anew") == "drawn"
        await programme_releases.release(empty_store, contract, {"2026-05": {}}, NOW)
    await programme_traces.remove(empty_store, "FAN")
    with pytest.raises(NotFound):
        await programme_releases.secret(empty_store, contract, "drawn anew")
    await programme_releases.release(empty_store, contract, {"2026-05": {}}, NOW)
    assert await dump(empty_store) == before


async def test_what_customers_have_of_it_stays_and_the_partner_of_another_too(empty_store):
    await customers(empty_store)
    await fill(empty_store, "FAN", "LIONS")
    await fill(empty_store, "CUB", "LIONS")
    await import_rows(empty_store, "holdings", [
        row("C0|FAN-0", customer_no="C0", product_code="FAN-0", opened_on=date(2026, 2, 1), closed_on=date(2026, 3, 1)),
    ])  # fmt: skip
    await import_rows(empty_store, "cards", [
        row("K1", card_no="K1", customer_no="C1", product_code="FAN-0", programme_code="FAN"),
    ])  # fmt: skip
    await empty_store.write(
        "CREATE (:Outcome {outcome_id: 'O1', product_code: 'FAN-1', kind: 'accept', at: $now})", now=NOW
    )

    assert await programme_traces.staying(empty_store, "FAN") == ["FAN-0", "FAN-1"]
    assert await programme_traces.count(empty_store, "FAN") == WHOLE | {"products": 1, "partners": 0}
    await programme_traces.remove(empty_store, "FAN")
    left = await empty_store.read(
        "MATCH (n) WHERE n:Product OR n:Partner OR n:Card OR n:Programme OR n:Outcome "
        "RETURN coalesce(n.card_no, n.product_code, n.programme_code, n.partner_code) AS code ORDER BY code"
    )
    held = await empty_store.read("MATCH (:Customer)-[h:HOLDS]->(p:Product) RETURN p.product_code AS code")

    assert [own["code"] for own in left] == ["CUB", "CUB-0", "CUB-1", "CUB-2", "FAN-0", "FAN-1", "FAN-1", "K1", "LIONS"]
    assert held == [{"code": "FAN-0"}]


async def test_a_partner_whom_another_s_contract_excludes_stays(empty_store):
    await customers(empty_store)
    await fill(empty_store, "FAN", "LIONS")
    await import_rows(empty_store, "programmes", [
        row("CUB", programme_code="CUB", kind="club", name="Cubs", partner_code="TIGERS", exclusive_of=["LIONS"]),
        row("FAN", programme_code="FAN", kind="club", name="Fans", partner_code="LIONS", exclusive_of=["LIONS", "TIGERS"]) | {"digest": "e"},
    ])  # fmt: skip

    assert await programme_traces.excluding(empty_store, "FAN") == ["CUB"]
    assert await programme_traces.excluding(empty_store, "CUB") == []
    assert await programme_traces.count(empty_store, "FAN") == WHOLE | {"partners": 0}
    await programme_traces.remove(empty_store, "FAN")
    assert await empty_store.read("MATCH (p:Partner) RETURN p.partner_code AS code") == [{"code": "LIONS"}]
