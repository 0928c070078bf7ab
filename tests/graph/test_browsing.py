"""Pages, filters and searches of customers, on whichever store is under test."""

from datetime import date
from itertools import pairwise, product

import pytest

from graph import browsing
from graph.browsing import Window
from graph.filters import EVERYBODY, Column, Compared, Every, Holds, Known, MemberOf, Not, Operator, Some
from graph.imports import import_rows
from graph.migrations import MIGRATIONS
from graph.ordering import NUMBER, Key, place, turned, whole
from graph.searching import mentioning
from graph.words import CustomerKind

COLUMNS = {column.value: column for column in Column} | {"name": Column.NAME_KEY}
TODAY = date(2026, 6, 1)
NAMES = ["Wu", None, "An", "Li", "Li", "𠮷田", "Ａｄａ", "王伟"]
BORN = [date(1990, 1, 1), None, date(1980, 1, 1), date(1990, 1, 1), None, date(2000, 1, 1), None, date(1970, 1, 1)]


def row(key, **properties):
    return {"key": key, "digest": "d", "properties": properties}


def customer(n, **own):
    return row(f"C{n}", customer_no=f"C{n}", kind="person", **own)


@pytest.fixture
async def bank(empty_store):
    await import_rows(empty_store, "programmes", [row("P1", programme_code="P1", kind="campus", name="Campus")])
    await import_rows(
        empty_store,
        "products",
        [row(code, product_code=code, name=code, category="card") for code in ("CARD", "LOAN")],
    )
    kinds = {4: "company"}
    await import_rows(
        empty_store,
        "customers",
        [
            row(f"C{n}", customer_no=f"C{n}", kind=kinds.get(n, "person"), name=name, birth_date=born, region="R" if n % 2 else None, marketing_consent=n == 3 or None)
            for n, (name, born) in enumerate(zip(NAMES, BORN, strict=True))
        ],
    )  # fmt: skip
    await import_rows(
        empty_store, "memberships", [row("C2|P1|student", customer_no="C2", programme_code="P1", role="student")]
    )
    held = {
        "C0": {"opened_on": date(2020, 1, 1)},
        "C1": {"opened_on": date(2020, 1, 1), "closed_on": TODAY},
        "C2": {"opened_on": date(2026, 6, 2)},
        "C3": {},
    }
    await import_rows(
        empty_store,
        "holdings",
        [row(f"{no}|CARD", customer_no=no, product_code="CARD", **days) for no, days in held.items()],
    )
    return empty_store


async def numbers(store, window=Window(), wanted=EVERYBODY):  # noqa: B008
    return [found.customer_no for found in await browsing.page(store, wanted, window)]


def ordered(*keys):
    return whole([Key(COLUMNS[name.removeprefix("-")], name.startswith("-")) for name in keys])


async def test_pages_go_forward_and_backward_over_the_same_order(bank):
    down = (Key(Column.CUSTOMER_NO, descending=True),)

    assert await numbers(bank, Window(count=2)) == ["C0", "C1"]
    assert await numbers(bank, Window(after=("C1",), count=2)) == ["C2", "C3"]
    assert await numbers(bank, Window(before=("C3",), count=2, backward=True)) == ["C1", "C2"]
    assert await numbers(bank, Window(after=("C1",), before=("C4",))) == ["C2", "C3"]
    assert await numbers(bank, Window(down, count=2)) == ["C7", "C6"]
    assert await numbers(bank, Window(down, after=("C3",), count=9)) == ["C2", "C1", "C0"]


async def test_what_is_unknown_comes_last_and_first_where_descending(bank):
    assert await numbers(bank, Window(ordered("birth_date"))) == ["C7", "C2", "C0", "C3", "C5", "C1", "C4", "C6"]
    assert await numbers(bank, Window(ordered("-birth_date"))) == ["C1", "C4", "C6", "C5", "C0", "C3", "C2", "C7"]


ORDERS = [
    ("customer_no",), ("-customer_no",), ("name",), ("-name",), ("birth_date", "-name"), ("-birth_date", "name"),
    ("region", "-birth_date", "name"), ("-region", "birth_date"), ("-kind", "region", "-customer_no"),
]  # fmt: skip


async def walked(store, keys, count, *, backward):
    """Every customer, page by page."""
    found, reached = [], None
    while True:
        window = Window(keys, **{"before" if backward else "after": reached}, count=count, backward=backward)
        page = await browsing.page(store, EVERYBODY, window)
        if not page:
            return [customer.customer_no for customer in found]
        found = [*page, *found] if backward else [*found, *page]
        reached = place(page[0 if backward else -1], keys)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(order))
async def test_walking_page_by_page_either_way_meets_everybody_once_and_in_order(bank, order):
    keys = ordered(*order)
    everybody = await numbers(bank, Window(keys))

    assert len(everybody) == len(set(everybody)) == len(NAMES)
    for count, backward in product((1, 3), (False, True)):
        assert await walked(bank, keys, count, backward=backward) == everybody
    assert (await numbers(bank, Window(turned(keys))))[::-1] == everybody


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(order))
async def test_customers_who_come_and_go_between_pages_shift_nobody_else(bank, order, backward):
    keys = ordered(*order)
    lasting = await numbers(bank, Window(keys))
    met, reached, turn = [], None, 0
    while True:
        window = Window(keys, **{"before" if backward else "after": reached}, count=2, backward=backward)
        page = await browsing.page(bank, EVERYBODY, window)
        if not page:
            break
        met += [each.customer_no for each in (reversed(page) if backward else page)]
        reached = place(page[0 if backward else -1], keys)
        # The customer at the cursor goes, and others come at both ends and among those of whom nothing is known.
        gone = page[0 if backward else -1].customer_no
        await bank.write("MATCH (c:Customer {customer_no: $no}) DETACH DELETE c", no=gone)
        turn += 1
        await import_rows(
            bank,
            "customers",
            [customer(f"9-{turn}", name="zz", region="Z"), customer(f"00-{turn}", name="A"), customer(f"5-{turn}")]
            if turn < 4
            else [],
        )

    assert [no for no in met if no in lasting] == (lasting[::-1] if backward else lasting)
    assert len(met) == len(set(met))


def eq(column, value):
    return Compared(column, Operator.EQ, value)


FILTERS = {
    "eq": (eq(Column.KIND, CustomerKind.COMPANY), "4"),
    "in": (Compared(Column.NAME, Operator.IN, ("Li", "Wu")), "034"),
    "in nothing": (Compared(Column.NAME, Operator.IN, ()), ""),
    "starts with": (Compared(Column.NAME, Operator.STARTS_WITH, "L"), "34"),
    "gte": (Compared(Column.BIRTH_DATE, Operator.GTE, date(1990, 1, 1)), "035"),
    "gt": (Compared(Column.BIRTH_DATE, Operator.GT, date(1990, 1, 1)), "5"),
    "lte": (Compared(Column.BIRTH_DATE, Operator.LTE, date(1980, 1, 1)), "27"),
    "lt": (Compared(Column.BIRTH_DATE, Operator.LT, date(1980, 1, 1)), "7"),
    "yes": (eq(Column.MARKETING_CONSENT, True), "3"),
    "known": (Known(Column.REGION), "1357"),
    "unknown": (Not(Known(Column.REGION)), "0246"),
    "not takes in the unknown": (Not(eq(Column.NAME, "Li")), "012567"),
    "not in": (Not(Compared(Column.NAME, Operator.IN, ("Li", "Wu"))), "12567"),
    "not not": (Not(Not(eq(Column.NAME, "Li"))), "34"),
    "not of or": (Not(Some((eq(Column.NAME, "Li"), eq(Column.REGION, "R")))), "026"),
    "not of and": (Not(Every((eq(Column.NAME, "Li"), eq(Column.REGION, "R")))), "0124567"),
    "or": (Some((eq(Column.NAME, "An"), eq(Column.REGION, "R"))), "12357"),
    "or of nothing": (Some(()), ""),
    "and of nothing": (Every(()), "01234567"),
    "or within and": (Every((eq(Column.REGION, "R"), Some((eq(Column.NAME, "Li"), Not(Known(Column.NAME)))))), "13"),
    "holds today": (Holds(("CARD", "LOAN"), TODAY), "03"),
    "holds another": (Holds(("LOAN",), TODAY), ""),
    "held before": (Holds(("CARD",), date(2021, 1, 1)), "013"),
    "lacks": (Not(Holds(("CARD",), TODAY)), "124567"),
    "member": (MemberOf(("P1", "P2")), "2"),
    "no member": (Not(MemberOf(("P1",))), "0134567"),
    "search a name in another case": (mentioning("LI"), "34"),
    "search within a name": (mentioning("d"), ""),
    "search a part of a Chinese name": (mentioning("伟"), "7"),
    "search a number in another case": (mentioning("c5"), "5"),
    "search words in any order": (mentioning("  li c3 "), "3"),
    "search nothing": (mentioning(" "), "01234567"),
    "not searched": (Not(mentioning("i")), "012567"),
}


@pytest.mark.parametrize(("wanted", "found"), FILTERS.values(), ids=FILTERS)
async def test_a_filter_restricts_page_and_count_alike(bank, wanted, found):
    assert await numbers(bank, wanted=wanted) == [f"C{n}" for n in found]
    assert await browsing.count(bank, wanted) == len(found)


async def test_a_renamed_customer_is_found_by_the_new_name_alone(bank):
    await import_rows(bank, "customers", [{**customer(0, name="Zhou"), "digest": "e"}])

    assert await numbers(bank, wanted=mentioning("zhou")) == ["C0"]
    assert await numbers(bank, wanted=mentioning("wu")) == []


async def test_a_bank_that_was_loaded_before_searches_is_searched_after_migrating(bank):
    keys = "MATCH (c:Customer) RETURN c.customer_no AS no, c.search_key AS found_by, c.name_key AS name ORDER BY no"
    await bank.write("MATCH (c:Customer {name: '𠮷田'}) DETACH DELETE c")
    before = await bank.read(keys)
    await bank.write("MATCH (c:Customer) REMOVE c.search_key, c.name_key")
    for statement in MIGRATIONS[2].statements:
        await bank.write(statement)

    assert await bank.read(keys) == before


@pytest.mark.parametrize(("one", "other"), [*pairwise(["'", "\\", "`", "$wanted_0", "' OR true //", "{", "\n"])])
async def test_a_value_is_never_read_as_cypher(bank, one, other):
    hostile = Every((eq(Column.NAME, one), Not(eq(Column.REGION, other)), Not(MemberOf((one, other)))))

    assert await numbers(bank, wanted=hostile) == []
    assert await numbers(bank, wanted=Every((mentioning(one + other), Holds((one,), TODAY)))) == []


async def test_names_are_ordered_in_any_case_and_by_code_point_and_the_unnamed_come_last(bank):
    await import_rows(bank, "customers", [customer(8, name="li"), customer(9, name="\uff5ezz")])

    names = [found.name for found in await browsing.page(bank, EVERYBODY, Window(ordered("name")))]

    assert names == ["An", "Li", "Li", "li", "Wu", "王伟", "Ａｄａ", "～zz", "𠮷田", None]


def test_an_order_that_names_the_number_needs_no_other_key():
    assert ordered("name", "-customer_no") == (Key(Column.NAME_KEY), Key(Column.CUSTOMER_NO, descending=True))
    assert ordered("name") == (Key(Column.NAME_KEY), NUMBER)
