"""What the API has in the audit log, before it answers: whose data staff read, what was written, what was denied."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from api.roles import Role
from api.trail import MOST_EACH, MOST_STRANGERS, STRANGERS, Trail
from graph import audit, consents
from graph.audit_checks import check
from graph.audit_entries import Act, AuditAction, AuditOutcome
from graph.errors import StoreUnavailable
from graph.store import Store
from tests.api.conftest import EASY
from tests.waiting import until

CUSTOMER = "query Find($no: String!) { customer(customerNo: $no) { name } }"
PAGE = "{ customers(first: 3) { nodes { name } } }"
SET_CONSENT = "mutation ($no: String!) { setConsent(input: {customerNo: $no, marketing: true}) { errors { message } } }"
INTERACTION = 'mutation { recordInteraction(input: {customerNo: "ANNA", channel: PHONE, kind: "secret kind", note: "secret note"}) { errors { code } } }'
FORGET = "MATCH (n) WHERE n:AuditEntry OR n:AuditChain DETACH DELETE n"


@pytest.fixture(autouse=True)
async def empty_log(bank):
    await bank.write(FORGET)


@pytest.fixture(scope="module")
def key(trail_of):
    return trail_of(None).log.key


@pytest.fixture
def told(bank, key):
    """Return a function: the log's entries, with the customers of these tests for their pseudonyms."""
    known = {key.pseudonym(no): no for no in ("ANNA", "BO", "CLARA", "NOBODY", "NOTHING", "X00", "X01", "X02")}

    async def read(*columns):
        entries = [entry async for entry in audit.entries(bank, 0)]
        for entry in entries:
            entry["actor"] = " ".join(known.get(word, word) for word in entry["actor"].split(" "))
            entry["subjects"] = sorted(known.get(subject, subject) for subject in entry["subjects"])
        return [tuple(entry[column] for column in columns) for entry in entries] if columns else entries

    return read


WHAT = ("actor", "action", "outcome", "operation", "subjects")


async def test_staff_reading_customers_are_recorded_with_all_whom_they_were_given(server, bearers, told, bank, key):
    await server.post(PAGE, bearers.admin)
    await server.post(CUSTOMER, bearers.manager, {"X-Request-ID": "r-1"}, no="ANNA")

    assert await told(*WHAT) == [
        ("admin", "read", "allowed", "customers", ["ANNA", "BO", "CLARA"]),
        ("M1", "read", "allowed", "customer", ["ANNA"]),
    ]
    [_, entry] = await told()
    assert (entry["request_id"], entry["role"], entry["codes"], entry["details"]) == ("r-1", "RELATIONSHIP_MANAGER", [], "{}")  # fmt: skip
    assert (await check(bank, key)).count == 2


async def test_fields_are_told_as_the_schema_names_them_whatever_the_client_does(server, bearers, told):
    await server.post(
        'query Anna { Anna: customer(customerNo: "ANNA") { name } ... on Query { BO: product(productCode: "CARD") { name } } ...F } '
        "fragment F on Query { viewer { role } }",
        bearers.admin,
    )

    assert await told("operation") == [("customer product viewer",)]


async def test_a_customer_who_reads_himself_is_not_recorded_and_waits_for_nothing(server, bearers, told, monkeypatch):
    async def never(*_):
        raise AssertionError

    monkeypatch.setattr(Trail, "record", never)
    answer = await server.ask("{ viewer { customer { name offers { product { name } } } } }", bearers.anna)
    more = await server.ask(CUSTOMER, bearers.anna, no="ANNA")

    assert (answer["data"]["viewer"]["customer"]["name"], more["data"]["customer"]["name"]) == ("Anna", "Anna")
    assert await told() == []


async def test_what_is_no_personal_data_is_not_recorded(server, bearers, told):
    for bearer in (bearers.marketing, bearers.admin, bearers.manager):
        await server.post("{ products { nodes { name } } programmes { nodes { name } } viewer { role } }", bearer)

    assert await told() == []


@pytest.mark.parametrize("who", ["anna", "manager", "admin"])
async def test_every_mutation_is_recorded_without_the_text_of_its_input(server, bearers, told, who):
    await server.post(INTERACTION, getattr(bearers, who))

    subject = {"anna": "customer ANNA", "manager": "M1", "admin": "admin"}[who]
    assert await told(*WHAT) == [(subject, "write", "allowed", "recordInteraction", ["ANNA"])]
    [entry] = await told()
    assert json.loads(entry["details"]) == {"fields": [["recordInteraction"]]}
    assert "secret" not in json.dumps(entry)


async def test_mutations_that_fail_are_recorded_with_their_codes(server, bearers, told):
    await server.post(
        'mutation { recordInteraction(input: {customerNo: "ANNA", channel: PHONE, kind: ""}) { customer { name } } }',
        bearers.admin,
    )
    await server.post(SET_CONSENT, bearers.manager, no="BO")
    await server.post(
        'mutation { a: revokeDeputy(input: {deputyNo: "M2", managerNo: "M1"}) { revoked } '
        'b: setConsent(input: {customerNo: "ANNA", marketing: true}) { errors { code } } }',
        bearers.manager,
    )

    assert await told("outcome", "codes", "operation", "subjects", "details") == [
        ("failed", ["BAD_INPUT"], "recordInteraction", ["ANNA"], '{"fields": [["recordInteraction", "BAD_INPUT"]]}'),
        ("denied", ["NOT_FOUND"], "setConsent", ["BO"], '{"fields": [["setConsent", "NOT_FOUND"]]}'),
        ("denied", ["FORBIDDEN"], "revokeDeputy setConsent", [], '{"fields": [["revokeDeputy", "FORBIDDEN"]]}'),
    ]


@pytest.mark.parametrize(
    ("who", "query", "subjects", "codes"),
    [
        ("anna", 'query { customer(customerNo: "BO") { name } }', ["BO"], ["NOT_FOUND"]),
        ("manager", 'query { customer(customerNo: "BO") { name } }', ["BO"], ["NOT_FOUND"]),
        ("manager", 'query { customer(customerNo: "NOBODY") { name } }', ["NOBODY"], ["NOT_FOUND"]),
        ("marketing", 'query { customer(customerNo: "ANNA") { name } }', ["ANNA"], ["NOT_FOUND"]),
        ("manager", 'query { decision(customerNo: "BO", productCode: "CARD") { offered } }', ["BO"], ["NOT_FOUND"]),
        ("manager", 'query { prospects(productCode: "CARD", managerNo: "M2") { eligible } }', [], ["NOT_FOUND"]),
        ("marketing", "query { customers { totalCount } }", [], ["FORBIDDEN"]),
        ("marketing", "query { auditEntries { totalCount } }", [], ["FORBIDDEN"]),
    ],
)
async def test_what_is_denied_is_recorded(server, bearers, told, who, query, subjects, codes):
    await server.post(query, getattr(bearers, who))

    assert await told("action", "outcome", "subjects", "codes") == [("read", "denied", subjects, codes)]


async def test_whom_a_viewer_did_not_ask_for_was_not_denied(server, bearers, told):
    """A relative in another's book is masked; an administrator finds nobody where there is nobody."""
    await server.post('{ customer(customerNo: "ANNA") { relations { nodes { customer { name } } } } }', bearers.manager)
    await server.post(CUSTOMER, bearers.admin, no="NOBODY")
    await server.post("{ viewer { customer { relations { nodes { customer { name } } } } } }", bearers.anna)

    assert await told("outcome", "subjects") == [("allowed", ["ANNA"])]


async def test_tokens_that_are_not_valid_are_recorded_by_where_they_came_from(server, told):
    await server.post("{ viewer { role } }", "rubbish")
    async with server.socket() as opened:
        await opened.send(json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer rubbish"}}))
        await opened.wait_closed()
    await server.post("{ viewer { role } }")
    await until(told, lambda entries: len(entries) >= 2)

    assert (
        await told("actor", "action", "outcome", "codes", "subjects")
        == [("address 127.0.0.1", "enter", "denied", ["UNAUTHENTICATED"], [])] * 2
    )


async def test_operations_over_a_socket_and_by_events_are_recorded(server, bearers, told):
    async with server.socket(bearers.manager) as opened:
        for number, query in enumerate(('{ customer(customerNo: "CLARA") { name } }', INTERACTION)):
            await opened.send(json.dumps({"id": str(number), "type": "subscribe", "payload": {"query": query}}))
            while json.loads(await opened.recv())["type"] != "complete":
                pass
    async with server.listen(CUSTOMER, bearers.admin, no="ANNA") as events:
        await events.hear()

    assert await told(*WHAT) == [
        ("M1", "read", "allowed", "customer", ["CLARA"]),
        ("M1", "write", "allowed", "recordInteraction", ["ANNA"]),
        ("admin", "read", "allowed", "customer", ["ANNA"]),
    ]


async def test_each_event_that_tells_of_a_customer_is_recorded_before_it_is_sent(server, bearers, told):
    query = 'subscription { offersChanged(customerNo: "ANNA") { name } }'
    async with server.listen(query, bearers.manager) as events:
        for count in (1, 2):
            await events.told(lambda: server.ask(SET_CONSENT, bearers.admin, no="ANNA"))
            mine = [entry for entry in await told(*WHAT) if entry[1] == "read"]
            assert len(mine) >= count
    assert set(map(str, mine)) == {str(("M1", "read", "allowed", "offersChanged", ["ANNA"]))}


@pytest.fixture
def deaf_log(monkeypatch):
    """The log's store has gone away since the customers were read."""

    async def gone(*_):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(audit.AuditLog, "append", gone)


@pytest.mark.usefixtures("deaf_log")
async def test_what_the_log_cannot_have_is_not_answered(server, bearers, caplog):
    answer = await server.post(CUSTOMER, bearers.admin, no="ANNA")
    denied = await server.post(CUSTOMER, bearers.anna, no="BO")
    async with server.listen(CUSTOMER, bearers.admin, no="ANNA") as events:
        _, event = await events.hear()
    own = await server.ask("{ viewer { customer { name } } }", bearers.anna)
    products = await server.post("{ products { nodes { name } } }", bearers.admin)

    for refused in (answer, denied):
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "STORE_UNAVAILABLE")
        assert "data" not in refused.json()
    assert (event.get("data"), event["errors"][0]["extensions"]["code"]) == (None, "STORE_UNAVAILABLE")  # fmt: skip
    assert own["data"]["viewer"]["customer"]["name"] == "Anna"
    assert products.status_code == 200
    assert "nothing is answered that the audit log cannot have: gone" in caplog.text


async def test_a_write_that_nobody_waits_for_is_recorded(bearers, told, serving, bank, monkeypatch):
    begun = asyncio.Event()

    async def endless(*_, **__):
        begun.set()
        await asyncio.sleep(3_600)

    monkeypatch.setattr(consents, "set_consent", endless)
    async with serving(bank, limits=replace(EASY, seconds=0.3)) as running:
        answer = await running.post(SET_CONSENT, bearers.admin, no="ANNA")

    assert (begun.is_set(), answer.status_code) == (True, 504)
    assert await told("action", "outcome", "codes", "subjects") == [("write", "failed", ["INTERRUPTED"], ["ANNA"])]


async def test_those_who_wait_are_stored_together_and_heard_in_one_chain(bank, trail_of, key, monkeypatch):
    trail, sizes = trail_of(bank), []
    append = audit.AuditLog.append

    async def counted(self, acts):
        sizes.append(len(acts))
        return await append(self, acts)

    monkeypatch.setattr(audit.AuditLog, "append", counted)
    acts = [Act(f"M{number}", AuditAction.READ, "customer") for number in range(30)]
    await asyncio.gather(*(trail.record([act]) for act in acts))

    assert sizes == [30]
    assert (await check(bank, key)).count == 30


async def test_two_servers_and_many_requests_make_one_chain(login, serving, bank, bearers, key, told):
    async with Store(*login, 30) as one, Store(*login, 30) as other, serving(one) as first, serving(other) as second:
        requests = [
            running.post(CUSTOMER, bearers.admin, {"X-Request-ID": f"{name}-{number}"}, no="ANNA")
            for number in range(25)
            for name, running in (("first", first), ("second", second))
        ]
        answers = await asyncio.gather(*requests)

    assert Counter(answer.status_code for answer in answers) == {200: 50}
    assert len({own for (own,) in await told("request_id")}) == len(await told()) == 50
    assert (await check(bank, key)).count == 50


def denied(actor, action=AuditAction.READ, role="CUSTOMER"):
    return Act(actor, action, "customer", role=role, outcome=AuditOutcome.DENIED)


async def test_one_actor_cannot_fill_the_log(bank, trail_of, told):
    trail = trail_of(bank)
    for _ in range(MOST_EACH + 7):
        await trail.record([denied("flooder")])
    await trail.record([denied("other")])
    await trail.record([Act("flooder", AuditAction.WRITE, "setConsent")])
    await trail.close()

    counts = Counter(actor for (actor,) in await told("actor"))
    assert counts == {"flooder": MOST_EACH + 2, "other": 1}
    [(details, outcome, role)] = [row for row in await told("details", "outcome", "role") if row[0] != "{}"]
    assert (details, outcome, role) == ('{"left_out": 7}', "denied", "CUSTOMER")
    await trail.record([denied("flooder")])  # of the next minute
    assert len(await told()) == MOST_EACH + 4


async def test_many_addresses_cannot_fill_the_log_nor_hide_who_is_known(bank, trail_of, told):
    trail = trail_of(bank)
    for number in range(MOST_STRANGERS + 50):
        trail.refuse(f"10.0.0.{number}")
    await trail.record([denied("M1")])
    await trail.close()

    rows = await told("actor", "details")
    assert len(rows) == MOST_STRANGERS + 2
    assert (STRANGERS, '{"left_out": 50}') in rows
    assert ("M1", "{}") in rows


ENTRIES = """query ($first: Int, $after: String, $last: Int, $before: String, $no: String, $outcome: AuditOutcome, $actor: String, $since: DateTime, $until: DateTime) {
  auditEntries(first: $first, after: $after, last: $last, before: $before, customerNo: $no, outcome: $outcome, actor: $actor, since: $since, until: $until) {
    nodes { entryNo actor role action outcome operation codes subjects requestId details } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture
async def five(server, bearers):
    await server.post(CUSTOMER, bearers.admin, no="ANNA")
    await server.post(CUSTOMER, bearers.manager, no="CLARA")
    await server.post(CUSTOMER, bearers.manager, no="BO")
    await server.post(CUSTOMER, bearers.anna, no="BO")
    await server.post(SET_CONSENT, bearers.anna, no="ANNA")


@pytest.mark.usefixtures("five")
async def test_administrators_read_the_log_and_that_is_recorded(server, bearers, told, key):
    page = (await server.ask(ENTRIES, bearers.admin, first=2))["data"]["auditEntries"]
    after = (await server.ask(ENTRIES, bearers.admin, first=2, after=page["pageInfo"]["endCursor"]))["data"][
        "auditEntries"
    ]
    back = (await server.ask(ENTRIES, bearers.admin, last=1, before=after["pageInfo"]["startCursor"]))["data"]["auditEntries"]  # fmt: skip

    assert [node["entryNo"] for node in page["nodes"]] == [5, 4]
    assert [node["entryNo"] for node in after["nodes"]] == [3, 2]
    assert [node["entryNo"] for node in back["nodes"]] == [4]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, True)
    assert page["nodes"][0] == {
        "entryNo": 5, "actor": f"customer {key.pseudonym('ANNA')}", "role": "CUSTOMER", "action": "WRITE", "outcome": "ALLOWED", "operation": "setConsent",
        "codes": [], "subjects": [key.pseudonym("ANNA")], "requestId": page["nodes"][0]["requestId"],
        "details": {"fields": [["setConsent"]]},
    }  # fmt: skip
    assert (await told("actor", "operation", "subjects"))[5:] == [("admin", "auditEntries", [])] * 3


@pytest.mark.usefixtures("five")
async def test_the_log_is_read_by_customer_actor_outcome_and_time(server, bearers, told):
    async def found(**wanted):
        answer = await server.ask(ENTRIES, bearers.admin, **wanted)
        return [node["entryNo"] for node in answer["data"]["auditEntries"]["nodes"] if node["entryNo"] <= 5]

    assert await found(no="BO") == [4, 3]
    assert (await told("operation", "subjects"))[-1] == ("auditEntries", ["BO"])
    assert await found(actor="M1") == [3, 2]
    assert await found(outcome="DENIED") == [4, 3]
    assert await found(since="2100-01-01T00:00:00Z") == []
    assert await found(until="2100-01-01T00:00:00+08:00") == [5, 4, 3, 2, 1]
    no_zone = await server.ask(ENTRIES, bearers.admin, since="2026-01-01T00:00:00")
    cursor = await server.ask(ENTRIES, bearers.admin, after="WyIxIiwiMiJd")
    assert [each["errors"][0]["extensions"]["code"] for each in (no_zone, cursor)] == ["BAD_INPUT"] * 2


async def test_a_subject_of_any_text_is_recorded(server, rules, told):
    await server.post(CUSTOMER, rules.issue(Role.ADMIN, subject="张三 \0 \"'}) DETACH"), no="ANNA")

    assert await told("actor", "subjects") == [("张三 ? \"'}) DETACH", ["ANNA"])]
