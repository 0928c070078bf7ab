"""Reads the accounts and cards of any number of customers, each in one query."""

from collections.abc import Sequence
from typing import Final

from graph.records import Account, Card
from graph.rows import attributes
from graph.store import Store

ACCOUNTS: Final = """
UNWIND $customer_nos AS no MATCH (:Customer {customer_no: no})-[:OWNS]->(a:Account)
RETURN properties(a) AS account
"""
CARDS: Final = """
UNWIND $customer_nos AS no MATCH (:Customer {customer_no: no})-[:CARRIES]->(k:Card)
RETURN properties(k) AS card
"""


async def accounts(store: Store, customer_nos: Sequence[str]) -> list[Account]:
    """Return the customers' accounts, by account number."""
    rows = [row["account"] for row in await store.read(ACCOUNTS, customer_nos=list(customer_nos))]
    names = ("account_no", "customer_no", "product_code", "currency", "balance", "opened_on", "closed_on")
    found = [Account(**{name: row.get(name) for name in names}, attributes=attributes(row)) for row in rows]
    return sorted(found, key=lambda account: account.account_no)


async def cards(store: Store, customer_nos: Sequence[str]) -> list[Card]:
    """Return the customers' cards, by card number."""
    rows = [row["card"] for row in await store.read(CARDS, customer_nos=list(customer_nos))]
    names = (
        "card_no", "customer_no", "account_no", "product_code", "programme_code", "principal_card_no",
        "issued_on", "expires_on", "status",
    )  # fmt: skip
    found = [Card(**{name: row.get(name) for name in names}, attributes=attributes(row)) for row in rows]
    return sorted(found, key=lambda card: card.card_no)
