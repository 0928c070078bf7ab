"""All that is held on a customer, and that no feature forgets him: in his report, or when he is erased."""

import re
from datetime import date

from graph import subject
from graph.imports import IMPORTS, NodeImport
from graph.migrations import MIGRATIONS
from graph.subject import KINDS, OWNED, SHARED, TIES

LABEL = re.compile(r"FOR \((?:n|c):(\w+)\)|FOR \(\)-\[r:(\w+)\]-\(\)")
HANDLED_APART = {
    "IdempotencyKey": "in the report as requests, and removed by the id of what it stands for",
    "Anonymous": "made of erased customers, and nobody's",
    "Erasure": "the proof, under a secret",
    "ErasedKey": "keeps files from bringing him back, under a secret",
    "Migration": "of the graph itself",
    "Webhook": "of the bank's receivers",
    "AuditChain": "of the audit log itself",
    "Job": "what servers do at intervals",
    "PluginSettings": "what staff has set of plugins",
    "PluginSettingsChange": "what staff has set of plugins",
    "PluginClaim": "what plugins say is theirs",
    "PluginStage": "the bank's decisions on its plugins",
    "PluginDay": "counts of plugins, of no customer",
    "PluginFailure": "counts of plugins' failures, of no customer",
    "ProgrammeSecret": "the offsets of rounding, of no customer",
    "ProgrammeRelease": "rounded counts, of no customer",
    "AuditEntry": "the audit log is append-only, and has rules of its own",
}
"""Labels that ``graph.subject`` doesn't list, and why not."""


def labels_of_the_schema():
    statements = [statement for migration in MIGRATIONS for statement in migration.statements]
    return {name for statement in statements for pair in LABEL.findall(statement) for name in pair if name}


def test_every_label_has_its_place():
    known = {owned.label for owned in OWNED} | {tie.kind for tie in TIES} | SHARED | HANDLED_APART.keys()

    assert labels_of_the_schema() - known == set(), (
        "say in graph/subject.py where it belongs to a customer, or in HANDLED_APART why it does not"
    )


async def test_the_bank_of_these_tests_has_something_of_everything(zoe):
    found = await zoe.store.read("MATCH (n) UNWIND labels(n) AS label RETURN DISTINCT label")
    imported = {target.label for target in IMPORTS.values() if isinstance(target, NodeImport)}

    assert imported - {row["label"] for row in found} <= {"Partner"}


async def test_whatever_hangs_on_a_customer_is_of_a_known_kind(zoe):
    found = await zoe.store.read(
        "MATCH (:Customer {customer_no: $no})-[r]-() RETURN DISTINCT type(r) AS kind", no=zoe.number
    )

    assert {row["kind"] for row in found} <= set(KINDS)
    assert len(found) >= 8


async def test_the_report_has_all_that_is_held(zoe):
    held = await subject.read(zoe.store, zoe.number)

    assert held["profile"] == {
        "birth_date": date(1985, 2, 3), "customer_no": "ZOE-7351", "further": {"pet": "axolotl"}, "income": 7351.5,
        "kind": "person", "manager_no": "M1", "name": "Zoe Zuckerkandl", "occupation": "glassblower", "region": "Yunnan",
    }  # fmt: skip
    assert {part: len(own) for part, own in held.items() if part != "profile"} == {
        "holdings": 2, "memberships": 1, "relations": 1, "relations_stated_by_others": 1, "accounts": 1, "activity": 2,
        "cards": 1, "interactions": 2, "outcomes": 1, "consents": 1, "deliveries": 1, "requests": 2, "other": 0,
        "shadowed": 1,
    }  # fmt: skip
    assert held["accounts"] == [{
        "account_no": "ACC-7351", "closed_on": date(2024, 9, 21), "customer_no": "ZOE-7351", "product_code": "SAVE",
        "further": {"iban": "DE7351"},
    }]  # fmt: skip
    assert {own["note"] for own in held["interactions"]} == {"asked after a glass furnace", "sounded like an axolotl"}
    assert [(own["offer_id"], own["propensity"]) for own in held["outcomes"]] == [("offer-of-ZOE-7351", 0.7351)]


async def test_what_nobody_thought_of_is_in_the_report_too(zoe):
    await zoe.store.write(
        "MATCH (c:Customer {customer_no: $no}) CREATE (c)-[:WON]->(:Prize {name: 'a hat'})", no=zoe.number
    )

    held = await subject.read(zoe.store, zoe.number)

    assert held["other"] == [{"kind": "WON", "labels": ["Prize"], "name": "a hat"}]


async def test_there_is_no_report_on_nobody(zoe):
    assert await subject.read(zoe.store, "NOBODY") is None
