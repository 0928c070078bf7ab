"""Whom customers may be compared with: the first so many of each group, and never the whole bank."""

import pytest

from graph.alike import book, companions
from graph.customers import pages
from graph.imports import import_rows


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def village(empty_store):
    """Ten who hold a fund, and of a manager; a pair of colleagues; a pair of fellow members; one alone."""
    store = empty_store
    await import_rows(store, "programmes", [row("G", programme_code="G", kind="campus", name="G")])
    await import_rows(store, "managers", [row("M", manager_no="M", name="M")])
    await import_rows(store, "products", [row("FUND", product_code="FUND", name="Fund", category="wealth")])
    holders = [f"H{n}" for n in range(10)]
    everybody = [*holders, "BOSS", "W1", "W2", "S1", "S2", "ALONE"]
    await import_rows(store, "customers", [
        row(no, customer_no=no, kind="person") | {"properties": {"customer_no": no, "kind": "person"} | ({"manager_no": "M"} if no in holders else {})}
        for no in everybody
    ])  # fmt: skip
    await import_rows(store, "holdings", [row(f"{no}|FUND", customer_no=no, product_code="FUND") for no in holders])
    await import_rows(store, "relations", [
        row(f"{no}|BOSS", from_customer_no=no, to_customer_no="BOSS", kind="employer") for no in ("W1", "W2")
    ])  # fmt: skip
    await import_rows(store, "memberships", [
        row(f"{no}|G", customer_no=no, programme_code="G", role="student") for no in ("S1", "S2")
    ])  # fmt: skip
    return store


async def test_companions_share_a_product_a_programme_or_a_relation(village):
    found = await companions(village, {"H0": ["FUND"], "W1": [], "S1": [], "ALONE": ["FUND"], "NOBODY": []}, 100)

    holders = {f"H{n}" for n in range(10)}
    assert found == {"H0": holders - {"H0"}, "W1": {"W2"}, "S1": {"S2"}, "ALONE": holders, "NOBODY": set()}


async def test_of_a_large_group_only_so_many_are_looked_at(village):
    assert len((await companions(village, {"ALONE": ["FUND"]}, 4))["ALONE"]) == 4


async def test_a_book_is_read_up_to_a_limit(village):
    assert sorted(await book(village, "M", 100)) == [f"H{n}" for n in range(10)]
    assert len(await book(village, "M", 3)) == 3
    assert await book(village, "NOBODY", 3) == []


async def test_customers_are_paged_by_region(village):
    await village.write("MATCH (c:Customer) WHERE c.customer_no STARTS WITH 'H' SET c.region = 'North'")

    north = [page async for page in pages(village, 4, "North")]
    everybody = [number async for page in pages(village, 4) for number in page]

    assert north == [["H0", "H1", "H2", "H3"], ["H4", "H5", "H6", "H7"], ["H8", "H9"]]
    assert len(everybody) == 16
