"""What each role reads of every field of the schema, as ``permissions.csv`` allows it, and nothing more.

A new field, or one that shows a role more or less, fails until the table says so. After a change that is meant:
``python -m pytest tests/api/test_permissions.py --write-permissions``, and read the difference.
"""

import asyncio
import csv
import json
import os
import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import jwt
import numpy as np
import pytest
from dateutil.relativedelta import relativedelta
from graphql import OperationType
from pydantic import BaseModel, Field
from websockets.exceptions import ConnectionClosed

from api import decisions
from api.events import Changes, Interactions
from api.global_ids import decoded, global_id
from api.live_engine import LiveEngine
from api.requests import HttpContext
from api.roles import Role
from api.schema import build_schema
from api.session import Services
from api.webhooks.rules import WebhookRules
from graph import customers, deliveries, deputies, plugin_days, plugin_settings, plugin_stages, products, webhooks
from graph.audit import entries
from graph.deliveries import Attempt
from graph.deputies import Deputy
from graph.erasures import Order, erase
from graph.imports import import_rows
from graph.once import Request
from graph.outbox import event
from graph.plugin_days import Count, Sighting
from graph.plugin_stages import StageDecision
from graph.store import Store
from graph.words import DeliveryState, PluginStage, WebhookEvent
from plugins.about import About
from plugins.deciding import build_engine
from plugins.hookspecs import hookimpl
from plugins.host import PluginHost
from recommenders import prospect_lists
from recommenders.artefact import save
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.training import train
from tests.api.conftest import without_cost
from tests.api.walking import Walk, most, shown, texts
from tests.waiting import PATIENCE

SUBGRAPH = build_schema(federation=True).as_str()
"""The schema with all that can be asked for."""
TABLE = Path(__file__).with_name("permissions.csv")
ROLES = ("CUSTOMER", "RELATIONSHIP_MANAGER", "DEPUTY", "MARKETING", "PARTNER", "ADMIN", "nobody")
TODAY = datetime.now(UTC).date()
HIDDEN, ABSENT = "HIDDEN7351", "ABSENT7351"
WEBHOOK, DELIVERY = global_id("Webhook", "hook"), global_id("WebhookDelivery", "delivery")
LONG_AGO, LATER = date(2020, 1, 1), TODAY + timedelta(days=365)


def row(key, **own):
    return {"key": key, "digest": "whole", "properties": own}


async def enriched(bank):
    """Give Anna something at every field, and a husband who is in the book of another manager."""
    await import_rows(bank, "partners", [row("UNI", partner_code="UNI", name="Uni", kind="university", region="North")])
    campus = {"kind": "campus", "name": "Campus", "partner_code": "UNI", "benefit": "Free meals", "starts_on": LONG_AGO, "ends_on": LATER}  # fmt: skip
    await import_rows(bank, "programmes", [row("CAMPUS", programme_code="CAMPUS", **campus)])
    sold = {"active_from": LONG_AGO, "active_until": LATER, "max_age": 99, "audience": ["person", "company"]}
    loan = {"name": "Study loan", "category": "loan", "credit": True, "purpose": "study", "margin": 50.0}
    card = {"name": "Campus card", "category": "card", "programme_code": "CAMPUS", "margin": 10.0}
    await import_rows(bank, "products", [
        row("LOAN", product_code="LOAN", **loan, **sold), row("CAMPUS-CARD", product_code="CAMPUS-CARD", **card),
    ])  # fmt: skip
    await import_rows(bank, "managers", [row("M3", manager_no="M3", name="Manager 3")])
    known = {"kind": "person", "birth_date": date(1990, 1, 1), "risk_profile": "C3", "credit_limit": 9_000.0}
    about = {"gender": "female", "joined_on": LONG_AGO, "language": "en", "credit_tier": "gold", "region": "Yunnan"}
    await import_rows(bank, "customers", [
        row("ANNA", customer_no="ANNA", name="Anna", manager_no="M1", marketing_consent=True, x_hobby="chess", **known, **about),
        row(HIDDEN, customer_no=HIDDEN, name=f"{HIDDEN} Huang", manager_no="M2", marketing_consent=True, **known),
    ])  # fmt: skip
    for no in ("ANNA", HIDDEN):
        await owned(bank, no)
    await import_rows(bank, "relations", [
        row(f"ANNA|{no}|spouse", from_customer_no="ANNA", to_customer_no=no, kind="spouse", since=LONG_AGO)
        for no in (HIDDEN, "CLARA")
    ])  # fmt: skip


async def owned(bank, no):
    account, card = f"6200-{no}-0001", f"5100-{no}-0001"
    held = {"opened_on": LONG_AGO, "balance": 7.0}
    await import_rows(bank, "holdings", [
        row(f"{no}|CURRENT|2020", customer_no=no, product_code="CURRENT", **held),
        row(f"{no}|AUTOPAY|2020", customer_no=no, product_code="AUTOPAY", closed_on=TODAY, **held),
    ])  # fmt: skip
    own = {"product_code": "CURRENT", "currency": "CNY", "closed_on": LATER, "x_branch": "7", **held}
    await import_rows(bank, "accounts", [row(account, account_no=account, customer_no=no, **own)])
    printed_on = {"issued_on": LONG_AGO, "expires_on": LATER, "status": "active", "x_design": "blue"}
    names = {"product_code": "CAMPUS-CARD", "programme_code": "CAMPUS", "account_no": account}
    await import_rows(bank, "cards", [
        row(card, card_no=card, customer_no=no, **names, **printed_on),
        row(f"{card}-2", card_no=f"{card}-2", customer_no=no, principal_card_no=card, **names, **printed_on),
    ])  # fmt: skip
    member = {"reference": f"S-{no}", "since": LONG_AGO, "until": LATER}
    await import_rows(bank, "memberships", [row(f"{no}|CAMPUS|student", customer_no=no, programme_code="CAMPUS", role="student", **member)])  # fmt: skip
    money = dict.fromkeys(("inflow", "outflow", "lowest_balance", "closing_balance"), 5.0)
    ago = {f"{TODAY.replace(day=1) - relativedelta(months=months):%Y-%m}": months for months in range(1, 13)}
    await import_rows(bank, "activity", [
        row(f"{account}|{month}", account_no=account, month=month, transactions=3, salary=5.0 if months == 1 else 0.0, **money)
        for month, months in ago.items()
    ])  # fmt: skip
    called = {"channel": "phone", "kind": "call", "at": datetime(2024, 1, 1, tzinfo=UTC), "product_code": "CARD", "note": "was kind"}  # fmt: skip
    await import_rows(bank, "interactions", [row(f"I-{no}", interaction_id=f"I-{no}", customer_no=no, **called)])
    said = {"purpose": "marketing", "channel": "phone", "granted": True, "at": datetime(2024, 1, 1, tzinfo=UTC)}
    await import_rows(bank, "consents", [row(f"{no}|phone", customer_no=no, **said)])


async def grown(bank):
    """Add enough customers, of whom many of one region leave, for all that is learnt."""
    dice = np.random.default_rng(4)
    folk, held = [], []
    for number in range(500):
        no, region = f"T{number:03}", "Yunnan" if number % 2 else "Sichuan"
        left = TODAY - timedelta(days=int(dice.integers(1, 300)))
        closed = left if region == "Yunnan" and dice.random() < 0.6 else None
        born, limit = (date(1990, 1, 1), 9_000.0) if number % 4 < 2 else (date(1950, 1, 1), 500.0)
        own = {"region": region, "birth_date": born, "credit_limit": limit * float(dice.lognormal(0, 0.1))}
        folk.append(row(no, customer_no=no, name=no, kind="person", marketing_consent=True, manager_no="M1", **own))
        for code in ("CARD", "CURRENT", "FUND"):
            opened = TODAY - timedelta(days=int(dice.integers(1, 500)))
            if closed is None or opened < closed:
                until = {"closed_on": closed} if closed else {}
                held.append(row(f"{no}|{code}|", customer_no=no, product_code=code, opened_on=opened, **until))
    await import_rows(bank, "customers", folk)
    await import_rows(bank, "holdings", held)


async def hooked(bank):
    """Add a webhook, disabled and rotated, and a delivery that failed once and is to be tried again."""
    now = datetime.now(UTC)
    request, later = Request("hook", "F", "hook", now), now + timedelta(days=1)
    await webhooks.create(bank, "https://bank.example/", (WebhookEvent.OFFER_ACCEPTED,), request, enabled=True)
    await webhooks.rotate(bank, "hook", now, None)
    ping = event(WebhookEvent.PING, now, {})
    await deliveries.send(bank, "hook", ping, Request("ping", "F", "delivery", now))
    [(_, claimed)] = await deliveries.claim(bank, "hook", 1, now, timedelta(hours=1))
    await deliveries.finish(bank, claimed, Attempt(now, 500, "an error", 1.0), DeliveryState.PENDING, later)
    await webhooks.disable(bank, "hook")


class Months(BaseModel, frozen=True):
    months: int = Field(12, description="How long.")


class Settable:
    @staticmethod
    @hookimpl
    def about():
        return About(settings=Months)


async def agreed(bank):
    """Add a contract with a partner, and enough customers who were shown offers of it, some of whom took one."""
    terms = {"budget": 9_000.0, "benefit_cost": 1.0, "quota": 9_000}
    await bank.write("MATCH (g:Programme {programme_code: 'CAMPUS'}) SET g += $terms", terms=terms)
    at = datetime.now(UTC) - timedelta(days=40)
    own = {"product_code": "CAMPUS-CARD", "channel": "mobile", "at": at}
    happened = [("impression", number) for number in range(100)] + [("accept", number) for number in range(40)]
    outcomes = [own | {"outcome_id": f"{kind}-{n}", "kind": kind, "customer_no": f"GONE{n}"} for kind, n in happened]
    await bank.write("UNWIND $rows AS row CREATE (o:Outcome) SET o = row", rows=outcomes)


async def tried(bank):
    """Add an experiment with a plugin that is live by now, and what it would have done before."""
    at = datetime.now(UTC) - timedelta(days=40)
    for version, (stage, share) in enumerate([(PluginStage.SHARE, 50), (PluginStage.LIVE, None)], 1):
        decision = StageDecision("weightless", version, stage, share, "why", "who", at)
        await plugin_stages.decide(bank, decision)
    sides = [("share", "accept"), ("holdout", "accept"), ("holdout", "impression")]
    outcomes = [
        {"outcome_id": f"{side} {kind} {n}", "kind": kind, "product_code": "CARD", "customer_no": f"{side} {n}",
         "arm": f"weightless:{side}", "offered_at": at, "at": at}
        for side, kind in sides for n in range(25)
    ]  # fmt: skip
    await bank.write("UNWIND $rows AS row CREATE (o:Outcome) SET o = row", rows=outcomes)
    sightings = [Sighting("weightless", f"X{n:02}", "CARD", TODAY) for n in range(30)]
    await plugin_days.add(bank, {("weightless", TODAY, None): Count(30, 20, 10, 1, 1)}, sightings)


class Weightless:
    """A plugin that has an owner, and levers that fail."""

    @hookimpl
    def about(self):
        return About(owner="marketing@bank")

    @hookimpl
    def levers(self):
        raise LookupError("no levers")


@pytest.fixture(scope="module")
async def rich(bank, serving, rules, tmp_path_factory):
    """A server of a bank that has something to show at every field of the schema."""
    await enriched(bank)
    await grown(bank)
    catalogue = Catalogue(await products.catalogue(bank))
    host, models = PluginHost.load(), tmp_path_factory.mktemp("models")
    host.add(Settable, "settable", "test")
    for reverted_to in (None, 0):
        before = await plugin_settings.one(bank, "settable")
        request = Request(f"set {reverted_to}", "F", f"set {reverted_to}", datetime.now(UTC))
        await plugin_settings.write(bank, before, '{"months": 3}', "admin", request, reverted_to)
    trained = await train(bank, catalogue, host.recommenders(), TODAY, guard=host.recommending.guard)
    save(models, trained.model)

    async def pages():
        async for numbers in customers.pages(bank, 100):
            yield await customers.load(bank, numbers)

    engine = build_engine(catalogue, host, trained.model)
    tallies = await prospect_lists.search(engine, pages(), Context(TODAY, None))
    prospect_lists.write(models, TODAY, trained.model.model_id, tallies)
    await deputies.grant(bank, Deputy("M3", "M1", LATER, "admin", datetime.now(UTC)))
    await hooked(bank)
    await agreed(bank)
    await import_rows(bank, "customers", [row("ERASED7351", customer_no="ERASED7351", kind="person")])
    await erase(bank, Order("ERASED7351", "admin", "asked", datetime.now(UTC)), rules.secret)
    host.add(Weightless(), "weightless", "test")
    await tried(bank)
    async with serving(bank, host, models=models, federation=True) as running:
        yield running


def arguments(no, offer_id, key):
    """The arguments of every field that takes some, about one customer."""
    about = f'customerNo: "{no}"'
    ids = [global_id("Customer", no), global_id("Product", "CAMPUS-CARD"), global_id("Programme", "CAMPUS"), offer_id]
    kinds = {"Customer": ids[0], "Product": ids[1], "Offer": offer_id}
    entities = "".join(f'{{__typename: "{kind}", id: "{own}"}}' for kind, own in kinds.items())
    return {
        "Query.node": f'id: "{ids[0]}"',
        "Query.nodes": f"ids: {json.dumps(ids)}",
        "Query.lookup": f"key: {{{about}}}",
        "Query._entities": f"representations: [{entities}]",
        "Query.customer": about,
        "Query.product": 'productCode: "CURRENT"',
        "Query.prospects": 'productCode: "CARD"',
        "Query.auditEntries": "last: 20",
        "Query.decision": f'{about}, productCode: "FUND"',
        "Query.accessReport": about,
        "Query.pluginScoreCard": 'plugin: "weightless"',
        "Query.pluginSettings": 'plugin: "settable"',
        "Query.erasures": 'customerNo: "ERASED7351"',
        "Mutation.eraseCustomer": 'input: {customerNo: "ERASED7351", reason: "asked"}',
        "Mutation.recordInteraction": f'input: {{{about}, channel: PHONE, kind: "call", idempotencyKey: "{key}"}}',
        "Mutation.recordOutcome": f'input: {{offerId: "{offer_id}", outcome: IMPRESSION, channel: MOBILE, idempotencyKey: "{key}"}}',
        "Mutation.setConsent": f"input: {{{about}, channel: WEB, granted: true}}",
        "Mutation.grantDeputy": f'input: {{deputyNo: "M2", managerNo: "M1", until: "{LATER}"}}',
        "Mutation.setPluginStage": f'input: {{plugin: "cobranded", stage: SHARE, share: {1 + sum(map(ord, key)) % 99}, reason: "walk", force: true}}',
        "Mutation.revokeDeputy": 'input: {deputyNo: "M2", managerNo: "M1"}',
        "Mutation.setPluginSettings": 'input: {plugin: "settable", settings: {months: 3}}',
        "Mutation.revertPluginSettings": 'input: {plugin: "settable", toVersion: 1}',
        "Mutation.createWebhook": 'input: {url: "https://bank.example/", events: [OFFER_ACCEPTED], enabled: false}',
        "Mutation.updateWebhook": f'input: {{id: "{WEBHOOK}", enabled: false}}',
        "Mutation.deleteWebhook": f'input: {{id: "{global_id("Webhook", "none")}"}}',
        "Mutation.rotateWebhookSecret": f'input: {{id: "{WEBHOOK}"}}',
        "Mutation.sendTestWebhook": f'input: {{id: "{WEBHOOK}", idempotencyKey: "{key}"}}',
        "Mutation.replayDelivery": f'input: {{id: "{DELIVERY}", idempotencyKey: "{key}"}}',
        "Subscription.offersChanged": about,
    }


OTHERWISE = {
    "Query.product": 'productCode: "CAMPUS-CARD"',
    "Query.decision": 'customerNo: "ANNA", productCode: "LOAN"',
    "Mutation.recordInteraction": 'input: {customerNo: "NOBODY", channel: PHONE, kind: "call"}',
    "Mutation.recordOutcome": 'input: {offerId: "none", outcome: IMPRESSION, channel: MOBILE, idempotencyKey: "none"}',
    "Mutation.setConsent": 'input: {customerNo: "NOBODY", marketing: true}',
    "Mutation.eraseCustomer": 'input: {customerNo: "NOBODY", reason: "asked"}',
    "Mutation.grantDeputy": f'input: {{deputyNo: "M1", managerNo: "M1", until: "{LATER}"}}',
    "Mutation.setPluginSettings": 'input: {plugin: "none", settings: {}}',
    "Mutation.revertPluginSettings": 'input: {plugin: "none", toVersion: 1}',
    "Mutation.setPluginStage": 'input: {plugin: "nobody", stage: LIVE, reason: "walk"}',
    "Mutation.createWebhook": 'input: {url: "nowhere", events: [OFFER_ACCEPTED]}',
    "Mutation.updateWebhook": 'input: {id: "none"}',
    "Mutation.deleteWebhook": 'input: {id: "none"}',
    "Mutation.rotateWebhookSecret": 'input: {id: "none"}',
    "Mutation.sendTestWebhook": 'input: {id: "none"}',
    "Mutation.replayDelivery": 'input: {id: "none"}',
}
"""What is asked as well, for what the first arguments do not show: an offered product, errors of mutations."""
UNSHOWN = {
    "CobrandedCustomer.endsOn",
    "FamilyCustomer.role",
    "Model.features",
    "Model.surprises",
    "ModelFeature.importance",
    "ModelFeature.name",
    "Plugin.share",
    "PluginSettings.error",
    "OfferReason.facts",
    "Outcome.place",
    "RecommenderInfo.lastError",
    "UserError.currentVersion",
}
"""What a small bank in good order has nothing to show of, to anybody."""

SUBSCRIPTIONS = {
    "offersChanged": (
        'subscription { offersChanged(customerNo: "ANNA") { customerNo } }',
        'mutation { setConsent(input: {customerNo: "ANNA", marketing: true}) { errors { code } } }',
    ),
    "interactionRecorded": (
        'subscription { interactionRecorded(customerNo: "ANNA") { missed interaction { kind } customer { customerNo } } }',
        'mutation { recordInteraction(input: {customerNo: "ANNA", channel: PHONE, kind: "call"}) { errors { code } } }',
    ),
}
"""What is listened to, and what makes it tell."""


@pytest.fixture(scope="module")
def roles(bearers, rules):
    """A token of each role, by the table's columns; nobody has none."""
    return {
        "CUSTOMER": bearers.anna,
        "RELATIONSHIP_MANAGER": bearers.manager,
        "DEPUTY": rules.issue(Role.RELATIONSHIP_MANAGER, "M3"),
        "MARKETING": bearers.marketing,
        "PARTNER": bearers.partner,
        "ADMIN": bearers.admin,
        "nobody": None,
    }


async def offer_of(server, bearer, no):
    query = "query ($no: String!) { customer(customerNo: $no) { offers(first: 1) { id } } }"
    return (await server.ask(query, bearer, no=no))["data"]["customer"]["offers"][0]["id"]


@pytest.fixture(scope="module")
async def walked(rich, roles):
    """Every answer to every role, and what each field showed each role."""
    good = arguments("ANNA", await offer_of(rich, roles["ADMIN"], "ANNA"), "walk")
    walks = [Walk(SUBGRAPH, good), Walk(SUBGRAPH, good | OTHERWISE)]
    asked = {
        step[-1]: step
        for operation in (OperationType.QUERY, OperationType.MUTATION)
        for walk in walks
        for step in (*(walk.roots(operation) if walk is walks[0] else ()), *walk.edges(operation))
    }
    await rich.ask('mutation { revokeDeputy(input: {deputyNo: "M2", managerNo: "M1"}) { revoked } }', roles["ADMIN"])
    outcomes, answers = defaultdict(lambda: defaultdict(set)), defaultdict(list)
    for kind, way, names, document in asked.values():
        whole = await identified(rich, document, roles, "ADMIN", len(answers["ADMIN"]))
        for role in roles:
            answer = whole if role == "ADMIN" else await identified(rich, document, roles, role, len(answers[role]))
            answers[role].append((document, answer))
            for name in names:
                key = f"{kind.name}.{name}"
                outcomes[key][role].add(shown(answer, whole, way, name, key))
    table = {key: {role: most(found[role]) for role in ROLES} for key, found in outcomes.items()}
    for field, (query, act) in SUBSCRIPTIONS.items():
        table[f"Subscription.{field}"] = {role: await told(rich, roles, role, query, act) for role in ROLES}
    for field in ("customer", "interaction", "missed"):
        table[f"InteractionRecorded.{field}"] = {
            role: heard if heard == "yes" else "-" for role, heard in table["Subscription.interactionRecorded"].items()
        }
    return SimpleNamespace(table=table, answers=answers, fields=walks[0].fields())


async def identified(server, document, roles, role, number):
    """Ask with a request id that the audit log knows the answer by."""
    answer = await server.post(document, roles[role], {"X-Request-ID": f"{role}-{number}"})
    return without_cost(answer.json())


async def told(server, roles, role, query, act):
    """What a socket of a role is told of Anna, when something has happened."""
    try:
        async with server.socket(roles[role]) as socket:
            if role == "nobody":
                await socket.send(json.dumps({"type": "connection_init"}))
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
            answer = asyncio.ensure_future(asyncio.wait_for(socket.recv(), PATIENCE))
            while not answer.done():
                await server.ask(act, roles["ADMIN"])
                await asyncio.sleep(0.02)
            message = json.loads(await answer)
    except ConnectionClosed as closed:
        return str(closed.rcvd.code)
    errors = message["payload"].get("errors") if message["type"] == "next" else message["payload"]
    return errors[0]["extensions"]["code"] if errors else "yes"


def allowed():
    with TABLE.open(newline="") as file:
        return {line.pop("field"): line for line in csv.DictReader(file)}


def test_each_role_reads_what_the_table_allows(walked):
    if os.environ.get("WRITE_PERMISSIONS"):
        with TABLE.open("w", newline="") as file:
            lines = csv.DictWriter(file, ["field", *ROLES], lineterminator="\n")
            lines.writeheader()
            lines.writerows({"field": key} | walked.table[key] for key in sorted(walked.table))
    table = allowed()
    assert {key: found for key, found in walked.table.items() if found != table.get(key)} == {}
    assert table.keys() == walked.table.keys() == walked.fields


def test_every_field_shows_somebody_something_so_that_the_table_tells(walked):
    shown_to_nobody = {key for key, found in walked.table.items() if not {"yes", "other"} & set(found.values())}

    assert shown_to_nobody == UNSHOWN


@pytest.mark.parametrize("role", [role for role in ROLES if role != "ADMIN"])
def test_no_answer_tells_of_a_customer_whom_the_role_cannot_see(walked, role):
    """Neither in words nor in what a cursor, an id or a decision says to who decodes it."""
    told = [document for document, answer in walked.answers[role] if any(HIDDEN in text for text in texts(answer))]

    assert told == []
    assert any(HIDDEN in text for _, answer in walked.answers["ADMIN"] for text in texts(answer))


@pytest.mark.parametrize("role", ["RELATIONSHIP_MANAGER", "DEPUTY"])
def test_no_answer_tells_a_manager_the_whole_number_of_a_card_or_account(walked, role):
    numbers = ("6200-ANNA-0001", "5100-ANNA-0001")

    for seer, seen in ((role, False), ("CUSTOMER", True)):
        found = {
            number
            for _, answer in walked.answers[seer]
            for text in texts(answer)
            for number in numbers
            if number in text
        }
        assert found == (set(numbers) if seen else set())


@pytest.fixture(scope="module")
async def recorded(walked, bank):  # noqa: ARG001 - the walk comes first
    """The subjects of what was allowed, by request id."""
    found = defaultdict(set)
    async for entry in entries(bank, 0):
        if entry["outcome"] == "allowed" or entry["action"] == "write":
            found[entry["request_id"]] |= set(entry["subjects"])
    return found


@pytest.fixture(scope="module")
async def numbers(bank):
    return {row["no"] for row in await bank.read("MATCH (c:Customer) RETURN c.customer_no AS no")}


@pytest.mark.parametrize("role", ["RELATIONSHIP_MANAGER", "DEPUTY", "ADMIN"])
def test_no_answer_tells_staff_of_a_customer_whom_the_audit_log_does_not_name(
    walked, recorded, numbers, trail_of, role
):
    pseudonym = trail_of(None).log.key.pseudonym
    unnamed, named = [], 0
    for number, (document, answer) in enumerate(walked.answers[role]):
        words = {word for text in texts(answer) for word in re.findall(r"(?<!\w)[A-Z]+[0-9]*(?!\w)", text)}
        about = {pseudonym(no) for no in words & numbers}
        named += len(about)
        if not about <= recorded[f"{role}-{number}"]:
            unnamed.append(document)

    assert unnamed == []
    assert named > 100


def test_every_mutation_is_in_the_audit_log(walked, recorded):
    documents = [document for document, _ in walked.answers["ADMIN"]]
    mutations = [number for number, document in enumerate(documents) if document.startswith("mutation")]

    assert len(mutations) > 10
    assert [documents[number] for number in mutations if f"ADMIN-{number}" not in recorded] == []


def test_a_customer_who_reads_himself_is_not_in_the_audit_log(walked, recorded):
    queries = [n for n, (document, _) in enumerate(walked.answers["CUSTOMER"]) if document.startswith("query")]

    assert queries
    assert [number for number in queries if f"CUSTOMER-{number}" in recorded] == []


@pytest.fixture(scope="module")
async def shadows(rich, roles, rules):
    """Documents about a customer who is hidden, and the same about one who does not exist."""
    offer = await offer_of(rich, roles["ADMIN"], HIDDEN)
    token = decoded(offer).partition(":")[2]
    claims = jwt.decode(token, rules.secret, ["HS256"], audience=decisions.AUDIENCE)
    absent = global_id("Offer", jwt.encode(claims | {"c": ABSENT}, rules.secret, "HS256"))
    assert claims["c"] == HIDDEN
    walks = [Walk(SUBGRAPH, arguments(no, own, f"shadow-{no}")) for no, own in ((HIDDEN, offer), (ABSENT, absent))]
    return [
        [step[-1] for operation in (OperationType.QUERY, OperationType.MUTATION) for step in walk.roots(operation)]
        for walk in walks
    ]


@pytest.mark.parametrize("role", [role for role in ROLES if role != "ADMIN"])
async def test_what_is_hidden_is_answered_as_what_does_not_exist(rich, roles, shadows, role):
    for hidden, absent in zip(*shadows, strict=True):
        one, other = [await rich.post(document, roles[role]) for document in (hidden, absent)]
        assert one.text.replace(HIDDEN, ABSENT) == other.text, hidden
        assert one.status_code == other.status_code


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("role", [role for role in ROLES if role != "ADMIN"])
async def test_what_is_hidden_costs_the_store_what_does_not_exist_costs(login, tmp_path, rules, roles, role, trail_of):
    """Whoever measures the time of answers is told nothing either: the same queries are asked, and as little is found."""
    bearer = roles[role] and await rules.viewer(f"Bearer {roles[role]}")
    asked = []
    async with ListeningStore(*login) as store:
        engine, secret = LiveEngine(store, PluginHost.load(), tmp_path), rules.secret
        services = Services(
            store, engine, Changes(), Interactions(), secret, WebhookRules(secret), secret, trail_of(store)
        )
        for no in (HIDDEN, ABSENT):
            store.heard.clear()
            for query in ("{ customer(customerNo: %s) { name } }", "{ decision(customerNo: %s, productCode: \"CARD\") { rank } }",
                          "mutation { setConsent(input: {customerNo: %s, marketing: true}) { errors { code } } }"):  # fmt: skip
                document = query % json.dumps(no)
                await build_schema().execute(document, context_value=HttpContext(services, bearer))
            asked.append(list(store.heard))
        services.engine.close()

    assert asked[0] == asked[1]


class ListeningStore(Store):
    """The real store, noting what it is asked and how many rows it answers with."""

    def __init__(self, *login):
        super().__init__(*login)
        self.heard = []

    async def read(self, cypher, **parameters):
        rows = await super().read(cypher, **parameters)
        self.heard.append((cypher, len(rows)))
        return rows
