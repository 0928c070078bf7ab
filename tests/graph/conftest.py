"""A bank with one customer who has something of everything that the graph can hold on a customer."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from graph import feedback, plugin_days
from graph.imports import import_rows
from graph.once import Request
from graph.records import Interaction, Outcome
from graph.words import Channel, OutcomeKind

NOW = datetime(2026, 6, 30, 15, 42, 7, tzinfo=UTC)
SECRET = "the secret that erasures of the tests are proved by"
DAY, LATER = date(2020, 3, 17), date(2024, 9, 21)


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


def request(name):
    return Request(f"key of {name}", "print", f"recorded-{name}", NOW)


async def fill(store, *, region="Yunnan", neighbours=0):
    await import_rows(store, "managers", [row("M1", manager_no="M1", name="Manager")])
    await import_rows(store, "programmes", [row("CAMPUS", programme_code="CAMPUS", kind="campus", name="Campus")])
    await import_rows(store, "products", [
        row("SAVE", product_code="SAVE", name="Savings", category="deposit"),
        row("LOAN", product_code="LOAN", name="Loan", category="loan", credit=True),
    ])  # fmt: skip
    others = [row(f"N{n}", customer_no=f"N{n}", kind="person", region=region) for n in range(neighbours)]
    await import_rows(store, "customers", [
        row("ZOE-7351", customer_no="ZOE-7351", kind="person", name="Zoe Zuckerkandl", birth_date=date(1985, 2, 3),
            region=region, occupation="glassblower", income=7351.5, manager_no="M1", x_pet="axolotl"),
        row("OTTO", customer_no="OTTO", kind="person", name="Otto", x_pet="cat"), *others,
    ])  # fmt: skip
    await import_rows(store, "holdings", [
        row("ZOE-7351|SAVE|2020", customer_no="ZOE-7351", product_code="SAVE", opened_on=DAY, balance=73.51),
        row("ZOE-7351|LOAN|2020", customer_no="ZOE-7351", product_code="LOAN", opened_on=DAY, closed_on=LATER),
        row("OTTO|SAVE|2020", customer_no="OTTO", product_code="SAVE", opened_on=date(2020, 3, 5)),
    ])  # fmt: skip
    await import_rows(store, "accounts", [
        row("ACC-7351", account_no="ACC-7351", customer_no="ZOE-7351", product_code="SAVE", closed_on=LATER, x_iban="DE7351"),
        row("ACC-OTTO", account_no="ACC-OTTO", customer_no="OTTO", product_code="SAVE"),
    ])  # fmt: skip
    await import_rows(store, "cards", [
        row("CARD-7351", card_no="CARD-7351", customer_no="ZOE-7351", account_no="ACC-7351", product_code="SAVE"),
        row("CARD-OTTO", card_no="CARD-OTTO", customer_no="OTTO", account_no="ACC-7351", principal_card_no="CARD-7351"),
    ])  # fmt: skip
    await import_rows(store, "memberships", [
        row("ZOE-7351|CAMPUS|student", customer_no="ZOE-7351", programme_code="CAMPUS", role="student", reference="STUD-7351"),
    ])  # fmt: skip
    await import_rows(store, "relations", [
        row("ZOE-7351|OTTO|spouse", from_customer_no="ZOE-7351", to_customer_no="OTTO", kind="spouse", since=DAY),
        row("OTTO|ZOE-7351|guarantor", from_customer_no="OTTO", to_customer_no="ZOE-7351", kind="guarantor"),
    ])  # fmt: skip
    await import_rows(store, "activity", [
        row(f"ACC-7351|2024-0{n}", account_no="ACC-7351", month=f"2024-0{n}", inflow=7351.0) for n in (1, 2)
    ])  # fmt: skip
    await import_rows(store, "interactions", [
        row("VISIT-7351", interaction_id="VISIT-7351", customer_no="ZOE-7351", channel="branch", kind="visit",
            at=NOW, note="asked after a glass furnace"),
    ])  # fmt: skip
    called = Interaction("recorded-call", Channel.PHONE, "call", NOW, "SAVE", "sounded like an axolotl")
    await feedback.record_interaction(store, "ZOE-7351", called, request("call"))
    accepted = Outcome("offer-of-ZOE-7351", "SAVE", OutcomeKind.ACCEPT, Channel.MOBILE, NOW)
    decision = {"offered_at": NOW, "propensity": 0.7351, "model": "m1", "arm": "default"}
    await feedback.record_outcome(store, "ZOE-7351", accepted, decision, request("outcome"))
    await plugin_days.add(store, {}, [plugin_days.Sighting("card-for-7351", "ZOE-7351", "LOAN", DAY)])
    await store.write(
        "MATCH (c:Customer {customer_no: 'ZOE-7351'}) "
        "CREATE (c)-[:SAID]->(:Consent {consent_key: 'recorded-consent', customer_no: c.customer_no, purpose: 'marketing'}) "
        "CREATE (:Delivery {delivery_id: 'recorded-delivery', customer_no: c.customer_no, body: $body})",
        body='{"customerNo":"ZOE-7351"}',
    )


@pytest.fixture
async def zoe(empty_store):
    """The bank's store, and what tells of her wherever it stands."""
    await fill(empty_store)
    return SimpleNamespace(
        store=empty_store,
        number="ZOE-7351",
        traces=("7351", "Zuckerkandl", "glass", "axolotl", "1985", "recorded-", "15:42", "2020-03-17", "2024-09-21"),
        secret=SECRET,
        now=NOW,
    )


@pytest.fixture
def bank_of():
    """Return a function that fills a store with her bank."""
    return fill


class Stopped(Exception):
    """Work was interrupted."""


@pytest.fixture
def interrupted(empty_store, monkeypatch):
    """Return a function: let work go on for so many of its transactions, and return whether it was stopped then."""
    write_all = empty_store.write_all

    async def run(work, after):
        left = iter(range(after))

        async def write(statements):
            if next(left, None) is None:
                raise Stopped
            await write_all(statements)

        monkeypatch.setattr(empty_store, "write_all", write)
        try:
            await work
        except Stopped:
            return True
        finally:
            monkeypatch.setattr(empty_store, "write_all", write_all)
        return False

    return run
